"""What a hit costs, how soon an invalidation is seen in another process, and how a stampede ends when its loader's process dies.

Everything is compared with a baseline in the same run: a plain dict with expiry, a bare PUBLISH over the same connection, and
other libraries where they are installed (group `peers`). `python -m bench.kit.cache` needs the development dependencies (Valkey).
"""

import asyncio
import logging
import multiprocessing
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from multiprocessing.queues import Queue
from multiprocessing.sharedctypes import RawArray, RawValue
from multiprocessing.synchronize import Event
from typing import Any

import structlog
from bench.figures import percentile, print_table
from tests.valkey_process import ValkeyProcess

from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import Json
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.cache.memory import MemorySharedLevel
from mcp_gateway.kit.cache.model import CachePolicy
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.connection import RedisConnection

VALUE: Json = {"text": "v" * 200}
HITS = 100_000
ROUNDS = 5
INVALIDATIONS = 1_500
CALLERS = 128
PROCESSES = 3
LOADER_SECONDS = 0.2
LEASE_SECONDS = 1.0
STAMPEDE = CachePolicy(lease_seconds=LEASE_SECONDS)
_SPAWN = multiprocessing.get_context("spawn")


def be_quiet() -> None:
    """What the parts log would stand between the tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


async def never() -> Json:
    raise AssertionError("this is a hit")


async def one_load() -> Json:
    return VALUE


async def microseconds(read: Callable[[], Awaitable[object]], times: int) -> float:
    """The best of some rounds: what a hit costs, not what the machine was doing."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(times):
            await read()
        best = min(best, (time.perf_counter() - started) / times * 1e6)
    return best


async def measure_hits(url: str) -> None:
    now = SystemClock().monotonic
    plain = {("acme", "k"): (VALUE, now() + 600)}

    async def dict_path(key: str, *, tenant: str) -> Json:
        value, until = plain[tenant, key]
        return value if now() < until else None

    floor = await microseconds(lambda: dict_path("k", tenant="acme"), HITS)
    rows = [("plain dict with expiry, in a coroutine", floor)]
    async with Cache("bench", MemorySharedLevel()) as cache:
        await cache.get_or_load("k", one_load, tenant="acme")
        rows.append(("near hit", await microseconds(lambda: cache.get_or_load("k", never, tenant="acme"), HITS)))
    async with (
        await RedisConnection.open(url, timeout_seconds=1) as connection,
        await RedisSharedLevel.open(connection) as level,
        Cache("bench", level) as near,
        Cache("far", level, policy=CachePolicy(near=False)) as far,
    ):
        for one in (near, far):
            await one.get_or_load("k", one_load, tenant="acme", tags=("t",))
        rows += [
            ("near hit, shared level on Valkey", await microseconds(lambda: near.get_or_load("k", never, tenant="acme"), HITS)),
            ("hit in Valkey, one tag checked", await microseconds(lambda: far.get_or_load("k", never, tenant="acme"), 2_000)),
        ]
    rows += await _peers(url)
    print_table(
        "A hit",
        ["", "µs", "µs over the dict path"],
        [[name, f"{cost:.2f}", f"{cost - floor:+.2f}"] for name, cost in rows],
    )


async def _peers(url: str) -> list[tuple[str, float]]:
    rows: list[tuple[str, float]] = []
    try:
        cashews: Any = import_module("cashews")
        aiocache: Any = import_module("aiocache")
        redis_py: Any = import_module("redis.asyncio")
    except ImportError as error:
        return [(f"{error.name}: not installed", float("nan"))]
    for name, address in (
        ("cashews, memory", "mem://"),
        ("cashews, client side (protocol 2)", f"{url}?protocol=2"),
    ):
        peer = cashews.Cache()
        peer.setup(address, **({} if address == "mem://" else {"client_side": True, "client_side_prefix": "cs:"}))
        await peer.init()
        await peer.set("k", VALUE, expire=600)
        rows.append((name, await microseconds(lambda peer=peer: peer.get("k"), 5_000)))  # type: ignore[misc]  # bound now
        await peer.close()
    simple = aiocache.SimpleMemoryCache()
    await simple.set("k", VALUE, ttl=600)
    rows.append(("aiocache, memory", await microseconds(lambda: simple.get("k"), 5_000)))
    client = redis_py.Redis.from_url(url)
    await client.set("bare", "v" * 200)
    rows.append(("redis-py GET", await microseconds(lambda: client.get("bare"), 2_000)))
    await client.aclose()
    return rows


class _Seen:
    """A listener that notes, after the cache before it has dropped its copy, when that was."""

    def __init__(self, seen: list[float]) -> None:
        self._seen, self._now = seen, SystemClock().monotonic

    def invalidated(self, tenant: str, keys: Sequence[str], tags: Sequence[str]) -> None:
        self._seen.append(self._now())

    def filled(self, tenant: str, key: str) -> None: ...

    def emptied(self) -> None: ...


def reader(url: str, ready: Event, stop: Event, told: "Queue[tuple[list[float], list[float]]]") -> None:
    """The other process: holds the copy near, and hears bare pings on the same connection."""

    async def run() -> tuple[list[float], list[float]]:
        seen: list[float] = []
        pings: list[float] = []
        now = SystemClock().monotonic
        async with (
            await RedisConnection.open(url, timeout_seconds=1) as connection,
            await RedisSharedLevel.open(connection) as level,
            Cache("bench", level) as cache,
        ):
            level.attach("bench", _Seen(seen))
            await connection.subscribe("ping", lambda _: pings.append(now()))
            ready.set()
            while not stop.is_set():
                await cache.get_or_load("k", one_load, tenant="acme")
                await asyncio.sleep(0.003)
        return seen, pings

    be_quiet()
    told.put(asyncio.run(run()))


