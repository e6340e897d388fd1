"""The operations tools, as they are called: by a client of the MCP server over them (`operations.py`), or by a command.

Apart from the server, so that a command that calls one tool loads no server.
"""

from collections.abc import Callable
from typing import TypeVar

from mcp_gateway.diagnostics.operations import (
    CoherenceOrder,
    EngineOrder,
    GenerateOrder,
    HealthOrder,
    MetricsOrder,
    Operations,
    PatternsOrder,
    TroubleOrder,
    UseCase,
)
from mcp_gateway.entrypoints.mcp.offer import Arguments, Call, OfferedTool, ToolOutput, offer_tool
from mcp_gateway.entrypoints.mcp.operations_shapes import (
    AnalyzeCoherence,
    AnalyzeMetrics,
    CoherenceOutput,
    DiagnoseHealth,
    EngineOutput,
    GenerateRouter,
    HealthOutput,
    MetricsOutput,
    PatternsOutput,
    RouterOutput,
    TestEngine,
    TroubleOutput,
    Troubleshoot,
    ValidatePatterns,
)
from mcp_gateway.entrypoints.mcp.operations_text.tell import as_text, tell

VIEW_URI = "ui://mcp-gateway/operations.html"
VIEW_META = {"ui": {"resourceUri": VIEW_URI}}
GivenT = TypeVar("GivenT", bound=Arguments)
OrderT = TypeVar("OrderT")


def operations_tools(operations: Operations) -> list[OfferedTool]:
    """The seven tools over their use cases."""
    return [*_looking_tools(operations), *_judging_tools(operations), *_code_tools(operations)]


def _looking_tools(operations: Operations) -> list[OfferedTool]:
    return [
        _tool(
            "diagnose_gateway_health",
            "Diagnose health",
            "Probe gateway, engine, Redis and limits at the same time, and join what was found into one story with evidence.",
            DiagnoseHealth,
            HealthOutput,
            operations.diagnose_gateway_health,
            lambda given: HealthOrder(**given.model_dump()),
        ),
        _tool(
            "analyze_cache_coherence",
            "Analyze the cache",
            "Hit rate, keys without an end, sizes, evictions, invalidations that were lost or late.",
            AnalyzeCoherence,
            CoherenceOutput,
            operations.analyze_cache_coherence,
            lambda given: CoherenceOrder(**given.model_dump()),
        ),
        _tool(
            "analyze_performance_metrics",
            "Analyze performance",
            "Latency, throughput, cache, limits or errors of a window, compared with the one before.",
            AnalyzeMetrics,
            MetricsOutput,
            operations.analyze_performance_metrics,
            lambda given: MetricsOrder(**given.model_dump()),
        ),
    ]


def _judging_tools(operations: Operations) -> list[OfferedTool]:
    return [
        _tool(
            "troubleshoot_production_issue",
            "Find the cause",
            "The likeliest causes of a trouble with their evidence, what was ruled out and why, and remedies with risk and undo.",
            Troubleshoot,
            TroubleOutput,
            operations.troubleshoot_production_issue,
            lambda given: TroubleOrder(**given.model_dump()),
        ),
        _tool(
            "test_ai_engine_integration",
            "Try the engine",
            "Real requests to the engine and through the gateway: reached, fast enough, right in errors; leaves nothing behind.",
            TestEngine,
            EngineOutput,
            operations.test_ai_engine_integration,
            lambda given: EngineOrder(**given.model_dump()),
        ),
    ]


def _code_tools(operations: Operations) -> list[OfferedTool]:
    return [
        _tool(
            "generate_enterprise_router",
            "Generate a router",
            "A FastAPI router on the kit, with limits, cache, tenants, breaker and errors, and its tests. Returns text.",
            GenerateRouter,
            RouterOutput,
            operations.generate_enterprise_router,
            lambda given: GenerateOrder(**given.model_dump()),
        ),
        _tool(
            "validate_enterprise_patterns",
            "Check routers",
            "Which rules a project's routers break, where, why, and how to mend it. Reads code and never runs it.",
            ValidatePatterns,
            PatternsOutput,
            operations.validate_enterprise_patterns,
            lambda given: PatternsOrder(
                router_path=None if given.check_all_routers else given.router_path,
                code=given.code,
                validation_level=given.validation_level,
            ),
        ),
    ]


def _tool(
    name: str,
    title: str,
    description: str,
    arguments: type[GivenT],
    returns: type[object],
    use_case: UseCase[OrderT],
    order_of: Callable[[GivenT], OrderT],
) -> OfferedTool:
    async def run(given: GivenT, call: Call) -> ToolOutput:
        found = await use_case(call.caller, order_of(given))
        return ToolOutput(structured=found, text=as_text(tell(name, found)))

    return offer_tool(
        name=name, title=title, description=description, arguments=arguments, returns=returns, run=run, meta=VIEW_META
    )
