"""The routes that `bench.kit.route` compares; `python -m bench.kit.guarded_apps NAME PORT [URL]` serves one of them.

Guarded means: three limits (caller, tenant, everybody) decided together and shown in headers, a cache miss and its fill, a
circuit breaker around the loader, Prometheus figures. Both call the same loader and answer with the same body.
"""

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel

from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.cache.memory import MemorySharedLevel
from mcp_gateway.kit.cache.model import CachePolicy
from mcp_gateway.kit.cache.ports import SharedLevel
from mcp_gateway.kit.fastapi import Call, Face, Guard, GuardedRoute, install
from mcp_gateway.kit.figures import Figures
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.ports import LimitStore
from mcp_gateway.kit.limits.rules import Rule, RuleSet
from mcp_gateway.kit.prometheus import PrometheusFigures
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisLimitStore

NEVER_REACHED = 100_000_000
RULES = RuleSet(
    rules=(
        Rule(name="caller", limit=NEVER_REACHED, window_seconds=60, scope="caller"),
        Rule(name="tenant", limit=NEVER_REACHED, window_seconds=60),
        Rule(name="everybody", limit=NEVER_REACHED, window_seconds=60, scope="global"),
    ),
    reads=("items.read",),
)
STORE_SECONDS = 2.0
CALLERS = tuple(Caller(tenant=f"tenant-{index % 20}", subject=f"user-{index}") for index in range(200))


@dataclass(frozen=True, kw_only=True, slots=True)
class Stores:
    """Where limits and cache keep what they keep."""

    limits: LimitStore | None
    cache: SharedLevel


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a row switches on."""

    limiter: bool = False
    cache: bool = False
    breaker: bool = False


EVERYTHING = Parts(limiter=True, cache=True, breaker=True)


class Item(BaseModel):
    """What both routes answer with."""

    item: str
    price: float
    tags: list[str]


async def load(item: str) -> Json:
    """Stands for any loader that waits once."""
    await asyncio.sleep(0)
    return {"item": item, "price": 12.5, "tags": ["a", "b"]}


async def caller_of(request: Request) -> Caller:
    return CALLERS[hash(request.scope["path"]) % len(CALLERS)]


def bare_app() -> FastAPI:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/items/{item}", response_model=Item)
    async def read(item: str) -> Json:
        return await load(item)

    return app


def guarded_app(stores: Stores, parts: Parts) -> FastAPI:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    app.router.route_class = GuardedRoute
    figures: Figures = PrometheusFigures()
    limiter = EnterpriseRateLimiter(RULES, store=stores.limits, figures=figures) if parts.limiter else None
    install(app, Face(caller=caller_of, limiter=limiter, figures=figures))
    policy = CachePolicy(ttl_seconds=300, near_max_entries=1_000)
    cache: Cache[Json] = Cache(f"items-{id(parts)}", stores.cache, policy=policy, figures=figures)
    breaker = CircuitBreaker("items", figures=figures)

    async def find(item: str, tenant: str) -> Json:
        if parts.cache and parts.breaker:
            return await cache.get_or_load(item, lambda: breaker.call(load, item), tenant=tenant)
        if parts.cache:
            return await cache.get_or_load(item, lambda: load(item), tenant=tenant)
        return await (breaker.call(load, item) if parts.breaker else load(item))

    @app.get("/items/{item}", response_model=Item)
    async def read(item: str, call: Annotated[Call, Depends(Guard("items.read"))]) -> Json:
        return await find(item, call.tenant)

    return app


ROWS: dict[str, Parts | None] = {
    "bare": None,
    "guard": Parts(),
    "limits": Parts(limiter=True),
    "breaker": Parts(limiter=True, breaker=True),
    "all": EVERYTHING,
}
# Only where it is served: "all", with garbage collection as `mcp-gateway serve` sets it.
SETTLED = "settled"
# As in `asgi.serving`, which would bring the whole product into the process that is measured.
OBJECTS_PER_COLLECTION = 10_000


def make_app(name: str, stores: Stores) -> FastAPI:
    """One row's application."""
    parts = ROWS["all" if name == SETTLED else name]
    return bare_app() if parts is None else guarded_app(stores, parts)


@asynccontextmanager
async def open_stores(url: str | None) -> AsyncIterator[Stores]:
    """In this process, or in the Valkey at `url`."""
    if url is None:
        yield Stores(limits=None, cache=MemorySharedLevel())
        return
    opened = await RedisConnection.open(url, timeout_seconds=STORE_SECONDS)
    async with opened as connection, await RedisSharedLevel.open(connection) as level:
        yield Stores(limits=RedisLimitStore(connection, timeout_seconds=STORE_SECONDS), cache=level)


async def serve(name: str, port: int, url: str | None) -> None:
    """One row behind uvicorn; GET /cpu tells the seconds of CPU this process has used."""
    async with open_stores(url) as stores:
        app = make_app(name, stores)

        @app.get("/cpu")
        async def cpu() -> float:
            return time.process_time()

        if name == SETTLED:
            gc.collect()
            gc.freeze()
            gc.set_threshold(OBJECTS_PER_COLLECTION)
        await uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", access_log=False)).serve()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
