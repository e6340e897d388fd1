"""A small application on the kit, and a client that calls it in process."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import httpx
from fastapi import APIRouter, Body, Depends, FastAPI, Request
from fastapi.routing import APIRoute

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Forbidden
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.fastapi import Call, Face, Guard, GuardedRoute, install
from mcp_gateway.kit.figures import NO_FIGURES, Figures
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.rules import ConcurrencyRule, Rule
from mcp_gateway.kit.resilience.deadline import Deadlines
from mcp_gateway.kit.resilience.idempotency.memory import MemoryIdempotencyStore
from mcp_gateway.kit.resilience.idempotency.once import Idempotency, IdempotencyPolicy

PER_TENANT = Rule(name="tenant", limit=2, window_seconds=60)
SHARED = Rule(name="everybody", limit=1_000, window_seconds=60, scope="global")


async def caller_of(request: Request) -> Caller:
    """Stands for an authenticated caller: the tests say who it is."""
    tenant = request.headers.get("x-test-tenant", "acme")
    if tenant == "nobody":
        raise Forbidden
    return Caller(tenant=tenant, subject=request.headers.get("x-test-subject", "somebody"))


def application(
    *,
    rules: Sequence[Rule | ConcurrencyRule] = (PER_TENANT, SHARED),
    route_class: type[APIRoute] = GuardedRoute,
    figures: Figures = NO_FIGURES,
    clock: FixedClock | None = None,
    add: Callable[[APIRouter], None] | None = None,
) -> FastAPI:
    clock = clock or FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    limiter = EnterpriseRateLimiter(rules, clock=clock)
    install(
        app,
        Face(
            caller=caller_of,
            limiter=limiter,
            figures=figures,
            clock=clock,
            idempotency=Idempotency(MemoryIdempotencyStore(clock), IdempotencyPolicy(duplicates="refuse"), clock=clock),
            deadlines=Deadlines(),
        ),
    )
    router = APIRouter(prefix="/v1", route_class=route_class)

    @router.get("/items/{item}")
    async def read_item(item: str, call: Annotated[Call, Depends(Guard("items.read"))], size: int = 1) -> dict[str, str]:
        return {"item": item, "tenant": call.tenant, "operation": call.operation, "size": str(size)}

    @router.post("/items")
    def write_item(
        name: Annotated[str, Body(embed=True)], call: Annotated[Call, Depends(Guard("items.write"))]
    ) -> dict[str, str]:
        return {"name": name, "tenant": call.tenant}

    if add is not None:
        add(router)
    app.include_router(router)
    return app


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
