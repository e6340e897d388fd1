"""Everything on one port (or two): page, API, the gateway as an MCP server, and the embedded servers."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from typing import Literal, TypeAlias

from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from mcp_gateway.access.access import Access
from mcp_gateway.access.policy.own_tools import OWN_SERVER
from mcp_gateway.asgi.embedded import open_faces, servers_of, settle_data
from mcp_gateway.asgi.federated import OWN, Endpoints, FederatedApplication, federated_routes, open_federated, quick_way
from mcp_gateway.asgi.serving import Listeners, require_provider, serve_apps
from mcp_gateway.core.clock import Clock
from mcp_gateway.entrypoints.http.app import HttpOptions, create_app, mcp_application
from mcp_gateway.entrypoints.http.metrics import figures_text
from mcp_gateway.entrypoints.mcp.ask import build_ask_server
from mcp_gateway.entrypoints.mcp.guard import McpGuard
from mcp_gateway.entrypoints.mcp.hosting import Doors, mcp_app
from mcp_gateway.entrypoints.mcp.operations import build_operations_server
from mcp_gateway.entrypoints.mcp.server import McpFace
from mcp_gateway.gateway import Gateway
from mcp_gateway.settings import InvalidSettings, Settings
from mcp_gateway.wiring.demo import EXAMPLE_QUESTIONS
from mcp_gateway.wiring.gateway import open_gateway
from mcp_gateway.wiring.guarded_foundation import open_guarded_foundation
from mcp_gateway.wiring.operations import OPS, OwnGateway, open_operations
from mcp_gateway.wiring.registry import judge_servers_file
from mcp_gateway.wiring.servers import is_embedded
from mcp_gateway.wiring.watched import NOTHING_NAMED, Watched

Role: TypeAlias = Literal["all", "engine", "gateway"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Application:
    """Open and ready to be served. `main` answers everything; `mcp` the MCP endpoints alone, for a port of their own."""

    gateway: Gateway
    main: ASGIApp
    mcp: ASGIApp
    goodbyes: tuple[Callable[[], None], ...]
    data: str

    async def serve(self, listeners: Listeners) -> None:
        """Answer until SIGINT or SIGTERM."""
        await serve_apps(self.main, self.mcp, listeners, self.goodbyes)


@asynccontextmanager
async def open_application(
    settings: Settings, *, clock: Clock, listeners: Listeners, role: Role = "all", watched: Watched = NOTHING_NAMED
) -> AsyncIterator[Application]:
    """Open every part of the role: "engine" has no web page, "gateway" no embedded servers.

    Raises what opening them raises: a faulty configuration, data that is not there; a servers file with a fault before all else.
    """
    _check_role(settings, role)
    judge_servers_file(settings)
    demo = is_embedded(settings) and settings.tables_url is None
    settings = await settle_data(settings, clock=clock) if demo else settings
    async with AsyncExitStack() as stack:
        faces = await stack.enter_async_context(open_faces(settings, clock=clock))
        foundation = await stack.enter_async_context(open_guarded_foundation(settings, clock=clock))
        require_provider(foundation.access, listeners.host)
        opened = await stack.enter_async_context(
            open_gateway(settings, clock=clock, upstreams=servers_of(faces), foundation=foundation)
        )
        asking = replace(opened, examples=EXAMPLE_QUESTIONS if demo else ())
        own = OwnGateway(page=figures_text(asking), health=asking.health, url=listeners.url)
        operations = await stack.enter_async_context(
            open_operations(settings, clock=clock, watched=watched, own=own, keep=settings.enable_health_checks)
        )
        faces = {**faces, OPS: build_operations_server(operations), OWN: build_ask_server(asking, new_id=_new_id)}
        _limit(faces, asking)
        _govern(faces, asking)
        federated = await stack.enter_async_context(open_federated(settings, clock=clock, foundation=foundation, faces=faces))
        gateway = replace(asking, mcp=federated.servers, registry=federated.registry)
        access = gateway.access if settings.login == "required" else None
        options = _http_options(settings, listeners, faces, gateway, page=role != "engine")
        http = create_app(gateway, options, clock=clock, new_id=_new_id, access=access)
        routes = await _mcp_routes(stack, faces, federated, _doors(settings, listeners), access)
        apart = listeners.mcp is not None
        if not apart:
            # Before the API's own routes there is nothing at these addresses; after them everything unknown is a 404.
            http.router.routes[0:0] = routes
        mcp = mcp_application(routes, options, clock=clock, new_id=_new_id, access=access) if apart else http
        way_in = partial(quick_way, endpoint=federated.endpoint, access=access, options=options, clock=clock, new_id=_new_id)
        yield Application(
            gateway=gateway,
            main=http if apart else way_in(http),
            mcp=way_in(mcp),
            goodbyes=(*(face.changes.close for face in faces.values()), federated.goodbye),
            data=settings.tables_url or str(settings.mcp_config_path or settings.mcp_server_url),
        )


def _check_role(settings: Settings, role: Role) -> None:
    if role == "gateway" and is_embedded(settings):
        raise InvalidSettings(
            "A gateway without servers of its own needs to be told of others.",
            hint="Set MCP_CONFIG_PATH or MCP_SERVER_URL, or run the role all.",
        )


def _limit(faces: Mapping[str, McpFace], gateway: Gateway) -> None:
    """A question costs the same whichever face it comes through."""
    if gateway.limiter is not None:
        for key, face in faces.items():
            face.limit(gateway.limiter, {"ask": "ask", "execute_query": "sql"} if key == OWN else None)


def _govern(faces: Mapping[str, McpFace], gateway: Gateway) -> None:
    """Our own tools end in use cases that are governed wherever they are called from; those of the embedded servers do not."""
    if gateway.access is not None:
        for key, face in faces.items():
            face.govern(gateway.access.governor, server=key or OWN_SERVER, by_use_case=key == OWN)
            if face.data is not None:
                face.data.follow(gateway.access.rights, server=key)


async def _mcp_routes(
    stack: AsyncExitStack,
    faces: Mapping[str, McpFace],
    federated: FederatedApplication,
    doors: Doors,
    access: Access | None,
) -> list[BaseRoute]:
    """The embedded servers below /servers, each as it is, and the federated endpoint; lifespans are entered here."""
    routes = federated.plain.routes_elsewhere()
    guard = partial(McpGuard, sessions=access.sessions if access else None)
    for key, face in faces.items():
        if key != OWN:
            app = mcp_app(face, doors=doors, guard=guard)
            await stack.enter_async_context(app.router.lifespan_context(app))
            routes.append(Mount(f"/servers/{key}", app=app))
    return [*routes, *federated_routes(federated)]


def _http_options(
    settings: Settings, listeners: Listeners, faces: Mapping[str, McpFace], gateway: Gateway, *, page: bool
) -> HttpOptions:
    return HttpOptions(
        version=version("mcp-gateway"),
        allowed_origins=settings.allowed_origins,
        hosts=(listeners.host, *settings.allowed_hosts),
        max_body_bytes=settings.max_body_bytes,
        metrics_enabled=settings.enable_metrics,
        page_enabled=page,
        public_url=settings.public_url,
        mcp_endpoints=Endpoints([key for key in faces if key != OWN], gateway.registry),
        login_port=listeners.port if listeners.mcp is not None else None,
        mcp_port=listeners.mcp_port if listeners.mcp is not None else None,
    )


def _doors(settings: Settings, listeners: Listeners) -> Doors:
    names = (listeners.host, *settings.allowed_hosts)
    return Doors(hosts=tuple(form for name in names for form in (name, f"{name}:*")), origins=settings.allowed_origins)


def _new_id() -> str:
    return uuid.uuid4().hex
