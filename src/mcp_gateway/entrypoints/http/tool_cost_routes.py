"""What lists of tools cost the models that read them, and what their names had to be changed to."""

from dataclasses import asdict
from typing import Annotated, Final

from fastapi import APIRouter, Query

from mcp_gateway.core.errors import NotFound
from mcp_gateway.entrypoints.http.guards import ServersUsed
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.entrypoints.http.tool_answers import CostAnswer, NamesAnswer
from mcp_gateway.federation.catalog.catalog import Catalog
from mcp_gateway.federation.catalog.costs import BYTES_PER_TOKEN, Cost
from mcp_gateway.federation.model import Client
from mcp_gateway.kit.fastapi import GuardedRoute

MOST_NAMES: Final = 1_000


def tool_cost_routes(catalog: Catalog) -> APIRouter:
    """GET /tools/cost: of the list as the caller themselves would get it. GET /tools/names: of all it is made of."""
    router = APIRouter(prefix="/api/tools", tags=["tools"], route_class=GuardedRoute)

    @router.get("/cost", response_model=CostAnswer, summary="What your list of tools costs a model, in tokens, about")
    async def cost(
        call: ServersUsed,
        server: Annotated[str, Query(max_length=100, description="A server or virtual server; else the one endpoint.")] = "",
    ) -> JsonObject:
        client = Client(caller=call.caller)
        # patterns: allow tenant-unscoped: a view is whose list is asked for; what of it the caller sees, `cost` decides
        view = catalog.view(server)
        if view is None:
            raise NotFound(f"There is no server {server}.", server=server)
        # patterns: allow tenant-unscoped: a view with search, as the one above
        searched = catalog.view(server, search=True)
        saved = None if searched is None else await catalog.cost(searched, client)
        return _shape(await catalog.cost(view, client), search_tokens=0 if saved is None else saved.tokens)

    @router.get(
        "/names",
        response_model=NamesAnswer,
        summary="Names that two servers want, or that are too long, and what they are called instead",
    )
    async def names(call: ServersUsed) -> JsonObject:
        return {"names": [asdict(one) for one in catalog.findings(call.caller)[:MOST_NAMES]]}

    return router


def _shape(cost: Cost, *, search_tokens: int) -> JsonObject:
    return {
        "tools": cost.tools,
        "tokens": cost.tokens,
        "tokens_with_search": search_tokens,
        "bytes_per_token": BYTES_PER_TOKEN,
        "servers": [one._asdict() for one in cost.servers],
        "largest": [one._asdict() for one in cost.largest],
        "missing": [*cost.missing],
    }
