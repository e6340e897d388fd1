"""Which metric on a page is which signal: the kit's own names under any namespace, and the names that are common elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Part = Literal["gateway", "engine"]

# Namespaces the kit's figures appear under.
NAMESPACES = ("mcp_gateway_", "kit_")
SECONDS_TO_MS = 1_000.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """`labels`: the page's label to the signal's. `counted`: the counter that a histogram's number of measurements is."""

    signal: str
    labels: Mapping[str, str] = field(default_factory=dict)
    scale: float = 1.0
    counted: str = ""


def _plain(signal: str, *labels: str, scale: float = 1.0) -> Meaning:
    return Meaning(signal=signal, labels={label: label for label in labels}, scale=scale)


def _timed(signal: str, *labels: str, counted: str = "") -> Meaning:
    return Meaning(signal=signal, labels={label: label for label in labels}, scale=SECONDS_TO_MS, counted=counted)


_ROUTE = {"operation": "route", "status": "status"}

# The kit's and the gateway's own figures, by their names without namespace and without `_total`.
OWN: Mapping[str, Meaning] = MappingProxyType(
    {
        "request_seconds": Meaning(
            signal="gateway.request_ms", labels=_ROUTE, scale=SECONDS_TO_MS, counted="gateway.responses_total"
        ),
        "tenant_request_seconds": _timed("gateway.tenant_request_ms", "tenant", counted="gateway.tenant_responses_total"),
        "requests_in_flight": _plain("gateway.in_flight"),
        "loop_lag_seconds": _timed("gateway.loop_lag_ms"),
        "loop_blocked": _plain("gateway.loop_blocked_total", "place"),
        "loop_blocked_seconds": _plain("gateway.loop_blocked_ms_total", "place", scale=SECONDS_TO_MS),
        "process_rss_bytes": _plain("gateway.rss_bytes"),
        "allocation_growth_bytes": _plain("gateway.allocation_growth_bytes_total", "place"),
        "allocation_looks": _plain("gateway.allocation_looks_total"),
        "process_cpu_used_seconds": _plain("gateway.cpu_seconds_total"),
        "machine_processor_waited_seconds": _plain("gateway.machine_waited_seconds_total"),
        "process_held_back_seconds": _plain("gateway.held_back_seconds_total"),
        "process_fds_open": _plain("gateway.open_fds"),
        "process_fds_allowed": _plain("gateway.max_fds"),
        "process_sockets": _plain("gateway.sockets", "state"),
        "process_tasks": _plain("gateway.tasks"),
        "process_age_seconds": _plain("gateway.uptime_seconds"),
        "uptime_seconds": _plain("gateway.uptime_seconds"),
        "cache_reads": _plain("gateway.cache_reads_total", "cache", "tenant", "outcome"),
        "cache_load_seconds": _timed("gateway.cache_load_ms", "cache"),
        "cache_invalidation_seconds": _timed("gateway.cache_invalidation_ms", "cache"),
        "cache_compared": _plain("gateway.cache_compared_total", "cache", "outcome"),
        "limit_decisions": _plain("gateway.limit_decisions_total", "outcome", "decided_by", "tenant"),
        "limit_refusals": _plain("gateway.limit_refusals_total", "rule", "tenant"),
        "limit_near": _plain("gateway.limit_near_total", "rule"),
        "limit_away": _plain("gateway.limit_away_total", "policy"),
        "limit_rules_revision": _plain("gateway.limit_rules_revision"),
        "circuit_breaker_state": _plain("gateway.breaker_state", "breaker"),
        "circuit_breaker_calls": _plain("gateway.breaker_calls_total", "breaker", "outcome"),
        "circuit_breaker_transitions": _plain("gateway.breaker_transitions_total", "breaker", "target"),
        "circuit_breaker_forced_open": _plain("gateway.breaker_forced_open", "breaker"),
        "store_hot_key_share": _plain("redis.hot_key_share", "key"),
        "circuit_breaker_store_away": _plain("gateway.breaker_store_away", "breaker"),
        "bulkhead_running": _plain("gateway.bulkhead_running", "bulkhead"),
        "bulkhead_waiting": _plain("gateway.bulkhead_waiting", "bulkhead"),
        "bulkhead_refused": _plain("gateway.bulkhead_refused_total", "bulkhead", "why"),
        "pool_size": _plain("gateway.pool_size", "pool"),
        "pool_in_use": _plain("gateway.pool_in_use", "pool"),
        "pool_waiting": _plain("gateway.pool_waiting", "pool"),
        "pool_exhausted": _plain("gateway.pool_exhausted_total", "pool"),
        "retries": _plain("gateway.retries_total", "retry", "outcome"),
        "adaptive_limit": _plain("gateway.adaptive_limit", "limit"),
        "adaptive_limit_shed": _plain("gateway.adaptive_shed_total", "limit"),
        "auth_failures": _plain("gateway.auth_failures_total", "reason"),
        "signing_keys_fetches": _plain("gateway.signing_keys_fetches_total", "outcome"),
        "store_state": _plain("gateway.store_state"),
        "store_changes": _plain("gateway.store_changes_total", "state"),
        "query_duration_seconds": _timed("gateway.question_ms"),
        "query_errors": _plain("gateway.errors_total", "code"),
        "part_healthy": _plain("gateway.part_healthy", "part"),
        "upstream_seconds": _timed("upstream.call_ms", "upstream", "outcome", counted="upstream.calls_total"),
        "upstream_pool_wait_seconds": _timed("upstream.pool_wait_ms", "upstream"),
        "upstream_in_flight": _plain("upstream.in_flight", "upstream"),
        "sql_seconds": _timed("sql.query_ms", "statement"),
        "mcp_connected": _plain("mcp.connected", "server"),
        "mcp_server_up": _plain("mcp.connected", "server"),
        "mcp_server_latency_seconds": _plain("mcp.usual_ms", "server", scale=SECONDS_TO_MS),
        "mcp_calls": _plain("mcp.calls_total", "server", "tool", "outcome"),
        "mcp_call_seconds": _timed("mcp.call_ms", "server"),
    }
)

