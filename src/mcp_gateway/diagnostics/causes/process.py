"""The gateway's own process: memory that only grows, and an event loop that somebody holds."""

from collections.abc import Iterable

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import larger, rose, slower
from mcp_gateway.diagnostics.causes.machine import quiet_route
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import BlindSpot, Hypothesis

RSS, BLOCKED, RESPONSES = "gateway.rss_bytes", "gateway.loop_blocked_total", "gateway.responses_total"
LINES, LOOKS = "gateway.allocation_growth_bytes_total", "gateway.allocation_looks_total"


def memory_leak(window: Window) -> Hypothesis:
    """Memory grows with requests that were answered, faster than it ever did while all was well."""
    grown, resident = window.change(RSS), window.value(RSS)
    replica = _growing_alone(window)
    place = _line(window, grown or 0.0, replica)
    where = f"gateway process, replica {replica}" if replica else "gateway process"
    case = Case(
        window,
        "memory_leak",
        f"{where}, at {place}" if place else where,
        f"The gateway's memory grows with each request, at {place}" if place else "The gateway's memory grows with each request",
    )
    usual = max(4 * (window.baseline(RSS, of="change") or 0.0), 2 * window.swing(RSS))
    usual += 0.0 if place else _following_takes(window)
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
    case.may(bool(place), sign(LINES, place=place))
    return case.concluded(
        f"The process keeps more memory than when all was well, {_each(window, grown or 0.0)} of any kind. "
        f"{_where_it_grew(window, place, replica)}"
    )


def unfollowed(standing: Iterable[Hypothesis], window: Window) -> tuple[BlindSpot, ...]:
    """Of a leak that stands, why no line is named: where nothing was followed."""
    if any(one.cause == "memory_leak" for one in standing) and not _followed(window, _growing_alone(window)):
        return (_UNFOLLOWED,)
    return ()


def _line(window: Window, grown: float, replica: str) -> str:
    """The line that grew most, where that is much of all growth and more than usual; empty when there is none."""
    lines = window.by(LINES, "place", of="change", **_of(replica))
    place = next(iter(lines), "")
    usual = window.baseline(LINES, of="change", place=place, **_of(replica)) if place else None
    return place if place and lines[place] > max(SHARE_OF_GROWTH * grown, 4 * (usual or 0.0)) else ""


def _where_it_grew(window: Window, place: str, replica: str) -> str:
    if not _followed(window, replica):
        return "Which line of code keeps it was not followed."
    if not place:
        return "No line of Python that was followed accounts for it: what compiled libraries keep for themselves is not seen."
    grown = window.change(LINES, place=place, **_of(replica)) or 0.0
    return f"{place} grew {grown / 1_000_000:.1f} MB over the window, {_each(window, grown)}."


def _each(window: Window, grown: float) -> str:
    return f"{grown / (window.change(RESPONSES) or 1.0) / 1_000:.0f} kB for each answered request"


def _followed(window: Window, replica: str) -> bool:
    return bool(window.change(LOOKS, **_of(replica)))


def _following_takes(window: Window) -> float:
    """What may have been taken by following allocations, where that is new: no leak, then."""
    return FOLLOWING_BYTES if _followed(window, "") and not window.baseline(LOOKS, of="change") else 0.0


def _of(replica: str) -> dict[str, str]:
    return {"replica": replica} if replica else {}


def _growing_alone(window: Window) -> str:
    """The one replica of several whose memory grows; empty when there is no such one."""
    grown = {replica: max(0.0, change) for replica, change in window.by(RSS, "replica", of="change").items()}
    worst = next(iter(grown), "")
    return worst if len(grown) > 1 and grown[worst] > ALONE * sum(grown.values()) else ""


# One replica with this share of all growth is another build, or alone gets the requests that leak.
ALONE = 0.9
# Following allocations takes so much at most, with what the allocator keeps of it afterwards.
FOLLOWING_BYTES = 20_000_000.0
# What a line holds of all growth to be named: it is known only since the first look after following began.
SHARE_OF_GROWTH = 0.2
# Less than this share of its memory is the noise of an allocator under a load that comes and goes.
SHARE_OF_ALL = 0.035

_UNFOLLOWED = BlindSpot(
    what="the lines of code that memory grows at",
    why="Python's allocations are not followed in the gateway: that makes requests cost several times as much processor time.",
    hint="`kill -USR2 PID` follows them for two minutes in one `mcp-gateway serve`, and PYTHONTRACEMALLOC=1 in its environment"
    " from its start. Then ask again.",
)


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
