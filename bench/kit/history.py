"""A history checker for the coherent cache: real processes read and write while things break, and every read is judged.

The truth (a version per key) and what has been acknowledged stand in memory all processes share. A writer raises the truth,
invalidates, and, once acknowledged, raises what is acknowledged. A reader notes what is acknowledged *before* it reads; a value
older than that is stale. `Mutant` takes one safeguard out, to show that the checker would notice.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from multiprocessing.sharedctypes import RawArray, RawValue
from multiprocessing.synchronize import Event
from typing import Literal, get_args

import structlog

from mcp_gateway.core.errors import Json, Unavailable
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.cache.flights import Flights
from mcp_gateway.kit.cache.model import CachePolicy
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.cache_coherence import Coherence
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.packing import Script

KEYS = 48
GROUPS = 6
TENANT = "acme"
MEMBERSHIP_SECONDS = 0.5
READERS = 12
# Keeps nothing near: its reads share flights and ask the store.
FAR_REPLICA = 1
# A reader gives way after so many reads, so that messages are heard in between.
READS_PER_TURN = 12
POLICY = CachePolicy(
    ttl_seconds=5, stale_while_revalidate_seconds=2, early_refresh=0.2, lease_seconds=0.5, load_timeout_seconds=5
)

Mutant = Literal["none", "no_wait", "no_lease", "no_trust", "no_overtaking"]
MUTANTS: tuple[Mutant, ...] = tuple(one for one in get_args(Mutant) if one != "none")


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What one process saw."""

    reads: int = 0
    stale: int = 0
    refused: int = 0
    writes: int = 0
    unacknowledged: int = 0
    slowest_write_seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)
    first_stale: str = ""


class Shared:
    """The memory all processes see, and the signs to begin and to stop."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.truth = RawArray("q", KEYS)
        self.acknowledged = RawArray("q", KEYS)
        self.reads = RawValue("q", 0)
        self.stop: Event = context.Event()
        self.ready = [context.Event() for _ in range(8)]
        self.told: Queue[Told] = context.Queue()


class Replica:
    """One process: readers over all keys, a writer over its own groups of keys."""

    def __init__(self, number: int, count: int, shared: Shared, cache: Cache[Json]) -> None:
        self._shared, self._cache = shared, cache
        self._groups = range(number, GROUPS, count)
        self._random = random.Random(number)  # noqa: S311  (repeats a schedule, guards nothing)
        self._reads = self._stale = self._refused = self._writes = self._unacknowledged = 0
        self._slowest = 0.0
        self._first_stale = ""

    async def run(self) -> Told:
        async with asyncio.TaskGroup() as group:
            for _ in range(READERS):
                group.create_task(self._read())
            group.create_task(self._write())
        outcomes = {str(name): count for name, count in self._cache.counts().outcomes.items()}
        return Told(
            reads=self._reads, stale=self._stale, refused=self._refused, writes=self._writes, outcomes=outcomes,
            unacknowledged=self._unacknowledged, slowest_write_seconds=self._slowest, first_stale=self._first_stale,
        )  # fmt: skip

    async def _read(self) -> None:
        stop, acknowledged, get = self._shared.stop, self._shared.acknowledged, self._cache.get_or_load
        loaders = [self._loader(key) for key in range(KEYS)]
        while not stop.is_set():
            for _ in range(READS_PER_TURN):
                key = self._random.randrange(KEYS)
                at_least = acknowledged[key]
                try:
                    value = await get(f"k{key}", loaders[key], tenant=TENANT, tags=(f"g{key % GROUPS}",))
                except Unavailable:
                    self._refused += 1
                    continue
                self._judge(key, at_least, value)
            self._shared.reads.value += READS_PER_TURN  # near enough: it only says when to stop
            await asyncio.sleep(0)

    def _judge(self, key: int, at_least: int, value: Json) -> None:
        self._reads += 1
        if not isinstance(value, int) or value < at_least:
            self._stale += 1
            self._first_stale = self._first_stale or f"key {key}: read {value}, acknowledged before {at_least}"

    def _loader(self, key: int) -> "Loader":
        return Loader(self._shared, key, self._random)

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._shared.stop.is_set():
            await asyncio.sleep(self._random.uniform(0, 0.008))
            group = self._random.choice(self._groups)
            mine = list(range(group, KEYS, GROUPS))
            by_tag = self._random.random() < 0.2
            keys = mine if by_tag else self._random.sample(mine, self._random.randint(1, 2))
            for key in keys:
                self._shared.truth[key] += 1
            written = {key: self._shared.truth[key] for key in keys}
            began = loop.time()
            try:
                await self._cache.invalidate(
                    tenant=TENANT,
                    cause="write",
                    keys=() if by_tag else [f"k{key}" for key in keys],
                    tags=(f"g{group}",) if by_tag else (),
                )
            except Unavailable:
                self._unacknowledged += 1
                continue
            for key, version in written.items():
                self._shared.acknowledged[key] = version
            self._slowest = max(self._slowest, loop.time() - began)
            self._writes += 1


class Loader:
    """Takes a snapshot of the truth, then is slow, so that writes overtake it."""

    def __init__(self, shared: Shared, key: int, chance: random.Random) -> None:
        self._shared, self._key, self._chance = shared, key, chance

    async def __call__(self) -> Json:
        version: int = self._shared.truth[self._key]
        await asyncio.sleep(self._chance.choice((0, 0.001, 0.004, 0.012)))
        return version


def run_replica(number: int, count: int, url: str, shared: Shared, mutant: Mutant) -> None:
    """The body of one process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(_run_replica(number, count, url, shared, mutant))


