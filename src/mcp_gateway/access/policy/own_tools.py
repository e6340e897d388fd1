"""The tools of the gateway and of its embedded servers, and what calling each of them is to the policy."""

from collections.abc import Mapping
from typing import Final

from mcp_gateway.access.policy.model import Action, Target

# The gateway's own tools as rules name them, whatever face they are used through: gateway.ask, gateway.execute_query.
OWN_SERVER: Final = "gateway"
OWN_TOOLS: Final[Mapping[str, Mapping[str, Action]]] = {
    OWN_SERVER: {"ask": "ask", "execute_query": "run_query", "list_tables": "read_schema", "describe_table": "read_schema"},
    "tables": {
        "execute_query": "run_query",
        "find_values": "run_query",
        "explain_query": "read_schema",
        "list_tables": "read_schema",
        "describe_table": "read_schema",
    },
    "glossary": {"lookup_term": "read_schema"},
    "ops": {
        "diagnose_gateway_health": "diagnose",
        "analyze_cache_coherence": "diagnose",
        "analyze_performance_metrics": "diagnose",
        "troubleshoot_production_issue": "diagnose",
        "test_ai_engine_integration": "diagnose",
        "generate_enterprise_router": "generate",
        "validate_enterprise_patterns": "validate",
    },
}


def action_of(target: Target) -> Action:
    """What calling a tool is: one of ours is what it does, any other is a tool call."""
    return OWN_TOOLS.get(target.server, {}).get(target.tool, "call_tool")


def parse_tool(name: str) -> Target:
    """`server.tool`; by its name alone it is one of the gateway's own, where there is such a one."""
    server, dot, tool = name.partition(".")
    if dot:
        return Target(server=server, tool=tool)
    return Target(server=OWN_SERVER if name in OWN_TOOLS[OWN_SERVER] else "", tool=name)
