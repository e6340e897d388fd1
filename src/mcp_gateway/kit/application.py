"""The kit on one application: a store they all share, one guard, and routers that join with a single `include_router`.

    kit = Kit(caller=caller_of, redis_url=os.environ["REDIS_URL"], rules=RuleSet(...))
    app = FastAPI(lifespan=kit.lifespan)
    kit.install(app)
    app.include_router(products_router)

A router opens what it stands on in a lifespan of its own, which FastAPI runs inside the application's: there it asks
`kit_of(app)` for the shared parts and `join`s with its limits and its health. The parts themselves stay usable without this.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI, Request, Response
from prometheus_client.registry import CollectorRegistry

from mcp_gateway.core.clock import SystemClock
from mcp_gateway.kit.breaker.ports import BreakerStore
from mcp_gateway.kit.cache.memory import MemorySharedLevel
from mcp_gateway.kit.cache.ports import SharedLevel
from mcp_gateway.kit.fastapi.guard import NotInstalled
from mcp_gateway.kit.fastapi.health import Ping, health_router
from mcp_gateway.kit.fastapi.install import install
from mcp_gateway.kit.fastapi.passage import CallerProvider, Face
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.rules import ConcurrencyRule, Rule, RuleSet
from mcp_gateway.kit.prometheus import PrometheusFigures, render_figures
from mcp_gateway.kit.redis.breaker import RedisBreakerStore
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.hot_keys import HotKeys
from mcp_gateway.kit.redis.idempotency import RedisIdempotencyStore
from mcp_gateway.kit.redis.limits import RedisLeaseStore, RedisLimitStore
from mcp_gateway.kit.redis.reporting import report_state
from mcp_gateway.kit.resilience.deadline import Deadlines
from mcp_gateway.kit.resilience.idempotency.memory import MemoryIdempotencyStore
from mcp_gateway.kit.resilience.idempotency.once import Idempotency
from mcp_gateway.kit.vitals.allocations import AllocationWatch
from mcp_gateway.kit.vitals.loop import LoopWatch
from mcp_gateway.kit.vitals.process import ProcessVitals

NO_RULES: Final = RuleSet()


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedParts:
    """What is open while the application runs. `breakers` None: circuits are this process's own."""

    face: Face
    limiter: EnterpriseRateLimiter
    level: SharedLevel
    idempotency: Idempotency
    breakers: BreakerStore | None


class Kit:
    """One per application. Nothing is opened before `lifespan` runs."""

    def __init__(
        self,
        *,
        caller: CallerProvider,
        redis_url: str | None,
        rules: RuleSet = NO_RULES,
        replicas: int = 1,
        namespace: str = "gateway",
        store_timeout_seconds: float = 0.02,
    ) -> None:
        """`redis_url` None: everything in this process. `replicas`: how many processes share the limits.

        `store_timeout_seconds`: how long one call to the store may take.
        """
        self._caller, self._redis_url, self._rules, self._replicas = caller, redis_url, rules, replicas
        self._namespace, self._timeout_seconds = namespace, store_timeout_seconds
        self._registry = CollectorRegistry()
        self.figures = PrometheusFigures()
        self._registry.register(self.figures)
        self._hot_keys: HotKeys | None = None
        self.figures.on_collect(ProcessVitals(figures=self.figures).report)
        self.figures.on_collect(self._report_hot_keys)
        self._parts: SharedParts | None = None
        self._pings: dict[str, Ping] = {}

    @property
    def parts(self) -> SharedParts:
        """Raises `NotInstalled` outside of the lifespan."""
        if self._parts is None:
            raise NotInstalled("The kit is not open.", hint="Make the application with `FastAPI(lifespan=kit.lifespan)`.")
        return self._parts

    def install(self, app: FastAPI) -> None:
        """The middleware, problem details, the description; GET /health and GET /metrics."""
        app.state.kit = self
        install(app, lambda: self.parts.face)
        app.include_router(health_router(self._pings))

        @app.get("/metrics", tags=["health"], summary="Figures for Prometheus")
        async def metrics(request: Request) -> Response:
            text, media_type = render_figures(self._registry, request.headers.get("accept", ""))
            return Response(text, media_type=media_type)

    def join(self, *, rules: Iterable[Rule | ConcurrencyRule] = (), pings: Mapping[str, Ping] | None = None) -> None:
        """A router's limits, under those of the application where both carry one name, and its share of GET /health."""
        limiter, given = self.parts.limiter, tuple(rules)
        own = RuleSet(
            rules=tuple(rule for rule in given if isinstance(rule, Rule)),
            concurrency=tuple(rule for rule in given if isinstance(rule, ConcurrencyRule)),
        )
        limiter.apply(own.overlaid(limiter.rules))
        self._pings.update(pings or {})

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """For `FastAPI(lifespan=...)`. A store that is down is tolerated: each part then does what its policy says."""
        async with AsyncExitStack() as stack:
            self._parts = await self._open(stack)
            try:
                yield
            finally:
                self._parts = None
                self._pings.clear()

    def _report_hot_keys(self) -> None:
        if self._hot_keys is not None:
            self._hot_keys.report()

    async def _open(self, stack: AsyncExitStack) -> SharedParts:
        figures, timeout = self.figures, self._timeout_seconds
        await stack.enter_async_context(LoopWatch(figures=figures))
        await stack.enter_async_context(AllocationWatch(figures=figures))
        if self._redis_url is None:
            limiter = EnterpriseRateLimiter(self._rules, replicas=self._replicas, figures=figures)
            level: SharedLevel = MemorySharedLevel()
            idempotency = Idempotency(MemoryIdempotencyStore(SystemClock()), figures=figures)
            breakers = None
        else:
            connection = await stack.enter_async_context(
                await RedisConnection.open(self._redis_url, timeout_seconds=timeout, tolerate_down=True)
            )
            report_state(connection, figures)
            limiter = EnterpriseRateLimiter(
                self._rules,
                store=RedisLimitStore(connection, timeout_seconds=timeout),
                leases=RedisLeaseStore(connection, timeout_seconds=timeout),
                replicas=self._replicas,
                figures=figures,
            )
            shared = await stack.enter_async_context(await RedisSharedLevel.open(connection, namespace=self._namespace))
            self._hot_keys = shared.hot_keys = HotKeys(figures=figures, clock=SystemClock())
            level = shared
            idempotency = Idempotency(RedisIdempotencyStore(connection), figures=figures)
            breakers = RedisBreakerStore(connection)
            self._pings["store"] = level.ping
        stack.push_async_callback(idempotency.close)
        face = Face(caller=self._caller, limiter=limiter, figures=figures, idempotency=idempotency, deadlines=Deadlines())
        return SharedParts(face=face, limiter=limiter, level=level, idempotency=idempotency, breakers=breakers)


def kit_of(app: FastAPI) -> Kit:
    """Raises `NotInstalled`: a router of the kit does not run without the kit's guard."""
    kit = getattr(app.state, "kit", None)
    if not isinstance(kit, Kit):
        raise NotInstalled("This application has no kit.", hint="Call `Kit(...).install(app)` where the application is made.")
    return kit
