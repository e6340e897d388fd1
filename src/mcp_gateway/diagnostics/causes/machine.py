"""Is it the machine, or the gateway's own process, that comes too late? Then whatever it waits for looks late as well.

A route speaks for the machine only when it is shown to wait for nobody: otherwise a slow engine would look like a slow machine.
"""

from mcp_gateway.diagnostics.causes.comparing import FEWEST, either, larger, slowdown, slower
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Evidence

REQUESTS, REQUEST_P50, LAG_P95 = "gateway.request_ms", "gateway.request_p50_ms", "gateway.loop_lag_p95_ms"
CALLS, CALL_P50 = "upstream.calls_total", "upstream.call_p50_ms"
# A route whose median takes less than this share of a call waits for none; nor does one with fewer calls than this a request.
WITHOUT_CALLS = 0.5
CPU = "gateway.cpu_seconds_total"
# Of the seconds of a window, those a process computes: more than this leaves no time to be punctual.
WHOLE_PROCESSOR, MORE_BUSY = 0.9, 1.5
# Of the seconds of a window, those in which somebody waited for a processor, or a limit kept the gateway from running: no less
# than this, and so many times what is usual, is a machine short of processor time.
HELD_BACK, WAITED = "gateway.held_back_seconds_total", "gateway.machine_waited_seconds_total"
WAITS, MOST_WAITED, WAITED_MORE = (HELD_BACK, WAITED), 0.3, 1.5
# A gauge of one probe varies much by itself.
PROBED_LATER = 3.0


def quiet_route(window: Window) -> str:
    """The route that is usually the fastest; empty when routes are not known, or when it may wait for an upstream."""
    routes = window.labels(REQUESTS, "route")
    usual = {route: window.baseline(REQUEST_P50, route=route) for route in routes if route != "unguarded"}
    known = {route: value for route, value in usual.items() if value is not None and _often(window, route)}
    route = min(known, key=lambda one: (known[one], one), default="")
    return route if route and needs_nobody(window, route) else ""


def needs_nobody(window: Window, route: str) -> bool:
    """Whether most requests of a route are shown to make no call: by how few calls there are, or by how long calls take."""
    requests, calls = window.histogram(REQUESTS, route=route), window.change(CALLS)
    if requests is None or calls is None:
        return False
    if calls < WITHOUT_CALLS * requests.count:
        return True
    times = (window.value(REQUEST_P50, route=route), window.value(CALL_P50))
    usual = (window.baseline(REQUEST_P50, route=route), window.baseline(CALL_P50))
    return all(one is not None and call is not None and one < WITHOUT_CALLS * call for one, call in (times, usual))


def machine_slowdown(window: Window) -> float:
    """How many times slower everybody is alike, by the route that needs nobody or by how late the loop is; at least 1."""
    route = quiet_route(window)
    return max(1.0, slowdown(window, REQUEST_P50, route=route) if route else slowdown(window, LAG_P95))


def answered_later(window: Window) -> float:
    """How many times later the other parts, gateway and store, answer our probes alike; 1 when unknown."""
    probes = (f"{part}.probe_ms" for part in ("gateway", "redis"))
    return max(1.0, min((slowdown(window, one) for one in probes if window.knows(one)), default=1.0))


def starved(window: Window) -> bool | None:
    """Whether the gateway itself does not get to run in time, so that whatever it waits for looks late."""
    return either(slower(window, LAG_P95, factor=4), _all_probed_later(window), _busy(window))


def short_of_processor(window: Window) -> Evidence | None:
    """What shows that a gateway's machine, or its own share of it, has too little processor time; None: nothing that was read."""
    for name in WAITS:
        for replica, share in window.by(name, "replica", of="rate").items():
            ratio = window.ratio(name, replica=replica)
            if share >= MOST_WAITED and ratio is not None and ratio > WAITED_MORE:
                return window.evidence(name, replica=replica)
    return None


def _busy(window: Window) -> bool | None:
    """Whether its one thread uses a processor wholly, and more than usual."""
    busiest, ratio = max(window.by(CPU, "replica", of="rate").values(), default=window.rate(CPU)), window.ratio(CPU)
    return None if busiest is None or ratio is None else busiest >= WHOLE_PROCESSOR and ratio > MORE_BUSY


def _all_probed_later(window: Window) -> bool | None:
    """Whether every part answers us later than usual, the gateway's own health page too; None with fewer than two parts."""
    told = [larger(window, f"{part}.probe_ms", factor=PROBED_LATER) for part in ("gateway", "engine", "redis")]
    known = [one for one in told if one is not None]
    return all(known) if len(known) > 1 and told[0] is not None else None


def _often(window: Window, route: str) -> bool:
    measured = window.histogram(REQUESTS, route=route)
    return measured is not None and measured.count >= FEWEST
