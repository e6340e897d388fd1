"""Other libraries' limiters behind one face, each through its public interface, all with one limit per window on one Valkey.

They are in the dependency group `peers`; one that is not installed is left out by name. Used by `bench.kit.limits` (speed) and
`bench.kit.limits_exactness`.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from importlib import import_module
from typing import Any, TypeAlias

# Ask for one unit under a key; whether it passed.
Hit: TypeAlias = Callable[[str], Awaitable[bool]]
# Made for a URL, a limit and a window in whole seconds.
Peer: TypeAlias = Callable[[str, int, int], AbstractAsyncContextManager[Hit]]

CONNECTIONS = 256

# The floor: what counting costs at the least, a fixed window, through the ordinary client.
FLOOR = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if n <= tonumber(ARGV[1]) then return 1 end
return 0
"""


def _floor(**options: None) -> Peer:
    @asynccontextmanager
    async def peer(url: str, limit: int, window: int) -> AsyncIterator[Hit]:
        client: Any = import_module("redis.asyncio").Redis.from_url(url, max_connections=CONNECTIONS, **options)
        sha = await client.script_load(FLOOR)

        async def hit(key: str) -> bool:
            return bool(await client.evalsha(sha, 1, f"floor:{key}", limit, window * 1_000))

        try:
            yield hit
        finally:
            await client.aclose()

    return peer


# Lua `INCR` and `PEXPIRE` over redis-py's pool as it comes, which watches over each read with a timeout; and without that.
floor = _floor()
floor_without_timeouts = _floor(socket_timeout=None, socket_connect_timeout=None)


def _limits(strategy: str, *, with_header_values: bool = False) -> Peer:
    @asynccontextmanager
    async def peer(url: str, limit: int, window: int) -> AsyncIterator[Hit]:
        storage = import_module("limits.storage").storage_from_string(
            f"async+{url}", implementation="redispy", max_connections=CONNECTIONS
        )
        limiter: Any = getattr(import_module("limits.aio.strategies"), strategy)(storage)
        item = import_module("limits").RateLimitItemPerSecond(limit, window)

        async def hit(key: str) -> bool:
            passed = bool(await limiter.hit(item, key))
            if with_header_values:
                await limiter.get_window_stats(item, key)
            return passed

        yield hit

    return peer


@asynccontextmanager
async def _slowapi_path(url: str, limit: int, window: int) -> AsyncIterator[Hit]:
    """What slowapi does: the synchronous storage of `limits` on the event loop."""
    limiter: Any = import_module("limits.strategies").MovingWindowRateLimiter(
        import_module("limits.storage").storage_from_string(url)
    )
    item = import_module("limits").RateLimitItemPerSecond(limit, window)

    async def hit(key: str) -> bool:
        return bool(limiter.hit(item, key))

    yield hit


def _throttled(algorithm: str) -> Peer:
    @asynccontextmanager
    async def peer(url: str, limit: int, window: int) -> AsyncIterator[Hit]:
        throttled = import_module("throttled.asyncio")
        quota = throttled.per_duration(timedelta(seconds=window), limit, burst=limit)
        limiter: Any = throttled.Throttled(using=algorithm, quota=quota, store=throttled.RedisStore(server=url))

        async def hit(key: str) -> bool:
            return not (await limiter.limit(key)).limited

        yield hit

    return peer


def _pyrate(kind: str) -> Peer:
    @asynccontextmanager
    async def peer(url: str, limit: int, window: int) -> AsyncIterator[Hit]:
        pyrate: Any = import_module("pyrate_limiter")
        client: Any = import_module("redis.asyncio").Redis.from_url(url, max_connections=CONNECTIONS)
        rates = [pyrate.Rate(limit, window * 1_000)]
        buckets: dict[str, Any] = {}

        class Factory(pyrate.BucketFactory):  # type: ignore[misc]  # a class known only when it is installed
            def wrap_item(self, name: str, weight: int = 1) -> object:
                return pyrate.RateItem(name, time.time_ns() // 1_000_000, weight=weight)

            async def _log_bucket(self, name: str) -> object:
                made = await pyrate.RedisBucket.init(rates, client, f"pyrate:{name}")
                self.schedule_leak(made)
                return buckets.setdefault(name, made)

            def get(self, item: Any) -> object:  # the library's own type
                if item.name in buckets:
                    return buckets[item.name]
                if kind == "log":
                    return self._log_bucket(item.name)
                store = pyrate.RedisStateStore(client, f"pyrate:{item.name}")
                return buckets.setdefault(item.name, pyrate.StateBucket(rates, pyrate.GCRA(), store))

        limiter: Any = pyrate.Limiter(Factory())

        async def hit(key: str) -> bool:
            return bool(await limiter.try_acquire_async(key, blocking=False))

        try:
            yield hit
        finally:
            with contextlib.suppress(Exception):
                limiter.close()
            await client.aclose()

    return peer


@asynccontextmanager
async def _cashews(url: str, limit: int, window: int) -> AsyncIterator[Hit]:
    cache: Any = import_module("cashews").Cache()
    cache.setup(url, max_connections=CONNECTIONS, suppress=False)
    await cache.init()

    async def hit(key: str) -> bool:
        now = time.time()
        counted = await cache.slice_incr(f"cashews:{key}", now - window, now, maxvalue=limit + 1, expire=window)
        return int(counted) <= limit

    try:
        yield hit
    finally:
        await cache.close()


PEERS: Mapping[str, Peer] = {
    "limits 5.8 fixed": _limits("FixedWindowRateLimiter"),
    "limits 5.8 moving": _limits("MovingWindowRateLimiter"),
    "limits 5.8 moving, with header values": _limits("MovingWindowRateLimiter", with_header_values=True),
    "limits 5.8 sliding counter": _limits("SlidingWindowCounterRateLimiter"),
    "slowapi 0.1 (synchronous limits)": _slowapi_path,
    "throttled-py 3.5 fixed": _throttled("fixed_window"),
    "throttled-py 3.5 sliding": _throttled("sliding_window"),
    "throttled-py 3.5 gcra": _throttled("gcra"),
    "throttled-py 3.5 token bucket": _throttled("token_bucket"),
    "pyrate-limiter 4.5 log": _pyrate("log"),
    "pyrate-limiter 4.5 gcra": _pyrate("gcra"),
    "cashews 7.6 slice": _cashews,
}


async def installed(url: str) -> dict[str, Peer]:
    """The peers that can be opened here."""
    found = {}
    for number, (name, peer) in enumerate(PEERS.items()):
        try:
            async with asyncio.timeout(5), peer(url, 10, 60) as hit:
                await hit(f"probe-{number}")
        except ImportError:
            continue
        found[name] = peer
    return found
