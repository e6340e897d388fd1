"""Named pools of things there are only so many of: connections, validations, workers. Reservations, a shared rest, usage.

A user draws on its own reservation first and then on the shared part, so nobody can take what is reserved for another. It
counts; it does not own the connections themselves. One process.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.errors import NotFound
from mcp_gateway.kit.errors import InvalidPolicy, PoolExhausted
from mcp_gateway.kit.figures import NO_FIGURES, Figures, Metric
from mcp_gateway.kit.resilience.deadline import Deadlines
from mcp_gateway.kit.resilience.ranges import require

IN_USE = Metric(name="pool_in_use", help="Units of a resource pool in use.", kind="gauge", labels=("pool",))
SIZE = Metric(name="pool_size", help="Units a resource pool has.", kind="gauge", labels=("pool",))
WAITING = Metric(name="pool_waiting", help="Requests that wait for units of a resource pool.", kind="gauge", labels=("pool",))
EXHAUSTED = Metric(name="pool_exhausted", help="Requests a resource pool could not serve.", kind="counter", labels=("pool",))

_CLOCK = SystemClock()


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolPolicy:
    """`reserved` says how many units are kept for which user; what is left of `size` is shared by all."""

    name: str
    size: int
    reserved: Mapping[str, int] = field(default_factory=dict)
    max_waiting: int = 100
    max_wait_seconds: float = 5.0

    def __post_init__(self) -> None:
        require("size", self.size, least=1, most=1_000_000)
        require("max_waiting", self.max_waiting, least=0, most=100_000)
        require("max_wait_seconds", self.max_wait_seconds, least=0, most=600)
        if any(units < 0 for units in self.reserved.values()) or sum(self.reserved.values()) > self.size:
            raise InvalidPolicy(f"Pool {self.name} has {self.size} units; its reservations are 0 or more, and not more together.")

    @property
    def shared(self) -> int:
        return self.size - sum(self.reserved.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolUsage:
    """`reserved_in_use` is by user; a user without a reservation uses the shared part alone. `most_in_use` since the start."""

    name: str
    size: int
    in_use: int
    waiting: int
    shared: int
    shared_in_use: int
    reserved: Mapping[str, int]
    reserved_in_use: Mapping[str, int]
    most_in_use: int
    refused: int


@dataclass(slots=True, eq=False)
class _Asking:
    user: str
    units: int
    future: asyncio.Future[int]


class ResourcePool:
    """One pool. Who waits is served in order, except that nobody waits behind one who cannot be served yet."""

    def __init__(self, policy: PoolPolicy, *, clock: Clock = _CLOCK, figures: Figures = NO_FIGURES) -> None:
        self.policy = policy
        self._deadlines = Deadlines(clock=clock)
        self._own: dict[str, int] = dict.fromkeys(policy.reserved, 0)
        self._shared = self._most = self._refused = 0
        self._line: deque[_Asking] = deque()
        self._shown = figures.gauge(IN_USE, pool=policy.name)
        self._exhausted = figures.counter(EXHAUSTED, pool=policy.name)
        self._line_shown = figures.gauge(WAITING, pool=policy.name)
        figures.gauge(SIZE, pool=policy.name).set(policy.size)

    @asynccontextmanager
    async def lease(self, user: str, units: int = 1) -> AsyncIterator[None]:
        """Hold `units` for the block. Raises `PoolExhausted` when they do not come free in time or never could."""
        own = await self._take(user, units)
        try:
            yield
        finally:
            self._give_back(user, own, units - own)

    def usage(self) -> PoolUsage:
        policy = self.policy
        return PoolUsage(
            name=policy.name,
            size=policy.size,
            in_use=self._in_use(),
            waiting=len(self._line),
            shared=policy.shared,
            shared_in_use=self._shared,
            reserved=dict(policy.reserved),
            reserved_in_use=dict(self._own),
            most_in_use=self._most,
            refused=self._refused,
        )

    async def _take(self, user: str, units: int) -> int:
        """How many of the units came from the user's own reservation."""
        if not 1 <= units <= self.policy.reserved.get(user, 0) + self.policy.shared:
            raise self._refusal(user, units, "that many can never be free for this user")
        own = None if self._line and self._needs_shared(user, units) else self._try(user, units)
        if own is not None:
            return own
        if len(self._line) >= self.policy.max_waiting:
            raise self._refusal(user, units, "too many wait already")
        return await self._wait(_Asking(user, units, asyncio.get_running_loop().create_future()))

    async def _wait(self, asking: _Asking) -> int:
        left = self._deadlines.remaining()
        seconds = self.policy.max_wait_seconds if left is None else min(left, self.policy.max_wait_seconds)
        timer = asyncio.get_running_loop().call_later(seconds, self._give_up, asking)
        self._line.append(asking)
        self._line_shown.set(len(self._line))
        try:
            return await asking.future
        except asyncio.CancelledError:
            future = asking.future
            if future.done() and not future.cancelled() and future.exception() is None:
                self._give_back(asking.user, future.result(), asking.units - future.result())
            elif asking in self._line:
                self._line.remove(asking)
                self._serve()
            raise
        finally:
            timer.cancel()
            self._line_shown.set(len(self._line))

    def _give_up(self, asking: _Asking) -> None:
        if not asking.future.done():
            self._line.remove(asking)
            asking.future.set_exception(self._refusal(asking.user, asking.units, "none came free in time"))
            self._serve()

    def _try(self, user: str, units: int) -> int | None:
        own = min(units, self.policy.reserved.get(user, 0) - self._own.get(user, 0))
        if units - own > self.policy.shared - self._shared:
            return None
        if own:
            self._own[user] += own
        self._shared += units - own
        self._most = max(self._most, self._in_use())
        self._shown.set(self._in_use())
        return own

    def _give_back(self, user: str, own: int, shared: int) -> None:
        if own:
            self._own[user] -= own
        self._shared -= shared
        self._shown.set(self._in_use())
        self._serve()

    def _serve(self) -> None:
        # One who waits for many shared units keeps later ones from the shared part, or it would wait for ever.
        blocked = False
        for asking in list(self._line):
            if blocked and self._needs_shared(asking.user, asking.units):
                continue
            own = self._try(asking.user, asking.units)
            if own is None:
                blocked = True
                continue
            self._line.remove(asking)
            if asking.future.done():
                self._undo(asking, own)
            else:
                asking.future.set_result(own)

    def _needs_shared(self, user: str, units: int) -> bool:
        return units > self.policy.reserved.get(user, 0) - self._own.get(user, 0)

    def _undo(self, asking: _Asking, own: int) -> None:
        if own:
            self._own[asking.user] -= own
        self._shared -= asking.units - own

    def _in_use(self) -> int:
        return self._shared + sum(self._own.values())

    def _refusal(self, user: str, units: int, why: str) -> PoolExhausted:
        self._refused += 1
        self._exhausted.add()
        return PoolExhausted(
            f"The pool {self.policy.name} has no {units} for {user}: {why}.",
            retry_after_seconds=self.policy.max_wait_seconds,
            pool=self.policy.name,
            in_use=self._in_use(),
            size=self.policy.size,
        )


