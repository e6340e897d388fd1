"""What each kind of analysis shows. Parts are nested: a gateway's time holds the upstream's, so a mean of both means nothing."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.figures import FEWEST
from mcp_gateway.diagnostics.operations import MetricType
from mcp_gateway.diagnostics.performance.comparing import Compared, compared, measured, percentiles
from mcp_gateway.diagnostics.performance.sparkline import Trend
from mcp_gateway.diagnostics.performance.windows import TwoWindows
from mcp_gateway.diagnostics.signals.window import Window

MAX_ROWS = 25


def latency(two: TwoWindows, tenant: Mapping[str, str]) -> dict[str, Json]:
    """Probes of our own, then what the gateway measured: by endpoint, by upstream, and how late its event loop is."""
    tests = [*_probed(two.now, "gateway", "backend_orchestrator"), *_probed(two.now, "engine", "ai_engine")]
    by_tenant = "gateway.request" if split_by_both(two.now) else "gateway.tenant_request"
    stem = by_tenant if tenant else "gateway.request"
    whole = compared(two, f"{stem}_p99_ms", **tenant)
    times = [float(one["latency_ms"]) for one in tests if isinstance(one["latency_ms"], int | float)]
    summary: dict[str, Json] = {
        "average_latency_ms": round(sum(times) / len(times), 2) if times else None,
        "max_latency_ms": max(times, default=None),
        "min_latency_ms": min(times, default=None),
        "assessment": _GRADES.get(whole.standing, "unknown") if whole.value is not None else "unknown",
        "assessment_reason": _latency_word(whole),
        "note": "These are the probes alone. Requests are below; the gateway's time holds the engine's, so they do not add up.",
    }
    return {
        "latency_tests": [dict(one) for one in tests],
        "latency_summary": summary,
        "requests": percentiles(two, stem, **tenant),
        "endpoints": _rows(two, "gateway.request", "gateway.request_ms", "route", tenant),
        "tenants": _rows(two, by_tenant, f"{by_tenant}_ms", "tenant", tenant),
        "upstreams": _rows(two, "upstream.call", "upstream.call_ms", "upstream", {}),
        "waiting_for_a_connection": _rows(two, "upstream.pool_wait", "upstream.pool_wait_ms", "upstream", {}),
        "event_loop": percentiles(two, "gateway.loop_lag"),
        "engine_by_its_own_count": percentiles(two, "engine.request"),
        **_drawn("p99_ms", _trend(two, f"{stem}_p99_ms", "99th percentile of requests", "ms", tenant)),
    }


def throughput(two: TwoWindows, tenant: Mapping[str, str]) -> dict[str, Json]:
    """Requests answered, a second. Pages that split them by endpoint seldom split the same by tenant."""
    by_tenant = "gateway.responses_total" if split_by_both(two.now) else "gateway.tenant_responses_total"
    counted = by_tenant if tenant else "gateway.responses_total"
    return {
        "requests_per_second": compared(two, counted, **tenant).to_dict(),
        "in_flight": compared(two, "gateway.in_flight").to_dict(),
        "by_endpoint": _counts(two, "gateway.responses_total", "route", tenant),
        "by_status": _counts(two, "gateway.responses_total", "status", tenant),
        "by_tenant": _counts(two, by_tenant, "tenant", tenant),
        "upstream_calls": _counts(two, "upstream.calls_total", "upstream", {}),
        "cpu_seconds_per_second": compared(two, "gateway.cpu_seconds_total").to_dict(),
        **_drawn("requests_per_second", _trend(two, counted, "Requests a second", "1/s", tenant)),
    }


def cache_performance(two: TwoWindows, tenant: Mapping[str, str]) -> dict[str, Json]:
    """The gateway's caches, and the store behind them."""
    caches: list[Json] = [
        {"cache": name, "hit_share": compared(two, "gateway.cache_hit_share", cache=name, **tenant).to_dict()}
        for name in two.now.labels("gateway.cache_hit_share", "cache")[:MAX_ROWS]
    ]
    return {
        "hit_rate": compared(two, "gateway.cache_hit_share", **tenant).to_dict(),
        "caches": caches,
        "outcomes": _counts(two, "gateway.cache_reads_total", "outcome", tenant),
        "loads": percentiles(two, "gateway.cache_load"),
        "invalidations": percentiles(two, "gateway.cache_invalidation"),
        "redis_hit_rate": compared(two, "redis.hit_share").to_dict(),
        "evicted_per_second": compared(two, "redis.evicted_keys_total").to_dict(),
        "expired_per_second": compared(two, "redis.expired_keys_total").to_dict(),
        **_drawn("hit_share", _trend(two, "gateway.cache_hit_share", "Reads a cache answered", "share", tenant)),
    }


def rate_limiting(two: TwoWindows, tenant: Mapping[str, str]) -> dict[str, Json]:
    """Decisions, refusals and who they fall on."""
    return {
        "decisions_per_second": compared(two, "gateway.limit_decisions_total", **tenant).to_dict(),
        "refused_share": compared(two, "gateway.refused_share", **tenant).to_dict(),
        "refusals_by_rule": _counts(two, "gateway.limit_refusals_total", "rule", tenant),
        "refusals_by_tenant": _counts(two, "gateway.limit_refusals_total", "tenant", tenant),
        "near_their_limit": _counts(two, "gateway.limit_near_total", "rule", {}),
        "without_the_store": _counts(two, "gateway.limit_away_total", "policy", {}),
        "keys": compared(two, "redis.prefix_keys", prefix="rate_limit").to_dict(),
        "bytes": compared(two, "redis.prefix_bytes", prefix="rate_limit").to_dict(),
        **_drawn("refused_share", _trend(two, "gateway.refused_share", "Share of decisions that refused", "share", tenant)),
    }


