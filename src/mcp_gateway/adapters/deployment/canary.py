"""An invalidation of nothing: do all who hold copies hear it, and how soon?

It speaks the kit's own words on the kit's own channel, about a cache nobody has, and counts who acknowledges. No key is written,
no event logged, nothing left behind; it is no member itself, so nobody ever waits for it.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from functools import partial

from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.caching.ports import CanaryFlight
from mcp_gateway.kit.cache.ports import Invalidation
from mcp_gateway.kit.errors import StoreRefused
from mcp_gateway.kit.redis.cache_keys import CacheKeys
from mcp_gateway.kit.redis.cache_messages import read_heard, read_members, say_invalidation
from mcp_gateway.kit.redis.connection import RedisConnection

CACHE = "diagnostics-canary"
# A member that has not answered by then has missed it: memberships last about a second.
WAIT_SECONDS = 1.5
MAX_MEMBERS = 1_000


async def fly(connection: RedisConnection, namespaces: Sequence[str], *, clock: Clock) -> tuple[CanaryFlight, ...]:
    """One flight for each namespace, at the same time. Raises `StoreUnavailable` and `StoreRefused`."""
    return tuple(await asyncio.gather(*(_fly(connection, namespace, clock) for namespace in namespaces)))


async def _fly(connection: RedisConnection, namespace: str, clock: Clock) -> CanaryFlight:
    keys = CacheKeys(namespace, connection.server_run_id)
    me, number = secrets.token_hex(8), secrets.token_hex(8)
    heard: dict[str, float] = {}
    changed = asyncio.Event()

    def answered(message: bytes, begun: float) -> None:
        with contextlib.suppress(ValueError):
            said, replica = read_heard(message)
            if said == number and len(heard) < MAX_MEMBERS:
                heard.setdefault(replica, (clock.monotonic() - begun) * 1000)
                changed.set()

    listener = partial(answered, begun=clock.monotonic())
    await connection.subscribe(keys.reply_prefix + me, listener)
    try:
        listed, time = await asyncio.gather(connection.send("HGETALL", keys.members), connection.send("TIME"))
        try:
            expected = set(read_members(listed, time).lasting)
        except StoreRefused:
            expected = set()
        told = say_invalidation(Invalidation(CACHE, me, (number,), (), "canary"), number, me)
        receivers = await connection.call("PUBLISH", keys.channel, told)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                while expected - heard.keys():
                    changed.clear()
                    await changed.wait()
    finally:
        connection.unsubscribe(keys.reply_prefix + me, listener)
    return CanaryFlight(
        namespace=namespace,
        members=len(expected),
        receivers=receivers if isinstance(receivers, int) else 0,
        heard_ms=tuple(sorted(round(one, 3) for one in heard.values())),
        lost=len(expected - heard.keys()),
    )
