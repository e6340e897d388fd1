"""Memory of the store: used up and evicting, or used up and refusing."""

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import neither, rose
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

EVICTED, OUT_OF_MEMORY = "redis.evicted_keys_total", "redis.errors_total"
NEARLY = 0.9


def evicting(window: Window) -> Hypothesis:
    """Keys go before their time because there is no room: evictions rise and the memory is at its limit."""
    case = Case(window, "redis_memory_evicting", "redis", "The store throws keys out for want of memory")
    case.must(rose(window, EVICTED, least=5), sign(EVICTED), but="No keys are thrown out for room.")
    case.must(_used_up(window), sign("redis.used_memory_bytes"), sign("redis.maxmemory_bytes"), but="There is memory left.")
    policy = window.text("redis.maxmemory_policy")
    case.may(None if policy is None else policy != "noeviction", sign("redis.maxmemory_policy"))
    return case.concluded("Keys are thrown out because the store's memory is at its limit.")


def full(window: Window) -> Hypothesis:
    """Nothing may be thrown out, so what needs memory is refused."""
    case = Case(window, "redis_memory_full", "redis", "The store has no memory left and refuses writes")
    case.must(
        rose(window, OUT_OF_MEMORY, error="OOM"), sign(OUT_OF_MEMORY, error="OOM"), but="No write is refused for want of memory."
    )
    case.must(_used_up(window), sign("redis.used_memory_bytes"), sign("redis.maxmemory_bytes"), but="There is memory left.")
    case.must(neither(rose(window, EVICTED, least=5)), sign(EVICTED), but="The store makes room by throwing keys out.")
    policy = window.text("redis.maxmemory_policy")
    case.may(None if policy is None else policy == "noeviction", sign("redis.maxmemory_policy"))
    return case.concluded("Writes are refused with OOM while the store's memory is at its limit and nothing may be thrown out.")


def _used_up(window: Window) -> bool | None:
    used, most = window.value("redis.used_memory_bytes"), window.value("redis.maxmemory_bytes")
    if used is None or most is None:
        return None
    return most > 0 and used >= NEARLY * most
