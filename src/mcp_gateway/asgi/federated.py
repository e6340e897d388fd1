"""The federated endpoint put together: our own servers behind it, clients of every era before it, and the quick way in."""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from mcp_gateway.access.access import Access
from mcp_gateway.access.policy.own_tools import OWN_SERVER
from mcp_gateway.core.clock import Clock
from mcp_gateway.entrypoints.http.app import HttpOptions
from mcp_gateway.entrypoints.http.identity import CALLER, IDENTITY, Identity
from mcp_gateway.entrypoints.http.middleware import Names
from mcp_gateway.entrypoints.mcp.federated.endpoint import FederatedEndpoint
from mcp_gateway.entrypoints.mcp.federated.fast_lane import FastLane
from mcp_gateway.entrypoints.mcp.federated.legacy import LegacyFront
from mcp_gateway.entrypoints.mcp.federated.legacy_messages import LegacyMessages
from mcp_gateway.entrypoints.mcp.federated.plain_json import PlainJson
from mcp_gateway.entrypoints.mcp.federated.sessions_live import LiveSessions
from mcp_gateway.entrypoints.mcp.federated.sse_http import SseFront
from mcp_gateway.entrypoints.mcp.hosting import mcp_app
from mcp_gateway.entrypoints.mcp.server import McpFace
from mcp_gateway.federation.model import Client
from mcp_gateway.gateway import McpServers
from mcp_gateway.registry.model import Server, ServerLimits
from mcp_gateway.registry.names import is_name
from mcp_gateway.registry.registry import Registry
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.federation import Federated, OwnServer, open_federation
from mcp_gateway.wiring.foundation import Foundation
from mcp_gateway.wiring.links import BuiltIn
from mcp_gateway.wiring.operations import OPS
from mcp_gateway.wiring.servers import GLOSSARY

# The face that offers the gateway itself; not a name an embedded server can have.
OWN: Final = ""
# Of our own servers these are part of the one endpoint; what the tables server has, the gateway itself offers with its checks.
_IN_THE_ONE_ENDPOINT: Final = frozenset({OWN, GLOSSARY, OPS})
_MARGIN_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class FederatedApplication:
    """`goodbye` ends the streams that never end by themselves; `plain` is for callers that speak no MCP."""

    endpoint: FederatedEndpoint
    plain: PlainJson
    registry: Registry
    servers: McpServers
    goodbye: Callable[[], None]


@asynccontextmanager
async def open_federated(
    settings: Settings, *, clock: Clock, foundation: Foundation, faces: Mapping[str, McpFace]
) -> AsyncIterator[FederatedApplication]:
    """Raises what opening the registry raises: a faulty servers file, a store that is not there."""
    async with AsyncExitStack() as stack:
        own = [await _own_server(stack, key, face, settings) for key, face in faces.items() if key in _IN_THE_ONE_ENDPOINT]
        federated = await stack.enter_async_context(open_federation(settings, clock=clock, foundation=foundation, own=own))
        endpoint = FederatedEndpoint(federated.federation, elsewhere=[key for key in faces if key != OWN])
        peers = federated.replicas.peers
        live = LiveSessions(peers.replica)
        messages = LegacyMessages(send=endpoint.reply, sessions=federated.sessions, live=live, peers=peers)
        endpoint.serve_older(LegacyFront(messages), SseFront(messages))
        yield FederatedApplication(
            endpoint=endpoint,
            plain=PlainJson(federated.federation, version=version("mcp-gateway"), elsewhere=[key for key in faces if key != OWN]),
            registry=federated.registry,
            servers=_servers(federated),
            goodbye=lambda: _say_goodbye(live, federated),
        )


def _say_goodbye(live: LiveSessions, federated: Federated) -> None:
    live.say_goodbye()
    federated.subscriptions.listening.say_goodbye()


def federated_routes(application: FederatedApplication) -> list[BaseRoute]:
    """The one endpoint, that of every server, their older transport, and their tools as plain HTTP."""
    endpoint = application.endpoint
    routes: list[BaseRoute] = []
    for before in ("", "/servers/{name}"):
        routes.append(Route(f"{before}/mcp", endpoint=_Asgi(endpoint)))
        routes.append(Route(f"{before}/sse", endpoint=_Asgi(endpoint.over_sse)))
        routes.append(Route(f"{before}/messages/", endpoint=_Asgi(endpoint.over_sse)))
    return [*routes, *application.plain.routes()]


def quick_way(
    app: ASGIApp,
    *,
    endpoint: FederatedEndpoint,
    access: Access | None,
    options: HttpOptions,
    clock: Clock,
    new_id: Callable[[], str],
) -> ASGIApp:
    """The application with the short way before it; without login every way is short enough."""
    if access is None:
        return app
    return FastLane(
        app,
        endpoint,
        authenticate=access.authenticate,
        names=Names(options.hosts, options.allowed_origins),
        challenges=options.challenges(access),
        clock=clock,
        new_id=new_id,
        max_body_bytes=options.max_body_bytes,
    )


class Endpoints(Collection[str]):
    """The paths MCP clients connect to: every registered server has one, and any name could be one of them."""

    def __init__(self, embedded: Collection[str], registry: Registry | None) -> None:
        names = ("", *(f"/servers/{key}" for key in embedded))
        self._fixed = tuple(f"{before}/{transport}" for before in names for transport in ("mcp", "sse"))
        self._registry = registry

    def __contains__(self, path: object) -> bool:
        if path in self._fixed:
            return True
        if not isinstance(path, str) or self._registry is None:
            return False
        before, _, transport = path.rpartition("/")
        root, _, name = before.rpartition("/")
        # Whoever has not logged in learns no names: any that there could be is answered alike.
        return root == "/servers" and transport in ("mcp", "sse") and is_name(name)

    def __iter__(self) -> Iterator[str]:
        yield from self._fixed
        if self._registry is not None:
            for name in (*self._registry.servers, *self._registry.virtual_servers):
                yield from (f"/servers/{name}/mcp", f"/servers/{name}/sse")

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Asgi:
    """An ASGI application as a route wants it: an object, for a function would be called with a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)


async def _own_server(stack: AsyncExitStack, key: str, face: McpFace, settings: Settings) -> OwnServer:
    app = mcp_app(face, sse=False, guard=_as_it_is)
    await stack.enter_async_context(app.router.lifespan_context(app))
    server = Server(
        name=key or OWN_SERVER,
        title=face.identity.title,
        description=face.identity.description,
        transport="built_in",
        source="built_in",
        # It changes with the program, which nobody approves apart from installing it; it reads its arguments itself.
        drift="pass",
        check_arguments=False,
        limits=ServerLimits(timeout_seconds=settings.ask_timeout_seconds + _MARGIN_SECONDS),
    )
    return OwnServer(server=server, inside=BuiltIn(app=app, target="/mcp", state_of=_state_of))


def _as_it_is(app: ASGIApp) -> ASGIApp:
    """Nothing stands before a server that only this process reaches; the caller is in the state already."""
    return app


def _state_of(client: Client) -> MutableMapping[str, Any]:
    identity = Identity(client.caller)
    identity.asked = True
    return {IDENTITY: identity, CALLER: client.caller}


def _servers(federated: Federated) -> McpServers:
    return McpServers(
        definitions=federated.definitions,
        approvals=federated.approvals,
        catalog=federated.catalog,
        health=federated.subscriptions.health,
        recent=federated.recent,
        whys=federated.whys,
    )
