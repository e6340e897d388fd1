"""The HTTP face put together: routes over a `Gateway`, and what every request passes on its way to them.

It opens and closes nothing: whoever holds the gateway does (`asgi.py`).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import BaseRoute

from mcp_gateway.access.access import Access
from mcp_gateway.access.oauth.scopes import USUAL
from mcp_gateway.core.clock import Clock
from mcp_gateway.entrypoints.http.access_routes import access_routes
from mcp_gateway.entrypoints.http.audit_routes import audit_routes
from mcp_gateway.entrypoints.http.call_routes import call_routes
from mcp_gateway.entrypoints.http.challenge import Challenges
from mcp_gateway.entrypoints.http.chat import chat_routes
from mcp_gateway.entrypoints.http.data import data_routes
from mcp_gateway.entrypoints.http.errors import install_error_handlers
from mcp_gateway.entrypoints.http.guards import ReferenceRead, caller_provider
from mcp_gateway.entrypoints.http.health import health_routes, root_health_routes
from mcp_gateway.entrypoints.http.identify import Identify
from mcp_gateway.entrypoints.http.limits import limit_routes
from mcp_gateway.entrypoints.http.login import login_routes
from mcp_gateway.entrypoints.http.me import me_routes
from mcp_gateway.entrypoints.http.metrics import metrics_routes, prometheus_page
from mcp_gateway.entrypoints.http.middleware import (
    CORRELATION_HEADER,
    BodyLimit,
    Correlate,
    GuardOrigin,
    Names,
    SecurityHeaders,
    Wall,
)
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.entrypoints.http.oauth import oauth_routes
from mcp_gateway.entrypoints.http.official_registry import OpenReading, official_registry_routes
from mcp_gateway.entrypoints.http.page import INDEX, page_routes, read_page_files
from mcp_gateway.entrypoints.http.reference_page import CONTENT_POLICY, render_reference
from mcp_gateway.entrypoints.http.replies import Replies
from mcp_gateway.entrypoints.http.server_routes import server_routes
from mcp_gateway.entrypoints.http.strict_json import StrictJson
from mcp_gateway.entrypoints.http.tool_cost_routes import tool_cost_routes
from mcp_gateway.entrypoints.http.tool_routes import tool_routes
from mcp_gateway.entrypoints.http.virtual_server_routes import virtual_server_routes
from mcp_gateway.entrypoints.http.well_known import well_known_routes
from mcp_gateway.entrypoints.http.why_routes import why_routes
from mcp_gateway.gateway import Gateway
from mcp_gateway.kit.fastapi import Face, GuardedRoute, KitMiddleware, describe_guards
from mcp_gateway.kit.figures import NO_FIGURES

TITLE = "MCP Gateway"
ALLOWED_HEADERS = [
    *("Content-Type", "Accept", "Authorization", "X-Tenant-ID", "X-CSRF-Token", CORRELATION_HEADER),
    *("Mcp-Session-Id", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Last-Event-ID"),
]
EXPOSED_HEADERS = [
    *(CORRELATION_HEADER, "WWW-Authenticate", "Mcp-Session-Id", "X-Truncated"),
    *("RateLimit", "RateLimit-Policy", "Retry-After"),
]
DESCRIPTION = (
    "Ask tables questions in plain words. Every answer carries its SQL, what the words were taken to mean, and every step."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpOptions:
    """What the HTTP face needs beyond the gateway. `hosts` None: any Host header is right (a proxy checks it).

    `public_url` is where a proxy makes it reachable; `mcp_endpoints` are the paths that MCP clients connect to. The ports are
    given when MCP has one of its own.
    """

    version: str
    allowed_origins: Collection[str]
    hosts: Collection[str] | None
    max_body_bytes: int
    metrics_enabled: bool = True
    page_enabled: bool = True
    public_url: str | None = None
    mcp_endpoints: Collection[str] = ()
    login_port: int | None = None
    mcp_port: int | None = None

    def challenges(self, access: Access | None = None) -> Challenges:
        """How a refused client is told where to log in, and what to ask for."""
        return Challenges(
            public_url=self.public_url,
            endpoints=self.mcp_endpoints,
            login_port=self.login_port,
            endpoint_port=self.mcp_port,
            scope=" ".join(USUAL) if access is not None and access.oauth is not None else "",
        )


def create_app(
    gateway: Gateway,
    options: HttpOptions,
    *,
    clock: Clock,
    new_id: Callable[[], str],
    access: Access | None = None,
) -> FastAPI:
    """The application. MCP endpoints are mounted onto it by `asgi.py` and pass the same middleware.

    `access` None: nobody logs in, and everybody is the person at this machine.
    """
    app = FastAPI(
        title=TITLE,
        version=options.version,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    replies = Replies(clock=clock, new_id=new_id)
    install_error_handlers(app, replies)
    face = Face(
        caller=caller_provider(access.governor if access else None),
        limiter=gateway.limiter,
        figures=gateway.traffic_figures or NO_FIGURES,
        clock=clock,
    )
    describe_guards(app, face)
    challenges = options.challenges(access)
    _add_routes(app, gateway, options, replies=replies, clock=clock, access=access, challenges=challenges)
    app.add_middleware(KitMiddleware, face=face)
    add_steps(app, options, replies=replies, access=access, challenges=challenges)
    return app


def mcp_application(
    routes: Sequence[BaseRoute],
    options: HttpOptions,
    *,
    clock: Clock,
    new_id: Callable[[], str],
    access: Access | None = None,
) -> Starlette:
    """MCP endpoints on a port of their own, behind the same steps as on the port of everything."""
    app = Starlette(routes=routes)
    challenges = options.challenges(access)
    app.router.routes.extend(well_known_routes(challenges, access))
    add_steps(app, options, replies=Replies(clock=clock, new_id=new_id), access=access, challenges=challenges)
    return app


def _add_routes(
    app: FastAPI,
    gateway: Gateway,
    options: HttpOptions,
    *,
    replies: Replies,
    clock: Clock,
    access: Access | None,
    challenges: Challenges,
) -> None:
    _put(app, chat_routes(gateway, replies), data_routes(gateway), limit_routes(gateway), me_routes(access, challenges))
    _put(app, health_routes(gateway, clock=clock, version=options.version, prefix="/api"))
    if access is None:
        _put(app, health_routes(gateway, clock=clock, version=options.version))
    else:
        _put(app, root_health_routes(gateway, clock=clock))
    if options.metrics_enabled:
        _put(app, metrics_routes(gateway, clock=clock))
        app.add_api_route("/metrics", prometheus_page(gateway), methods=["GET"], include_in_schema=False)
    if gateway.mcp is not None:
        _put(app, tool_cost_routes(gateway.mcp.catalog), tool_routes(gateway.mcp.approvals))
    if gateway.mcp is not None and gateway.registry is not None:
        _put(app, call_routes(gateway.mcp, gateway.registry))
    if gateway.mcp is not None:
        _put(app, why_routes(gateway.mcp.whys))
    if gateway.registry is not None:
        registry = gateway.registry
        _put(app, server_routes(registry), virtual_server_routes(registry), official_registry_routes(registry, challenges))
    if access is not None:
        _put(app, access_routes(gateway, access), audit_routes(access))
    _add_reference(app)
    app.router.routes.extend(well_known_routes(challenges, access))
    _put(app, oauth_routes(access, challenges, clock))
    pages = read_page_files() if options.page_enabled else {}
    _put(app, login_routes(access, challenges, index=pages.get(INDEX), clock=clock))
    _put(app, page_routes(pages, service_card(gateway, options)))


def _put(app: FastAPI, *routers: APIRouter) -> None:
    """As they are: `include_router` builds each route a second time, the first request waiting for it."""
    for router in routers:
        app.router.routes.extend(router.routes)


def service_card(gateway: Gateway, options: HttpOptions) -> JsonObject:
    """What a program that asks for / is told."""
    return {
        "service": TITLE,
        "version": options.version,
        "status": "operational",
        "multi_mcp_enabled": any(info.mode == "multi_mcp" and info.available for info in gateway.modes()),
        "drafters": list(gateway.drafters),
        "links": {"ask": "/api/chat", "health": "/api/health", "metrics": "/api/metrics", "docs": "/docs", "mcp": "/mcp"},
    }


def _add_reference(app: FastAPI) -> None:
    router = APIRouter(include_in_schema=False, route_class=GuardedRoute)

    @router.get("/docs")
    async def reference(_: ReferenceRead) -> HTMLResponse:
        return HTMLResponse(render_reference(app.openapi()), headers={"Content-Security-Policy": CONTENT_POLICY})

    @router.get("/openapi.json")
    async def description(_: ReferenceRead) -> JSONResponse:
        return JSONResponse(app.openapi())

    _put(app, router)


def add_steps(app: Starlette, options: HttpOptions, *, replies: Replies, access: Access | None, challenges: Challenges) -> None:
    """What every request passes; innermost first, as Starlette wants it."""
    app.add_middleware(StrictJson, replies=replies)
    app.add_middleware(BodyLimit, max_bytes=options.max_body_bytes, replies=replies)
    app.add_middleware(Identify, access=access, challenges=challenges, replies=replies)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(options.allowed_origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=ALLOWED_HEADERS,
        expose_headers=EXPOSED_HEADERS,
    )
    app.add_middleware(GuardOrigin, names=Names(options.hosts, options.allowed_origins), replies=replies)
    app.add_middleware(OpenReading, any_origin=access is not None)
    app.add_middleware(Wall, replies=replies)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Correlate, clock=replies.clock, new_id=replies.new_id)
