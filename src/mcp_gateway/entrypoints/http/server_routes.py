"""Registered MCP servers over HTTP. Every route is a use case of the registry, which decides and writes down itself.

The list of them is part of GET /servers (`data.py`), beside the servers behind the answers.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from mcp_gateway.entrypoints.http.access_answers import RemovedAnswer
from mcp_gateway.entrypoints.http.guards import ServersUsed
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.entrypoints.http.server_answers import OutcomeAnswer, ServerAnswer
from mcp_gateway.entrypoints.http.server_models import ServerPatch, ServerRequest
from mcp_gateway.entrypoints.http.server_shapes import shape_outcome, shape_registered_server
from mcp_gateway.kit.fastapi import GuardedRoute
from mcp_gateway.registry.official.names import is_registry_name
from mcp_gateway.registry.official.ordering import from_directory
from mcp_gateway.registry.orders import Registered
from mcp_gateway.registry.registry import Registry

Name = Annotated[str, Path(max_length=100)]
ExpectedVersion = Annotated[int | None, Query(ge=1, description="Changed meanwhile: 409, and nothing is done.")]


def server_routes(registry: Registry) -> APIRouter:
    """POST /servers, GET, PATCH and DELETE /servers/{name}, POST /servers/{name}/test|enable|disable|refresh."""
    router = APIRouter(prefix="/api/servers", tags=["servers"], route_class=GuardedRoute)
    _add_reading_and_writing(router, registry)
    _add_acts(router, registry)
    return router


def _add_reading_and_writing(router: APIRouter, registry: Registry) -> None:
    # patterns: allow write-not-idempotent: a name is taken once; asked twice it answers SERVER_NAME_TAKEN
    @router.post(
        "",
        response_model=OutcomeAnswer,
        status_code=201,
        summary="Register an MCP server: it is connected to, checked and explained",
    )
    async def add(body: ServerRequest, call: ServersUsed) -> JsonObject:
        order = body.order()
        if is_registry_name(order.url):
            order = from_directory(order, await registry.look_up(call.caller, order.name, order.url))
        return shape_outcome(registry, call.caller, await registry.add(call.caller, order, look=body.look))

    @router.get("/{name}", response_model=ServerAnswer, summary="One registered server; never its secrets")
    async def show(name: Name, call: ServersUsed) -> JsonObject:
        await registry.catch_up(call.caller, name)
        return {"server": shape_registered_server(registry, call.caller, registry.find(call.caller, name))}

    @router.patch("/{name}", response_model=OutcomeAnswer, summary="Change what is given, on every replica")
    async def update(name: Name, body: ServerPatch, call: ServersUsed) -> JsonObject:
        changed = await registry.update(call.caller, name, body.change(), expected_version=body.expected_version, look=body.look)
        return shape_outcome(registry, call.caller, changed)

    @router.delete("/{name}", response_model=RemovedAnswer, summary="Remove it, and all that was approved of it")
    async def remove(
        name: Name,
        call: ServersUsed,
        *,
        expected_version: ExpectedVersion = None,
        force: Annotated[bool, Query(description="Even if a virtual server offers something of it.")] = False,
    ) -> JsonObject:
        await registry.remove(call.caller, name, expected_version=expected_version, force=force)
        return {"removed": name}


def _add_acts(router: APIRouter, registry: Registry) -> None:
    @router.post(
        "/{name}/test", response_model=OutcomeAnswer, summary="Connect to it now and tell what was found; nothing is changed"
    )
    async def test(name: Name, call: ServersUsed) -> JsonObject:
        return shape_outcome(registry, call.caller, await registry.test(call.caller, name))

    @router.post(
        "/{name}/refresh", response_model=OutcomeAnswer, summary="Forget what is kept of it, on every replica, and look again"
    )
    async def refresh(name: Name, call: ServersUsed) -> JsonObject:
        return shape_outcome(registry, call.caller, await registry.refresh(call.caller, name))

    @router.post("/{name}/enable", response_model=OutcomeAnswer, summary="Offer it again")
    async def enable(name: Name, call: ServersUsed) -> JsonObject:
        return shape_outcome(registry, call.caller, Registered(server=await registry.enable(call.caller, name)))

    @router.post("/{name}/disable", response_model=OutcomeAnswer, summary="Offer nothing of it, on every replica")
    async def disable(name: Name, call: ServersUsed) -> JsonObject:
        return shape_outcome(registry, call.caller, Registered(server=await registry.disable(call.caller, name)))
