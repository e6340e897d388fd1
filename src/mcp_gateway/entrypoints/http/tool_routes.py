"""What registered servers offer and how it stands: listed, shown, compared, approved, blocked.

Things are named by query and body, not by path: a resource's name is a URI. Every use case decides and writes down itself.
"""

from typing import Annotated, Final, Literal, TypeAlias

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from mcp_gateway.entrypoints.http.guards import ServersUsed
from mcp_gateway.entrypoints.http.tool_answers import ComparedAnswer, DefinitionAnswer, EntriesAnswer, EntryAnswer
from mcp_gateway.entrypoints.http.tool_shapes import shape_compared, shape_entry, shape_shown
from mcp_gateway.kit.fastapi import GuardedRoute
from mcp_gateway.registry.definitions.approvals import Approvals, Shown, Wanted
from mcp_gateway.registry.definitions.model import Key, Kind, Status

MAX_LISTED: Final = 1_000
_MAX_NAME: Final = 2_000
KindSaid: TypeAlias = Literal["tools", "prompts", "resources", "templates", "instructions"]
ServerName = Annotated[str, Query(max_length=100)]
ThingName = Annotated[str, Query(min_length=1, max_length=_MAX_NAME, description="A tool's or prompt's name, a URI.")]
KindName = Annotated[KindSaid, Query()]


class DecisionRequest(BaseModel):
    """What is decided about, as it was looked at."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"server": "github", "name": "search_issues", "fingerprint": "0f3c9a2b"}]},
    )

    server: str = Field(max_length=100)
    name: str = Field(min_length=1, max_length=_MAX_NAME)
    kind: KindSaid = "tools"
    fingerprint: str = Field("", max_length=64, description="Of the definition looked at; eight digits or more of it.")

    def key(self) -> Key:
        return Key(self.server, self.kind, self.name)


def tool_routes(approvals: Approvals) -> APIRouter:
    """GET /tools, /tools/show, /tools/diff; POST /tools/approve, /tools/block."""
    router = APIRouter(prefix="/api/tools", tags=["tools"], route_class=GuardedRoute)
    _add_reading(router, approvals)
    _add_deciding(router, approvals)
    return router


def _add_reading(router: APIRouter, approvals: Approvals) -> None:
    @router.get("", summary="What servers offer, and how each of it stands")
    async def tools(
        call: ServersUsed,
        *,
        server: ServerName = "",
        kind: Annotated[Kind | None, Query(description="Only of this kind.")] = None,
        status: Annotated[Status | None, Query(description="Only what stands so.")] = None,
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = MAX_LISTED,
    ) -> EntriesAnswer:
        found = approvals.list(call.caller, Wanted(server=server, kind=kind, status=status))
        return {"tools": [shape_entry(one) for one in found[offset : offset + limit]], "total": len(found)}

    @router.get("/show", summary="One definition, with how it stands")
    async def show(call: ServersUsed, server: ServerName, name: ThingName, kind: KindName = "tools") -> DefinitionAnswer:
        return shape_shown(approvals.show(call.caller, Key(server, kind, name)))

    @router.get(
        "/diff",
        summary="The latest definition against the approved one; for those who manage the server",
    )
    async def diff(call: ServersUsed, server: ServerName, name: ThingName, kind: KindName = "tools") -> ComparedAnswer:
        return shape_compared(approvals.compare(call.caller, Key(server, kind, name)))


def _add_deciding(router: APIRouter, approvals: Approvals) -> None:
    @router.post("/approve", summary="Let its latest definition count, on every replica")
    async def approve(body: DecisionRequest, call: ServersUsed) -> EntryAnswer:
        record = await approvals.approve(call.caller, body.key(), body.fingerprint)
        return shape_entry(Shown(record=record, managing=True))

    @router.post("/block", summary="Let nobody list or call it until it is approved")
    async def block(body: DecisionRequest, call: ServersUsed) -> EntryAnswer:
        record = await approvals.block(call.caller, body.key(), body.fingerprint)
        return shape_entry(Shown(record=record, managing=True))
