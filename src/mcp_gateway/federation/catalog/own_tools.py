"""The gateway's own two tools of a long list: one finds tools, the other calls what was found."""

from typing import Final

SEARCH_TOOLS: Final = "search_tools"
CALL_TOOL: Final = "call_tool"
# No server's tool has these names in the one endpoint.
RESERVED: Final = frozenset({SEARCH_TOOLS, CALL_TOOL})