def errors(two: TwoWindows, tenant: Mapping[str, str]) -> dict[str, Json]:
    """What failed, where it failed, and how calls to upstreams ended."""
    failed = _failures(two.now, tenant)
    before = None if two.before is None else _failures(two.before, tenant)
    endpoints: list[Json] = []
    for route in two.now.labels("gateway.responses_total", "route"):
        share = _failures(two.now, {**tenant, "route": route})
        if share:
            endpoints.append({"route": route, "failed_share": round(share, 4)})
    return {
        "failed_share": None if failed is None else round(failed, 4),
        "failed_share_before": None if before is None else round(before, 4),
        "by_status": _counts(two, "gateway.responses_total", "status", tenant),
        "by_endpoint": endpoints[:MAX_ROWS],
        "by_code": _counts(two, "gateway.errors_total", "code", {}),
        "upstream_outcomes": _counts(two, "upstream.calls_total", "outcome", {}),
        "breakers": _counts(two, "gateway.breaker_calls_total", "outcome", {}),
        "tokens_refused": _counts(two, "gateway.auth_failures_total", "reason", {}),
        "redis_errors": _counts(two, "redis.errors_total", "error", {}),
        "note": "Failed is a status of 500 or above; 4xx are the callers', and are under by_status.",
    }


def split_by_both(window: Window) -> bool:
    """Whether the page tells the times of each endpoint for each tenant; the kit's tells them by one or the other."""
    return bool(window.labels("gateway.request_ms", "tenant"))


SECTIONS: Mapping[MetricType, Callable[[TwoWindows, Mapping[str, str]], dict[str, Json]]] = MappingProxyType(
    {
        "latency": latency,
        "throughput": throughput,
        "cache_performance": cache_performance,
        "rate_limiting": rate_limiting,
        "errors": errors,
    }
)


def _probed(window: Window, part: str, service: str) -> list[dict[str, Json]]:
    found: list[dict[str, Json]] = []
    for one in window.series(f"{part}.up"):
        labels = dict(one.labels)
        status, milliseconds = window.value(f"{part}.status", **labels), window.value(f"{part}.probe_ms", **labels)
        row: dict[str, Json] = {
            "service": service,
            "latency_ms": None if milliseconds is None else round(milliseconds, 2),
            "status_code": None if status is None else int(status),
            "outcome": window.text(f"{part}.probe_outcome", **labels),
        }
        found.append({**row, **({"replica": one.label("replica")} if one.label("replica") else {})})
    return found


# Against what is usual there; no number of milliseconds is good or bad by itself.
_GRADES: Mapping[str, str] = MappingProxyType({"as_usual": "good", "lower": "good", "higher": "poor"})


def _latency_word(whole: Compared) -> str:
    then = "usual" if whole.previous is None else "before"
    words = {
        "as_usual": "as usual",
        "higher": f"slower than {then}",
        "lower": f"faster than {then}",
        "no_baseline": "nothing to compare with",
        "too_few": f"too few requests to tell (fewer than {FEWEST})",
    }
    return "requests were not measured" if whole.value is None else words[whole.standing]


def _rows(two: TwoWindows, stem: str, histogram: str, label: str, more: Mapping[str, str]) -> list[Json]:
    """Percentiles for each value of a label, those with most measurements first."""
    values = [more[label]] if label in more else list(two.now.labels(histogram, label))
    counts = {value: measured(two.now, stem, **{**more, label: value}) for value in values}
    busiest = sorted((value for value in values if counts[value]), key=lambda value: (-counts[value], value))[:MAX_ROWS]
    return [
        {label: value, "measurements": counts[value], **percentiles(two, stem, **{**more, label: value})} for value in busiest
    ]


def _counts(two: TwoWindows, name: str, label: str, more: Mapping[str, str]) -> dict[str, Json]:
    """A second, for each value of a label, largest first; those that did not happen are left out."""
    found = two.now.by(name, label, of="rate", **more)
    return {
        value: compared(two, name, **{**more, label: value}).to_dict() for value, rate in list(found.items())[:MAX_ROWS] if rate
    }


def _failures(window: Window, labels: Mapping[str, str]) -> float | None:
    """The share of responses with a status of 500 or above; 0 when nothing was sent is such a status too."""
    found = window.by("gateway.responses_total", "status", of="change", **labels)
    whole = sum(found.values())
    if not whole:
        return None
    return sum(count for status, count in found.items() if status.startswith("5") or status == "0") / whole


def _trend(two: TwoWindows, name: str, title: str, unit: str, labels: Mapping[str, str]) -> Trend:
    found = ((step.last.at, step.figure(name, **labels)) for step in two.steps)
    return Trend(title=title, unit=unit, points=tuple((at, value) for at, value in found if value is not None))


def _drawn(name: str, trend: Trend) -> dict[str, Json]:
    return {"pictures": {name: trend.picture()}, "trends": {name: trend.to_dict()}}
