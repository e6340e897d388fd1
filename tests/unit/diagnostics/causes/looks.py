"""Windows made by hand: what is usual, and what it is now, as readings."""

from datetime import UTC, datetime, timedelta

from mcp_gateway.diagnostics.signals.histogram import Histogram
from mcp_gateway.diagnostics.signals.snapshot import Reading, Readings, Snapshot, Value, reading
from mcp_gateway.diagnostics.signals.window import Window

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BOUNDS = (1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0)
Series = tuple[str, tuple[tuple[str, str], ...]]


def at(name: str, **labels: str) -> Series:
    return name, tuple(sorted(labels.items()))


class Looks:
    """A system that is well for a minute, and then one minute of something. Counters are given as growth per minute."""

    def __init__(self) -> None:
        self._gauges: dict[Series, tuple[Value, Value]] = {}
        self._counters: dict[Series, tuple[float, float]] = {}
        self._timed: dict[Series, tuple[tuple[float, int], tuple[float, int]]] = {}

    def gauge(self, name: str, usual: Value, now: Value | None = None, **labels: str) -> "Looks":
        self._gauges[at(name, **labels)] = (usual, usual if now is None else now)
        return self

    def without(self, name: str) -> "Looks":
        """What is not to be had."""
        self._gauges = {series: values for series, values in self._gauges.items() if series[0] != name}
        return self

    def count(self, name: str, usual: float, now: float | None = None, **labels: str) -> "Looks":
        self._counters[at(name, **labels)] = (usual, usual if now is None else now)
        return self

    def timed(self, name: str, usual_ms: float, now_ms: float | None = None, *, times: int = 600, **labels: str) -> "Looks":
        self._timed[at(name, **labels)] = ((usual_ms, times), (usual_ms if now_ms is None else now_ms, times))
        return self

    def window(self) -> Window:
        well = [self._look(minute) for minute in (0, 1)]
        return Window(first=well[-1], last=self._look(2), healthy=tuple(well))

    def _look(self, minute: int) -> Snapshot:
        readings: list[Reading] = []
        for (name, labels), (usual, now) in self._gauges.items():
            readings.append(reading(name, now if minute == 2 else usual, **dict(labels)))
        for (name, labels), (steady, grown) in self._counters.items():
            readings.append(reading(name, 1_000.0 + min(minute, 1) * steady + max(0, minute - 1) * grown, **dict(labels)))
        for (name, labels), (before, after) in self._timed.items():
            together = _measured(*before, min(minute, 1))
            readings.append(reading(name, together.plus(_measured(*after, max(0, minute - 1))), **dict(labels)))
        return Snapshot(at=NOW + timedelta(minutes=minute), sources={"test": Readings(readings=tuple(readings))})


def _measured(milliseconds: float, times: int, minutes: int) -> Histogram:
    counts = [0.0] * (len(BOUNDS) + 1)
    index = next((index for index, bound in enumerate(BOUNDS) if milliseconds <= bound), len(BOUNDS))
    counts[index] = float(times * minutes)
    return Histogram(bounds=BOUNDS, counts=tuple(counts), total=milliseconds * times * minutes)


def healthy() -> Looks:
    """A gateway with all parts, well."""
    looks = Looks()
    looks.gauge("redis.up", 1.0).gauge("redis.probe_outcome", "ok").gauge("redis.keys_without_ttl", 3.0).gauge(
        "gateway.store_state", 2.0
    )
    looks.gauge("redis.used_memory_bytes", 1e6).gauge("redis.maxmemory_bytes", 0.0).gauge("redis.maxmemory_policy", "noeviction")
    looks.gauge("redis.subscribers", 2.0, channel="cache_coherence:x").gauge("redis.biggest_key_bytes", 900.0, key="a")
    looks.gauge("redis.sampled_ttl_p50_seconds", 30.0, prefix="cache").gauge("redis.hot_key_share", 0.05, key="a")
    looks.gauge("redis.sampled_without_ttl_share", 0.0, prefix="rate_limit").gauge(
        "redis.sampled_keys", 50.0, prefix="rate_limit"
    )
    looks.count("redis.evicted_keys_total", 0).count("redis.expired_keys_total", 50).count("redis.net_output_bytes_total", 1e6)
    looks.count("redis.command_usec_total", 50_000, command="evalsha").count(
        "redis.command_calls_total", 1_000, command="evalsha"
    )
    for outcome, number in (("near_hit", 500), ("shared_hit", 200), ("miss", 60)):
        looks.count("gateway.cache_reads_total", number, cache="lists", tenant="a", outcome=outcome)
    for tenant in "abcde":
        looks.count("gateway.limit_decisions_total", 200, outcome="allowed", decided_by="store", tenant=tenant)
    looks.gauge("gateway.limit_rules_revision", 3.0).count("gateway.limit_away_total", 0, policy="local")
    looks.timed("gateway.request_ms", 2, route="fast", status="200").timed("gateway.request_ms", 80, route="chat", status="200")
    looks.timed("gateway.loop_lag_ms", 2).gauge("gateway.rss_bytes", 9e7).gauge("gateway.in_flight", 4.0)
    looks.count("gateway.responses_total", 900, route="chat", status="200").gauge(
        "gateway.clock_skew_seconds", 0.2, replica="one:1"
    )
    looks.count("upstream.calls_total", 600, upstream="engine", outcome="ok").gauge("upstream.in_flight", 2.0, upstream="engine")
    looks.timed("upstream.call_ms", 70, upstream="engine", outcome="ok").timed("upstream.pool_wait_ms", 0.5, upstream="engine")
    looks.gauge("gateway.pool_size", 32.0, pool="engine").gauge("gateway.pool_in_use", 2.0, pool="engine")
    looks.count("gateway.pool_exhausted_total", 0, pool="engine").gauge("gateway.breaker_state", 0.0, breaker="engine")
    looks.count("gateway.breaker_calls_total", 600, breaker="engine", outcome="success")
    looks.gauge("engine.up", 1.0).timed("engine.request_ms", 60, route="/chat", status="200").gauge("engine.in_flight", 2.0)
    looks.count("engine.responses_total", 600, route="/chat", status="200")
    looks.timed("sql.query_ms", 2, statement="by_customer").timed("sql.query_ms", 2, statement="by_day")
    for server in ("billing", "shipping"):
        looks.count("mcp.calls_total", 200, server=server, tool="track", outcome="ok").gauge(
            "mcp.tools_digest", "d1", server=server
        )
    return looks
