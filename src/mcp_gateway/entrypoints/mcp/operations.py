"""The operations tools as an MCP server: what is wrong and what to do, routers that keep the rules, rules checked."""

from mcp_gateway.diagnostics.operations import Operations
from mcp_gateway.entrypoints.mcp.changes import ChangeFeed
from mcp_gateway.entrypoints.mcp.operations_tools import VIEW_URI, operations_tools
from mcp_gateway.entrypoints.mcp.server import FIXED_TTL_MS, Identity, McpFace
from mcp_gateway.entrypoints.mcp.views import view_of

IDENTITY = Identity(
    name="mcp-gateway-ops",
    title="Operations",
    description="Finds the true cause when something is wrong, makes routers that keep the rules, and checks rules.",
    instructions=(
        "Begin with diagnose_gateway_health. When something is wrong, troubleshoot_production_issue with issue_type auto names "
        "the likeliest cause, its evidence, what was ruled out and why, and remedies with their risk; show blind_spots to the "
        "user, and never carry out a remedy without their word. generate_enterprise_router returns text and writes nothing; "
        "validate_enterprise_patterns takes a path of the project or the text itself."
    ),
)


def build_operations_server(operations: Operations) -> McpFace:
    """The seven tools over their use cases."""
    view = view_of(
        uri=VIEW_URI,
        name="operations",
        title="Operations view",
        description="What an operations tool found, drawn, for clients that show MCP Apps.",
        page="operations.html",
    )
    return McpFace(
        identity=IDENTITY,
        tools=operations_tools(operations),
        resources=[view],
        changes=ChangeFeed(),
        list_ttl_ms=FIXED_TTL_MS,
    )
