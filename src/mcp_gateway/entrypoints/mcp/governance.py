"""What a caller may see and do at an MCP server over HTTP. Calls from this process, and over stdio, are the gateway's own.

A tool that may not be called looks like one that is not there: it is not listed, and calling it says that it is unknown.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from starlette.requests import Request

from mcp_gateway.access.act import Act
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.policy.model import Action, Target
from mcp_gateway.access.policy.own_tools import action_of
from mcp_gateway.entrypoints.mcp.caller import caller_of

Result = TypeVar("Result")


class Governance:
    """`server` is the name rules use for this one. `by_use_case`: its tools and resources are decided by what they call."""

    def __init__(self, governor: Governor, *, server: str, by_use_case: bool) -> None:
        self._governor, self._server, self._by_use_case = governor, server, by_use_case

    def sees(self, request: object, tool: str) -> bool:
        """Whether the tool is listed. Raises `Unauthenticated`."""
        if not isinstance(request, Request):
            return True
        target = Target(server=self._server, tool=tool)
        decision = self._governor.decide(caller_of(request), action_of(target), target)
        # What a better token would open is shown, so that a client can learn which scope to ask for.
        return decision.allowed or bool(decision.scope)

    async def call(
        self, request: object, tool: str, arguments: Mapping[str, Any], work: Callable[[], Awaitable[Result]]
    ) -> Result:
        """Raises `NotAllowed`, `InsufficientScope`, `AuditUnavailable`, and what the work raises."""
        target = Target(server=self._server, tool=tool)
        return await self._carry_out(request, action_of(target), target, arguments, work)

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
