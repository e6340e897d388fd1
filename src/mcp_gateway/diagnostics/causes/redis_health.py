"""The store itself: not running, not reached, not answering, held up by one command, or without its scripts."""

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import DOWN, LIVE, both, either, neither, rose, slower, store_lines
from mcp_gateway.diagnostics.causes.machine import starved
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

AWAY, CHANGES, STATE = "gateway.limit_away_total", "gateway.store_changes_total", "gateway.store_state"
LAG = "gateway.loop_lag_p95_ms"
USEC, DECISIONS = "redis.command_usec_total", "gateway.limit_decisions_total"
# Of a store that hangs at times, half of the decisions are missed or more; a short time limit misses some on a busy machine.
SELDOM, SELDOM_WHEN_LATE = 0.1, 0.3
# Commands whose cost grows with the number of keys, not with what one key holds.
ALL_KEYS = ("keys", "flushall", "flushdb", "sort", "debug")
REFUSED = ("refused", "dns", "unreachable", "wrong_host")


def hung(window: Window) -> Hypothesis:
    """The port is open and nobody answers behind it: the process is stopped, or busy for seconds."""
    outcome = window.text("redis.probe_outcome")
    busy = outcome == "busy"
    title = "A script holds the store and does not end" if busy else "The store takes connections and does not answer"
    case = Case(window, "redis_hung", "redis", title)
    silences, usual = window.change(CHANGES, state="silent") or 0.0, window.baseline(CHANGES, of="change", state="silent") or 0.0
    # One silence may be chance; with decisions made without the store it is none.
    silent = either(rose(window, CHANGES, state="silent"), silences > 2 * usual and rose(window, AWAY))
    if outcome == "ok" and window.baseline(CHANGES) is None:
        silent = None  # it answers us, and how often it is too late for the gateway on this machine is not known
    # Where it was too late for us when all was well, too, the delay is on our side.
    late = outcome == "timeout" and window.baseline_text("redis.probe_outcome") != "timeout"
    unanswered = None if outcome is None or (late and _all_are_late(window)) else busy or late
    case.must(
        unanswered if silent is None else either(unanswered, silent),
        *(() if outcome == "ok" and silent else (sign("redis.probe_outcome"),)), sign(CHANGES, state="silent"),
        but="The store answers in time." if outcome == "ok" else "It keeps nobody waiting.",
    )  # fmt: skip
    live, answered = LIVE in store_lines(window), outcome == "ok"
    told = () if answered else (sign("redis.probe_outcome"),)
    case.must(None if outcome is None else outcome not in REFUSED, *told, but="Nobody takes connections there.")
    case.must(
        neither(command_share(window)[1] > DOMINATES),
        sign(USEC, command=command_share(window)[0]),
        but="One command holds it up.",
    )
    for_us_alone = late and not silent and rose(window, AWAY) is False
    case.must(
        not (live and (for_us_alone or slower(window, LAG, factor=4))) and not (answered and _late_for_the_gateway(window)),
        sign(LAG), sign("redis.probe_ms"), sign(AWAY), sign(DECISIONS),
        but="It answers: it was late for us alone, or the gateway does not get to run in time.",
    )  # fmt: skip
    case.doubt(answered, sign("redis.probe_outcome"), sign("redis.probe_ms"))
    case.may(rose(window, AWAY), sign(AWAY))
    return case.concluded(
        "Commands are refused because a script runs, which holds up everybody until it ends."
        if busy
        else "Commands of the gateway often get no answer within their deadline, though a probe of ours was answered."
        if answered
        else "Connections are accepted and commands get no answer within their deadline."
    )


def _late_for_the_gateway(window: Window) -> bool:
    """Whether it is the gateway that is late to what the store answers: seldom, or because it does not get to run in time."""
    missed, decided = window.change(AWAY), window.change(DECISIONS)
    share = None if missed is None or not decided else missed / decided
    seldom = SELDOM_WHEN_LATE if slower(window, LAG, factor=2) else SELDOM
    refusing = rose(window, "redis.errors_total", error="OOM")
    return bool(starved(window) or refusing) or (share is not None and share < seldom)


def _all_are_late(window: Window) -> bool:
    """Whether the gateway, which was read before, cannot be read now either: then it is us who are late."""
    return window.first is not None and bool(window.first.find(STATE, {})) and not store_lines(window)


