"""The gateway's figures as Prometheus metric families. Names and labels are part of the contract with dashboards."""

from collections.abc import Iterable
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from mcp_gateway.diagnostics.query_figures import LATENCY_BOUNDS_SECONDS, Totals
from mcp_gateway.gateway import Gateway


class GatewayCollector(Collector):
    """Reads the totals whenever Prometheus asks; keeps nothing itself."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterable[Metric]:
        totals = self._gateway.figures.totals
        yield _queries(totals)
        yield _errors(totals)
        yield _latency(totals)
        yield _reads(totals)
        yield _count("mcp_gateway_recovery_attempts", "Repairs tried on refused SQL", totals.recovery_attempts)
        yield _count("mcp_gateway_recovery_successes", "Questions answered thanks to a repair", totals.recovery_successes)
        yield GaugeMetricFamily(
            "mcp_gateway_uptime_seconds", "Seconds since the gateway was assembled", value=self._gateway.figures.uptime_seconds
        )
        yield self._servers()
        yield self._parts()

    def _servers(self) -> Metric:
        family = GaugeMetricFamily("mcp_gateway_mcp_connected", "1 while the MCP server is connected", labels=["server"])
        for server in self._gateway.servers():
            family.add_metric([server.name], float(server.connected))
        return family

    def _parts(self) -> Metric:
        family = GaugeMetricFamily("mcp_gateway_part_healthy", "1 when the part's last check found it healthy", labels=["part"])
        for part in self._gateway.health.report().parts:
            family.add_metric([part.name], float(part.finding.healthy))
        return family


def _queries(totals: Totals) -> Metric:
    family = CounterMetricFamily("mcp_gateway_queries", "Questions asked", labels=["outcome", "mode", "source"])
    for (outcome, mode, source), count in totals.by_outcome.items():
        family.add_metric([outcome, mode, source], count)
    return family


def _errors(totals: Totals) -> Metric:
    family = CounterMetricFamily("mcp_gateway_query_errors", "Questions that failed, by error code", labels=["code"])
    for code, count in totals.by_code.items():
        family.add_metric([code], count)
    return family


def _latency(totals: Totals) -> Metric:
    bounds = [*(str(bound) for bound in LATENCY_BOUNDS_SECONDS), "+Inf"]
    buckets = list(zip(bounds, map(float, accumulate(totals.buckets)), strict=True))
    return HistogramMetricFamily(
        "mcp_gateway_query_duration_seconds", "From question to answer", buckets=buckets, sum_value=totals.seconds
    )


def _reads(totals: Totals) -> Metric:
    family = CounterMetricFamily(
        "mcp_gateway_resource_reads",
        "Resources needed for questions: fetched anew, or reused on the server's word",
        labels=["how"],
    )
    family.add_metric(["fetched"], totals.fetched)
    family.add_metric(["reused"], totals.reused)
    return family


def _count(name: str, documentation: str, value: int) -> Metric:
    return CounterMetricFamily(name, documentation, value=value)
