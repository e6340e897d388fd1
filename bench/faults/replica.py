"""One replica of the rig's gateway, on the kit: `python -m bench.faults.replica '{"port": …}'` (fields of `Setup`).

Routes: `/chat` (proxied to the engine), `/lists/N` (cached, near and shared), `/catalog/N` (cached, shared only), `/fast` (needs
nobody), `/track/SERVER` (an MCP server's tool), `/reports/STATEMENT/N` (the database), `/health`, `/metrics`, `/control` (flags).
"""

import asyncio
import contextlib
import json
import logging
import random
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from email.utils import formatdate
from typing import Annotated, Any

import httpx
import structlog
import uvicorn
from bench.faults.flags import Flags
from bench.faults.identity import Tokens
from bench.faults.upstreams import POOL_SIZE, EngineLine, Reports, ToolLine
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from prometheus_client import CollectorRegistry

from mcp_gateway.adapters.faults.clock import SkewedClock
from mcp_gateway.core.errors import Json
from mcp_gateway.kit import Cache, CachePolicy, Deadlines, EnterpriseRateLimiter, Rule, RuleSet, StoredRules
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.fastapi import Call, Face, Guard, GuardedRoute, health_router, install
from mcp_gateway.kit.prometheus import PrometheusFigures, render_figures
from mcp_gateway.kit.redis.address import read_address
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.hot_keys import HotKeys
from mcp_gateway.kit.redis.limit_batches import Batch
from mcp_gateway.kit.redis.limits import RedisLimitStore, RedisRuleStore
from mcp_gateway.kit.redis.packing import pack
from mcp_gateway.kit.redis.reporting import report_state
from mcp_gateway.kit.vitals.allocations import AllocationWatch
from mcp_gateway.kit.vitals.loop import LoopWatch
from mcp_gateway.kit.vitals.process import ProcessVitals

RULES = RuleSet(
    rules=(
        Rule(name="tenant", limit=30, window_seconds=6),
        Rule(name="tenant-chat", limit=30, window_seconds=6, operations=("chat",)),
    ),
    reads=("*",),
)
PROFILE_KEY = "cache:profiles:shared"
# A store that two busy processors share with its clients needs more than the 18 ms a decision may take elsewhere.
STORE_SECONDS = 0.1
CHANNEL = "cache_coherence:rig"
# Faults last for seconds, so the lines that memory grows at are looked at as often.
ALLOCATIONS_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """What a replica is started with."""

    port: int
    redis_url: str
    engine_url: str
    keys_url: str
    database: str
    servers: dict[str, str]


class LimitStoreById(RedisLimitStore):
    """May be told to be a build that never sends its script's text again."""

    by_id_only = False

    def failed(self, batch: Batch, error: StoreRefused | StoreUnavailable) -> None:
        if self.by_id_only and isinstance(error, StoreRefused) and error.kind == "NOSCRIPT":
            batch.fail(error)
        else:
            super().failed(batch, error)


class Replica:
    """Everything one process holds."""

    def __init__(self, setup: Setup) -> None:
        self.setup, self.flags, self.clock = setup, Flags(), SkewedClock()
        self.registry = CollectorRegistry()
        self.figures = PrometheusFigures()
        self.registry.register(self.figures)
        self.face: Face | None = None
        self.kept: list[bytearray] = []
        self.random = random.Random(setup.port)  # noqa: S311  # faults repeat
        self._numbers = 0

    @asynccontextmanager
    async def open(self, _: FastAPI) -> AsyncIterator[None]:
        setup, figures = self.setup, self.figures
        async with AsyncExitStack() as stack:
            opened = await RedisConnection.open(setup.redis_url, timeout_seconds=STORE_SECONDS, tolerate_down=True)
            self.connection = await stack.enter_async_context(opened)
            report_state(self.connection, figures)
            figures.on_collect(ProcessVitals(figures=figures).report)
            await stack.enter_async_context(LoopWatch(figures=figures))
            await stack.enter_async_context(AllocationWatch(figures=figures, every_seconds=ALLOCATIONS_SECONDS))
            self.level = await stack.enter_async_context(await RedisSharedLevel.open(self.connection, namespace="rig"))
            self.level.hot_keys = HotKeys(figures=figures)
            figures.on_collect(self.level.hot_keys.report)
            client = await stack.enter_async_context(
                httpx.AsyncClient(limits=httpx.Limits(max_connections=None), trust_env=False)
            )
            self.limits = LimitStoreById(self.connection, timeout_seconds=STORE_SECONDS)
            limiter = EnterpriseRateLimiter(RULES, store=self.limits, figures=figures, replicas=2)
            await stack.enter_async_context(StoredRules(RedisRuleStore(self.connection), limiter))
            self.lists: Cache[Json] = Cache("lists", self.level, figures=figures)
            self.catalog: Cache[Json] = Cache("catalog", self.level, figures=figures)
            self.engine = EngineLine(setup.engine_url, client, figures=figures)
            self.tools = ToolLine(setup.servers, client, figures=figures)
            self.reports = Reports(setup.database, figures=figures)
            tokens = Tokens(setup.keys_url, client, clock=self.clock, figures=figures)
            await tokens.fetch()
            self.face = Face(caller=tokens.caller_of, limiter=limiter, deadlines=Deadlines(), figures=figures)
            yield

    async def apply(self, flags: Flags) -> None:
        """Be the build and the configuration that the flags say."""
        before, self.flags = self.flags, flags
        self.clock.offset_seconds = flags.clock_seconds
        self.limits.by_id_only = flags.scripts_by_id
        self.engine.url = flags.engine_url or self.setup.engine_url
        self.engine.leak_every = flags.leak_every
        if flags.follow_allocations != before.follow_allocations:
            tracemalloc.start() if flags.follow_allocations else tracemalloc.stop()
        if flags.pool_size != before.pool_size:
            self.engine.resize(flags.pool_size or POOL_SIZE)
        if flags.breaker != before.breaker:
            await self.engine.breaker.force(flags.breaker, "told by hand")  # type: ignore[arg-type]  # one of its modes
        if flags.store_url != before.store_url:
            self.connection._address = read_address(flags.store_url or self.setup.redis_url)  # noqa: SLF001  # as a new configuration would
            self._break_line()
        if flags.deaf and not before.deaf and self.connection._wire is not None:  # noqa: SLF001
            await self.connection._wire.send_for_push(pack("UNSUBSCRIBE", CHANNEL), 1.0)  # noqa: SLF001
        elif before.deaf and not flags.deaf:
            self._break_line()  # a new line hears everything again

    async def ping_store(self) -> float:
        return await self.connection.ping()

    async def ping_cache(self) -> float:
        return await self.lists.ping()

    def _break_line(self) -> None:
        wire = self.connection._wire  # noqa: SLF001
        if wire is not None:
            wire.abort()

    def policy(self) -> CachePolicy:
        return CachePolicy(ttl_seconds=self.flags.cache_seconds, near_max_entries=2_000)

    def catalog_policy(self) -> CachePolicy:
        return replace(self.policy(), near=self.flags.catalog_near)

    async def misbehave(self, call: Call) -> None:
        """What this build does wrong in each request."""
        flags = self.flags
        self._numbers += 1
        for number in range(flags.keys_without_ttl):
            self.connection.post("INCR", f"rate_limit:{{{call.tenant}}}:chat:tenant:w6:s{self._numbers}-{number}")
        if flags.keep_bytes:
            self.kept.append(bytearray(self.random.randbytes(flags.keep_bytes)))
        if flags.block_seconds and self.random.random() < flags.block_share:
            time.sleep(flags.block_seconds)  # noqa: ASYNC251  # this is the fault


