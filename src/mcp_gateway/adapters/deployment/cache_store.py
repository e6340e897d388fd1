"""A cache's store, looked at: keys, logged invalidations, a canary, and values that were ended and still lie there."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mcp_gateway.adapters.deployment.canary import fly
from mcp_gateway.adapters.deployment.redis_reading import (
    CLIENT_NAME,
    COMMAND_SECONDS,
    CONNECT_SECONDS,
    MAX_REPLY_BYTES,
    CarefulRedis,
    open_careful,
)
from mcp_gateway.adapters.deployment.redis_sources import RedisKeys
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.caching.ports import CanaryFlight, CoherenceEvent, Ended
from mcp_gateway.diagnostics.caching.sample import KeySample
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.wire import Reply

# With the sample and the figures below the 200 of an analysis.
MAX_EVENT_LOGS = 4
MAX_COMPARED = 6
MAX_EVENTS = 50
MAX_LETTERS = 120

_VALUE = re.compile(r"(cache:\{[^{}]+\}:[0-9a-f]{1,16}:)v:([^:]+):([^:]+):")


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisCacheStore:
    """Implements `CacheStore` over Redis or Valkey; nothing is connected between two questions."""

    url: str
    clock: Clock

    async def sample(self) -> KeySample:
        return await RedisKeys(url=self.url, clock=self.clock).sample()

    async def events(self, sample: KeySample, limit: int) -> tuple[CoherenceEvent, ...]:
        guessed = sorted(f"cache:{{{space}}}:events:{cache}" for space in sample.namespaces for cache in _caches(sample))
        logs = list(dict.fromkeys([*(one.key for one in sample.of("cache_events")), *guessed]))
        async with open_careful(self.url, max_commands=MAX_EVENT_LOGS) as redis:
            asked = logs[:MAX_EVENT_LOGS]
            found = await redis.ask_each([("XREVRANGE", log, "+", "-", "COUNT", min(limit, MAX_EVENTS)) for log in asked])
        events = [event for log, reply in zip(asked, found, strict=True) for event in read_events(log, reply)]
        return tuple(sorted(events, key=lambda one: one.at, reverse=True)[:limit])

    async def canary(self, namespaces: Sequence[str]) -> tuple[CanaryFlight, ...]:
        if not namespaces:
            return ()
        async with await RedisConnection.open(
            self.url,
            timeout_seconds=COMMAND_SECONDS,
            connect_timeout_seconds=CONNECT_SECONDS,
            client_name=CLIENT_NAME,
            max_reply_bytes=MAX_REPLY_BYTES,
        ) as connection:
            return await fly(connection, namespaces, clock=self.clock)

    async def ended(self, sample: KeySample) -> Ended:
        values = [one.key for one in sample.keys if _VALUE.match(one.key)][:MAX_COMPARED]
        async with open_careful(self.url, max_commands=2 * MAX_COMPARED) as redis:
            told = [await _still_valid(redis, key) for key in values]
        compared = [one for one in told if one is not None]
        return Ended(compared=len(compared), still_there=compared.count(False))


async def _still_valid(redis: CarefulRedis, key: str) -> bool | None:
    """Whether the first tag a value was stored under has the version it had; None when it has no tags or is gone."""
    found = _VALUE.match(key)
    tagged = (await redis.ask_each([("HGET", key, "g")]))[0]
    words = tagged.decode("utf-8", "replace").split(" ") if isinstance(tagged, bytes) else []
    if found is None or len(words) < 2:
        return None
    now = (await redis.ask_each([("GET", f"{found[1]}t:{found[2]}:{found[3]}:{words[0]}")]))[0]
    return isinstance(now, bytes) and now.decode("utf-8", "replace") == words[1]


def read_events(log: str, reply: Reply) -> list[CoherenceEvent]:
    """Those that are in the kit's form; the others are left out."""
    events = []
    for entry in reply if isinstance(reply, list) else []:
        match entry:
            case [bytes(number), [_, bytes(text)]]:
                event = _event(log.rpartition(":")[2], number, text)
                if event is not None:
                    events.append(event)
    return events


def _event(cache: str, number: bytes, text: bytes) -> CoherenceEvent | None:
    try:
        told = json.loads(text)
        at = datetime.fromtimestamp(int(number.split(b"-")[0]) / 1000, UTC)
    except (ValueError, RecursionError, OverflowError, OSError):
        return None
    if not isinstance(told, dict):
        return None
    latency, tags = told.get("latency"), told.get("tags")
    return CoherenceEvent(
        at=at,
        cache=cache,
        tenant=str(told.get("tenant", ""))[:MAX_LETTERS],
        cause=str(told.get("cause", ""))[:MAX_LETTERS],
        keys=_count(told.get("keys")),
        tags=len(tags) if isinstance(tags, list) else 0,
        latency_seconds=float(latency) if isinstance(latency, int | float) else None,
        replicas=_count(told.get("replicas")),
        lapsed=_count(told.get("lapsed")),
    )


def _caches(sample: KeySample) -> list[str]:
    return [family.partition(":")[2] for family in sample.families if family.startswith("cache:")]


def _count(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
