"""Reads under way in this process: who may share one, and which of them an invalidation has overtaken.

A flight reads at a moment; whoever asks later may share its result only if no invalidation acknowledged before they asked can
have come after that moment. This module decides that; what a flight does is `reading`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Generic, TypeVar, cast

from mcp_gateway.kit.cache.model import CachePolicy
from mcp_gateway.kit.cache.near import NearKey
from mcp_gateway.kit.cache.ports import Lease

V = TypeVar("V")
NEVER = float("inf")

# Names invalidated while flights were under way; more than this and every flight counts as overtaken.
MAX_REMEMBERED = 4_096


class Flight(Generic[V]):
    """One read of one key, and its load while there is one: one object, for every miss makes one.

    `read_at` is the number of invalidations seen when it last began to read; None before that. `older` is the flight of the same
    key that began before. `lease`, `deadline`, `extend_at` (on the loop's clock) and `overdue` are the load's; see `holding`.
    """

    __slots__ = (
        "background", "before", "below_seconds", "deadline", "done", "epoch", "error", "extend_at", "joined", "key", "lease",
        "loader", "older", "overdue", "policy", "read_at", "tags", "task", "usable_until", "value", "waiter", "waking", "woken",
    )  # fmt: skip

    def __init__(
        self,
        key: NearKey,
        loader: Callable[[], Awaitable[V]] | None,
        policy: CachePolicy,
        tags: tuple[str, ...] = (),
        *,
        before: "asyncio.Task[None] | None" = None,
        below_seconds: float = 0.0,
        background: bool = False,
    ) -> None:
        """`loader` is None for a read that loads nothing, which nobody may join. `before`: another flight that must end first.

        `below_seconds`: renew a value that is fresh for no longer. `background`: nobody waits for the result.
        """
        self.key, self.loader, self.policy, self.tags = key, loader, policy, tags
        self.before, self.below_seconds, self.background = before, below_seconds, background
        self.task: asyncio.Task[None] | None = None
        self.read_at: int | None = None
        self.epoch = 0
        # Once served, until when on the clock its value may still be handed out while it is renewed.
        self.usable_until = self.deadline = self.extend_at = NEVER
        self.done = self.woken = self.overdue = False
        self.lease: Lease | None = None
        self.older: Flight[V] | None = None
        self.value: V | None = None
        self.error: BaseException | None = None
        # Who began it, and who came later.
        self.waiter: asyncio.Future[V] | None = None
        self.joined: list[asyncio.Future[V]] | None = None
        self.waking: asyncio.Future[None] | None = None

    @property
    def served(self) -> bool:
        """Nobody waits any more, or ever did."""
        return self.background or self.done

    def result(self) -> "asyncio.Future[V]":
        """Brings the value or the error, one for each caller; leaving does not end the flight."""
        waiter: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        if not self.done:
            if self.waiter is None:
                self.waiter = waiter
            else:
                self.joined = self.joined or []
                self.joined.append(waiter)
        elif self.error is not None:
            waiter.set_exception(self.error)
        else:
            waiter.set_result(cast("V", self.value))
        return waiter

    def settle(self, value: V) -> None:
        """Give the callers their value; a second one is ignored."""
        if not self.done:
            self.done, self.value = True, value
            if self.joined is None and self.waiter is not None and not self.waiter.done():
                self.waiter.set_result(value)  # by far the most misses have one caller
                return
            for waiter in self._waiting():
                waiter.set_result(value)

    def fail(self, error: BaseException) -> None:
        """Give the callers an error, unless they have a value."""
        if not self.done:
            self.done, self.error = True, error
            for waiter in self._waiting():
                waiter.set_exception(error)

    def _waiting(self) -> "Sequence[asyncio.Future[V]]":
        first = () if self.waiter is None or self.waiter.done() else (self.waiter,)
        return first if self.joined is None else [*first, *(one for one in self.joined if not one.done())]

    def wake(self) -> None:
        """What it waits for may be there."""
        self.woken = True
        if self.waking is not None and not self.waking.done():
            self.waking.set_result(None)

    async def wait(self, seconds: float) -> None:
        """Until woken, or so long."""
        if not self.woken:
            self.waking = asyncio.get_running_loop().create_future()
            await asyncio.wait((self.waking,), timeout=seconds)
            self.waking = None


class Flights(Generic[V]):
    """The flights of each key, the latest last, and the invalidations seen while any was under way."""

    def __init__(self) -> None:
        self._flying: dict[NearKey, Flight[V]] = {}
        # Invalidations heard so far; a flight whose `read_at` is still this has surely not been overtaken.
        self.seen = 0
        self._all_before = 0
        self._keys: dict[NearKey, int] = {}
        self._tags: dict[tuple[str, str], int] = {}
        self._tenants: dict[str, int] = {}

    def latest(self, key: NearKey) -> Flight[V] | None:
        return self._flying.get(key)

    def running(self) -> tuple[Flight[V], ...]:
        return tuple(flight for key in self._flying for flight in self._of(key))

    def add(self, flight: Flight[V]) -> None:
        flight.older = self._flying.get(flight.key)
        self._flying[flight.key] = flight

    def watch(self, flight: Flight[V]) -> None:
        """Follow invalidations for a read that nobody may join."""
        under_way = tuple(self._of(flight.key))
        if under_way:
            under_way[-1].older = flight
        else:
            self._flying[flight.key] = flight

    def remove(self, flight: Flight[V]) -> None:
        key = flight.key
        if self._flying[key] is not flight:
            newer = next(one for one in self._of(key) if one.older is flight)
            newer.older = flight.older
        elif flight.older is not None:
            self._flying[key] = flight.older
        else:
            del self._flying[key]
        if not self._flying and (self._keys or self._tags):
            self._forget()

    def begin_read(self, flight: Flight[V], epoch: int) -> None:
        """What the flight learns from now on is as new as now."""
        flight.read_at = self.seen
        flight.epoch = epoch
        flight.woken = False

    @staticmethod
    def begin_wait(flight: Flight[V]) -> None:
        """The flight knows nothing and will read again: everybody may join."""
        flight.read_at = None

    def joinable(self, flight: Flight[V], *, trusted: bool, epoch: int) -> bool:
        """`trusted`: every invalidation acknowledged so far has been seen here."""
        if flight.loader is None:
            return False
        if flight.read_at is None:
            return True
        return trusted and flight.epoch == epoch and not self.is_overtaken(flight, None)

    def is_overtaken(self, flight: Flight[V], tags: tuple[str, ...] | None) -> bool:
        """Whether what it read may have ended since. `tags` are those of the value; None: unknown, any of the tenant's counts."""
        since, tenant = flight.read_at, flight.key[0]
        if since is None or since < self._all_before or self._keys.get(flight.key, 0) > since:
            return True
        if self._tenants.get(tenant, 0) <= since:
            return False
        return tags is None or any(self._tags.get((tenant, tag), 0) > since for tag in tags)

    def invalidated(self, tenant: str, keys: Sequence[str], tags: Sequence[str]) -> None:
        """Overtakes whoever read before, and wakes whoever waits for what has ended."""
        if not self._flying:
            return
        self.seen += 1
        for key in keys:
            self._keys[tenant, key] = self.seen
            self.filled((tenant, key))
        if tags:
            self._tenants[tenant] = self.seen
            self._tags.update(((tenant, tag), self.seen) for tag in tags)
            for place in self._flying:
                if place[0] == tenant:
                    self.filled(place)
        if len(self._keys) + len(self._tags) > MAX_REMEMBERED:
            self._all_before = self.seen
            self._forget()

    def filled(self, key: NearKey) -> None:
        """Wakes whoever waits for a key."""
        for flight in self._of(key):
            flight.wake()

    def emptied(self) -> None:
        """Overtakes and wakes everybody."""
        self.seen += 1
        self._all_before = self.seen
        for key in self._flying:
            self.filled(key)

    def _of(self, key: NearKey) -> Iterator[Flight[V]]:
        """From the latest to the oldest."""
        flight = self._flying.get(key)
        while flight is not None:
            yield flight
            flight = flight.older

    def _forget(self) -> None:
        self._keys.clear()
        self._tags.clear()
        self._tenants.clear()
