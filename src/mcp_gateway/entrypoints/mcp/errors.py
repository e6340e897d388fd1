"""Our errors in MCP's words; the only place where they are translated.

A failing tool is a result with `isError`, so that the model behind the client can read it and do better: the structured
content is `{"error": GatewayError.to_dict()}` and the text is the same as JSON. What cannot be a tool result (an unknown tool,
a resource that cannot be read) is a JSON-RPC error that carries the same shape as its data.
"""

import json

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mcp_gateway.core.errors import GatewayError, Json, Unavailable

# Until 2025-11-25 a missing resource had a code of its own; SEP-2164 made it "invalid params".
LEGACY_RESOURCE_NOT_FOUND = -32002


class ServerBusy(Unavailable):
    """The server is working on as many calls as it takes at once."""

    code = "SERVER_BUSY"
    hint = "Try again in a moment, or send fewer calls at once."


def tool_error(error: GatewayError) -> types.CallToolResult:
    """The error as the result of a tool call."""
    shape: dict[str, Json] = {"error": error.to_dict()}
    text = json.dumps(shape, ensure_ascii=False)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=shape, is_error=True)


def protocol_error(error: GatewayError) -> MCPError:
    """The error as the answer to a request that has no error result of its own."""
    code = types.INVALID_PARAMS if error.category in ("invalid", "not_found") else types.INTERNAL_ERROR
    return MCPError(code=code, message=error.message, data={"error": error.to_dict()})


def unknown_tool(name: str) -> MCPError:
    return MCPError(code=types.INVALID_PARAMS, message=f"Unknown tool: {name}", data={"tool": name})


def unknown_resource(uri: str, protocol_version: str) -> MCPError:
    modern = protocol_version in MODERN_PROTOCOL_VERSIONS
    code = types.INVALID_PARAMS if modern else LEGACY_RESOURCE_NOT_FOUND
    return MCPError(code=code, message="Resource not found", data={"uri": uri})