async def _run_replica(number: int, count: int, url: str, shared: Shared, mutant: Mutant) -> None:
    async with await RedisConnection.open(url, timeout_seconds=0.05) as connection:
        level = await RedisSharedLevel.open(connection, membership_seconds=MEMBERSHIP_SECONDS)
        take_out(mutant, level)
        async with Cache("history", level, policy=replace(POLICY, near=number != FAR_REPLICA)) as cache:
            shared.ready[number].set()
            told = await Replica(number, count, shared, cache).run()
        await level.close()
    shared.told.put(told)


def take_out(mutant: Mutant, level: RedisSharedLevel) -> None:
    """Remove one safeguard in this process."""
    coherence: Coherence = level._coherence  # noqa: SLF001  (a mutant is an operation on the inside)
    if mutant == "no_wait":

        async def nobody(*_: object) -> tuple[int, int]:
            return 0, 0

        coherence._everybody = nobody  # type: ignore[method-assign, assignment]  # noqa: SLF001  (the same)
    elif mutant == "no_lease":
        text = level._fill.text  # noqa: SLF001  (the same)
        level._fill = Script(text.replace("~= ARGV[2]", "== ''").replace("unchanged = 0", "unchanged = 1"))  # noqa: SLF001  (the same)
    elif mutant == "no_trust":
        RedisSharedLevel.trusted_until = property(lambda _: float("inf"))  # type: ignore[method-assign, assignment]  # the same
    elif mutant == "no_overtaking":
        Flights.is_overtaken = lambda *_: False  # type: ignore[method-assign]  # the same


@contextlib.contextmanager
def replicas(urls: list[str], shared: Shared, mutant: Mutant = "none") -> Iterator[list[SpawnProcess]]:
    """Starts one process per address and waits until all read and write; leaves none behind."""
    context = multiprocessing.get_context("spawn")
    started = [
        context.Process(target=run_replica, args=(number, len(urls), url, shared, mutant)) for number, url in enumerate(urls)
    ]
    try:
        for process in started:
            process.start()
        for event in shared.ready[: len(urls)]:
            if not event.wait(30):
                raise TimeoutError("a replica did not start")
        yield started
    finally:
        shared.stop.set()
        for process in started:
            process.join(10)
            process.kill()


def added_up(told: list[Told]) -> Told:
    outcomes: Counter[str] = Counter()
    for one in told:
        outcomes.update(one.outcomes)
    return Told(
        reads=sum(one.reads for one in told),
        stale=sum(one.stale for one in told),
        refused=sum(one.refused for one in told),
        writes=sum(one.writes for one in told),
        unacknowledged=sum(one.unacknowledged for one in told),
        slowest_write_seconds=max(one.slowest_write_seconds for one in told),
        outcomes=dict(outcomes),
        first_stale=next((one.first_stale for one in told if one.first_stale), ""),
    )