# What web frameworks and client libraries call the same things; the first name of a signal that is on the page is read.
_ROUTES = dict.fromkeys(("route", "handler", "path", "endpoint", "path_template", "http_route", "operation"), "route")
_STATUSES = dict.fromkeys(("status", "code", "status_code", "http_status_code", "http_response_status_code"), "status")
_TENANTS = dict.fromkeys(("tenant", "tenant_id"), "tenant")
_ALL = {**_ROUTES, **_STATUSES, **_TENANTS}

COMMON: Mapping[str, Meaning] = MappingProxyType(
    {
        "http_request_duration_seconds": Meaning(signal="request_ms", labels=_ALL, scale=SECONDS_TO_MS),
        "http_requests_duration_seconds": Meaning(signal="request_ms", labels=_ALL, scale=SECONDS_TO_MS),
        "http_server_request_duration_seconds": Meaning(signal="request_ms", labels=_ALL, scale=SECONDS_TO_MS),
        "request_seconds": Meaning(signal="request_ms", labels=_ALL, scale=SECONDS_TO_MS),
        "request_duration_seconds": Meaning(signal="request_ms", labels=_ALL, scale=SECONDS_TO_MS),
        "http_requests": Meaning(signal="responses_total", labels=_ALL),
        "http_requests_in_progress": Meaning(signal="in_flight"),
        "http_requests_inprogress": Meaning(signal="in_flight"),
        "requests_in_flight": Meaning(signal="in_flight"),
        "process_resident_memory_bytes": Meaning(signal="rss_bytes"),
        "process_cpu_seconds": Meaning(signal="cpu_seconds_total"),
        "process_open_fds": Meaning(signal="open_fds"),
        "process_max_fds": Meaning(signal="max_fds"),
    }
)
PROCESS_START = "process_start_time_seconds"


def meaning_of(family: str, part: Part) -> Meaning | None:
    """What a metric family of that part's page is; `family` without `_total`. None for what is not known."""
    if part == "gateway":
        for namespace in NAMESPACES:
            own = OWN.get(family.removeprefix(namespace)) if family.startswith(namespace) else None
            if own is not None:
                return own
    plain = family.removeprefix("engine_") if part == "engine" else family
    common = COMMON.get(plain)
    if common is None:
        return None
    counted = f"{part}.responses_total" if common.signal == "request_ms" else ""
    return Meaning(signal=f"{part}.{common.signal}", labels=common.labels, scale=common.scale, counted=counted)
