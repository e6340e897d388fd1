"""The kit as this gateway uses it: limits per tenant, circuits, cached documents, figures; in this process or in a shared store.

With `REDIS_URL` all replicas decide limits together, share what servers vouched for, and see each other's circuits. While the
store is away nothing stops: each replica grants its share of a limit, reads from the servers, and keeps circuits of its own.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from mcp_gateway.ask.configuration import MCPServerConfig
from mcp_gateway.ask.shelf import Shelf, Shelves, identity_of
from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.breaker.policy import BreakerPolicy
from mcp_gateway.kit.breaker.ports import BreakerStore
from mcp_gateway.kit.cache.memory import MemorySharedLevel
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.rules import Rule, RuleSet
from mcp_gateway.kit.limits.stored_rules import StoredRules
from mcp_gateway.kit.prometheus import PrometheusFigures
from mcp_gateway.kit.redis.breaker import RedisBreakerStore
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.hot_keys import HotKeys
from mcp_gateway.kit.redis.limits import RedisLeaseStore, RedisLimitStore, RedisRuleStore
from mcp_gateway.kit.redis.reporting import report_state
from mcp_gateway.kit.vitals.allocations import AllocationWatch
from mcp_gateway.kit.vitals.loop import LoopWatch
from mcp_gateway.kit.vitals.process import ProcessVitals
from mcp_gateway.settings import Settings

MINUTE = 60.0
FIGURES_NAMESPACE = "mcp_gateway"


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """`connection` None: nothing is shared. `circuits` are the breakers made so far, by name.

    What servers on the network said lies in `shared_shelves`, what servers of this process said in `own_shelves`.
    """

    limiter: EnterpriseRateLimiter
    figures: PrometheusFigures
    clock: Clock
    own_shelves: Shelves
    shared_shelves: Shelves
    connection: RedisConnection | None = None
    breaker_store: BreakerStore | None = None
    circuits: dict[str, CircuitBreaker] = field(default_factory=dict)

    def shelf_of(self, config: MCPServerConfig) -> Shelf:
        """Where the copies of a server lie."""
        shelves = self.shared_shelves if config.url else self.own_shelves
        return shelves.shelf(identity_of(config))

    def breaker(self, name: str, policy: BreakerPolicy, *, shared: bool) -> CircuitBreaker:
        """A new circuit; it takes the place of an older one of its name in `circuits`."""
        store = self.breaker_store if shared else None
        made = self.circuits[name] = CircuitBreaker(name, policy, store=store, clock=self.clock, figures=self.figures)
        return made


@asynccontextmanager
async def open_traffic(settings: Settings, *, clock: Clock) -> AsyncIterator[Traffic]:
    """A store that is away keeps nothing from opening. Raises `InvalidStoreUrl`."""
    figures, rules = PrometheusFigures(namespace=FIGURES_NAMESPACE), limit_rules(settings)
    async with AsyncExitStack() as stack:
        figures.on_collect(ProcessVitals(figures=figures).report)
        await stack.enter_async_context(LoopWatch(figures=figures))
        await stack.enter_async_context(AllocationWatch(figures=figures))
        own = Shelves(MemorySharedLevel(clock=clock), clock=clock, figures=figures)
        stack.push_async_callback(own.close)
        if settings.redis_url is None:
            limiter = EnterpriseRateLimiter(rules, clock=clock, figures=figures)
            yield Traffic(limiter=limiter, figures=figures, clock=clock, own_shelves=own, shared_shelves=own)
            return
        url, timeout_seconds = settings.redis_url.get_secret_value(), settings.redis_timeout_seconds
        opened = await RedisConnection.open(url, timeout_seconds=timeout_seconds, tolerate_down=True)
        connection = await stack.enter_async_context(opened)
        report_state(connection, figures)
        limiter = EnterpriseRateLimiter(
            rules,
            store=RedisLimitStore(connection, timeout_seconds=timeout_seconds),
            leases=RedisLeaseStore(connection, timeout_seconds=timeout_seconds),
            clock=clock,
            figures=figures,
            replicas=settings.replicas,
        )
        await stack.enter_async_context(StoredRules(RedisRuleStore(connection), limiter))
        level = await stack.enter_async_context(await RedisSharedLevel.open(connection, clock=clock))
        level.hot_keys = HotKeys(figures=figures, clock=clock)
        figures.on_collect(level.hot_keys.report)
        shared = Shelves(level, clock=clock, figures=figures)
        stack.push_async_callback(shared.close)
        yield Traffic(
            limiter=limiter,
            figures=figures,
            clock=clock,
            own_shelves=own,
            shared_shelves=shared,
            connection=connection,
            breaker_store=RedisBreakerStore(connection),
        )


def limit_rules(settings: Settings) -> RuleSet:
    """Per tenant: questions and SQL share one budget, everything else has one for each operation. Nothing here writes."""
    rules = []
    if settings.limit_questions_per_minute:
        rules.append(
            Rule(
                name="questions",
                limit=settings.limit_questions_per_minute,
                window_seconds=MINUTE,
                operations=("ask", "sql"),
                each_operation=False,
            )
        )
    if settings.limit_reads_per_minute:
        operations = ("api.*", "mcp.*")
        rules.append(Rule(name="reads", limit=settings.limit_reads_per_minute, window_seconds=MINUTE, operations=operations))
    return RuleSet(rules=tuple(rules), reads=("*",))
