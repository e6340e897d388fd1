"""Memory of the store: used up and evicting, or used up and refusing."""

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import either, neither, rose
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

EVICTED, OUT_OF_MEMORY = "redis.evicted_keys_total", "redis.errors_total"
NEARLY = 0.9
# A store that is full is below its bound by what its buffers took at the last refusal.
AT_BOUND = 0.98


def evicting(window: Window) -> Hypothesis:
    """Keys go before their time because there is no room: evictions rise and the memory is at its limit."""
    case = Case(window, "redis_memory_evicting", "redis", "The store throws keys out for want of memory")
    case.must(rose(window, EVICTED, least=5), sign(EVICTED), but="No keys are thrown out for room.")
    case.must(_used_up(window), sign("redis.used_memory_bytes"), sign("redis.maxmemory_bytes"), but="There is memory left.")
    policy = window.text("redis.maxmemory_policy")
    case.may(None if policy is None else policy != "noeviction", sign("redis.maxmemory_policy"))
    return case.concluded("Keys are thrown out because the store's memory is at its limit.")


def full(window: Window) -> Hypothesis:
    """Nothing may be thrown out, so what needs memory is refused: told by refusals, or by the state itself."""
    case = Case(window, "redis_memory_full", "redis", "The store has no memory left and refuses writes")
    policy, used = sign("redis.maxmemory_policy"), (sign("redis.used_memory_bytes"), sign("redis.maxmemory_bytes"))
    case.must(
        either(rose(window, OUT_OF_MEMORY, error="OOM"), at_its_bound(window)),
        sign(OUT_OF_MEMORY, error="OOM"), *used,
        but="No write is refused for want of memory.",
    )  # fmt: skip
    case.must(_used_up(window), *used, but="There is memory left.")
    case.must(neither(rose(window, EVICTED, least=5)), sign(EVICTED), but="The store makes room by throwing keys out.")
    allowed = window.text(policy.signal)
    case.may(None if allowed is None else allowed == "noeviction", policy)
    refused = window.value(OUT_OF_MEMORY, error="OOM") or 0.0
    since = f"{refused:.0f} writes were refused since it began" if refused else "the next write that needs memory is refused"
    return case.concluded(f"Its memory is at its bound and nothing may be thrown out: {since}.")


def at_its_bound(window: Window) -> bool | None:
    """Whether there is no room for one more value where nothing may be thrown out, whoever has written of late."""
    used, most = window.value("redis.used_memory_bytes"), window.value("redis.maxmemory_bytes")
    policy = window.text("redis.maxmemory_policy")
    if used is None or most is None or policy is None:
        return None
    return policy == "noeviction" and most > 0 and used >= AT_BOUND * most


def _used_up(window: Window) -> bool | None:
    used, most = window.value("redis.used_memory_bytes"), window.value("redis.maxmemory_bytes")
    if used is None or most is None:
        return None
    return most > 0 and used >= NEARLY * most
