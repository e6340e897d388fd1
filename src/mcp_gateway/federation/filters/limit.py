"""Nobody takes more than their share; a request refused here has cost nothing."""

from mcp_gateway.federation.model import Reply
from mcp_gateway.federation.pipeline import Onward, Passage
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter

# What is not about a tool is one operation for each method of a server.
_ABOUT_TOOLS = "tools/call"


class Limit:
    """A tool is an operation, `mcp.SERVER.TOOL`. Raises `RateLimited` or `LimitsAway`."""

    def __init__(self, limiter: EnterpriseRateLimiter) -> None:
        self._limiter = limiter

    async def __call__(self, passage: Passage, onward: Onward) -> Reply:
        request, route = passage.request, passage.route
        what = route.name if request.method == _ABOUT_TOOLS else request.method
        await self._limiter.check_or_raise(request.client.caller, f"mcp.{route.server.name}.{what}")
        return await onward(passage)
