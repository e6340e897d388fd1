"""Every signal by its canonical name: unit, meaning, source and how its series are joined. The documentation is made from it.

A signal is a `counter` (running total, only grows), a `gauge`, a `text`, a `histogram`, or derived from others when it is asked
for: a `quantile` of a histogram, or a `share` of counts over the same time. Units: ms, s, us, bytes, 1 (a plain number), share.
What is read from a gateway carries the label `replica` besides those named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal["counter", "gauge", "text", "histogram", "quantile", "share"]
Joined = Literal["sum", "max", "min"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """`of` and `quantile` are a quantile's histogram and share 0..1.

    A share is the counts `part` over the counts `whole`; each is a signal with the labels that narrow it.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    source: str
    labels: tuple[str, ...] = ()
    joined: Joined = "sum"
    of: str = ""
    quantile: float = 0.0
    part: tuple["Counted", ...] = ()
    whole: tuple["Counted", ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """A counter narrowed to one value of a label; empty `label` is all of it."""

    signal: str
    label: str = ""
    value: str = ""


PAGE = "gateway metrics"
HEALTH = "gateway health"
ENGINE = "engine"
REDIS = "redis"
KEYS = "signing keys"
MCP = "mcp servers"


def _counter(name: str, meaning: str, source: str, *labels: str, unit: str = "1") -> Signal:
    return Signal(name=name, kind="counter", unit=unit, meaning=meaning, source=source, labels=labels)


def _gauge(name: str, unit: str, meaning: str, source: str, *labels: str, joined: Joined = "sum") -> Signal:
    return Signal(name=name, kind="gauge", unit=unit, meaning=meaning, source=source, labels=labels, joined=joined)


def _text(name: str, meaning: str, source: str, *labels: str) -> Signal:
    return Signal(name=name, kind="text", unit="", meaning=meaning, source=source, labels=labels)


def _timed(name: str, meaning: str, source: str, *labels: str) -> tuple[Signal, ...]:
    """A histogram in ms, and its 50th, 95th and 99th percentiles."""
    stem = name.removesuffix("_ms")
    return (
        Signal(name=name, kind="histogram", unit="ms", meaning=meaning, source=source, labels=labels),
        *(
            Signal(
                name=f"{stem}_p{percent}_ms", kind="quantile", unit="ms", meaning=f"{percent}th percentile: {meaning}",
                source=source, labels=labels, of=name, quantile=percent / 100,
            )
            for percent in (50, 95, 99)
        ),
    )  # fmt: skip


def _share(name: str, meaning: str, source: str, part: tuple[Counted, ...], whole: tuple[Counted, ...], *labels: str) -> Signal:
    return Signal(
        name=name, kind="share", unit="share", meaning=meaning, source=source, labels=labels, part=part, whole=whole
    )  # fmt: skip


def _reached(stem: str, what: str, source: str, *labels: str) -> tuple[Signal, ...]:
    """What every probe over a connection says."""
    return (
        _gauge(f"{stem}.up", "1", f"1 when {what} answered as it should, otherwise 0", source, *labels, joined="min"),
        _text(
            f"{stem}.probe_outcome",
            "ok, dns, refused, unreachable, timeout, busy, too_large, cut_off, tls, wrong_host, http_error, not_ready, "
            "unauthorized, no_database or garbage",
            source,
            *labels,
        ),
        _gauge(f"{stem}.probe_ms", "ms", f"How long {what} took to answer the probe", source, *labels, joined="max"),
    )


_GATEWAY = (
    *_reached("gateway", "the gateway's health page", HEALTH),
    _gauge("gateway.status", "1", "HTTP status of the health page", HEALTH, joined="max"),
    _text("gateway.health_word", "The word on its health page", HEALTH),
    _text("gateway.part_status", "What its health page says of one part", HEALTH, "part"),
    _gauge("gateway.clock_skew_seconds", "s", "Its Date header minus our clock, to a second", HEALTH, "replica", joined="max"),
    _gauge("gateway.uptime_seconds", "s", "Since its process began", PAGE, joined="min"),
    _counter("gateway.responses_total", "Responses by route, status and tenant", PAGE, "route", "status", "tenant"),
    _gauge("gateway.in_flight", "1", "Requests being answered now", PAGE),
    *_timed("gateway.request_ms", "from a request to the end of its response", PAGE, "route", "status", "tenant"),
    _counter("gateway.tenant_responses_total", "Responses to guarded requests by tenant", PAGE, "tenant"),
    *_timed("gateway.tenant_request_ms", "from a tenant's request to the end of its response", PAGE, "tenant"),
    *_timed("gateway.loop_lag_ms", "how late the event loop came to a timer", PAGE),
    _counter("gateway.loop_blocked_total", "Times the loop stood still, by the place (file:line) it stood at", PAGE, "place"),
    _counter("gateway.loop_blocked_ms_total", "How long it stood still, by place", PAGE, "place", unit="ms"),
    _gauge("gateway.rss_bytes", "bytes", "Resident memory of its process", PAGE),
    _counter(
        "gateway.allocation_growth_bytes_total", "Growth of memory by the line that allocated it (file:line), while followed",
        PAGE, "place", unit="bytes",
    ),
    _counter("gateway.allocation_looks_total", "Looks at what lines hold, which are taken while it is followed", PAGE),
    _counter("gateway.cpu_seconds_total", "Processor time used", PAGE, unit="s"),
    _counter("gateway.machine_waited_seconds_total", "Time in which work on its machine waited for a processor", PAGE, unit="s"),
    _counter("gateway.held_back_seconds_total", "Time in which a limit of processor time kept it from running", PAGE, unit="s"),
    _gauge("gateway.open_fds", "1", "Open file descriptors", PAGE),
    _gauge("gateway.max_fds", "1", "File descriptors it may open", PAGE, joined="min"),
    _gauge("gateway.sockets", "1", "TCP sockets by state", PAGE, "state"),
    _gauge("gateway.tasks", "1", "Tasks of the event loop", PAGE),
    _counter("gateway.cache_reads_total", "Reads and fills by what came of them", PAGE, "cache", "tenant", "outcome"),
    _counter("gateway.cache_compared_total", "Served values beside what their source had", PAGE, "cache", "outcome"),
    *_timed("gateway.cache_load_ms", "how long loaders took", PAGE, "cache"),
    *_timed("gateway.cache_invalidation_ms", "from an invalidation to its acknowledgement", PAGE, "cache"),
    _counter("gateway.limit_decisions_total", "Decisions of the rate limiter", PAGE, "outcome", "decided_by", "tenant"),
    _counter("gateway.limit_refusals_total", "Refusals by rule", PAGE, "rule", "tenant"),
    _counter("gateway.limit_near_total", "Calls let through above 0.8 of a limit", PAGE, "rule"),
    _counter("gateway.limit_away_total", "Decisions made without the store", PAGE, "policy"),
    _gauge("gateway.limit_rules_revision", "1", "Revision of the stored rules in force", PAGE, joined="max"),
    _gauge("gateway.breaker_state", "1", "0 closed, 1 half open, 2 open", PAGE, "breaker", joined="max"),
    _gauge("gateway.breaker_forced_open", "1", "1 while a breaker is held open by hand", PAGE, "breaker", joined="max"),
    _counter("gateway.breaker_calls_total", "Calls through a breaker; refused ones were not made", PAGE, "breaker", "outcome"),
    _counter("gateway.breaker_transitions_total", "Changes of a breaker's state", PAGE, "breaker", "target"),
    _gauge("gateway.breaker_store_away", "1", "1 while a shared breaker goes on alone", PAGE, "breaker", joined="max"),
    _gauge("gateway.bulkhead_running", "1", "Calls inside a bulkhead", PAGE, "bulkhead"),
    _gauge("gateway.bulkhead_waiting", "1", "Calls waiting for a bulkhead", PAGE, "bulkhead"),
    _counter("gateway.bulkhead_refused_total", "Calls a bulkhead refused", PAGE, "bulkhead", "why"),
    _gauge("gateway.pool_size", "1", "Units of a pool", PAGE, "pool"),
    _gauge("gateway.pool_in_use", "1", "Units of a pool in use", PAGE, "pool"),
    _gauge("gateway.pool_waiting", "1", "Callers waiting for a pool", PAGE, "pool"),
    _counter("gateway.pool_exhausted_total", "Requests a pool could not serve", PAGE, "pool"),
    _counter("gateway.retries_total", "Repetitions, and failures not repeated", PAGE, "retry", "outcome"),
    _gauge("gateway.adaptive_limit", "1", "Calls an adaptive limit admits at once", PAGE, "limit"),
    _counter("gateway.adaptive_shed_total", "Calls an adaptive limit turned away", PAGE, "limit"),
    _counter("gateway.auth_failures_total", "Requests whose token was refused, by why", PAGE, "reason"),
    _counter("gateway.signing_keys_fetches_total", "Fetches of the key set by how they ended", PAGE, "outcome"),
    _gauge("gateway.store_state", "1", "Its line to Redis: 2 live, 1 silent, 0 down", PAGE, joined="min"),
    _counter("gateway.store_changes_total", "Changes of its line to Redis by what it became", PAGE, "state"),
    *_timed("gateway.question_ms", "from a question to its answer", PAGE),
    _counter("gateway.errors_total", "Errors by stable code", PAGE, "code"),
)  # fmt: skip

_UPSTREAM = (
    _counter("upstream.calls_total", "Calls by how or where they ended", PAGE, "upstream", "outcome"),
    *_timed("upstream.call_ms", "a call to an upstream, from asking for a connection", PAGE, "upstream", "outcome"),
    *_timed("upstream.pool_wait_ms", "waiting for a connection of the pool", PAGE, "upstream"),
    _gauge("upstream.in_flight", "1", "Calls to an upstream on their way", PAGE, "upstream"),
    *_timed("sql.query_ms", "running a query in a database", PAGE, "statement"),
)  # fmt: skip

_ENGINE = (
    *_reached("engine", "the engine's health page", ENGINE),
    _gauge("engine.status", "1", "HTTP status of its health page", ENGINE, joined="max"),
    _text("engine.health_word", "The word on its health page", ENGINE),
    _gauge("engine.clock_skew_seconds", "s", "Its Date header minus our clock", ENGINE, joined="max"),
    *_reached("engine_deep", "a real request to the engine", ENGINE),
    _gauge("engine_deep.status", "1", "HTTP status of a real request", ENGINE, joined="max"),
    _gauge("engine.uptime_seconds", "s", "Since its process began", ENGINE, joined="min"),
    _counter("engine.responses_total", "Responses, from its own metrics", ENGINE, "route", "status", "tenant"),
    *_timed("engine.request_ms", "its own time for a request", ENGINE, "route", "status"),
    _gauge("engine.in_flight", "1", "Requests it is answering now", ENGINE),
    _gauge("engine.open_fds", "1", "Open file descriptors of its process", ENGINE),
    _gauge("engine.max_fds", "1", "File descriptors it may open", ENGINE, joined="min"),
    _gauge("engine.rss_bytes", "bytes", "Resident memory of its process", ENGINE),
    _counter("engine.cpu_seconds_total", "Processor time used", ENGINE, unit="s"),
)  # fmt: skip

_REDIS = (
    *_reached("redis", "Redis", REDIS),
    _text("redis.run_id", "Which run of the server this is", REDIS),
    _text("redis.version", "What it says it is", REDIS),
    _gauge("redis.uptime_seconds", "s", "Since it began", REDIS, joined="min"),
    _gauge("redis.clock_skew_seconds", "s", "Its clock minus ours", REDIS, joined="max"),
    _gauge("redis.loading", "1", "1 while it loads its data", REDIS, joined="max"),
    _gauge("redis.save_failed", "1", "1 when the last save to disk failed", REDIS, joined="max"),
    _gauge("redis.used_memory_bytes", "bytes", "Memory in use", REDIS),
    _gauge("redis.maxmemory_bytes", "bytes", "Memory it may use; 0 is no limit", REDIS),
    _text("redis.maxmemory_policy", "What it does when that is used up", REDIS),
    _gauge("redis.fragmentation", "1", "Resident over used memory", REDIS, joined="max"),
    _counter("redis.evicted_keys_total", "Keys thrown out for room", REDIS),
    _counter("redis.expired_keys_total", "Keys whose time was over", REDIS),
    _counter("redis.keyspace_hits_total", "Reads that found their key", REDIS),
    _counter("redis.keyspace_misses_total", "Reads that did not", REDIS),
    _gauge("redis.keys", "1", "Keys", REDIS),
    _gauge("redis.keys_with_ttl", "1", "Keys that expire", REDIS),
    _gauge("redis.keys_without_ttl", "1", "Keys that never expire", REDIS),
    _gauge("redis.average_ttl_seconds", "s", "Mean time to live, as the server estimates it", REDIS, joined="max"),
    _gauge("redis.sampled_keys", "1", "Keys of a prefix in the sample", REDIS, "prefix"),
    _gauge("redis.sampled_without_ttl", "1", "Those of them that never expire", REDIS, "prefix"),
    _gauge("redis.sampled_without_ttl_share", "share", "Share of the sample that never expires", REDIS, "prefix", joined="max"),
    _gauge("redis.sampled_ttl_p50_seconds", "s", "Median time left in a prefix's sample", REDIS, "prefix", joined="max"),
    _gauge("redis.sampled_bytes_p50", "bytes", "Median size of a prefix's sampled keys", REDIS, "prefix", joined="max"),
    _gauge("redis.prefix_keys", "1", "Keys of a prefix, estimated from the sample", REDIS, "prefix"),
    _gauge("redis.prefix_bytes", "bytes", "Memory of a prefix, estimated from the sample", REDIS, "prefix"),
    _gauge("redis.biggest_key_bytes", "bytes", "The largest keys seen; names of tenants are hidden", REDIS, "key", joined="max"),
    _gauge("redis.hot_key_share", "share", "Share of a client's reads that its most read key takes", PAGE, "key", joined="max"),
    _gauge("redis.hot_key_frequency", "1", "LFU frequency of the hottest keys seen", REDIS, "key", joined="max"),
    _counter("redis.command_calls_total", "Calls by command", REDIS, "command"),
    _counter("redis.command_usec_total", "Processor time by command", REDIS, "command", unit="us"),
    _counter("redis.command_failed_total", "Calls that failed, by command", REDIS, "command"),
    _counter("redis.command_rejected_total", "Calls that were refused before they ran, by command", REDIS, "command"),
    _gauge("redis.command_p50_ms", "ms", "Median of a command since the server began", REDIS, "command", joined="max"),
    _gauge("redis.command_p99_ms", "ms", "99th percentile of a command since the server began", REDIS, "command", joined="max"),
    _counter("redis.errors_total", "Error answers by their first word", REDIS, "error"),
    _counter("redis.slowlog_total", "Commands that were ever slow", REDIS),
    _gauge("redis.slowlog_recent", "1", "Entries of the slow log within the window, by command", REDIS, "command"),
    _gauge("redis.slowlog_ms", "ms", "The slowest of them, by command", REDIS, "command", joined="max"),
    _text("redis.slowlog_client", "Who sent the slowest of them, by command", REDIS, "command"),
    _gauge("redis.clients", "1", "Connected clients", REDIS),
    _gauge("redis.maxclients", "1", "Clients it lets in", REDIS),
    _gauge("redis.blocked_clients", "1", "Clients waiting in a blocking command", REDIS),
    _gauge("redis.clients_by_name", "1", "Connected clients by the name they gave", REDIS, "name"),
    _gauge("redis.client_output_bytes", "bytes", "The fullest output buffer, by client name", REDIS, "name", joined="max"),
    _counter("redis.rejected_connections_total", "Connections turned away for want of room", REDIS),
    _gauge("redis.subscribers", "1", "Subscribers of a channel of ours", REDIS, "channel"),
    _counter("redis.net_input_bytes_total", "Bytes received", REDIS, unit="bytes"),
    _counter("redis.net_output_bytes_total", "Bytes sent", REDIS, unit="bytes"),
    _counter("redis.cpu_seconds_total", "Processor time used", REDIS, unit="s"),
    _gauge("redis.cached_scripts", "1", "Scripts it remembers", REDIS),
)  # fmt: skip

_OTHERS = (
    *_reached("signing_keys", "the provider's key set", KEYS),
    _gauge("signing_keys.count", "1", "Keys in it", KEYS, joined="max"),
    _text("signing_keys.digest", "Changes when the set of key ids does", KEYS),
    *_reached("mcp", "an MCP server", MCP, "server"),
    _gauge("mcp.connected", "1", "1 while the gateway is connected to a server", PAGE, "server", joined="min"),
    _gauge("mcp.usual_ms", "ms", "How long a server usually takes, as the gateway sees it", PAGE, "server", joined="max"),
    _text("mcp.tools_digest", "Changes when a server's tools or their schemas do", MCP, "server"),
    _gauge("mcp.tools", "1", "Tools a server lists", MCP, "server"),
    _counter("mcp.calls_total", "Calls to a server by tool and outcome", PAGE, "server", "tool", "outcome"),
    *_timed("mcp.call_ms", "a call to a server", PAGE, "server"),
    _gauge("gateway.part_healthy", "1", "1 when the part's last check found it healthy", PAGE, "part", joined="min"),
)  # fmt: skip

_READS = "gateway.cache_reads_total"
_HITS = tuple(
    Counted(signal=_READS, label="outcome", value=one) for one in ("hit", "near_hit", "shared_hit", "stale", "negative")
)
_MISSES = tuple(
    Counted(signal=_READS, label="outcome", value=one) for one in ("coalesced", "miss", "load_through", "load_failed")
)
_FOUND, _MISSED = Counted(signal="redis.keyspace_hits_total"), Counted(signal="redis.keyspace_misses_total")

_COMPARED = "gateway.cache_compared_total"
_STALE = Counted(signal=_COMPARED, label="outcome", value="stale")
_TOLD = tuple(Counted(signal=_COMPARED, label="outcome", value=one) for one in ("same", "stale", "ended"))

_SHARES = (
    _share("gateway.cache_stale_share", "Compared values that their source no longer had", PAGE, (_STALE,), _TOLD, "cache"),
    _share("gateway.cache_hit_share", "Reads a cache answered", PAGE, _HITS, (*_HITS, *_MISSES), "cache", "tenant"),
    _share("redis.hit_share", "Reads of Redis that found their key", REDIS, (_FOUND,), (_FOUND, _MISSED)),
    _share(
        "gateway.refused_share", "Decisions of the limiter that refused", PAGE,
        (Counted(signal="gateway.limit_decisions_total", label="outcome", value="refused"),),
        (Counted(signal="gateway.limit_decisions_total"),), "tenant",
    ),
)  # fmt: skip

CATALOGUE: Mapping[str, Signal] = MappingProxyType(
    {one.name: one for one in (*_GATEWAY, *_UPSTREAM, *_ENGINE, *_REDIS, *_OTHERS, *_SHARES)}
)

# The signal that tells how long the part behind a name has been counting, by the first word of the name.
UPTIMES: Mapping[str, str] = MappingProxyType(
    {
        "gateway": "gateway.uptime_seconds",
        "upstream": "gateway.uptime_seconds",
        "sql": "gateway.uptime_seconds",
        "mcp": "gateway.uptime_seconds",
        "engine": "engine.uptime_seconds",
        "redis": "redis.uptime_seconds",
    }
)


def signal_of(name: str) -> Signal:
    """Raises `KeyError` for a name that is not in the catalogue: a mistake in our own code."""
    return CATALOGUE[name]
