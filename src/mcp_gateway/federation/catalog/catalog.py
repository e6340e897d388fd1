"""What each endpoint offers each caller: its lists, what it says of itself, and where a request goes."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from mcp_gateway.access.policy.own_tools import OWN_SERVER
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.core.protocol.words import LISTS, SERVER_INFO_KEY
from mcp_gateway.federation.catalog.costs import Cost, cost_of
from mcp_gateway.federation.catalog.cursors import start_of
from mcp_gateway.federation.catalog.discovery import Discovery
from mcp_gateway.federation.catalog.gathering import gather
from mcp_gateway.federation.catalog.lists import Lists
from mcp_gateway.federation.catalog.looking import Looking
from mcp_gateway.federation.catalog.model import KIND_OF, SLOW, Finding, ListKind
from mcp_gateway.federation.catalog.names import Names
from mcp_gateway.federation.catalog.naming import Naming
from mcp_gateway.federation.catalog.own_offers import OwnOffers, through
from mcp_gateway.federation.catalog.own_tools import SEARCH_TOOLS
from mcp_gateway.federation.catalog.ports import Surroundings
from mcp_gateway.federation.catalog.reading import UpstreamSaid
from mcp_gateway.federation.catalog.replies import (
    MISSING_KEY,
    RENAMED_KEY,
    TOKENS_KEY,
    WHOLE_TOKENS_KEY,
    error_reply,
    list_reply,
    result_reply,
    told_missing,
    told_renamed,
)
from mcp_gateway.federation.catalog.routing import Router
from mcp_gateway.federation.catalog.shelf import Shelf, identity_of
from mcp_gateway.federation.catalog.sight import Sight
from mcp_gateway.federation.catalog.snapshot import Snapshot
from mcp_gateway.federation.catalog.tasks import TaskIds
from mcp_gateway.federation.catalog.uris import taken_uris
from mcp_gateway.federation.errors import ListsMissing, UnknownName
from mcp_gateway.federation.model import Change, Client, Reply, Request
from mcp_gateway.federation.views import Route, View
from mcp_gateway.registry.model import Server

# A list that lacks a server is looked at again soon.
MISSING_TTL_MS: Final = 2_000
# So many servers are named in one error.
MAX_NAMED: Final = 20
ALL: Final = View(kind="all")
ALL_SEARCHED: Final = View(kind="all", search=True)
_KIND_ASKED: Final[dict[str, tuple[ListKind, ...]]] = {
    "tools/call": ("tools",),
    "prompts/get": ("prompts",),
    "completion/complete": ("prompts", "templates", "resources"),
}
_OF_URIS: Final[tuple[ListKind, ...]] = ("resources", "templates")


class Catalog:
    """One for the process. Everything it keeps is bounded; `close` ends what it has under way."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._sight = Sight(around)
        self._shelf = Shelf(around)
        self._naming = Naming(around.registry, self._sight, self._shelf.known)
        self._lists = Lists(around, self._sight, self._shelf, self._naming)
        self._router = Router(around.registry, self._sight, self._shelf.known, self._naming, TaskIds(around.key))
        self._discovery = Discovery(around, self._sight)
        self._own = OwnOffers(self._searched)
        self._looking = Looking(around.clock, self._shelf.known)

    def view(self, name: str | None, *, search: bool = False) -> View | None:
        """The endpoint of this name, "" or None being the one that has everything; to be asked for again with every request.

        `search`: its client wants to search for tools, not to read a list of them. None: there is no server of this name, or it
        is switched off.
        """
        if not name:
            return ALL_SEARCHED if search else ALL
        server = self._around.registry.servers.get(name)
        if server is not None:
            return View(kind="server", name=name, server=server, search=search) if server.enabled else None
        virtual = self._around.registry.virtual_servers.get(name)
        return None if virtual is None else View(kind="virtual", name=name, virtual=virtual, search=search)

    def follow_registry(self) -> None:
        """Forgets what is kept of servers that are gone."""
        servers = self._around.registry.servers
        self._shelf.known.keep_only(servers)
        self._shelf.keep_only(servers)

    def opens(self, view: View, caller: Caller) -> bool:
        """Whether there is such an endpoint for this caller: one of another tenant is none, nor one they may use nothing of."""
        return self._sight.opens(view, caller)

    async def list(self, view: View, request: Request) -> Reply:
        """A page of one of the four lists.

        Raises `UnknownName` where there is no such view for this caller, `UnknownCursor`, and `GatewayError` where the view is
        one server that fails.
        """
        self._require(view, request)
        await self._admit(view, request.client, request.method)
        try:
            snapshot = await self._lists.snapshot(view, KIND_OF[request.method], request.client)
        except UpstreamSaid as said:
            return error_reply(request.id, said.error)
        whole = snapshot
        if request.method == "tools/list":
            snapshot = self._own.join(view, whole)
        cursor = request.params.get("cursor")
        if cursor is not None and not isinstance(cursor, str):
            raise InvalidInput("The cursor has to be a text.")
        page = self._lists.page(snapshot, 0 if cursor is None else start_of(snapshot, cursor))
        private = not self._around.everybody_alike or any(held.owner for held in snapshot.held)
        return list_reply(
            request.id,
            LISTS[request.method],
            page,
            ttl_ms=self._ttl_ms(snapshot),
            scope="private" if private else "public",
            meta=self._meta(view, request, snapshot, whole),
        )

    async def cost(self, view: View, client: Client) -> Cost:
        """What the view's list of tools costs whoever reads it. Raises as `list` does."""
        return cost_of(self._own.join(view, await self._lists.snapshot(view, "tools", client)))

    async def discover(self, view: View, request: Request) -> Reply:
        """What the view says of itself. Raises `UnknownName`, and `GatewayError` where it is one server that fails."""
        self._require(view, request)
        await self._admit(view, request.client, request.method)
        return result_reply(request.id, await self._discovery.result(view, request.client))

    def route(self, view: View, request: Request) -> Route | None:
        """Where it goes, as far as that is known. Raises `AmbiguousUri` and `InvalidInput`, its `rewrite` `HiddenArgument`."""
        own = self._own.route(view, request)
        if isinstance(own, Request):
            return through(self._router.route(view, own))
        return own or self._router.route(view, request)

    async def locate(self, view: View, request: Request) -> Route | None:
        """The same, after asking what is not known; waits two seconds at most, but for one server by itself as long as it takes.

        None: nobody offers it, as far as one can tell. Raises `ListsMissing` where a server has yet to say what it offers, and
        `GatewayError` where the view is one server that fails.
        """
        asked = _KIND_ASKED.get(request.method, _OF_URIS if request.method.startswith("resources/") else ())
        caller = request.client.caller
        if kinds := self._looking.due(view, caller, asked):
            await self._admit(view, request.client, "locate")
            self._looking.note(view, caller, await self._look(view, request.client, kinds))
        route = self.route(view, request)
        if route is None and (silent := self._looking.silent(view, caller, asked)):
            raise ListsMissing(name=request.name[:200], servers=[*silent[:MAX_NAMED]])
        return route

    async def reread(self, server: Server, kind: ListKind, client: Client) -> bytes | None:
        """Ask for the list now, whatever is kept, and have its definitions observed: a digest of it; None: there is no such list.

        Raises `GatewayError`.
        """
        facts = await self._around.links.link(server).facts(client)
        if ("resources" if kind == "templates" else kind) not in facts.capabilities:
            return None
        held = await self._shelf.get(server, kind, client, identity_of(client))
        if held.refused is not None:
            return None
        digest = blake2b(digest_size=16)
        for item in held.all_items:
            digest.update(b"%d:" % len(item.body) + item.body)
        return digest.digest()

    def vouch(self, server: str, kinds: Collection[ListKind], until: float, identity: str = "") -> None:
        """A subscription with this server stands, and tells of changes of these lists until then (monotonic seconds).

        To be said again before that; a time that has passed ends it.
        """
        self._shelf.vouching.vouch(server, kinds, until, identity)

    def drop(self, change: Change) -> None:
        """Something changed at a server: what was made of it before is old."""
        self._looking.forget()
        self._shelf.drop(change)

    def tool_names(self, tenant: str) -> Names:
        """What the tools of all servers a tenant may meet are called in the one endpoint."""
        return self._naming.names(tenant, "tools")

    def findings(self, caller: Caller) -> tuple[Finding, ...]:
        """Names in the one endpoint that are not what a server and its prefix make of them, and resources it cannot give.

        About servers of which the caller may use something.
        """
        kinds: tuple[ListKind, ...] = ("tools", "prompts", "resources", "templates")
        seen = {one.name for kind in kinds for one in self._sight.servers(ALL, caller, kind)}
        names = (one for kind in kinds[:2] for one in self._naming.names(caller.tenant, kind).findings)
        uris = (one for kind in kinds[2:] for one in taken_uris(kind, self._sight.of_tenant(caller.tenant), self._shelf.known))
        found = (one for one in (*names, *uris) if one.server in seen)
        return tuple(one if one.other in seen else replace(one, other="") for one in found)

    async def close(self) -> None:
        await self._shelf.close()
        await self._discovery.close()

    async def _look(self, view: View, client: Client, kinds: Sequence[ListKind]) -> dict[ListKind, tuple[str, ...]]:
        """Who has not answered yet, by kind."""
        identity = identity_of(client)
        if view.server is None:
            every = [self._sight.servers(view, client.caller, kind) for kind in kinds]
            asking = (gather(self._shelf, servers, kind, client, identity) for servers, kind in zip(every, kinds, strict=True))
            found = zip(kinds, await asyncio.gather(*asking), strict=True)
            return {kind: tuple(one.server for one in gathered.missing if one.code == SLOW) for kind, gathered in found}
        for kind in kinds if self._sight.opens(view, client.caller) else ():
            if self._shelf.fresh(view.server, kind, identity) is None:
                await self._shelf.get(view.server, kind, client, identity)
        return dict.fromkeys(kinds, ())

    async def _searched(self, view: View, client: Client) -> Snapshot:
        await self._admit(view, client, SEARCH_TOOLS)
        return await self._lists.snapshot(view, "tools", client)

    async def _admit(self, view: View, client: Client, what: str) -> None:
        """Raises what the limits raise. An operation is called as those of `filters/limit.py`."""
        if self._around.limit is not None:
            await self._around.limit(client.caller, f"mcp.{view.name or OWN_SERVER}.{what}")

    def _require(self, view: View, request: Request) -> None:
        if not self._sight.opens(view, request.client.caller):
            raise UnknownName(name=view.name)

    def _ttl_ms(self, snapshot: Snapshot) -> int:
        """What is left of what each server promised."""
        now = self._around.clock.monotonic()
        left = (max(0, held.ttl_ms - int((now - held.asked_at) * 1000)) for held in snapshot.held)
        return min([*left, MISSING_TTL_MS] if snapshot.missing or not snapshot.held else left)

    def _meta(self, view: View, request: Request, snapshot: Snapshot, whole: Snapshot) -> JsonObject:
        """`whole` is the list without a search before it, or in place of it."""
        if view.kind == "server" and not view.search:
            return snapshot.held[0].meta if snapshot.held else {}
        meta: JsonObject = {SERVER_INFO_KEY: self._around.info}
        if request.method == "tools/list":
            meta[TOKENS_KEY] = snapshot.tokens
            if view.search:
                meta[WHOLE_TOKENS_KEY] = whole.tokens
        if snapshot.findings and not view.search:
            meta[RENAMED_KEY] = [*told_renamed(snapshot.findings)]
        if snapshot.missing:
            meta[MISSING_KEY] = [*told_missing(snapshot.missing)]
        return meta
