"""The engine behind the gateway: slow, failing, stuck, or looked for in the wrong place.

What the gateway measures of a call holds its own delays too. So the engine is blamed only for what it says of itself, or what a
request of ours to it, past the gateway, finds.
"""

import math

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import SLOWER, either, larger, neither, rose, slowdown, slower
from mcp_gateway.diagnostics.causes.machine import PROBED_LATER, answered_later, machine_slowdown
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

CALLS, CALL_P50, OWN_P50 = "upstream.calls_total", "upstream.call_p50_ms", "engine.request_p50_ms"
POOL_WAIT = "upstream.pool_wait_p95_ms"
UNREACHED = ("connect_error", "connect_timeout")
# On a busy machine a call waits for several processes, each of which is late: told by calls alone, it must be this much slower.
MANY_TIMES = 4.0
# Fewer requests at once than this are no pile.
PILED = 8.0
BROKEN = ("http_5xx", *UNREACHED, "read_timeout", "broken")


def slow(window: Window) -> Hypothesis:
    """It takes longer by its own account, or by ours of calls, and it is neither the machine nor the gateway that is late."""
    case = Case(window, "engine_slow", "engine", "The engine takes longer to answer")
    case.must(
        engine_itself_slow(window),
        sign(OWN_P50), sign("engine_deep.probe_ms"), sign("engine.probe_ms" if _paged_late(window) else POOL_WAIT),
        but="Asked directly, it is as quick as usual.",
    )  # fmt: skip
    case.must(
        either(slower(window, CALL_P50, outcome="ok"), timeouts_rose(window)),
        sign(CALL_P50, outcome="ok"), sign(CALLS, outcome="read_timeout"),
        but="Calls to the engine take no longer than usual.",
    )  # fmt: skip
    ratio = max(slowdown(window, OWN_P50), slowdown(window, CALL_P50, outcome="ok"))
    case.must(
        None if ratio == 1 else not slows_alike(window, ratio),
        sign("gateway.loop_lag_p50_ms"), sign("gateway.loop_lag_p95_ms"),
        but="Everything is slower alike, what needs no engine too.",
    )  # fmt: skip
    outcome = window.text("engine_deep.probe_outcome")
    case.may(None if outcome is None else outcome == "ok", sign("engine_deep.probe_outcome"))
    return case.concluded("Calls to the engine take longer than usual, while neither the gateway nor its machine comes later.")


def errors(window: Window) -> Hypothesis:
    """It answers, quickly enough, with failures."""
    case = Case(window, "engine_errors", "engine", "The engine answers with errors")
    case.must(rose(window, CALLS, outcome="http_5xx"), sign(CALLS, outcome="http_5xx"), but="The engine's answers are no errors.")
    share = failing_share(window, "http_5xx")
    usual = failing_share(window, "http_5xx", usual=True) or 0.0
    case.must(
        None if share is None else share > 0.02 + 2 * usual, sign(CALLS, outcome="http_5xx"), but="They are as rare as usual."
    )
    case.may(own_errors_rose(window), *(sign("engine.responses_total", status=one) for one in server_errors(window)))
    return case.concluded("A larger share of the engine's answers than usual are server errors; it does answer.")


def hangs(window: Window) -> Hypothesis:
    """It takes requests and never answers them: those of the gateway while its health page is green, or our own as well."""
    case = Case(window, "engine_hangs", "engine", "The engine takes requests and does not answer them")
    silent = _page_unanswered(window)
    case.must(
        either(timeouts_rose(window), silent),
        sign(CALLS, outcome="read_timeout"), sign("engine.probe_outcome"),
        but="No calls to the engine pass their deadline.",
    )  # fmt: skip
    outcome = window.text("engine_deep.probe_outcome")
    piling = larger(window, "engine.in_flight", factor=3, least=PILED)
    case.must(
        either(silent or None, None if outcome is None else outcome == "timeout", piling),
        sign("engine_deep.probe_outcome"), sign("engine.probe_outcome"), sign("engine.in_flight"),
        but="Asked directly, it answers, and nothing piles up in it.",
    )  # fmt: skip
    case.must(
        True if silent else neither(slower(window, OWN_P50, factor=3), _answered_late(window)),
        sign(OWN_P50), sign("engine_deep.probe_ms"), sign("engine.probe_ms"),
        but="It does answer, only late.",
    )  # fmt: skip
    up = window.value("engine.up")
    case.may(None if up is None else up == 1, sign("engine.up"))
    return case.concluded(
        "It accepts connections and answers nothing within the time of a probe, its own health page neither."
        if silent
        else "Calls pass their deadline without an answer while the engine's health page is green: its check is too shallow."
    )


