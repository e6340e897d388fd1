"""What a caller may see of the database behind an MCP server: everything, for this process and until a policy is named."""

from collections.abc import Awaitable, Callable

from mcp_gateway.access.data.model import DataRights
from mcp_gateway.access.data.rights import PolicyRights
from mcp_gateway.access.policy.model import Action
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.entrypoints.mcp.caller import THIS_PROCESS


class DataView:
    """Of one database, whose schema `read_schema` gives."""

    def __init__(self, read_schema: Callable[[], Awaitable[DatabaseSchema]]) -> None:
        self._read_schema = read_schema
        self._policy: PolicyRights | None = None
        self._server = ""

    def follow(self, policy: PolicyRights, *, server: str) -> None:
        """Hold callers to this from now on; `server` is the name rules know the server by."""
        self._policy, self._server = policy, server

    async def rights(self, caller: Caller, action: Action) -> DataRights | None:
        """None: everything may be seen. Raises `NotAllowed`, and what reading the schema raises."""
        policy = self._policy
        if policy is None or caller is THIS_PROCESS or policy.is_silent:
            return None
        return policy.rights(caller, action, await self._read_schema(), server=self._server)
