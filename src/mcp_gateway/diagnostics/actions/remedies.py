"""Which remedies answer which cause: the smallest reversible change first, then what mends it for good."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from mcp_gateway.diagnostics.actions.kinds import action
from mcp_gateway.diagnostics.causes.mcp_servers import NAMED, changed_servers
from mcp_gateway.diagnostics.ports import Deployment
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Action, Hypothesis

Remedy: TypeAlias = Callable[[Hypothesis, Window, Deployment], tuple[Action, ...]]
WITHIN = "within 60 s"
# What lives longer than this is few keys: were all that is turned away so, no memory would do.
LONGEST_SECONDS = 300.0
MEBIBYTE = 1_048_576
_TTL = "redis.sampled_ttl_p50_seconds"


def remedies(found: Hypothesis, window: Window, deployment: Deployment) -> tuple[Action, ...]:
    """The remedies for one cause; empty when nothing is known to help."""
    make = _REMEDIES.get(found.cause)
    return () if make is None else make(found, window, deployment)


def _named(found: Hypothesis) -> str:
    """The component without the word for what it is."""
    return found.component.partition(" ")[2] or found.component


def _simple(kind: str, verify: str, *names: str) -> Remedy:
    """A remedy whose only target is the component."""

    def make(found: Hypothesis, _: Window, __: Deployment) -> tuple[Action, ...]:
        return (action(kind, verify=f"{verify} {WITHIN}", **dict.fromkeys(names, _named(found))),)

    return make


def _rollback(component: str, verify: str) -> Remedy:
    def make(_: Hypothesis, __: Window, ___: Deployment) -> tuple[Action, ...]:
        return (action("roll_back_release", verify=f"{verify} {WITHIN}", component=component),)

    return make


def _without_ttl(_: Hypothesis, __: Window, ___: Deployment) -> tuple[Action, ...]:
    return (
        action("roll_back_release", verify=f"redis.keys_without_ttl stops growing {WITHIN}", component="gateway"),
        action(
            "expire_keys", verify=f"redis.keys_without_ttl falls to its baseline {WITHIN}", prefix="rate_limit:", seconds="60"
        ),
    )


def _cache_ttl(_: Hypothesis, window: Window, __: Deployment) -> tuple[Action, ...]:
    """Sampled keys have half of their time behind them on average."""
    usual = [window.baseline(_TTL, prefix=one) for one in window.labels(_TTL, "prefix") if one.partition(":")[0] == "cache"]
    longest = max((one for one in usual if one), default=30.0)
    seconds = f"{max(1, round(2 * longest))}"
    return (action("restore_cache_ttl", verify=f"gateway.cache_hit_share returns to its baseline {WITHIN}", seconds=seconds),)


def _memory(_: Hypothesis, window: Window, __: Deployment) -> tuple[Action, ...]:
    """Little's law: what comes in stays for as long as it lives. At least half of what there is, beside what is too much now."""
    used = window.value("redis.used_memory_bytes") or 0.0
    most = window.value("redis.maxmemory_bytes") or used
    turned_away = (window.rate("redis.evicted_keys_total") or 0.0) + (window.rate("redis.errors_total", error="OOM") or 0.0)
    lives = min(2 * _largest(window, _TTL, 60.0), LONGEST_SECONDS)
    needed = turned_away * _largest(window, "redis.sampled_bytes_p50", 1_000.0) * lives
    verify = f"redis.evicted_keys_total and redis.errors_total{{error=OOM}} stop growing {WITHIN}"
    wanted = max(most / 2, 1.5 * needed) + max(0.0, used - most)
    return (action("give_store_memory", verify=verify, bytes=str(_round_up(wanted))),)


def _round_up(wanted: float) -> int:
    """To the next whole MiB of 1, 1.5, 2, 3, 4, 6, …: who asks again a minute later is told the same."""
    size = MEBIBYTE
    while size < wanted:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


def _largest(window: Window, name: str, otherwise: float) -> float:
    """Of all prefixes; `otherwise` when nothing was sampled."""
    return max(window.by(name, "prefix", of="value").values(), default=otherwise) or otherwise


def _refused(found: Hypothesis, window: Window, deployment: Deployment) -> tuple[Action, ...]:
    """A name nobody knows is no reason to start anything."""
    verify = f"gateway.store_state is 2 {WITHIN}"
    if window.text("redis.probe_outcome") == "dns":
        return ()
    if found.component == "redis":
        return (action("start_store", verify=verify),)
    return (action("correct_store_address", verify=verify, address=deployment.shown_redis),)


def _address(_: Hypothesis, __: Window, deployment: Deployment) -> tuple[Action, ...]:
    verify = f"upstream.calls_total{{outcome=connect_error}} stops growing {WITHIN}"
    return (action("correct_address", verify=verify, upstream="engine", address=deployment.engine_url),)


def _pool(found: Hypothesis, window: Window, _: Deployment) -> tuple[Action, ...]:
    """Little's law: as many as arrive in the time that one takes, and half as many again."""
    pool = _named(found)
    rate = window.baseline("upstream.calls_total") or window.rate("upstream.calls_total") or 1.0
    seconds = (window.baseline("upstream.call_p95_ms", outcome="ok") or 100.0) / 1_000
    usual = window.baseline("gateway.pool_size", pool=pool) or 0.0
    size = max(math.ceil(rate * seconds * 1.5) + 2, math.ceil(usual))
    return (action("resize_pool", verify=f"gateway.pool_exhausted_total stops growing {WITHIN}", pool=pool, size=str(size)),)