def address_wrong(window: Window) -> Hypothesis:
    """The gateway gets no connection, and we do: it looks in the wrong place."""
    case = Case(window, "upstream_address_wrong", "gateway configuration", "The gateway's address of the engine is wrong")
    case.must(
        either(*(rose(window, CALLS, outcome=one) for one in UNREACHED)),
        *(sign(CALLS, outcome=one) for one in UNREACHED),
        but="The gateway gets connections to the engine.",
    )
    up = window.value("engine.up")
    case.must(None if up is None else up == 1, sign("engine.up"), but="Nobody reaches the engine, at its own address either.")
    case.may(slower(window, OWN_P50) is False, sign(OWN_P50))
    return case.concluded("The gateway cannot connect to the engine, and at the address we have the engine answers.")


def engine_itself_slow(window: Window) -> bool | None:
    """By its own account; else by requests of ours past the gateway; else by the gateway's calls, when it is not late itself."""
    own = slower(window, OWN_P50)
    if own is not None:
        return own
    asked = larger(window, "engine_deep.probe_ms", factor=SLOWER)
    return True if asked or _paged_late(window) or _late_beyond_us(window) else asked


def _paged_late(window: Window) -> bool:
    """Whether its health page answers us, and later than usual by more than the machine explains."""
    alike = max(machine_slowdown(window), answered_later(window))
    later = larger(window, "engine.probe_ms", factor=PROBED_LATER * alike)
    return window.text("engine.probe_outcome") == "ok" and bool(later)


def _late_beyond_us(window: Window) -> bool:
    """Whether calls are slower while the gateway's loop is punctual and nobody waits for a connection."""
    late = slower(window, CALL_P50, factor=MANY_TIMES * answered_later(window), outcome="ok")
    punctual = slower(window, "gateway.loop_lag_p95_ms", factor=2) is False
    return bool(late) and punctual and not slower(window, POOL_WAIT, factor=10)


def engine_itself_well(window: Window) -> bool | None:
    """Asked directly it answers, as quickly as usual and without errors."""
    outcome = window.text("engine_deep.probe_outcome")
    answers = None if outcome is None else outcome == "ok"
    if answers is False:
        return False
    late = either(slower(window, OWN_P50), larger(window, "engine_deep.probe_ms", factor=2 * machine_slowdown(window)))
    ill = either(late, own_errors_rose(window), larger(window, "engine.in_flight", factor=6, least=PILED))
    return answers if ill is None else not ill


def _page_unanswered(window: Window) -> bool | None:
    """Whether its health page takes our connection and stays silent, as it did not before, while others answer us."""
    outcome = window.text("engine.probe_outcome")
    if outcome is None:
        return None
    others = [window.text(f"{part}.probe_outcome") for part in ("gateway", "redis")]
    late_ourselves = any(others) and all(one in {None, "timeout"} for one in others)
    return outcome == "timeout" and window.baseline_text("engine.probe_outcome") != "timeout" and not late_ourselves


def timeouts_rose(window: Window) -> bool | None:
    return rose(window, CALLS, outcome="read_timeout")


def slows_alike(window: Window, ratio: float) -> bool:
    """Whether what needs nobody is slower by nearly as much."""
    return machine_slowdown(window) > 0.7 * ratio


def failing_share(window: Window, *outcomes: str, usual: bool = False) -> float | None:
    """Calls that ended so, of all calls."""
    together = window.baseline(CALLS, of="change") if usual else window.change(CALLS)
    if not together:
        return None
    of = [window.baseline(CALLS, of="change", outcome=one) if usual else window.change(CALLS, outcome=one) for one in outcomes]
    return sum(one or 0.0 for one in of) / together


def server_errors(window: Window) -> tuple[str, ...]:
    return tuple(one for one in window.labels("engine.responses_total", "status") if one.startswith("5"))


def own_errors_rose(window: Window) -> bool | None:
    """By the engine's own count."""
    if not window.knows("engine.responses_total"):
        return None
    return either(False, *(rose(window, "engine.responses_total", status=one) for one in server_errors(window)))


def _answered_late(window: Window) -> bool | None:
    outcome, ratio = window.text("engine_deep.probe_outcome"), window.ratio("engine_deep.probe_ms")
    if outcome is None or ratio is None or not math.isfinite(ratio):
        return None
    return outcome == "ok" and ratio > 3
