"""What listening needs to know of views, from the catalog and the registry."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Final

from mcp_gateway.access.policy.model import Target
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.catalog.catalog import Catalog
from mcp_gateway.federation.catalog.model import ListKind
from mcp_gateway.federation.catalog.ports import Surroundings
from mcp_gateway.federation.catalog.sight import Sight
from mcp_gateway.federation.model import Client, Request
from mcp_gateway.federation.subscriptions.ports import ExtensionRoute, Located
from mcp_gateway.federation.views import Route, View
from mcp_gateway.registry.model import Server

# The selection of a view changes with the registry and the policy, whatever its servers announce.
KINDS: Final = frozenset({"tools", "prompts", "resources"})
# Of the tasks extension: which tasks to tell of.
TASK_FILTER: Final = "taskIds"
MAX_TASKS: Final = 1_000
_LISTS: Final[tuple[ListKind, ...]] = ("tools", "prompts", "resources")


class CatalogOffers:
    """Implements `Offers`. URIs are the servers' own in every view."""

    def __init__(self, catalog: Catalog, around: Surroundings) -> None:
        self._catalog, self._around = catalog, around
        self._sight = Sight(around)
        # The names in tuples of servers, mostly the same ones for all callers of a tenant; held so that they stay themselves.
        self._names: dict[tuple[int, ...], tuple[tuple[tuple[Server, ...], ...], frozenset[str]]] = {}
        self._names_of = -1

    def current(self, view: View) -> View | None:
        return self._catalog.view(view.name)

    def servers(self, view: View, client: Client) -> frozenset[str]:
        lists = _LISTS[:1] if view.kind == "server" else _LISTS
        servers = tuple(self._sight.servers(view, client.caller, kind) for kind in lists)
        if view.kind != "all":
            return frozenset(one.name for some in servers for one in some)
        if self._names_of != self._around.registry.revision:
            self._names_of = self._around.registry.revision
            self._names.clear()
        key = tuple(map(id, servers))
        known = self._names.get(key)
        if known is None or any(one is not other for one, other in zip(known[0], servers, strict=True)):
            known = self._names[key] = (servers, frozenset(one.name for some in servers for one in some))
        return known[1]

    def kinds(self, view: View, client: Client) -> frozenset[str]:
        return KINDS

    def signature(self, view: View, client: Client) -> Hashable:
        """Who is there, as what, and whatever the policy says: one of these changes with what the client sees."""
        servers = tuple(
            self._sight.servers(view, client.caller, kind) for kind in (_LISTS[:1] if view.kind == "server" else _LISTS)
        )
        return _Selection(self._around.policy_version(), view.virtual, servers)

    async def locate(self, view: View, client: Client, uris: Collection[str]) -> Mapping[str, Located]:
        routes = {uri: self._route(view, client, uri) for uri in uris}
        unknown = next((uri for uri, route in routes.items() if route is None), None)
        if unknown is not None:
            # Whoever does not know one of them knows none: what servers have is asked for once.
            await self._ask(view, client, unknown)
            routes = {uri: route or self._route(view, client, uri) for uri, route in routes.items()}
        return {
            uri: Located(server=route.server.name, uri=route.name)
            for uri, route in routes.items()
            if route is not None and self._may_read(client, route)
        }

    def extensions(self, view: View, client: Client, asked: JsonObject) -> Sequence[ExtensionRoute]:
        """Tasks are where their ids say; anything else concerns a server only where there is just one."""
        tasks, rest = asked.get(TASK_FILTER), {key: value for key, value in asked.items() if key != TASK_FILTER}
        filters: dict[str, JsonObject] = {}
        routes: dict[str, dict[str, Route]] = {}
        for task_id in tasks[:MAX_TASKS] if isinstance(tasks, list) else ():
            route = self._task(view, client, task_id) if isinstance(task_id, str) else None
            if isinstance(task_id, str) and route is not None:
                routes.setdefault(route.server.name, {})[task_id] = route
        for server, found in routes.items():
            filters[server] = {TASK_FILTER: [one.name for one in found.values()]}
        servers = self.servers(view, client)
        if rest and len(servers) == 1:
            filters.setdefault(next(iter(servers)), {}).update(rest)
        return [
            _extension_route(server, wanted, routes.get(server, {}))
            for server, wanted in filters.items()
            if self._may_listen(client, server)
        ]

    def shown_uri(self, view: View, server: str, uri: str) -> str:
        return uri

    def _route(self, view: View, client: Client, uri: str) -> Route | None:
        try:
            return self._catalog.route(view, _about(uri, client))
        except GatewayError:
            return None

    def _task(self, view: View, client: Client, task_id: str) -> Route | None:
        try:
            return self._catalog.route(view, Request(id=0, method="tasks/get", params={"taskId": task_id}, client=client))
        except GatewayError:
            return None

    def _may_listen(self, client: Client, server: str) -> bool:
        target = Target(server=server, tool="subscriptions/listen")
        return self._around.deciding.decide(client.caller, "call_tool", target).allowed

    async def _ask(self, view: View, client: Client, uri: str) -> None:
        try:
            await self._catalog.locate(view, _about(uri, client))
        except GatewayError:
            return

    def _may_read(self, client: Client, route: Route) -> bool:
        target = Target(server=route.server.name, tool=route.name)
        return self._around.deciding.decide(client.caller, "read_resource", target).allowed


def _extension_route(server: str, wanted: JsonObject, tasks: Mapping[str, Route]) -> ExtensionRoute:
    shown = {route.name: task_id for task_id, route in tasks.items()}
    restore = next((route.restore for route in tasks.values() if route.restore is not None), None)

    def acknowledge(honoured: JsonObject) -> JsonObject:
        ids = honoured.get(TASK_FILTER)
        if not isinstance(ids, list):
            return honoured
        return {**honoured, TASK_FILTER: [shown[one] for one in ids if isinstance(one, str) and one in shown]}

    return ExtensionRoute(server=server, filter=wanted, acknowledge=acknowledge, restore=restore or _unchanged)


def _unchanged(params: JsonObject) -> JsonObject:
    return params


class _Selection:
    """Compared by what it holds; the tuples of servers are mostly the same objects, which makes that quick."""

    __slots__ = ("_parts",)

    def __init__(self, *parts: object) -> None:
        self._parts = parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Selection) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash(self._parts[0])


def _about(uri: str, client: Client) -> Request:
    return Request(id=0, method="resources/subscribe", params={"uri": uri}, client=client)
