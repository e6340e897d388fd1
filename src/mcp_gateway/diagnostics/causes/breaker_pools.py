"""Between the gateway and the engine: a circuit nobody closes, a pool too small for its traffic, connections never given back."""

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import either, larger, rose
from mcp_gateway.diagnostics.causes.engine import BROKEN, engine_itself_well, failing_share
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

STATE, FORCED, REFUSED = "gateway.breaker_state", "gateway.breaker_forced_open", "gateway.breaker_calls_total"
IN_USE, SIZE, EXHAUSTED = "gateway.pool_in_use", "gateway.pool_size", "gateway.pool_exhausted_total"
OPEN = 2.0


def stuck_open(window: Window) -> Hypothesis:
    """The circuit refuses calls to a part that is well, and asks it nothing."""
    held = {one for one, value in window.by(FORCED, "breaker", of="value").items() if value}
    breaker = next((one for one, value in window.by(STATE, "breaker", of="value").items() if value == OPEN or one in held), "")
    case = Case(
        window,
        "breaker_stuck_open",
        f"breaker {breaker}" if breaker else "breakers",
        "A circuit stays open though the part behind it is well",
    )
    case.must(bool(breaker) if window.knows(STATE) else None, sign(STATE, breaker=breaker), but="No circuit is open.")
    case.must(
        rose(window, REFUSED, outcome="refused"), sign(REFUSED, outcome="refused"), but="No calls are refused by a circuit."
    )
    case.must(
        engine_itself_well(window),
        sign("engine_deep.probe_ms"),
        sign("engine.request_p50_ms"),
        but="The part behind it is not well.",
    )
    failing = failing_share(window, *BROKEN)
    case.must(
        None if failing is None and not window.knows("upstream.calls_total") else (failing or 0.0) < 0.2,
        sign("upstream.calls_total", outcome="ok"),
        but="Calls that do get through fail: it is open for a reason.",
    )
    forced = window.value(FORCED, breaker=breaker)
    case.may(None if forced is None else forced > 0, sign(FORCED, breaker=breaker))
    case.may(
        rose(window, "gateway.breaker_transitions_total", target="half_open") is False,
        sign("gateway.breaker_transitions_total", target="half_open"),
    )
    return case.concluded(
        "A circuit refuses every call while the part behind it answers as quickly as usual when it is asked directly."
    )


def pool_too_small(window: Window) -> Hypothesis:
    """All places are busy with calls under way: by Little's law there are too few for this rate and time."""
    pool = _scarce(window)
    case = Case(
        window,
        "upstream_pool_too_small",
        f"pool {pool}" if pool else "pools",
        "A pool has fewer connections than its traffic needs",
    )
    case.must(
        _short(window, pool), sign(EXHAUSTED, pool=pool), sign("upstream.pool_wait_p95_ms"), but="Nobody waits for a connection."
    )
    share, units = idle_share(window, pool), idle_units(window, pool)
    case.must(
        None if share is None or units is None else share < LEAKED or units <= BETWEEN,
        sign(IN_USE, pool=pool),
        sign("upstream.in_flight"),
        but="Its connections are held without a call on them.",
    )
    case.must(
        engine_itself_well(window),
        sign("engine.request_p50_ms"),
        sign("engine_deep.probe_ms"),
        but="The part behind it is slower than usual, so calls hold their places longer.",
    )
    smaller = window.ratio(SIZE, pool=pool) if pool else None
    case.may(None if smaller is None else smaller < 1, sign(SIZE, pool=pool))
    return case.concluded("Callers wait for connections that are all busy, while the part behind them is as quick as usual.")


def connection_leak(window: Window) -> Hypothesis:
    """Places are held and nothing travels on them: somebody does not give them back."""
    pools = {pool: idle_share(window, pool) for pool in window.labels(IN_USE, "pool")}
    known = {pool: share for pool, share in pools.items() if share is not None}
    pool = max(known, key=lambda one: (known[one], one), default="")
    case = Case(window, "connection_leak", f"pool {pool}" if pool else "pools", "Connections are held and never given back")
    case.must(
        None if not pool else known[pool] >= LEAKED,
        sign(IN_USE, pool=pool),
        sign("upstream.in_flight"),
        but="Connections in use have calls on them.",
    )
    idle, usual = idle_units(window, pool), idle_units(window, pool, usual=True)
    case.must(
        None if idle is None else idle >= 3 + 2 * (usual or 0.0), sign(SIZE, pool=pool), but="No more are held idle than usual."
    )
    case.may(_short(window, pool), sign(EXHAUSTED, pool=pool))
    case.may(larger(window, "gateway.sockets", factor=1.2, state="established"), sign("gateway.sockets", state="established"))
    return case.concluded("Connections are in use while far fewer calls are on their way: they were taken and not given back.")


# Above this share of a pool that is held with no call on it, somebody keeps what he no longer uses.
LEAKED = 0.15
# One is between being taken and being used, which is much of a small pool.
BETWEEN = 1.0


def idle_units(window: Window, pool: str, *, usual: bool = False) -> float | None:
    """Units of a pool in use beyond the calls on their way."""
    if usual:
        used, flying = window.baseline(IN_USE, pool=pool), window.baseline("upstream.in_flight")
    else:
        used, flying = window.value(IN_USE, pool=pool), window.value("upstream.in_flight")
    return None if used is None or flying is None else max(0.0, used - flying)


def idle_share(window: Window, pool: str) -> float | None:
    idle, size = idle_units(window, pool), window.value(SIZE, pool=pool)
    return None if idle is None or not size else idle / size


def _scarce(window: Window) -> str:
    """The pool that could serve the fewest of its requests."""
    exhausted = window.by(EXHAUSTED, "pool", of="change")
    return next(iter(exhausted or window.by(IN_USE, "pool", of="value")), "")


def _short(window: Window, pool: str) -> bool | None:
    waits = window.ratio("upstream.pool_wait_p95_ms")
    measured = window.histogram("upstream.pool_wait_ms")
    waiting = None if waits is None or measured is None or measured.count < 5 else waits > 10
    return either(rose(window, EXHAUSTED, pool=pool), waiting)
