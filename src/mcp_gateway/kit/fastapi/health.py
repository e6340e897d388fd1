"""Health of the kit's parts over HTTP: each part contributes a ping, and no ping may keep the others waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import structlog
from fastapi import APIRouter
from starlette.responses import JSONResponse

from mcp_gateway.core.errors import GatewayError

# Seconds of one round trip; raises when the part cannot work. `Cache.ping` and `RedisConnection.ping` are such.
Ping: TypeAlias = Callable[[], Awaitable[float]]

log = structlog.get_logger(__name__)


def health_router(parts: Mapping[str, Ping], *, needed: frozenset[str] = frozenset(), timeout_seconds: float = 1.0) -> APIRouter:
    """GET /health: 503 unless every part in `needed` answers; one of the others that does not makes it `degraded`.

    It takes as long as the slowest ping, at most `timeout_seconds`.
    """
    router = APIRouter(tags=["health"])

    @router.get("/health", summary="Every part of the kit and how it is")
    async def health() -> JSONResponse:
        found = await asyncio.gather(*(_ask(name, ping, timeout_seconds) for name, ping in parts.items()))
        states = dict(zip(parts, found, strict=True))
        ill = {name for name, state in states.items() if not state["healthy"]}
        word = "unhealthy" if ill & needed else "degraded" if ill else "healthy"
        return JSONResponse({"status": word, "parts": states}, status_code=503 if ill & needed else 200)

    return router


async def _ask(name: str, ping: Ping, timeout_seconds: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(timeout_seconds):
            seconds = await ping()
    except TimeoutError:
        return {"healthy": False, "error": f"no answer within {timeout_seconds:g} s"}
    except GatewayError as error:
        return {"healthy": False, "code": error.code, "error": error.message}
    except Exception:  # a wall: whatever a ping raises is a finding
        log.exception("health_ping_failed", part=name)
        return {"healthy": False, "error": "the check itself failed"}
    return {"healthy": True, "round_trip_ms": round(seconds * 1000, 3)}
