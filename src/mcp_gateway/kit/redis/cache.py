"""`kit.cache.ports.SharedLevel` in Redis 7 or Valkey 9: values, leases and tags; `cache_coherence` is the other half.

Each step is one script, so one round trip and one moment: a value is checked against its tags' versions where they stand. Time is
the server's. Keys and channels: `cache_keys`.
"""

import itertools
import json
from datetime import UTC, datetime
from typing import Self

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.kit.cache.model import Acknowledgement, InvalidationEvent
from mcp_gateway.kit.cache.ports import Claim, CoherenceListener, Invalidation, Lease, Look, Place, Stored
from mcp_gateway.kit.errors import InvalidPolicy, StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.cache_coherence import Coherence, load_script
from mcp_gateway.kit.redis.cache_messages import say_filled
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.hot_keys import HotKeys
from mcp_gateway.kit.redis.wire import Reply

MAX_EVENTS = 1_000
EVENTS_KEPT_SECONDS = 7 * 24 * 3_600
MAX_EVENT_TAGS = 20


class RedisSharedLevel:
    """One per process and namespace, for any number of caches; `connection` stays its owner's."""

    def __init__(
        self,
        connection: RedisConnection,
        *,
        namespace: str = "gateway",
        membership_seconds: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        """`membership_seconds`: the longest an invalidation waits for a replica that does not answer; equal in all processes.

        Use `open`. Raises `InvalidPolicy`.
        """
        if not 0.1 <= membership_seconds <= 60:
            raise InvalidPolicy("`membership_seconds` is from 0.1 to 60.", field="membership_seconds")
        self._connection = connection
        self._coherence = Coherence(
            connection, namespace=namespace, membership_seconds=membership_seconds, clock=clock or SystemClock()
        )
        # Told of each read, when somebody wants to know.
        self.hot_keys: HotKeys | None = None
        # With the replica's random name before it, a number nobody has had.
        self._numbers = itertools.count()
        self._look, self._fill, self._extend = (load_script(name) for name in ("cache_look", "cache_fill", "cache_extend"))

    @classmethod
    async def open(
        cls,
        connection: RedisConnection,
        *,
        namespace: str = "gateway",
        membership_seconds: float = 1.0,
        clock: Clock | None = None,
    ) -> Self:
        """Start hearing invalidations and become a member, now or when the store is back."""
        level = cls(connection, namespace=namespace, membership_seconds=membership_seconds, clock=clock)
        await level._coherence.start()
        return level

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def trusted_until(self) -> float:
        return self._coherence.trusted_until

    @property
    def epoch(self) -> int:
        return self._coherence.epoch

    def attach(self, cache: str, listener: CoherenceListener) -> None:
        self._coherence.listeners.attach(cache, listener)

    def detach(self, cache: str, listener: CoherenceListener) -> None:
        self._coherence.listeners.detach(cache, listener)

    async def look(self, place: Place, claim: Claim | None) -> Look:
        keys = self._coherence.keys
        if self.hot_keys is not None:
            self.hot_keys.note(f"{place.cache}:{place.tenant}:{place.key}")
        token = "" if claim is None else f"{self._coherence.replica}{next(self._numbers):x}"
        wish = claim or Claim((), 0, 0)
        reply = await self._connection.run(
            self._look,
            keys.entry(place),
            [
                keys.tags(place.cache, place.tenant),
                token,
                *(_milliseconds(wish.below_seconds), _milliseconds(wish.lease_seconds), _milliseconds(wish.keep_seconds)),
                self._coherence.replica,
                *wish.tags,
            ],
        )
        return _read_look(reply, token, wish.tags)

    async def fill(self, place: Place, lease: Lease, payload: bytes, fresh_seconds: float, kept_seconds: float) -> bool:
        keys = self._coherence.keys
        versions = [word for pair in zip(lease.tags, lease.versions, strict=True) for word in pair]
        reply = await self._connection.run(
            self._fill,
            keys.entry(place),
            [
                keys.tags(place.cache, place.tenant),
                lease.token,
                payload,
                *(_milliseconds(fresh_seconds), _milliseconds(kept_seconds)),
                *(keys.reply_prefix, say_filled(place)),
                *versions,
            ],
        )
        return reply == 1

    async def extend(self, place: Place, lease: Lease, lease_seconds: float) -> bool:
        held = self._coherence.keys.entry(place)[1]
        return await self._connection.run(self._extend, [held], [lease.token, _milliseconds(lease_seconds)]) == 1

    async def release(self, place: Place, lease: Lease) -> None:
        await self.fill(place, lease, b"", 0, 0)

    async def invalidate(self, invalidation: Invalidation) -> Acknowledgement:
        acknowledgement = await self._coherence.invalidate(invalidation)
        fields = {
            "tenant": invalidation.tenant,
            "cause": invalidation.cause,
            "keys": len(invalidation.keys),
            "tags": invalidation.tags[:MAX_EVENT_TAGS],
            "replica": self._coherence.replica,
            "latency": acknowledgement.latency_seconds,
            "replicas": acknowledgement.replicas,
            "lapsed": acknowledgement.lapsed,
        }
        log = self._coherence.keys.events(invalidation.cache)
        try:
            self._connection.post("XADD", log, "MAXLEN", "~", MAX_EVENTS, "*", "event", json.dumps(fields))
            self._connection.post("EXPIRE", log, EVENTS_KEPT_SECONDS)
        except StoreUnavailable:
            pass  # it holds, and only its record is missing
        return acknowledgement

    async def events(self, cache: str, limit: int) -> tuple[InvalidationEvent, ...]:
        log = self._coherence.keys.events(cache)
        reply = await self._connection.call("XREVRANGE", log, "+", "-", "COUNT", max(1, min(limit, MAX_EVENTS)))
        return tuple(_read_event(cache, one) for one in reply) if isinstance(reply, list) else ()

    async def ping(self) -> float:
        return await self._connection.ping()

    async def close(self) -> None:
        """Leave: other replicas no longer wait for this one. The connection stays open."""
        await self._coherence.close()


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _read_look(reply: Reply, token: str, tags: tuple[str, ...]) -> Look:
    match reply:
        case [payload, int(fresh), int(kept), bytes(tagged), int(state), *rest]:
            stored = None
            if isinstance(payload, bytes):
                stored = Stored(payload, tuple(tagged.decode().split(" ")[::2]) if tagged else (), fresh / 1000, kept / 1000)
            if state == 1:
                return Look(stored, Lease(token, tags, tuple(one.decode() for one in rest if isinstance(one, bytes))))
            if state == 2 and rest and isinstance(rest[0], int):
                return Look(stored, None, rest[0] / 1000)
            return Look(stored)
    raise StoreRefused("The store answered a read of the cache in an unknown way.")


def _read_event(cache: str, entry: Reply) -> InvalidationEvent:
    match entry:
        case [bytes(number), [_, bytes(text)]]:
            told = json.loads(text)
            return InvalidationEvent(
                at=datetime.fromtimestamp(int(number.split(b"-")[0]) / 1000, UTC),
                cache=cache,
                tenant=str(told["tenant"]),
                cause=str(told["cause"]),
                keys=int(told["keys"]),
                tags=tuple(map(str, told["tags"])),
                replica=str(told["replica"]),
                latency_seconds=told["latency"],
                replicas=int(told["replicas"]),
                lapsed=int(told["lapsed"]),
            )
    raise StoreRefused("The store's record of invalidations is not in our form.")
