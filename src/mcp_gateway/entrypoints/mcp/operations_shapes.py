"""What goes into the operations tools and what comes out, as clients see it in the schemas.

Names are the specification's. Results may have more members than are said here.
"""

from pydantic import Field
from typing_extensions import TypedDict

from mcp_gateway.diagnostics.operations import MAX_WINDOW_MINUTES, IssueType, MetricType, TestType
from mcp_gateway.entrypoints.mcp.offer import Arguments, JsonValue
from mcp_gateway.kit.patterns.model import Level
from mcp_gateway.kit.routes.order import OPERATIONS, Operation, RouterType

MAX_NAME = 200
MAX_PATH = 1_000
MAX_CODE = 200_000
Facts = dict[str, JsonValue]


class DiagnoseHealth(Arguments):
    include_cache_metrics: bool = Field(True, description="Look at the cache too.")
    include_rate_limiting: bool = Field(True, description="Look at the limits too.")
    tenant_id: str | None = Field(None, max_length=MAX_NAME, description="A tenant to look at closely.")


class AnalyzeCoherence(Arguments):
    time_window_minutes: int = Field(15, ge=1, le=MAX_WINDOW_MINUTES, description="How far back to look.")
    include_event_log: bool = Field(False, description="Show recent invalidations too.")


class GenerateRouter(Arguments):
    router_name: str = Field(min_length=1, max_length=MAX_NAME, description="What it is about, in the plural: products.")
    router_type: RouterType = Field(
        "proxy", description="What stands behind it: another service, a table, several services, events, a stream, an MCP tool."
    )
    operations: tuple[Operation, ...] = Field(OPERATIONS, min_length=1, description="What it offers.")
    include_rate_limiting: bool = Field(True, description="Hold callers to limits.")
    include_caching: bool = Field(True, description="Keep what was read, until somebody writes.")


class Troubleshoot(Arguments):
    issue_type: IssueType = Field("auto", description="What was noticed; auto finds out.")
    tenant_id: str | None = Field(None, max_length=MAX_NAME, description="Whose trouble it is.")
    time_window_minutes: int = Field(15, ge=1, le=MAX_WINDOW_MINUTES, description="How far back to look.")


class TestEngine(Arguments):
    __test__ = False  # a tool's name, no test of ours

    test_type: TestType = Field("full_flow", description="How much to try; full_flow tries all of it.")
    tenant_id: str | None = Field(None, max_length=MAX_NAME, description="In whose name to try.")
    include_cache_test: bool = Field(True, description="Also write, read and remove a value of its own in the cache.")


class AnalyzeMetrics(Arguments):
    metric_type: MetricType = Field("latency", description="What to look at.")
    time_window_minutes: int = Field(
        15, ge=1, le=MAX_WINDOW_MINUTES, description="The window; it is compared with the one before."
    )
    tenant_filter: str | None = Field(None, max_length=MAX_NAME, description="Only this tenant's.")


class ValidatePatterns(Arguments):
    router_path: str | None = Field(None, max_length=MAX_PATH, description="One file or folder, from the project's folder.")
    check_all_routers: bool = Field(False, description="All routers of the project.")
    validation_level: Level = Field("comprehensive", description="How much is asked.")
    code: str | None = Field(None, max_length=MAX_CODE, description="The text of a router, in place of a file.")


class HealthOutput(TypedDict):
    timestamp: str
    backend_orchestrator_health: Facts
    cache_metrics: Facts
    rate_limiting: Facts
    ai_engine_connectivity: Facts
    overall_status: str
    diagnostics: list[Facts]


class CoherenceOutput(TypedDict):
    cache_coherence_analysis: Facts
    sample_cache_analysis: list[Facts]
    recent_coherence_events: list[Facts]
    recommendations: list[Facts]


class RouterOutput(TypedDict):
    router_code: str
    test_code: str
    generated_files: Facts
    next_steps: list[str]
    notes: list[str]


class TroubleOutput(TypedDict):
    issue_type: str
    tenant_id: str | None
    diagnostics: list[Facts]
    recommendations: list[Facts]


class EngineOutput(TypedDict):
    test_type: str
    tests_performed: list[Facts]
    overall_status: str
    pass_rate: str


class MetricsOutput(TypedDict):
    metric_type: str
    analysis_results: Facts


class PatternsOutput(TypedDict):
    overall_compliance: str
    average_compliance_score: float | None
    files_validated: int
    issues_found: list[Facts]
    recommendations: list[Facts]