def make_app(replica: Replica) -> FastAPI:
    app = FastAPI(lifespan=replica.open, telemetry={"tracing": False, "metrics": False, "logs": False})
    install(app, lambda: replica.face or Face(caller=_nobody))
    app.include_router(_routes(replica))
    app.include_router(_open_routes(replica))
    app.include_router(health_router({"store": replica.ping_store, "cache": replica.ping_cache}))

    @app.middleware("http")
    async def dated(request: Request, onward: Any) -> Response:
        answer: Response = await onward(request)
        answer.headers["date"] = formatdate(replica.clock.timestamp(), usegmt=True)
        return answer

    return app


async def _nobody(_: Request) -> Any:
    raise RuntimeError("not open yet")


def _routes(replica: Replica) -> APIRouter:
    router = APIRouter(route_class=GuardedRoute)

    @router.post("/chat")
    async def chat(call: Annotated[Call, Depends(Guard("chat"))]) -> Any:
        with contextlib.suppress(StoreUnavailable, StoreRefused):  # chats do without profiles
            await replica.connection.call("HGETALL", PROFILE_KEY)
        await replica.misbehave(call)
        return await replica.engine.ask("Where is my order?")

    @router.get("/lists/{number}")
    async def lists(number: int, call: Annotated[Call, Depends(Guard("lists"))]) -> Any:
        return await replica.lists.get_or_load(
            str(number), lambda: _load(number), tenant=call.caller, tags=("all",), policy=replica.policy()
        )

    @router.post("/lists/{number}/changed")
    async def changed(number: int, call: Annotated[Call, Depends(Guard("lists.change"))]) -> Any:
        told = await replica.lists.invalidate(tenant=call.caller, keys=(str(number),), cause="changed")
        return {"lapsed": told.lapsed}

    @router.get("/catalog/{number}")
    async def catalog(number: int, call: Annotated[Call, Depends(Guard("catalog"))]) -> Any:
        return await replica.catalog.get_or_load(
            str(number), lambda: _load(number), tenant="all", policy=replica.catalog_policy()
        )

    @router.get("/fast")
    async def fast(call: Annotated[Call, Depends(Guard("fast"))]) -> Any:
        return {"tenant": call.tenant}

    @router.get("/track/{server}")
    async def track(server: str, call: Annotated[Call, Depends(Guard("track"))]) -> Any:
        return await replica.tools.call(server)

    @router.get("/reports/{statement}/{value}")
    async def report(statement: str, value: int, call: Annotated[Call, Depends(Guard("reports"))]) -> Any:
        return await replica.reports.read(statement, value)

    return router


async def _load(number: int) -> Json:
    await asyncio.sleep(0.005)
    return {"number": number, "items": [f"item {number}-{index}" * 4 for index in range(20)]}


def _open_routes(replica: Replica) -> APIRouter:
    router = APIRouter()

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        text, media_type = render_figures(replica.registry, request.headers.get("accept", ""))
        return Response(text, media_type=media_type)

    @router.post("/control")
    async def control(request: Request) -> dict[str, Any]:
        told = await request.json()
        if told.pop("recycle", False):
            await replica.engine.recycle()
            replica.kept.clear()
        await replica.apply(replica.flags.changed(told))
        return asdict(replica.flags)

    return router


if __name__ == "__main__":
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
    )
    given = Setup(**json.loads(sys.argv[1]))
    uvicorn.run(
        make_app(Replica(given)),
        port=given.port,
        log_level="error",
        access_log=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
