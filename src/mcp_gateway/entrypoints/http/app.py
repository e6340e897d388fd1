"""The HTTP face put together: routes over a `Gateway`, and what every request passes on its way to them.

It opens and closes nothing: whoever holds the gateway does (`asgi.py`).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse

from mcp_gateway.core.clock import Clock
from mcp_gateway.entrypoints.http.chat import chat_routes
from mcp_gateway.entrypoints.http.data import data_routes
from mcp_gateway.entrypoints.http.errors import install_error_handlers
from mcp_gateway.entrypoints.http.guards import caller_of
from mcp_gateway.entrypoints.http.health import health_routes
from mcp_gateway.entrypoints.http.metrics import metrics_routes, prometheus_page
from mcp_gateway.entrypoints.http.middleware import CORRELATION_HEADER, BodyLimit, Correlate, GuardOrigin, SecurityHeaders, Wall
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.entrypoints.http.page import page_routes, read_page_files
from mcp_gateway.entrypoints.http.reference_page import CONTENT_POLICY, render_reference
from mcp_gateway.entrypoints.http.replies import Replies
from mcp_gateway.gateway import Gateway
from mcp_gateway.kit.fastapi import Face, KitMiddleware, describe_guards
from mcp_gateway.kit.figures import NO_FIGURES

TITLE = "MCP Gateway"
DESCRIPTION = (
    "Ask tables questions in plain words. Every answer carries its SQL, what the words were taken to mean, and every step."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpOptions:
    """What the HTTP face needs beyond the gateway. `hosts` None: any Host header is right (a proxy checks it)."""

    version: str
    allowed_origins: Collection[str]
    hosts: Collection[str] | None
    max_body_bytes: int
    metrics_enabled: bool = True
    page_enabled: bool = True


def create_app(gateway: Gateway, options: HttpOptions, *, clock: Clock, new_id: Callable[[], str]) -> FastAPI:
    """The application. MCP endpoints are mounted onto it by `asgi.py` and pass the same middleware."""
    app = FastAPI(
        title=TITLE,
        version=options.version,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    replies = Replies(clock=clock, new_id=new_id)
    install_error_handlers(app, replies)
    face = Face(caller=caller_of, limiter=gateway.limiter, figures=gateway.traffic_figures or NO_FIGURES, clock=clock)
    describe_guards(app, face)
    health = health_routes(gateway, clock=clock, version=options.version)
    for router in (chat_routes(gateway, replies), data_routes(gateway), health):
        app.include_router(router, prefix="/api")
    app.include_router(health, include_in_schema=False)
    if options.metrics_enabled:
        app.include_router(metrics_routes(gateway, clock=clock), prefix="/api")
        app.add_api_route("/metrics", prometheus_page(gateway), methods=["GET"], include_in_schema=False)
    _add_reference(app)
    app.include_router(page_routes(read_page_files() if options.page_enabled else {}, service_card(gateway, options)))
    app.add_middleware(KitMiddleware, face=face)
    _add_middleware(app, options, replies, clock=clock, new_id=new_id)
    return app


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
    @app.get("/docs", include_in_schema=False)
    async def reference() -> HTMLResponse:
        return HTMLResponse(render_reference(app.openapi()), headers={"Content-Security-Policy": CONTENT_POLICY})


def _add_middleware(app: FastAPI, options: HttpOptions, replies: Replies, *, clock: Clock, new_id: Callable[[], str]) -> None:
    """Innermost first, as Starlette wants it."""
    app.add_middleware(BodyLimit, max_bytes=options.max_body_bytes, replies=replies)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(options.allowed_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "Accept", CORRELATION_HEADER, "Mcp-Session-Id", "MCP-Protocol-Version", "Last-Event-ID"],
        expose_headers=[CORRELATION_HEADER, "Mcp-Session-Id", "X-Truncated", "RateLimit", "RateLimit-Policy", "Retry-After"],
    )
    app.add_middleware(GuardOrigin, hosts=options.hosts, origins=options.allowed_origins, replies=replies)
    app.add_middleware(Wall, replies=replies)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Correlate, clock=clock, new_id=new_id)
