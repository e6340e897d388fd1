"""Virtual servers over HTTP: named selections of tools. Every route is a use case of the registry."""

from fastapi import APIRouter

from mcp_gateway.entrypoints.http.access_answers import RemovedAnswer
from mcp_gateway.entrypoints.http.guards import ServersUsed
from mcp_gateway.entrypoints.http.server_answers import VirtualAnswer, VirtualsAnswer
from mcp_gateway.entrypoints.http.server_models import VirtualPatch, VirtualRequest
from mcp_gateway.entrypoints.http.server_routes import ExpectedVersion, Name
from mcp_gateway.entrypoints.http.server_shapes import shape_virtual
from mcp_gateway.kit.fastapi import GuardedRoute
from mcp_gateway.registry.registry import Registry


def virtual_server_routes(registry: Registry) -> APIRouter:
    """GET and POST /virtual-servers, GET, PATCH and DELETE /virtual-servers/{name}."""
    router = APIRouter(prefix="/api/virtual-servers", tags=["servers"], route_class=GuardedRoute)

    @router.get("", summary="The virtual servers you may see")
    async def virtual_servers(call: ServersUsed) -> VirtualsAnswer:
        return {"virtual_servers": [shape_virtual(registry, call.caller, one) for one in registry.virtual.list(call.caller)]}

    # patterns: allow write-not-idempotent: a name is taken once; asked twice it answers SERVER_NAME_TAKEN
    @router.post("", status_code=201, summary="Make a virtual server")
    async def add(body: VirtualRequest, call: ServersUsed) -> VirtualAnswer:
        made = await registry.virtual.add(call.caller, body.order())
        return {"virtual_server": shape_virtual(registry, call.caller, made)}

    @router.get("/{name}", summary="One virtual server")
    async def show(name: Name, call: ServersUsed) -> VirtualAnswer:
        await registry.catch_up(call.caller, name)
        return {"virtual_server": shape_virtual(registry, call.caller, registry.virtual.find(call.caller, name))}

    @router.patch("/{name}", summary="Change what is given, on every replica")
    async def update(name: Name, body: VirtualPatch, call: ServersUsed) -> VirtualAnswer:
        changed = await registry.virtual.update(call.caller, name, body.change(), expected_version=body.expected_version)
        return {"virtual_server": shape_virtual(registry, call.caller, changed)}

    @router.delete("/{name}", summary="Remove it; the servers it selected from stay")
    async def remove(name: Name, call: ServersUsed, *, expected_version: ExpectedVersion = None) -> RemovedAnswer:
        await registry.virtual.remove(call.caller, name, expected_version=expected_version)
        return {"removed": name}

    return router