def _command(found: Hypothesis, _: Window, __: Deployment) -> tuple[Action, ...]:
    verify = f"redis.slowlog_recent{{command={_named(found).lower()}}} falls to 0 {WITHIN}"
    return (action("deny_command", verify=verify, command=_named(found).lower()),)


def _near(found: Hypothesis, _: Window, __: Deployment) -> tuple[Action, ...]:
    return (action("keep_near", verify=f"redis.hot_key_share falls to its baseline {WITHIN}", component=_named(found)),)


def _big_key(found: Hypothesis, _: Window, __: Deployment) -> tuple[Action, ...]:
    """What is cached can be taken out at once; what writes it so large has to be mended all the same."""
    verify = f"redis.biggest_key_bytes falls to its baseline {WITHIN}"
    # A value that came into no sample is known by who reads it.
    key = _named(found) if found.component.startswith("key ") else found.component
    cached = (action("drop_cached_value", verify=verify, key=key),) if key.startswith("cache:") else ()
    return (*cached, action("replace_big_value", verify=verify, key=key))


def _hung(_: Hypothesis, window: Window, __: Deployment) -> tuple[Action, ...]:
    kind = "end_script" if window.text("redis.probe_outcome") == "busy" else "resume_store"
    return (action(kind, verify=f"redis.probe_outcome is ok {WITHIN}"),)


def _keys(_: Hypothesis, __: Window, ___: Deployment) -> tuple[Action, ...]:
    return (action("publish_signing_keys", verify=f"gateway.auth_failures_total{{reason=unknown_key}} stops growing {WITHIN}"),)


def _scripts(_: Hypothesis, __: Window, ___: Deployment) -> tuple[Action, ...]:
    """At once, and for good: a client that sends the text again by itself when it has to."""
    verify = f"redis.errors_total{{error=NOSCRIPT}} stops growing {WITHIN}"
    return (action("load_scripts", verify=verify), action("roll_back_release", verify=verify, component="gateway"))


def _schemas(_: Hypothesis, window: Window, __: Deployment) -> tuple[Action, ...]:
    verify = f"mcp.tools_digest is the approved one {WITHIN}"
    return tuple(action("review_schema", verify=verify, server=one) for one in changed_servers(window)[:NAMED])


def _plain(kind: str, verify: str) -> Remedy:
    def make(_: Hypothesis, __: Window, ___: Deployment) -> tuple[Action, ...]:
        return (action(kind, verify=f"{verify} {WITHIN}"),)

    return make


_REMEDIES: Mapping[str, Remedy] = MappingProxyType(
    {
        "limiter_keys_without_ttl": _without_ttl,
        "tenant_flood": _simple("tell_tenant", "gateway.limit_decisions_total of that tenant falls", "tenant"),
        "limit_too_low": _simple("roll_back_rules", "gateway.limit_refusals_total stops growing", "rule"),
        "cache_ttl_too_short": _cache_ttl,
        "redis_memory_evicting": _memory,
        "redis_memory_full": _memory,
        "invalidations_lost": _simple("reconnect_subscriber", "redis.subscribers returns to its baseline", "component"),
        "hot_key": _near,
        "big_key": _big_key,
        "slow_redis_command": _command,
        "redis_hung": _hung,
        "redis_refused": _refused,
        "redis_script_lost": _scripts,
        "engine_slow": _rollback("engine", "engine.request_p50_ms returns to its baseline"),
        "engine_errors": _rollback("engine", "upstream.calls_total{outcome=http_5xx} stops growing"),
        "engine_hangs": _simple("restart_worker", "upstream.calls_total{outcome=read_timeout} stops growing", "component"),
        "breaker_stuck_open": _simple("release_breaker", "gateway.breaker_calls_total{outcome=refused} stops growing", "breaker"),
        "upstream_pool_too_small": _pool,
        "connection_leak": lambda found, window, deployment: _workers("gateway.pool_in_use returns to its baseline"),
        "memory_leak": lambda found, window, deployment: _workers("gateway.rss_bytes returns to its baseline"),
        "event_loop_blocked": _rollback("gateway", "gateway.loop_blocked_total stops growing"),
        "slow_sql": _simple("create_index", "sql.query_p50_ms returns to its baseline", "statement"),
        "upstream_address_wrong": _address,
        "clock_skew": _simple("synchronise_clock", "gateway.clock_skew_seconds is near 0", "replica"),
        "signing_keys_stale": _keys,
        "mcp_server_hung": _simple("restart_server", "mcp.calls_total{outcome=timeout} stops growing", "server"),
        "mcp_schema_changed": _schemas,
    }
)


def _workers(verify: str) -> tuple[Action, ...]:
    """A restart mends nothing for good: it buys the time for going back to a release that does not leak."""
    return (
        action("restart_worker", verify=f"{verify} {WITHIN}", component="gateway"),
        action("roll_back_release", verify=f"{verify} and stays there", component="gateway"),
    )
