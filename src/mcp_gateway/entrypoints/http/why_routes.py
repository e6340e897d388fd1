"""GET /servers/explain: why a tool is there for the caller, or is not; for others, for who manages access."""

from typing import Annotated

from fastapi import APIRouter, Query

from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.access_models import MAX_NAMES
from mcp_gateway.entrypoints.http.guards import ServersUsed
from mcp_gateway.entrypoints.http.server_answers import WhyAnswer, WhysAnswer
from mcp_gateway.federation.why.model import Why
from mcp_gateway.federation.why.whys import Whys
from mcp_gateway.kit.fastapi import GuardedRoute

Names = Annotated[list[str] | None, Query(max_length=MAX_NAMES)]


def why_routes(whys: Whys) -> APIRouter:
    """To be routed before the servers themselves, of which none is called so."""
    router = APIRouter(prefix="/api/servers", tags=["servers"], route_class=GuardedRoute)

    @router.get("/explain", summary="Why you see a tool, or do not; every step from the token to its name")
    async def explain(
        call: ServersUsed,
        tool: Annotated[str, Query(min_length=1, max_length=300, description="server.tool, or a name of /mcp.")],
        *,
        subject: Annotated[str, Query(max_length=200, description="Somebody else, for who manages access.")] = "",
        role: Annotated[
            list[str] | None,
            Query(max_length=MAX_NAMES, description="Left out: the roles of the subject's good tokens of this gateway."),
        ] = None,
        scope: Names = None,
    ) -> WhysAnswer:
        if not subject and role is None and scope is None:
            return {"explanations": [shape_why(one) for one in whys.of_self(call.caller, tool)]}
        described = Caller(
            tenant=call.caller.tenant,
            subject=subject or "somebody",
            roles=frozenset(role or ()),
            scopes=None if scope is None else frozenset(scope),
        )
        roles_said = role is not None or not subject
        found = await whys.of_other(call.caller, described, tool, roles_said=roles_said)
        return {"explanations": [shape_why(one) for one in found]}

    return router


def shape_why(why: Why) -> WhyAnswer:
    return {
        "asked": why.asked,
        "caller": {"tenant": why.caller.tenant, "subject": why.caller.subject, "roles": sorted(why.caller.roles)},
        "server": why.server or None,
        "tool": why.name,
        "listed": why.listed or None,
        "works": why.works,
        "reason": why.reason,
        "chain": [{"step": one.step, "passed": one.passed, "detail": one.detail, "rule": one.rule or None} for one in why.chain],
        "advice": list(why.advice),
        "virtual_servers": list(why.virtual_servers),
    }
