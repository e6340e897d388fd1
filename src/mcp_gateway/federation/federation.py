"""One request of a client, whatever it asks for: answered from the catalog, opened as a subscription, or sent to its server."""

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final, Protocol

from mcp_gateway.access.act import Act
from mcp_gateway.access.policy.model import Action, Target
from mcp_gateway.access.policy.own_tools import action_of
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import object_at
from mcp_gateway.core.protocol.words import LISTS, NAMED_BY, TASKS_EXTENSION
from mcp_gateway.federation.errors import CapabilityMissing, UnknownMethod, UnknownName
from mcp_gateway.federation.model import Reply, Request
from mcp_gateway.federation.pipeline import Onward, Passage
from mcp_gateway.federation.restoring import restored
from mcp_gateway.federation.views import Route, View

# Methods beside `NAMED_BY` that are about something a server offers.
_NAMING: Final = frozenset({"completion/complete"})
_ACTIONS: Final[Mapping[str, Action]] = {
    "resources/read": "read_resource",
    "resources/subscribe": "read_resource",
    "resources/unsubscribe": "read_resource",
    "prompts/get": "get_prompt",
}


class Offers(Protocol):
    """What is offered where; the catalog. All of it for one caller, who never learns of what they may not see."""

    def view(self, name: str, *, search: bool = False) -> View | None:
        """The endpoint of this name; "" is the one that has everything. None: there is none.

        `search`: with a search in place of its list of tools.
        """
        ...

    def opens(self, view: View, caller: Caller) -> bool:
        """Whether this caller may know that there is such an endpoint."""
        ...

    async def discover(self, view: View, request: Request) -> Reply: ...

    async def list(self, view: View, request: Request) -> Reply: ...

    def route(self, view: View, request: Request) -> Route | None:
        """Where it goes, as far as that is known without asking any server."""
        ...

    async def locate(self, view: View, request: Request) -> Route | None:
        """The same, asking servers what they offer. Raises `GatewayError`."""
        ...


class Opening(Protocol):
    """`subscriptions/listen`: a reply whose events come as things change."""

    async def open(self, view: View, request: Request) -> Reply: ...


class Federation:
    """`guarded` is the way of a request to a registered server, `own` that to a server of this process, which guards itself."""

    def __init__(self, offers: Offers, subscriptions: Opening, *, guarded: Onward, own: Onward) -> None:
        self._offers, self._subscriptions = offers, subscriptions
        self._guarded, self._own = guarded, own

    def view(self, name: str, *, search: bool = False) -> View | None:
        """The endpoint of this name; "" is the one that has everything. None: there is none.

        `search`: with a search in place of its list of tools.
        """
        return self._offers.view(name, search=search)

    def opens(self, view: View, caller: Caller) -> bool:
        """Whether this caller may know that there is such an endpoint."""
        return view.kind == "all" or self._offers.opens(view, caller)

    def send(self, view: View, request: Request) -> Awaitable[Reply]:
        """Raises `GatewayError`; what a server answers, its errors too, is a reply."""
        method = request.method
        if method in LISTS:
            return self._offers.list(view, request)
        if method == "server/discover":
            return self._offers.discover(view, request)
        if method == "subscriptions/listen":
            return self._subscriptions.open(view, request)
        return self._forward(view, request)

    async def _forward(self, view: View, request: Request) -> Reply:
        route = self._offers.route(view, request) or await self._offers.locate(view, request)
        if route is None:
            raise _nowhere(request)
        if route.answer is not None:
            return await route.answer(request)
        if route.rewrite is not None:
            request = replace(request, params=route.rewrite(request.params), body=None, headers=None)
        passage = Passage(view, request, route, act_of(request, route))
        onward = self._own if route.server.transport == "built_in" else self._guarded
        reply = await onward(passage)
        return reply if route.restore is None else restored(reply, route.restore)


def _nowhere(request: Request) -> GatewayError:
    """Why no server takes this request."""
    method = request.method
    if method in NAMED_BY or method in _NAMING:
        if method.startswith("tasks/") and TASKS_EXTENSION not in object_at(request.client.capabilities, "extensions"):
            return CapabilityMissing(requiredCapabilities={"extensions": {TASKS_EXTENSION: {}}})
        return UnknownName(name=request.name[:200])
    return UnknownMethod(method=method[:200])


def act_of(request: Request, route: Route) -> Act:
    """What a request is to the policy and to the audit trail: about one tool, prompt or resource of one server."""
    method = request.method
    if method == "completion/complete":
        return _act(_completed(request), route.server.name, route.name, request.params)
    if method != "tools/call":
        return _act(_ACTIONS.get(method, "call_tool"), route.server.name, route.name or method, request.params)
    action, target = _called(route.server.name, route.name)
    return Act(action=action, target=target, arguments=object_at(request.params, "arguments"), face="mcp")


@lru_cache(maxsize=4_096)
def _called(server: str, tool: str) -> tuple[Action, Target]:
    target = Target(server=server, tool=tool)
    return action_of(target), target


def _act(action: Action, server: str, name: str, params: Mapping[str, Json]) -> Act:
    given = {key: value for key, value in params.items() if key != "_meta"}
    return Act(action=action, target=Target(server=server, tool=name), arguments=given, face="mcp")


def _completed(request: Request) -> Action:
    about = object_at(request.params, "ref").get("type")
    return "read_resource" if about == "ref/resource" else "get_prompt"
