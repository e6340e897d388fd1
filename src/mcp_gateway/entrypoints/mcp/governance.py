"""What a caller may see and do at an MCP server over HTTP. Calls from this process, and over stdio, are the gateway's own.

A tool that may not be called looks like one that is not there: it is not listed, and calling it says that it is unknown.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from starlette.requests import Request

from mcp_gateway.access.act import Act
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.policy.model import Action, Target
from mcp_gateway.entrypoints.mcp.caller import caller_of

Result = TypeVar("Result")

# What calling each of our own tools is to the policy; every other is a tool call.
TOOL_ACTIONS: Final[Mapping[str, Action]] = {
    "ask": "ask",
    "execute_query": "run_query",
    "find_values": "run_query",
    "explain_query": "read_schema",
    "list_tables": "read_schema",
    "describe_table": "read_schema",
    "lookup_term": "read_schema",
}


class Governance:
    """`server` is the name rules use for this one. `by_use_case`: its tools and resources are decided by what they call."""

    def __init__(self, governor: Governor, *, server: str, by_use_case: bool) -> None:
        self._governor, self._server, self._by_use_case = governor, server, by_use_case

    def sees(self, request: object, tool: str) -> bool:
        """Whether the tool is listed. Raises `Unauthenticated`."""
        if not isinstance(request, Request):
            return True
        target = Target(server=self._server, tool=tool)
        decision = self._governor.decide(caller_of(request), action_of(tool), target)
        # What a better token would open is shown, so that a client can learn which scope to ask for.
        return decision.allowed or bool(decision.scope)

    async def call(
        self, request: object, tool: str, arguments: Mapping[str, Any], work: Callable[[], Awaitable[Result]]
    ) -> Result:
        """Raises `NotAllowed`, `InsufficientScope`, `AuditUnavailable`, and what the work raises."""
        return await self._carry_out(request, action_of(tool), Target(server=self._server, tool=tool), arguments, work)

    async def read(self, request: object, uri: str, work: Callable[[], Awaitable[Result]]) -> Result:
        """As `call`, for a resource."""
        target = Target(server=self._server, tool=uri)
        return await self._carry_out(request, "read_resource", target, {"uri": uri}, work)

    async def _carry_out(
        self,
        request: object,
        action: Action,
        target: Target,
        arguments: Mapping[str, Any],
        work: Callable[[], Awaitable[Result]],
    ) -> Result:
        if self._by_use_case or not isinstance(request, Request):
            return await work()
        act = Act(action=action, target=target, arguments=arguments, face="mcp")
        return await self._governor.carry_out(caller_of(request), act, work)


def action_of(tool: str) -> Action:
    """What calling a tool is to the policy."""
    return TOOL_ACTIONS.get(tool, "call_tool")
