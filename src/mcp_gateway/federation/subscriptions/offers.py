"""What listening needs to know of views, from the catalog and the registry."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Final, NamedTuple

from mcp_gateway.access.policy.model import Target
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.catalog.catalog import Catalog
from mcp_gateway.federation.catalog.model import ListKind
from mcp_gateway.federation.catalog.ports import Surroundings
from mcp_gateway.federation.catalog.sight import Sight
from mcp_gateway.federation.model import Client, Request
from mcp_gateway.federation.subscriptions.ports import ExtensionRoute, Located, Seen
from mcp_gateway.federation.views import Route, View
from mcp_gateway.registry.model import Server, VirtualServer

# The selection of a view changes with the registry and the policy, whatever its servers announce.
KINDS: Final = frozenset({"tools", "prompts", "resources"})
# Of the tasks extension: which tasks to tell of.
TASK_FILTER: Final = "taskIds"
MAX_TASKS: Final = 1_000
# A set of a thousand names takes some ten kilobytes.
MAX_GROUPS: Final = 256
_LISTS: Final[tuple[ListKind, ...]] = ("tools", "prompts", "resources")


class CatalogOffers:
    """Implements `Offers`. URIs are the servers' own in every view."""

    def __init__(self, catalog: Catalog, around: Surroundings) -> None:
        self._catalog, self._around = catalog, around
        self._sight = Sight(around)
        # By the identity of a tuple of servers, which is held so that it stays that one's.
        self._groups: dict[int, _Group] = {}
        self._groups_of = -1

    def current(self, view: View, client: Client) -> View | None:
        now = self._catalog.view(view.name, search=view.search)
        return now if now is not None and self._sight.opens(now, client.caller) else None

    def seen(self, view: View, client: Client) -> Seen:
        return Seen(*(self._group(view, client, kind).names for kind in _LISTS))

    def kinds(self, view: View, client: Client) -> frozenset[str]:
        return KINDS

    def signature(self, view: View, client: Client) -> Hashable:
        """Who is there, as what, and whatever the policy says: one of these changes with what the client sees."""
        return (
            self._around.policy_version(),
            _selected(view.virtual),
            *(self._group(view, client, kind).stamp for kind in _LISTS),
        )

    def _group(self, view: View, client: Client, kind: ListKind) -> "_Group":
        """The catalog mostly gives all who see the same servers the same tuple; so they get the same set of names."""
        if self._groups_of != self._around.registry.revision:
            self._groups_of = self._around.registry.revision
            self._groups.clear()
        servers = self._sight.servers(view, client.caller, kind)
        known = self._groups.get(id(servers))
        if known is None or known.servers is not servers:
            if len(self._groups) >= MAX_GROUPS:
                self._groups.clear()
            known = self._groups[id(servers)] = _Group(
                servers,
                frozenset(one.name for one in servers),
                hash(tuple((one.name, one.version, one.url, one.prefix) for one in servers)),
            )
        return known

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
        servers = self.seen(view, client).every()
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


def _selected(virtual: VirtualServer | None) -> int:
    if virtual is None:
        return 0
    return hash((virtual.version, tuple((one.server, one.tool, one.name, one.description) for one in virtual.tools)))


class _Group(NamedTuple):
    """`stamp` differs when one of the servers is another than before."""

    servers: tuple[Server, ...]
    names: frozenset[str]
    stamp: int


def _about(uri: str, client: Client) -> Request:
    return Request(id=0, method="resources/subscribe", params={"uri": uri}, client=client)
