"""A guarded route under load while its Valkey is killed, away, and started again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from tests.valkey_process import ValkeyProcess

from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.fastapi import Call, Face, Guard, GuardedRoute, install
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.rules import Rule, RuleSet
from mcp_gateway.kit.redis.breaker import RedisBreakerStore
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisLimitStore

pytestmark = pytest.mark.anyio

CLIENTS = 16
# What one request may take with the store gone, and how long until the store's return is noticed; on any machine.
ANSWER_SECONDS = 5.0
RETURN_SECONDS = 30.0
RULES = RuleSet(rules=(Rule(name="tenant", limit=1_000_000, window_seconds=60),), reads=("items.read",))


@pytest.fixture
def own_valkey() -> Iterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


async def caller_of(_: Request) -> Caller:
    return Caller(tenant="acme", subject="somebody")


@asynccontextmanager
async def guarded(url: str, figures: RecordedFigures, *, timeout_seconds: float = 0.25) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    connection = await RedisConnection.open(url, timeout_seconds=timeout_seconds)
    async with connection, await RedisSharedLevel.open(connection) as level:
        limiter = EnterpriseRateLimiter(
            RULES, store=RedisLimitStore(connection, timeout_seconds=timeout_seconds), figures=figures, replicas=2
        )
        cache = Cache("items", level)
        install(app, Face(caller=caller_of, limiter=limiter, figures=figures))
        router = APIRouter(route_class=GuardedRoute)
        async with CircuitBreaker("items", store=RedisBreakerStore(connection), figures=figures) as breaker:

            async def find(item: str) -> Json:
                return [item]

            @router.get("/items/{item}")
            async def read(item: str, call: Annotated[Call, Depends(Guard("items.read"))]) -> object:
                return await cache.get_or_load(item, lambda: breaker.call(find, item), tenant=call.caller)

            @router.post("/items/{item}")
            async def write(item: str, call: Annotated[Call, Depends(Guard("items.write"))]) -> str:
                return item

            app.include_router(router)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
                yield client


class Load:
    """Clients that ask without pause, each answer within its bound or the test fails."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._stop = asyncio.Event()
        self._items = iter(range(10**9))
        self.statuses: Counter[int] = Counter()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self._ask())

    def stop(self) -> None:
        self._stop.set()

    async def _ask(self) -> None:
        while not self._stop.is_set():
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._client.get(f"/items/{next(self._items)}")
            self.statuses[answer.status_code] += 1


def is_away(answer: httpx.Response) -> bool:
    return "mcp-gateway-away=local" in answer.headers["ratelimit-policy"]


async def until(client: httpx.AsyncClient, *, away: bool) -> None:
    async with asyncio.timeout(RETURN_SECONDS):
        while is_away(await client.get("/items/probe")) != away:
            pass


async def test_reads_go_on_while_valkey_is_gone_and_the_shared_limit_is_back_with_it(own_valkey: ValkeyProcess) -> None:
    figures = RecordedFigures()
    async with guarded(own_valkey.url, figures) as client:
        load = Load(client)
        running = asyncio.create_task(load.run())
        await until(client, away=False)
        own_valkey.kill()
        await until(client, away=True)
        refused = await client.post("/items/a")
        own_valkey.start()
        await until(client, away=False)
        written = await client.post("/items/a")
        load.stop()
        await running
    assert set(load.statuses) == {200}
    assert (refused.status_code, refused.json()["code"]) == (503, "LIMITS_AWAY")
    assert int(refused.headers["retry-after"]) >= 1
    assert written.status_code == 200


async def test_a_hung_valkey_delays_nobody_beyond_the_deadline(own_valkey: ValkeyProcess) -> None:
    figures = RecordedFigures()
    async with guarded(own_valkey.url, figures) as client:
        load = Load(client)
        running = asyncio.create_task(load.run())
        await until(client, away=False)
        with own_valkey.paused():
            await until(client, away=True)
        await until(client, away=False)
        load.stop()
        await running
    assert set(load.statuses) == {200}
