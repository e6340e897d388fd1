"""All causes weighed in one window, in causal order: what follows from another cause that stands comes after it.

The same window always gives the same answer: nothing here is random, learned, or asked of a language model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from mcp_gateway.diagnostics.causes import (
    breaker_pools,
    cache,
    engine,
    identity,
    mcp_servers,
    process,
    rate_limits,
    redis_health,
    redis_memory,
    sql,
)
from mcp_gateway.diagnostics.causes.case import STANDS, Weigh
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

# Among equals the more fundamental part comes first: the machine, the store, the process, the engine, what stands between them.
WEIGHED: Mapping[str, Weigh] = MappingProxyType(
    {
        "clock_skew": identity.clock_skew,
        "signing_keys_stale": identity.keys_stale,
        "redis_hung": redis_health.hung,
        "redis_refused": redis_health.refused,
        "redis_memory_full": redis_memory.full,
        "limiter_keys_without_ttl": rate_limits.keys_without_ttl,
        "redis_memory_evicting": redis_memory.evicting,
        "big_key": cache.big_key,
        "slow_redis_command": redis_health.slow_command,
        "redis_script_lost": redis_health.script_lost,
        "event_loop_blocked": process.loop_blocked,
        "upstream_address_wrong": engine.address_wrong,
        "engine_hangs": engine.hangs,
        "engine_errors": engine.errors,
        "engine_slow": engine.slow,
        "connection_leak": breaker_pools.connection_leak,
        "upstream_pool_too_small": breaker_pools.pool_too_small,
        "breaker_stuck_open": breaker_pools.stuck_open,
        "mcp_schema_changed": mcp_servers.schema_changed,
        "mcp_server_hung": mcp_servers.server_hung,
        "slow_sql": sql.slow_query,
        "limit_too_low": rate_limits.limit_too_low,
        "tenant_flood": rate_limits.tenant_flood,
        "invalidations_lost": cache.invalidations_lost,
        "hot_key": cache.hot_key,
        "cache_ttl_too_short": cache.ttl_too_short,
        "memory_leak": process.memory_leak,
    }
)

_STORE_GONE = (
    "redis_script_lost", "invalidations_lost", "hot_key", "cache_ttl_too_short", "limit_too_low", "tenant_flood",
    "memory_leak",
)  # fmt: skip
_NO_ANSWERS = ("upstream_pool_too_small", "connection_leak", "breaker_stuck_open", "memory_leak", "cache_ttl_too_short")
# What follows from what, by mechanism: a full store evicts, a held loop makes every call look slow, waiting calls fill pools,
# and what nobody answers is not cached anew.
LEADS_TO: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "redis_hung": (*_STORE_GONE, "redis_memory_full"),
        "redis_refused": (*_STORE_GONE, "redis_hung"),
        "redis_memory_full": ("cache_ttl_too_short", "invalidations_lost", "hot_key", "limit_too_low", "redis_script_lost"),
        "limiter_keys_without_ttl": ("redis_memory_evicting", "redis_memory_full"),
        "redis_memory_evicting": ("cache_ttl_too_short", "redis_script_lost", "invalidations_lost", "hot_key"),
        "big_key": (
            "redis_memory_evicting", "redis_memory_full", "redis_hung", "slow_redis_command", "event_loop_blocked", "memory_leak",
        ),
        "slow_redis_command": ("redis_hung", "big_key", "invalidations_lost"),
        "event_loop_blocked": (
            "engine_slow", "engine_hangs", "upstream_pool_too_small", "connection_leak", "slow_sql", "redis_hung",
            "mcp_server_hung", "memory_leak", "invalidations_lost",
        ),
        "engine_slow": _NO_ANSWERS,
        "engine_hangs": (*_NO_ANSWERS, "engine_slow"),
        "engine_errors": ("breaker_stuck_open",),
        "upstream_address_wrong": ("breaker_stuck_open", "engine_errors"),
        "connection_leak": ("upstream_pool_too_small",),
        "mcp_schema_changed": ("mcp_server_hung",),
        "cache_ttl_too_short": ("hot_key",),
        "tenant_flood": ("memory_leak",),
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Causes:
    """`standing` in causal order, then by confidence; `ruled_out` in the order they were weighed."""

    standing: tuple[Hypothesis, ...]
    ruled_out: tuple[Hypothesis, ...]


def find_causes(*windows: Window) -> Causes:
    """Weigh every cause, in each window: what began a minute ago hardly shows in an hour, what is rare shows only there.

    What could not be told, for want of readings, is neither standing nor ruled out.
    """
    weighed = [_weightiest([weigh(window) for window in windows]) for weigh in WEIGHED.values()]
    standing = [one for one in weighed if _stands(one)]
    return Causes(standing=tuple(_ordered(standing)), ruled_out=tuple(one for one in weighed if one.ruled_out))


def _weightiest(found: Sequence[Hypothesis]) -> Hypothesis:
    """Of one cause in several windows: that which stands most surely, else one that is not ruled out; else the first."""
    return max(found, key=lambda one: (_stands(one), not one.ruled_out, one.confidence))


def _stands(one: Hypothesis) -> bool:
    return not one.ruled_out and one.confidence >= STANDS


def _ordered(standing: Sequence[Hypothesis]) -> list[Hypothesis]:
    names = {one.cause for one in standing}
    rank = {cause: index for index, cause in enumerate(WEIGHED)}
    leaders = {cause: _led_by(cause, names) for cause in names}
    shown = [_with_origin(one, leaders[one.cause]) for one in standing]
    return sorted(shown, key=lambda one: (len(leaders[one.cause]), -round(one.confidence, 2), rank[one.cause]))


def _led_by(cause: str, names: set[str]) -> list[str]:
    return [leader for leader in WEIGHED if leader in names and cause in LEADS_TO.get(leader, ())]


def _with_origin(one: Hypothesis, leaders: Sequence[str]) -> Hypothesis:
    if not leaders:
        return one
    return replace(one, why=f"{one.why} It may follow from {', '.join(leaders)}.")
