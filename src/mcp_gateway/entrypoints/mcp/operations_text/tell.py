"""The lines of each tool's result, and all of them as one text."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.entrypoints.mcp.operations_text.code import patterns_lines, router_lines
from mcp_gateway.entrypoints.mcp.operations_text.diagnosis import health_lines, trouble_lines
from mcp_gateway.entrypoints.mcp.operations_text.lines import Line
from mcp_gateway.entrypoints.mcp.operations_text.measured import cache_lines, engine_lines, performance_lines

_TELLERS: Mapping[str, Callable[[JsonObject], Iterator[Line]]] = {
    "diagnose_gateway_health": health_lines,
    "troubleshoot_production_issue": trouble_lines,
    "analyze_cache_coherence": cache_lines,
    "analyze_performance_metrics": performance_lines,
    "test_ai_engine_integration": engine_lines,
    "generate_enterprise_router": router_lines,
    "validate_enterprise_patterns": patterns_lines,
}


def tell(tool: str, found: Mapping[str, Json]) -> Iterator[Line]:
    """What the tool found. `tool` is one of the seven."""
    return _TELLERS[tool](dict(found))


def as_text(lines: Iterable[Line]) -> str:
    """For whoever sees no colours; files stand in fences, so that a model knows where they end."""
    parts: list[str] = []
    inside = False
    for line in lines:
        if (line.style == "code") != inside:
            inside = not inside
            parts.append("````")
        elif line.style == "heading" and parts:
            parts.append("")
        parts.append(line.text)
    return "\n".join([*parts, "````"] if inside else parts)
