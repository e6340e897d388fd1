"""What goes on at the MCP servers just now: the last calls, and how each server is. Of this replica alone.

The audit trail is what stays; this is for somebody who watches.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from mcp_gateway.entrypoints.http.access_shapes import moment
from mcp_gateway.entrypoints.http.guards import AuditRead, ServersUsed
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.entrypoints.http.server_answers import CallAnswer, CallsAnswer, ServerHealthAnswer
from mcp_gateway.federation.recent import RecentCall
from mcp_gateway.gateway import McpServers
from mcp_gateway.kit.fastapi import GuardedRoute
from mcp_gateway.registry.registry import Registry

MOST_CALLS = 200


def call_routes(servers: McpServers, registry: Registry) -> APIRouter:
    """GET /calls and /servers/{name}/health."""
    router = APIRouter(prefix="/api", tags=["servers"], route_class=GuardedRoute)

    @router.get("/calls", summary="The last calls to MCP servers of your tenant, oldest first")
    async def calls(
        call: AuditRead,
        *,
        after: Annotated[int, Query(ge=0, description="Only calls with a higher number.")] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_CALLS)] = 50,
    ) -> CallsAnswer:
        found = servers.recent.of(call.caller.tenant, after=after, most=limit)
        return {"calls": [_shape(one) for one in found], "last": servers.recent.number}

    @router.get(
        "/servers/{name}/health",
        response_model=ServerHealthAnswer,
        summary="How a server was when it was last looked at, and before",
    )
    async def health(name: Annotated[str, Path(max_length=100)], call: ServersUsed) -> JsonObject:
        return servers.health.of(registry.find(call.caller, name).name).to_dict()

    return router


def _shape(call: RecentCall) -> CallAnswer:
    return {
        "number": call.number,
        "at": moment(call.at),
        "subject": call.subject,
        "server": call.server,
        "method": call.method,
        "name": call.name,
        "outcome": call.outcome,
        "error_code": call.error_code,
        "duration_ms": round(call.duration_ms, 2),
        "revision": call.revision,
    }
