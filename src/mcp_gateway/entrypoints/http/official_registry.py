"""The catalogue as clients know it from registries: `GET /v0.1/servers` and what is below it. Nothing can be published here.

Each caller is told what they may see. `OpenReading` lets editors that are web pages inside, VS Code with GitHub Copilot for one,
read it: any page may where a login is needed, which no page has; where none is, pages of the editor alone.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.challenge import Challenges
from mcp_gateway.entrypoints.http.guards import ServersRead
from mcp_gateway.entrypoints.http.official_answers import PageFacts, Publication, RegistryEntry, RegistryPage, ServerDocument
from mcp_gateway.kit.fastapi import GuardedRoute
from mcp_gateway.registry.errors import ServerNotFound
from mcp_gateway.registry.official.listing import DEFAULT_LIMIT, MAX_LIMIT, Entry, Wanted, entries_of, page_of, whole_gateway
from mcp_gateway.registry.official.names import namespace_of
from mcp_gateway.registry.registry import Registry

PATH: Final = "/v0.1/servers"
SCHEMA: Final = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
# What an editor that is a web page calls itself.
EDITORS: Final = frozenset({"vscode-file://vscode-app"})
Part = Annotated[str, Path(max_length=200)]


def official_registry_routes(registry: Registry, challenges: Challenges) -> APIRouter:
    """GET /v0.1/servers, /v0.1/servers/{name}/versions, /v0.1/servers/{name}/versions/{version}."""
    router = APIRouter(prefix=PATH, tags=["registry"], route_class=GuardedRoute)

    @router.get("", summary="The servers you may use, as registries list them")
    async def servers(
        request: Request,
        call: ServersRead,
        *,
        cursor: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
        search: Annotated[str, Query(max_length=200, description="A part of the name.")] = "",
        version: Annotated[str, Query(max_length=100, description="latest, or one version.")] = "",
        updated_since: Annotated[str, Query(max_length=40, description="RFC 3339.")] = "",
    ) -> RegistryPage:
        since = _moment(updated_since)
        wanted = Wanted(limit=limit, cursor=cursor, search=search, version=version, updated_since=since)
        page = page_of(_entries(registry, call.caller, challenges, request), wanted)
        metadata: PageFacts = {"count": len(page.entries)}
        if page.next_cursor:
            metadata["nextCursor"] = page.next_cursor
        origin = challenges.endpoint_origin(request.scope)
        return {"servers": [_shape(one, origin) for one in page.entries], "metadata": metadata}

    # patterns: allow list-unbounded: of each server there is one version
    @router.get("/{namespace}/{name}/versions", summary="Every version of one server: there is one")
    async def versions(namespace: Part, name: Part, request: Request, call: ServersRead) -> RegistryPage:
        found = _find(_entries(registry, call.caller, challenges, request), f"{namespace}/{name}", "latest")
        return {"servers": [_shape(found, challenges.endpoint_origin(request.scope))], "metadata": {"count": 1}}

    @router.get("/{namespace}/{name}/versions/{version}", summary="One version of one server, or its latest")
    async def version_of(namespace: Part, name: Part, version: Part, request: Request, call: ServersRead) -> RegistryEntry:
        found = _find(_entries(registry, call.caller, challenges, request), f"{namespace}/{name}", version)
        return _shape(found, challenges.endpoint_origin(request.scope))

    return router


class OpenReading:
    """Answers what browsers ask before they read the catalogue, and lets them read the answer; everything else goes on as it is.

    `any_origin`: a login is needed. A cookie is never sent along, since the answer does not allow it.
    """

    def __init__(self, app: ASGIApp, *, any_origin: bool) -> None:
        self._app, self._any_origin = app, any_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{PATH}/"):
            await self._app(scope, receive, send)
            return
        origin = Headers(scope=scope).get("origin")
        allowed = "*" if self._any_origin else origin if origin in EDITORS else None
        if origin is None or allowed is None or scope["method"] not in ("GET", "OPTIONS"):
            await self._app(scope, receive, send)
            return

        async def opened(message: Message) -> None:
            if message["type"] == "http.response.start":
                _open(MutableHeaders(scope=message), allowed)
            await send(message)

        if scope["method"] == "OPTIONS":
            await opened({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        # It is judged here, and by its cookie nobody is known.
        headers = [(name, value) for name, value in scope["headers"] if name not in (b"origin", b"cookie")]
        await self._app({**scope, "headers": headers}, receive, opened)


def _open(headers: MutableHeaders, allowed: str) -> None:
    headers["Access-Control-Allow-Origin"] = allowed
    headers["Access-Control-Allow-Methods"] = "GET, OPTIONS"
    headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
    headers["Access-Control-Expose-Headers"] = "WWW-Authenticate"
    headers.add_vary_header("Origin")
    # Set for everything else, it would keep the answer from the very page it is for.
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"


def _entries(registry: Registry, caller: Caller, challenges: Challenges, request: Request) -> tuple[Entry, ...]:
    namespace = namespace_of(challenges.endpoint_origin(request.scope))
    sound = [one for one in registry.list(caller) if registry.faults.get(one.name) in (None, "hides_another")]
    virtual = [one for one in registry.virtual_servers.values() if registry.may_see(caller, one)]
    return entries_of(namespace, sound, virtual, whole=whole_gateway(namespace, "/mcp"))


def _find(entries: tuple[Entry, ...], name: str, version: str) -> Entry:
    found = next((one for one in entries if one.name == name and version in ("latest", one.version)), None)
    if found is None:
        raise ServerNotFound(hint=f"`GET {PATH}` lists those you may see, each with its version.")
    return found


def _shape(one: Entry, origin: str) -> RegistryEntry:
    at = datetime.fromtimestamp(one.created_at, tz=UTC).isoformat().replace("+00:00", "Z")
    server: ServerDocument = {
        "$schema": SCHEMA,
        "name": one.name,
        "description": one.description,
        "version": one.version,
        "remotes": [{"type": "streamable-http", "url": f"{origin}{one.path}"}],
    }
    if one.title:
        server["title"] = one.title
    told: Publication = {"status": "active", "statusChangedAt": at, "publishedAt": at, "updatedAt": at, "isLatest": True}
    return {"server": server, "_meta": {"io.modelcontextprotocol.registry/official": told}}


def _moment(text: str) -> float | None:
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise InvalidInput("updated_since is no time.", hint="Write it as RFC 3339: 2026-01-31T12:00:00Z.")
    return read.timestamp()
