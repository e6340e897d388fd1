"""`analyze_performance_metrics`: one kind of figure over a window, beside the window before it, with a picture. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.asking import Rights, window_seconds
from mcp_gateway.diagnostics.observing import Observer
from mcp_gateway.diagnostics.operations import MetricsOrder, MetricType
from mcp_gateway.diagnostics.performance.sections import SECTIONS, split_by_both
from mcp_gateway.diagnostics.performance.windows import TwoWindows, two_windows
from mcp_gateway.diagnostics.ports import History
from mcp_gateway.diagnostics.verdict import BlindSpot

# The signal that says of each kind whether the page tells tenants apart.
_BY_TENANT: Mapping[MetricType, str] = MappingProxyType(
    {
        "latency": "gateway.tenant_request_ms",
        "throughput": "gateway.tenant_responses_total",
        "cache_performance": "gateway.cache_reads_total",
        "rate_limiting": "gateway.limit_decisions_total",
        "errors": "gateway.responses_total",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PerformanceFound:
    """`results` by the names of the specification and further ones."""

    at: datetime
    order: MetricsOrder
    two: TwoWindows
    results: Mapping[str, Json]
    blind_spots: tuple[BlindSpot, ...]

    def to_dict(self) -> dict[str, Json]:
        """The shape of the specification, with more beside it."""
        now, before = self.two.now, self.two.before
        return {
            "timestamp": self.at.isoformat(),
            "metric_type": self.order.metric_type,
            "time_window_minutes": self.order.time_window_minutes,
            "tenant_filter": self.order.tenant_filter,
            "analysis_results": dict(self.results),
            "window_seconds": round(now.seconds, 1),
            "window_complete": self.two.complete,
            "previous_window_seconds": None if before is None else round(before.seconds, 1),
            "blind_spots": [one.to_dict() for one in self.blind_spots],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalyzePerformance:
    """Takes at most 8 s. Raises `InvalidTimeWindow`, `InvalidTenantName` and `TenantNotYours`."""

    observer: Observer
    history: History
    rights: Rights
    clock: Clock

    async def __call__(self, caller: Caller, order: MetricsOrder) -> PerformanceFound:
        seconds = window_seconds(order.time_window_minutes)
        names = self.rights.names(caller, order.tenant_filter)
        whole = order.metric_type == "rate_limiting"
        now = (await self.observer.observe(window_seconds=seconds, whole=whole)).shown_to(names)
        two = two_windows(now, self.history, seconds=seconds, names=names)
        labels = {} if order.tenant_filter is None else {"tenant": order.tenant_filter}
        return PerformanceFound(
            at=self.clock.now(),
            order=order,
            two=two,
            results=SECTIONS[order.metric_type](two, labels),
            blind_spots=(*now.blind_spots, *_doubts(two, order)),
        )


def _doubts(two: TwoWindows, order: MetricsOrder) -> list[BlindSpot]:
    found = []
    if not two.complete:
        found.append(
            BlindSpot(
                what="the whole window",
                why=f"Figures reach back {two.now.seconds:.0f} s of the {two.wanted_seconds:.0f} s asked for.",
                hint="Snapshots are kept while `mcp-gateway ops` or `serve` runs.",
            )
        )
    if two.before is None:
        found.append(BlindSpot(what="the window before", why="No snapshots were kept from that time."))
    if order.tenant_filter is None:
        return found
    both = order.metric_type in {"latency", "throughput"} and split_by_both(two.now)
    if not (both or two.now.labels(_BY_TENANT[order.metric_type], "tenant")):
        found.append(
            BlindSpot(
                what="figures by tenant",
                why="The gateway's page does not split these by tenant, so nothing is said of one.",
                hint="A gateway on the kit splits times, cache reads, limits and refusals of guarded routes.",
            )
        )
    elif order.metric_type == "latency" and not both:
        found.append(
            BlindSpot(
                what="endpoints of one tenant",
                why="The page tells times by endpoint and by tenant, not by both: that many series are more than it keeps.",
                hint="Leave the tenant out for all endpoints; a trace tells where a single request spent its time.",
            )
        )
    return found
