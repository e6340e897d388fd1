"""Limits of an MCP server: what comes in over HTTP is held to them, what comes from this process or over stdio is not.

Each tool is an operation, and reading resources is one; a call refused has cost nothing and carries when to come back.
"""

from collections.abc import Mapping

from starlette.requests import Request

from mcp_gateway.entrypoints.mcp.caller import caller_of
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter

READ = "read"


class CallLimits:
    """`prefix` goes before a tool's name to make its operation, unless `names` has a name of its own for it."""

    def __init__(self, limiter: EnterpriseRateLimiter, *, prefix: str, names: Mapping[str, str] | None = None) -> None:
        self._limiter, self._prefix, self._names = limiter, prefix, names or {}

    async def admit(self, request: object, what: str) -> None:
        """`request` is what the transport knows of the call; only HTTP knows a request.

        Raises `RateLimited` or `LimitsAway`.
        """
        if isinstance(request, Request):
            await self._limiter.check_or_raise(caller_of(request), self._names.get(what) or f"{self._prefix}.{what}")
