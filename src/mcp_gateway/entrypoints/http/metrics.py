"""Figures about questions: JSON over a window for people and pages, Prometheus text over everything for monitoring."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from starlette.responses import Response

from mcp_gateway.core.clock import Clock
from mcp_gateway.entrypoints.http.guards import FiguresRead
from mcp_gateway.entrypoints.http.models import PerformanceMetrics
from mcp_gateway.entrypoints.http.prometheus import GatewayCollector
from mcp_gateway.gateway import Gateway
from mcp_gateway.kit.fastapi import GuardedRoute
from mcp_gateway.kit.prometheus import render_figures


def metrics_routes(gateway: Gateway, *, clock: Clock) -> APIRouter:
    """GET /metrics and GET /metrics/prometheus."""
    router = APIRouter(prefix="/api", tags=["metrics"], route_class=GuardedRoute)

    @router.get("/metrics", response_model=PerformanceMetrics, summary="Figures over the last questions")
    async def metrics(_: FiguresRead) -> PerformanceMetrics:
        return shape_figures(gateway, clock)

    router.add_api_route("/metrics/prometheus", prometheus_page(gateway), methods=["GET"], summary="Figures as Prometheus text")
    return router


def prometheus_page(gateway: Gateway) -> Callable[..., Awaitable[Response]]:
    """The route function for Prometheus text."""
    render = _rendering(gateway)

    async def prometheus_text(request: Request, _: FiguresRead) -> Response:
        text, content_type = render(request.headers.get("accept", ""))
        return Response(text, headers={"Content-Type": content_type})

    return prometheus_text


def figures_text(gateway: Gateway) -> Callable[[], str]:
    """The same text for readers in this process."""
    render = _rendering(gateway)

    def text() -> str:
        return render("")[0].decode()

    return text


def _rendering(gateway: Gateway) -> Callable[[str], tuple[bytes, str]]:
    """Over a registry of its own, so that two gateways in a process do not mix."""
    registry = CollectorRegistry()
    registry.register(GatewayCollector(gateway))
    if gateway.traffic_figures is not None:
        registry.register(gateway.traffic_figures)

    def render(accepted: str) -> tuple[bytes, str]:
        if gateway.limiter is not None:
            gateway.limiter.report()
        return render_figures(registry, accepted)

    return render


def shape_figures(gateway: Gateway, clock: Clock) -> PerformanceMetrics:
    """The window as the contract names it: "cache" is a resource a server still vouched for."""
    window = gateway.figures.window()
    return PerformanceMetrics(
        query_latency_p50=round(window.p50_seconds, 4),
        query_latency_p95=round(window.p95_seconds, 4),
        query_latency_p99=round(window.p99_seconds, 4),
        total_queries=window.questions,
        successful_queries=window.answered,
        unsure_queries=window.unsure,
        failed_queries=window.failed,
        success_rate=round(window.success_rate, 4),
        cache_hit_rate=round(window.reuse_rate, 4),
        cache_hits=window.reused,
        cache_misses=window.fetched,
        recovery_attempts=window.recovery_attempts,
        recovery_successes=window.recovery_successes,
        recovery_success_rate=round(window.recovery_successes / window.recovery_attempts, 4) if window.recovery_attempts else 0.0,
        mcp_connection_status={server.name: server.connected for server in gateway.servers()},
        uptime_seconds=round(gateway.figures.uptime_seconds, 1),
        metrics_window_size=gateway.figures.window_size,
        timestamp=clock.now(),
    )
