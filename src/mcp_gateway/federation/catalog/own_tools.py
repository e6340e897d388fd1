"""The gateway's own two tools of a long list: one finds tools, the other calls what was found."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from mcp_gateway.access.policy.own_tools import OWN_SERVER
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.registry.model import Server

SEARCH_TOOLS: Final = "search_tools"
CALL_TOOL: Final = "call_tool"
# No server's tool has these names in the one endpoint.
RESERVED: Final = frozenset({SEARCH_TOOLS, CALL_TOOL})
# Clients that take no more leave out the rest without a word (VS Code: 128); from here on there is a way to reach it.
MANY_TOOLS: Final = 128
DEFAULT_LIMIT: Final = 8
MAX_LIMIT: Final = 50
MAX_QUERY: Final = 1_000

OWN: Final = Server(name=OWN_SERVER, transport="built_in", source="built_in", title="MCP Gateway")
Definition: TypeAlias = JsonObject

_SEARCH: Final[Definition] = {
    "name": SEARCH_TOOLS,
    "title": "Find tools",
    "description": (
        "Finds tools by what they do, in plain words, best first, with the input schema of each. "
        f"Not every tool need be listed: whatever this finds can be called with {CALL_TOOL}."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What you want to do, such as: create an issue", "maxLength": MAX_QUERY},
            "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    "annotations": {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": False},
}
_CALL: Final[Definition] = {
    "name": CALL_TOOL,
    "title": "Call a tool",
    "description": f"Calls a tool that {SEARCH_TOOLS} found, by its name, with arguments that fit its input schema.",
    "inputSchema": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "arguments": {"type": "object"}},
        "required": ["name"],
        "additionalProperties": False,
    },
}
DEFINITIONS: Final[dict[str, Definition]] = {SEARCH_TOOLS: _SEARCH, CALL_TOOL: _CALL}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a search is for."""

    query: str
    limit: int


def read_search(params: JsonObject) -> Wish:
    """Raises `InvalidInput`."""
    arguments = object_at(params, "arguments")
    query, limit = arguments.get("query"), arguments.get("limit", DEFAULT_LIMIT)
    if not isinstance(query, str) or not query.strip() or len(query) > MAX_QUERY:
        raise InvalidInput(f"`query` has to be a text of 1 to {MAX_QUERY} characters.")
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput(f"`limit` has to be a number from 1 to {MAX_LIMIT}.")
    return Wish(query=query, limit=limit)


def unwrapped(params: JsonObject) -> JsonObject:
    """The call inside a call of `call_tool`. Raises `InvalidInput`."""
    arguments = object_at(params, "arguments")
    name, inner = arguments.get("name"), arguments.get("arguments", {})
    if not isinstance(name, str) or not name or name in RESERVED:
        raise InvalidInput("`name` has to be the name of a tool that was found.")
    if not isinstance(inner, dict):
        raise InvalidInput("`arguments` has to be an object.")
    return {**params, "name": name, "arguments": inner}