def refused(window: Window) -> Hypothesis:
    """Nobody listens where the gateway looks for the store: it is not running, or the address is wrong."""
    outcome, state = window.text("redis.probe_outcome"), window.value(STATE)
    elsewhere = outcome == "ok"
    title = "The gateway looks for the store at a wrong address" if elsewhere else "Nobody listens at the store's address"
    if outcome == "dns":
        title = "The name of the store cannot be resolved"
    case = Case(window, "redis_refused", "gateway configuration" if elsewhere else "redis", title)
    away = both(None if state is None else DOWN in store_lines(window), None if outcome is None else outcome == "ok")
    case.must(
        either(None if outcome is None else outcome in REFUSED, away),
        sign("redis.probe_outcome"), sign(STATE),
        but="Connections to it are taken.",
    )  # fmt: skip
    case.must(
        None if outcome is None else outcome != "timeout",
        sign("redis.probe_outcome"),
        but="It takes connections and does not answer.",
    )
    case.may(rose(window, AWAY), sign(AWAY))
    gone = DOWN in store_lines(window)
    if outcome == "dns":
        return case.concluded(
            "No address is known for the host in REDIS_URL: it is misspelt, or other name servers are asked here."
        )
    return case.concluded(
        "The store answers us and not the gateway: its address for it is wrong."
        if elsewhere
        else f"Connections to the store are refused at once, {'by us as by the gateway' if gone else 'as far as we tried'}."
    )


def script_lost(window: Window) -> Hypothesis:
    """A client that only knows its script's number is refused for as long as nobody sends the text again."""
    case = Case(window, "redis_script_lost", "limiter", "The store has forgotten the limiter's script")
    case.must(
        rose(window, "redis.errors_total", least=5, error="NOSCRIPT"),
        sign("redis.errors_total", error="NOSCRIPT"),
        but="No script is asked for that the store does not know.",
    )
    case.must(rose(window, AWAY), sign(AWAY), but="The limiter goes on deciding with the store.")
    case.may(window.text("redis.probe_outcome") == "ok", sign("redis.probe_outcome"))
    return case.concluded("The store keeps answering NOSCRIPT, and the limiter does without it.")


def slow_command(window: Window) -> Hypothesis:
    """One command that walks all keys holds the one thread, and so delays every other command."""
    command, share = command_share(window)
    case = Case(
        window,
        "slow_redis_command",
        f"command {command.upper()}" if command else "redis",
        "A command walks all keys of the store",
    )
    case.must(
        used_more(window, command) if command else None if not window.knows(USEC) else False,
        sign(USEC, command=command),
        but="No command that walks all keys is used more than usual.",
    )
    case.must(
        either(share > NOTABLE, holds_up(window, command), (window.value("redis.slowlog_recent", command=command) or 0.0) >= 1)
        if command
        else None,
        sign("redis.slowlog_recent", command=command), sign("redis.command_calls_total", command=command),
        but="It takes little of the store's time.",
    )  # fmt: skip
    case.may(window.text("redis.slowlog_client", command=command) is not None, sign("redis.slowlog_client", command=command))
    return case.concluded("A command whose cost grows with the number of all keys takes much of the store's one thread.")


DOMINATES = 0.5
NOTABLE = 0.15
# Each call takes as long as so many ordinary ones, which wait for it.
HELD_UP = 15.0


def command_share(window: Window) -> tuple[str, float]:
    """The command over all keys that takes most of the store's time, and its share of it."""
    spent = window.by(USEC, "command", of="change")
    together = sum(spent.values())
    walking = {command: usec for command, usec in spent.items() if command in ALL_KEYS and usec > 0}
    command = next(iter(walking), "")
    return command, walking[command] / together if command and together else 0.0


def used_more(window: Window, command: str) -> bool | None:
    """Whether a command takes far more of the store's time than usual; None when unknown."""
    return rose(window, USEC, least=1_000, factor=3, command=command)


def holds_up(window: Window, command: str) -> bool | None:
    """Whether one call takes the server as long as many ordinary ones; None when unknown."""
    calls = window.by("redis.command_calls_total", "command", of="change")
    spent = window.by(USEC, "command", of="change")
    others = sum(number for name, number in calls.items() if name != command)
    if not calls.get(command) or not others:
        return None
    ordinary = sum(usec for name, usec in spent.items() if name != command) / others
    return ordinary > 0 and spent.get(command, 0.0) / calls[command] > HELD_UP * ordinary
