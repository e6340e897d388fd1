"""The seven operations tools as use cases under one name each, and what can be ordered of them.

Faces hold one `Operations`; `wiring` makes it. Members of results are those of the tools' specification, with more beside them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar, get_args

from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.patterns.model import Level

IssueType = Literal["auto", "rate_limiting", "cache_miss", "circuit_breaker", "proxy_timeout", "memory_leak", "high_latency"]
MetricType = Literal["latency", "throughput", "cache_performance", "rate_limiting", "errors"]
TestType = Literal["connectivity", "performance", "error_handling", "cache", "full_flow"]

ISSUE_TYPES: Final[tuple[IssueType, ...]] = get_args(IssueType)
METRIC_TYPES: Final[tuple[MetricType, ...]] = get_args(MetricType)
TEST_TYPES: Final[tuple[TestType, ...]] = get_args(TestType)
# As far as snapshots are kept.
MAX_WINDOW_MINUTES: Final = 1_440


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthOrder:
    """`tenant_id` None: nobody's in particular."""

    include_cache_metrics: bool = True
    include_rate_limiting: bool = True
    tenant_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CoherenceOrder:
    time_window_minutes: int = 15
    include_event_log: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TroubleOrder:
    """`auto` finds the kind of trouble itself."""

    issue_type: IssueType = "auto"
    tenant_id: str | None = None
    time_window_minutes: int = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOrder:
    test_type: TestType = "full_flow"
    tenant_id: str | None = None
    include_cache_test: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricsOrder:
    metric_type: MetricType = "latency"
    time_window_minutes: int = 15
    tenant_filter: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerateOrder:
    """`operations` empty: all of them. What fits no router raises `InvalidRouterOrder`."""

    router_name: str
    router_type: str
    operations: tuple[str, ...] = ()
    include_rate_limiting: bool = True
    include_caching: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class PatternsOrder:
    """`router_path` is a file or folder below the project's folder, `code` a router's text; with neither all of them are read."""

    router_path: str | None = None
    code: str | None = None
    validation_level: Level = "comprehensive"


OrderT = TypeVar("OrderT")
# In whose name it is done, and what; the result is JSON. Raises `GatewayError`.
UseCase: TypeAlias = Callable[[Caller, OrderT], Awaitable[Mapping[str, Json]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operations:
    """All read only, but for a canary of their own that they take away again; nothing is generated into files here."""

    diagnose_gateway_health: UseCase[HealthOrder]
    analyze_cache_coherence: UseCase[CoherenceOrder]
    generate_enterprise_router: UseCase[GenerateOrder]
    troubleshoot_production_issue: UseCase[TroubleOrder]
    test_ai_engine_integration: UseCase[EngineOrder]
    analyze_performance_metrics: UseCase[MetricsOrder]
    validate_enterprise_patterns: UseCase[PatternsOrder]
