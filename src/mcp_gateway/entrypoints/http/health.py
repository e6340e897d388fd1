"""Health for people, for balancers and for Kubernetes. None of it waits for a check: checks run in the background."""

from fastapi import APIRouter
from starlette.responses import JSONResponse

from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.health import HealthReport, PartHealth
from mcp_gateway.entrypoints.http.guards import HealthRead, Probed
from mcp_gateway.entrypoints.http.models import HealthStatus, JsonObject
from mcp_gateway.gateway import Gateway
from mcp_gateway.kit.fastapi import GuardedRoute

NOT_READY = 503


def root_health_routes(gateway: Gateway, *, clock: Clock) -> APIRouter:
    """/health, /health/live and /health/ready for whoever is not logged in: one word, and nothing of what stands behind it."""
    router = APIRouter(include_in_schema=False, route_class=GuardedRoute)

    @router.get("/health")
    async def health(_: Probed) -> JsonObject:
        return {"status": gateway.health.report().word, "timestamp": clock.now().isoformat()}

    _add_probes(router, gateway)
    return router


def health_routes(gateway: Gateway, *, clock: Clock, version: str, prefix: str = "") -> APIRouter:
    """GET /health, /health/live, /health/ready below `prefix`; they are described where there is one.

    /health is 200 as long as the process answers, whatever it says; /health/ready is 503 while questions cannot be answered.
    """
    router = APIRouter(prefix=prefix, tags=["health"], include_in_schema=bool(prefix), route_class=GuardedRoute)

    @router.get("/health", response_model=HealthStatus, summary="Every part and how it is")
    async def health(_: HealthRead) -> HealthStatus:
        report = gateway.health.report()
        services: dict[str, JsonObject] = {"fastapi": {"healthy": True, "status": "operational", "version": version}}
        services |= {part.name: _shape_part(part) for part in report.parts}
        return HealthStatus(status=report.word, services=services, timestamp=clock.now(), details=_count(services))

    _add_probes(router, gateway)
    return router


def _add_probes(router: APIRouter, gateway: Gateway) -> None:
    @router.get("/health/live", summary="Does the process answer?")
    async def live(_: Probed) -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/health/ready", summary="Can questions be answered? 503 when not")
    async def ready(_: Probed) -> JSONResponse:
        report = gateway.health.report()
        return JSONResponse(_shape_readiness(report), status_code=200 if report.ready else NOT_READY)


def _shape_readiness(report: HealthReport) -> JsonObject:
    shape: JsonObject = {"status": "ready" if report.ready else "not_ready"}
    if report.reasons:
        shape["reasons"] = list(report.reasons)
    return shape


def _shape_part(part: PartHealth) -> JsonObject:
    return {
        "healthy": part.finding.healthy,
        "status": part.finding.status,
        "needed": part.needed,
        "checked_at": part.checked_at.isoformat() if part.checked_at else None,
        "check_duration_ms": round(part.duration_ms, 2),
        **part.finding.facts,
    }


def _count(services: dict[str, JsonObject]) -> JsonObject:
    healthy = sum(bool(service["healthy"]) for service in services.values())
    return {"total_services": len(services), "healthy_services": healthy, "unhealthy_services": len(services) - healthy}
