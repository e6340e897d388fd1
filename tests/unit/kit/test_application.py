"""`Kit`: what routers join, and what they may not do without."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from tests.valkey_process import ValkeyProcess

from mcp_gateway.core.identity import Caller
from mcp_gateway.kit import ConcurrencyRule, Rule, RuleSet
from mcp_gateway.kit.application import Kit, kit_of
from mcp_gateway.kit.fastapi import Call, Guard, GuardedRoute
from mcp_gateway.kit.fastapi.guard import NotInstalled

pytestmark = pytest.mark.anyio

LOW = Rule(name="items", limit=1, window_seconds=60, operations=("items.list",))


async def caller_of(request: Request) -> Caller:
    return Caller(tenant=request.headers.get("x-test-tenant", "acme"), subject="ann")


async def ill() -> float:
    raise OSError


def items_router() -> APIRouter:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        kit_of(app).join(rules=[LOW, ConcurrencyRule(name="at-once", limit=5)], pings={"items": ill})
        yield

    router = APIRouter(prefix="/items", route_class=GuardedRoute, lifespan=lifespan)

    @router.get("/")
    async def list_items(call: Annotated[Call, Depends(Guard("items.list", kind="read"))]) -> str:
        return call.tenant

    return router


@asynccontextmanager
async def served(url: str | None, *rules: Rule) -> AsyncIterator[httpx.AsyncClient]:
    kit = Kit(caller=caller_of, redis_url=url, rules=RuleSet(rules=rules), store_timeout_seconds=5)
    app = FastAPI(lifespan=kit.lifespan)
    kit.install(app)
    app.include_router(items_router())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_a_router_brings_its_limits(anyio_backend: str) -> None:
    async with served(None) as client:
        assert [(await client.get("/items/")).status_code for _ in range(2)] == [200, 429]


async def test_replicas_share_what_a_router_brought(valkey: ValkeyProcess) -> None:
    async with served(valkey.url) as one, served(valkey.url) as other:
        assert (await one.get("/items/")).status_code == 200
        assert (await other.get("/items/")).status_code == 429
        assert (await one.get("/health")).json()["parts"]["store"]["healthy"] is True


async def test_the_application_has_the_last_word_on_a_limit() -> None:
    higher = Rule(name="items", limit=2, window_seconds=60, operations=("items.list",))
    async with served(None, higher) as client:
        assert [(await client.get("/items/")).status_code for _ in range(3)] == [200, 200, 429]


async def test_health_and_figures_tell_of_what_joined() -> None:
    async with served(None) as client:
        await client.get("/items/")
        health = (await client.get("/health")).json()
        assert (health["status"], health["parts"]["items"]["healthy"]) == ("degraded", False)
        assert 'kit_request_seconds_count{operation="items.list",status="200"} 1.0' in (await client.get("/metrics")).text


async def test_no_router_runs_without_the_kit() -> None:
    app = FastAPI()
    app.include_router(items_router())
    with pytest.raises(NotInstalled):
        async with app.router.lifespan_context(app):
            pytest.fail("it started")


async def test_the_kit_is_closed_outside_of_its_lifespan() -> None:
    kit = Kit(caller=caller_of, redis_url=None)
    with pytest.raises(NotInstalled):
        _ = kit.parts