async def measure_invalidation(url: str) -> None:
    ready, stop, told = _SPAWN.Event(), _SPAWN.Event(), _SPAWN.Queue()
    process = _SPAWN.Process(target=reader, args=(url, ready, stop, told))
    process.start()
    ready.wait(30)
    now = SystemClock().monotonic
    began: list[float] = []
    pinged: list[float] = []
    acknowledged: list[float] = []
    async with (
        await RedisConnection.open(url, timeout_seconds=1) as connection,
        await RedisSharedLevel.open(connection) as level,
        Cache("bench", level) as cache,
    ):
        await asyncio.sleep(1.5)  # the list of members is new: its first second waits longer
        for number in range(INVALIDATIONS):
            await asyncio.sleep(0.003)
            began.append(now())
            acknowledged.append((await cache.invalidate(tenant="acme", keys=("k",), cause="bench")).latency_seconds)
            await asyncio.sleep(0.003)
            pinged.append(now())
            await connection.call("PUBLISH", "ping", str(number))
        await asyncio.sleep(0.1)
    stop.set()
    seen, pings = await asyncio.to_thread(told.get, True, 30)
    process.join(10)
    assert len(seen) == len(began), f"{len(seen)} of {len(began)} invalidations were seen"
    figures = {
        "bare PUBLISH, heard by the other process": [there - here for here, there in zip(pinged, pings, strict=True)],
        "invalidation, dropped in the other process": [there - here for here, there in zip(began, seen, strict=True)],
        "invalidation, acknowledged by both": acknowledged,
    }
    floor = next(iter(figures.values()))
    print_table(
        f"Invalidation between two processes, {INVALIDATIONS} of each, taking turns",
        ["", "p50 ms", "p99 ms", "p50 ÷ bare", "p99 ÷ bare"],
        [
            [
                name,
                *(f"{percentile(values, share) * 1000:.2f}" for share in (0.5, 0.99)),
                *(f"{percentile(values, share) / percentile(floor, share):.2f}" for share in (0.5, 0.99)),
            ]
            for name, values in figures.items()
        ],
    )


def crowd(
    number: int, url: str, go: Event, ready: Event, loads: Any, holder: Any, told: "Queue[list[float]]", callers: int
) -> None:
    """One process's share of the callers; notes who loads, and how long each caller waited."""

    async def run() -> list[float]:
        async def slow() -> Json:
            loads[number] += 1
            holder.value = number
            await asyncio.sleep(LOADER_SECONDS)
            return VALUE

        async def call(cache: Cache[Json]) -> float:
            started = time.monotonic()
            await cache.get_or_load("k", slow, tenant="acme")
            return time.monotonic() - started

        async with (
            await RedisConnection.open(url, timeout_seconds=1) as connection,
            await RedisSharedLevel.open(connection) as level,
            Cache("crowd", level, policy=STAMPEDE) as cache,
        ):
            ready.set()
            await asyncio.to_thread(go.wait, 30)
            return await asyncio.gather(*(call(cache) for _ in range(callers)))

    be_quiet()
    told.put(asyncio.run(run()))


def stampede(url: str, *, kill: bool) -> tuple[int, int, float]:
    """Loads, callers served, and the longest wait in seconds."""
    loads, holder = RawArray("i", PROCESSES), RawValue("i", -1)
    go, told = _SPAWN.Event(), _SPAWN.Queue()
    shares = [CALLERS // PROCESSES + (number < CALLERS % PROCESSES) for number in range(PROCESSES)]
    ready = [_SPAWN.Event() for _ in shares]
    processes = [
        _SPAWN.Process(target=crowd, args=(number, url, go, ready[number], loads, holder, told, share))
        for number, share in enumerate(shares)
    ]
    for process in processes:
        process.start()
    for event in ready:
        event.wait(30)
    go.set()
    while holder.value < 0:
        time.sleep(0.001)
    if kill:
        time.sleep(LOADER_SECONDS / 2)
        processes[holder.value].kill()
    waits = [wait for _ in range(PROCESSES - kill) for wait in told.get(timeout=30)]
    for process in processes:
        process.join(10)
    return sum(loads), len(waits), max(waits)


def measure_stampedes() -> None:
    rows = []
    for name, kill in (("nobody dies", False), ("the loading process is killed half-way", True)):
        for _ in range(3):
            with ValkeyProcess() as valkey:
                loads, served, longest = stampede(valkey.url, kill=kill)
            bound = LOADER_SECONDS + (LEASE_SECONDS if kill else 0)
            rows.append([name, str(loads), str(served), f"{longest * 1000:.0f}", f"{bound * 1000:.0f}"])
    print_table(
        f"Stampede of {CALLERS} callers in {PROCESSES} processes; loader {LOADER_SECONDS:.1f} s, lease {LEASE_SECONDS:.1f} s",
        ["", "loads", "living callers served", "longest wait ms", "loader + lease ms"],
        rows,
    )


def main() -> int:
    be_quiet()
    with ValkeyProcess() as valkey:
        asyncio.run(measure_hits(valkey.url))
        asyncio.run(measure_invalidation(valkey.url))
    measure_stampedes()
    return 0


if __name__ == "__main__":
    sys.exit(main())
