"""Where a request goes: to the server that has what it is about, under the name that server knows it by.

Nothing is asked of anybody: a route is found in what is known. That it is found is no permission; the policy is asked on the way.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.core.protocol.words import TASKS_EXTENSION
from mcp_gateway.federation.catalog.known import Known
from mcp_gateway.federation.catalog.model import ListKind
from mcp_gateway.federation.catalog.names import Own
from mcp_gateway.federation.catalog.naming import Naming
from mcp_gateway.federation.catalog.ports import Registered
from mcp_gateway.federation.catalog.sight import Sight
from mcp_gateway.federation.catalog.tasks import TASK_METHODS, TaskIds
from mcp_gateway.federation.catalog.uris import Uris
from mcp_gateway.federation.catalog.virtual import fill, names_of
from mcp_gateway.federation.model import Request
from mcp_gateway.federation.views import Route, View
from mcp_gateway.registry.model import Selected, Server, VirtualServer

Rewrite: TypeAlias = Callable[[JsonObject], JsonObject]
MAX_KEPT: Final = 500
MAX_TOOLS_KEPT: Final = 50_000
_LOCKED: Final[Mapping[str, ListKind]] = {"tools/call": "tools", "prompts/get": "prompts"}
_REFERRED: Final[Mapping[str, str]] = {"ref/prompt": "name", "ref/resource": "uri"}
_ABOUT_URIS: Final = frozenset({"resources/read", "resources/subscribe", "resources/unsubscribe"})


class Router:
    """Remembers what it makes of what is known until that changes."""

    def __init__(self, registry: Registered, sight: Sight, known: Known, naming: Naming, tasks: TaskIds) -> None:
        self._registry, self._sight, self._known, self._naming, self._tasks = registry, sight, known, naming, tasks
        self._stamp = (-1, -1, -1)
        self._tools_stamp = (-1, -1)
        # By tenant and name.
        self._tools: dict[tuple[str, str], Route] = {}
        self._uris: dict[tuple[str, str], Uris] = {}
        self._selections: dict[str, tuple[VirtualServer, dict[str, Selected]]] = {}

    def route(self, view: View, request: Request) -> Route | None:
        """None: nothing of this name is known here. Raises `AmbiguousUri`."""
        caller = request.client.caller
        if view.server is not None:
            return self._to_one(view.server, request) if view.server.tenant in ("", caller.tenant) else None
        if view.virtual is not None and view.virtual.tenant not in ("", caller.tenant):
            return None
        method = request.method
        if method == "tools/call":
            return self._to_tool(view, request)
        if method == "prompts/get":
            own = self._prompt(view, caller, request.name)
            return None if own is None else self._named(own, caller, _renamed(own.name) if own.name != request.name else None)
        if method in _ABOUT_URIS:
            server = self._of_uri(view, caller, request.name)
            return None if server is None else Route(server=server, name=request.name)
        if method == "completion/complete":
            return self._to_completion(view, request)
        return self._to_task(view, request) if method in TASK_METHODS else None

    def find_tool(self, view: View, caller: Caller, name: str) -> Own | None:
        """Whose tool this is, by the name the view gives it."""
        if view.virtual is not None:
            selected = self._selection(view.virtual).get(name)
            return None if selected is None else Own(selected.server, selected.tool)
        return self._named_so("tools", caller, name)

    def server(self, name: str, caller: Caller) -> Server | None:
        """One this caller's tenant may meet."""
        found = self._registry.servers.get(name)
        return found if found is not None and found.enabled and found.tenant in ("", caller.tenant) else None

    def _to_one(self, server: Server, request: Request) -> Route | None:
        caller = request.client.caller
        if request.method in TASK_METHODS:
            own = self._tasks.inward(request.name, caller)
            return None if own is None or own.server != server.name else self._task_of(server, own.name, caller)
        kind = _LOCKED.get(request.method)
        if kind is not None and not self._is_known(server, kind, request.name):
            return None
        if request.method == "completion/complete":
            name = _completed(request)
            return None if not name else Route(server=server, name=name)
        if kind != "tools":
            return Route(server=server, name=request.name)
        return Route(server=server, name=request.name, restore=self._restoring(server, request))

    def _is_known(self, server: Server, kind: ListKind, name: str) -> bool:
        """Where definitions are locked, what nobody has seen yet has to be seen first; elsewhere its server will know."""
        return not self._known.locked or name in self._known.names(server.name, kind)

    def _to_tool(self, view: View, request: Request) -> Route | None:
        caller, name = request.client.caller, request.name
        stamp = (self._registry.revision, self._known.revision("tools"))
        if stamp != self._tools_stamp or len(self._tools) >= MAX_TOOLS_KEPT:
            self._tools_stamp = stamp
            self._tools.clear()
        # A view is of the moment its request came in; only that of everything is what it was.
        route = self._tools.get((caller.tenant, name)) if view.virtual is None else None
        if route is None:
            route = self._find_way(view, caller, name)
            if route is None:
                return None
            if view.virtual is None:
                self._tools[caller.tenant, name] = route
        restore = self._restoring(route.server, request)
        return route if restore is None else replace(route, restore=restore)

    def _find_way(self, view: View, caller: Caller, name: str) -> Route | None:
        own = self.find_tool(view, caller, name)
        server = None if own is None else self.server(own.server, caller)
        if own is None or server is None or not self._is_known(server, "tools", own.name):
            return None
        rewrite = _renamed(own.name) if own.name != name else None
        if view.virtual is not None:
            selected = self._selection(view.virtual)[name]
            if rewrite is not None or selected.hidden or selected.preset:
                rewrite = _filled(selected)
        return Route(server=server, name=own.name, rewrite=rewrite)

    def _to_completion(self, view: View, request: Request) -> Route | None:
        caller, about = request.client.caller, object_at(request.params, "ref")
        name, uri = about.get("name"), about.get("uri")
        if isinstance(name, str) and about.get("type") == "ref/prompt":
            own = self._prompt(view, caller, name)
            return None if own is None else self._named(own, caller, _referring(own.name) if own.name != name else None)
        if not isinstance(uri, str):
            return None
        uris = self._known_uris(view, caller)
        server = uris.with_template(uri, self._seen(caller, uri)) or self._of_uri(view, caller, uri)
        return None if server is None else Route(server=server, name=uri)

    def _to_task(self, view: View, request: Request) -> Route | None:
        caller = request.client.caller
        own = self._tasks.inward(request.name, caller)
        server = None if own is None else self.server(own.server, caller)
        if own is None or server is None or server not in self._sight.servers(view, caller, "tools"):
            return None
        return self._task_of(server, own.name, caller)

    def _task_of(self, server: Server, own_id: str, caller: Caller) -> Route:
        return Route(
            server=server,
            name=own_id,
            rewrite=lambda params: {**params, "taskId": own_id},
            restore=self._with_task(server.name, caller),
        )

    def _restoring(self, server: Server, request: Request) -> Rewrite | None:
        """What shows a task the call may become as its caller's alone; None for a client that takes none."""
        if TASKS_EXTENSION not in object_at(request.client.capabilities, "extensions"):
            return None
        return self._with_task(server.name, request.client.caller)

    def _prompt(self, view: View, caller: Caller, name: str) -> Own | None:
        if view.virtual is None:
            return self._named_so("prompts", caller, name)
        servers = self._sight.servers(view, caller, "prompts")
        offering = (one for one in servers if name in self._known.names(one.name, "prompts"))
        found = next((one for one in offering if self._sight.sees(caller, one.name, "prompts", name)), None)
        return None if found is None else Own(found.name, name)

    def _named_so(self, kind: ListKind, caller: Caller, name: str) -> Own | None:
        """Under its name here; or with its server's before it, which a name that was taken once had and may have lost since."""
        found = self._naming.names(caller.tenant, kind).own.get(name)
        if found is not None:
            return found
        for server in self._sight.of_tenant(caller.tenant):
            own = name.removeprefix(f"{server.name}_")
            if own != name and own in self._known.names(server.name, kind):
                return Own(server.name, own)
        return None

    def _named(self, own: Own, caller: Caller, rewrite: Rewrite | None) -> Route | None:
        server = self.server(own.server, caller)
        return None if server is None else Route(server=server, name=own.name, rewrite=rewrite)

    def _of_uri(self, view: View, caller: Caller, uri: str) -> Server | None:
        return self._known_uris(view, caller).find(uri, self._seen(caller, uri))

    def _seen(self, caller: Caller, uri: str) -> Callable[[Server], bool]:
        return lambda server: self._sight.sees(caller, server.name, "resources", uri)

    def _known_uris(self, view: View, caller: Caller) -> Uris:
        self._follow()
        key = (view.name, self._sight.group(caller.tenant))
        found = self._uris.get(key)
        if found is None:
            if len(self._uris) >= MAX_KEPT:
                self._uris.clear()
            found = self._uris[key] = Uris(self._sight.servers(view, caller, "resources"), self._known)
        return found

    def _selection(self, virtual: VirtualServer) -> dict[str, Selected]:
        self._follow()
        kept = self._selections.get(virtual.name)
        if kept is None or kept[0] is not virtual:
            kept = self._selections[virtual.name] = (virtual, names_of(virtual.tools))
        return kept[1]

    def _follow(self) -> None:
        stamp = (self._registry.revision, self._known.revision("resources"), self._known.revision("templates"))
        if stamp != self._stamp:
            self._stamp = stamp
            self._uris.clear()
            self._selections.clear()

    def _with_task(self, server: str, caller: Caller) -> Rewrite:
        return lambda result: self._tasks.show(result, server, caller)


def _completed(request: Request) -> str:
    """The prompt or template whose argument is to be completed: it is what the policy is asked about. "" for none."""
    about = object_at(request.params, "ref")
    kind = about.get("type")
    name = about.get(_REFERRED.get(kind, "")) if isinstance(kind, str) else None
    return name if isinstance(name, str) else ""


def _renamed(name: str) -> Rewrite:
    return lambda params: {**params, "name": name}


def _filled(selected: Selected) -> Rewrite:
    return lambda params: fill(params, selected)


def _referring(name: str) -> Rewrite:
    return lambda params: {**params, "ref": {**object_at(params, "ref"), "name": name}}