class ResourcePools:
    """All pools of a process, by name."""

    def __init__(self, policies: Iterable[PoolPolicy], *, clock: Clock = _CLOCK, figures: Figures = NO_FIGURES) -> None:
        """Raises `InvalidPolicy` when two have one name."""
        self._pools: dict[str, ResourcePool] = {}
        for policy in policies:
            if policy.name in self._pools:
                raise InvalidPolicy(f"Two pools are called {policy.name}.")
            self._pools[policy.name] = ResourcePool(policy, clock=clock, figures=figures)

    def pool(self, name: str) -> ResourcePool:
        """Raises `NotFound`."""
        if name not in self._pools:
            raise NotFound(f"No pool is called {name}.", known=", ".join(sorted(self._pools)))
        return self._pools[name]

    @asynccontextmanager
    async def allocate(self, user: str, units: Mapping[str, int]) -> AsyncIterator[None]:
        """Hold units of several pools for the block, all or none; a pool asked for 0 units is left out.

        Taken in the order of their names, so that two who want the same pools never wait for each other.
        """
        async with AsyncExitStack() as stack:
            for name in sorted(units):
                if units[name]:
                    await stack.enter_async_context(self.pool(name).lease(user, units[name]))
            yield

    def usage(self) -> tuple[PoolUsage, ...]:
        """In the order of their names."""
        return tuple(self._pools[name].usage() for name in sorted(self._pools))


def gateway_pools() -> tuple[PoolPolicy, ...]:
    """The pools of a gateway with a management API and an MCP face, as the orchestrator specification has them."""
    return (
        PoolPolicy(name="database_connections", size=20, reserved={"fastapi": 8, "fastmcp": 8}),
        PoolPolicy(name="redis_connections", size=10, reserved={"session": 4, "cache": 4, "pub_sub": 2}),
        PoolPolicy(name="oauth_validations", size=50),
    )
