"""The gateway's own process: memory that only grows, and an event loop that somebody holds."""

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import larger, rose, slower
from mcp_gateway.diagnostics.causes.machine import quiet_route
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

RSS, BLOCKED, RESPONSES = "gateway.rss_bytes", "gateway.loop_blocked_total", "gateway.responses_total"


def memory_leak(window: Window) -> Hypothesis:
    """Memory grows with requests that were answered, faster than it ever did while all was well."""
    grown, resident = window.change(RSS), window.value(RSS)
    replica = _growing_alone(window)
    case = Case(
        window,
        "memory_leak",
        f"gateway process, replica {replica}" if replica else "gateway process",
        "The gateway's memory grows with each request",
    )
    usual = max(4 * (window.baseline(RSS, of="change") or 0.0), 2 * window.swing(RSS))
    case.must(
        None if grown is None or not resident else grown > max(SHARE_OF_ALL * resident, usual),
        sign(RSS),
        but="Its memory grows no faster than usual.",
    )
    answered = window.ratio(RESPONSES)
    case.must(
        None if answered is None else answered < 2,
        sign(RESPONSES),
        but="It answers far more than usual, and needs room for that.",
    )
    growing = larger(window, "gateway.in_flight", factor=5, least=50)
    case.must(
        None if growing is None else not growing, sign("gateway.in_flight"), but="Requests pile up in it, and each needs room."
    )
    each = (grown or 0.0) / (window.change(RESPONSES) or 1.0)
    return case.concluded(
        f"The process keeps more memory than when all was well, {each / 1_000:.0f} kB for each answered request of any kind. "
        "Which objects those are only the process knows: run one worker with PYTHONTRACEMALLOC and compare two snapshots."
    )


def _growing_alone(window: Window) -> str:
    """The one replica of several whose memory grows; empty when there is no such one."""
    grown = {replica: max(0.0, change) for replica, change in window.by(RSS, "replica", of="change").items()}
    worst = next(iter(grown), "")
    return worst if len(grown) > 1 and grown[worst] > ALONE * sum(grown.values()) else ""


# One replica with this share of all growth is another build, or alone gets the requests that leak.
ALONE = 0.9
# Less than this share of its memory is the noise of an allocator under a load that comes and goes.
SHARE_OF_ALL = 0.035


# Where this product looks at deployments, as places name files: what is held there is held by being asked.
_OURS = ("mcp_gateway/diagnostics/", "diagnostics/signals/", "diagnostics/causes/", "adapters/deployment/")


def loop_blocked(window: Window) -> Hypothesis:
    """One callback holds the loop, so that everything waits: what needs no upstream too."""
    place = next((one for one, n in window.by(BLOCKED, "place", of="change").items() if n > 0 and not one.startswith(_OURS)), "")
    case = Case(window, "event_loop_blocked", place or "gateway process", "Something holds the gateway's event loop")
    case.must(
        rose(window, BLOCKED, factor=3, place=place) if place else False if window.knows("gateway.loop_lag_ms") else None,
        sign(BLOCKED, place=place),
        but="Nothing holds the loop longer than usual.",
    )
    case.must(
        slower(window, "gateway.loop_lag_p95_ms", factor=1.5) or slower(window, "gateway.loop_lag_p99_ms", factor=1.5),
        sign("gateway.loop_lag_p99_ms"),
        but="The loop is as punctual as usual.",
    )
    route = quiet_route(window)
    case.may(
        slower(window, "gateway.request_p95_ms", factor=1.5, route=route) if route else None,
        sign("gateway.request_p95_ms", route=route),
    )
    case.may(larger(window, "gateway.in_flight", factor=1.5, least=5), sign("gateway.in_flight"))
    return case.concluded(
        f"The event loop stands still at {place or 'one place'}, and routes that need no upstream wait with the rest."
    )
