"""The shared level in one process's memory: for a single replica, and for tests with several caches side by side.

Bounded in entries and bytes, the longest unused going first. Everything happens in one step of the loop, so an invalidation is
acknowledged at once. Nothing survives the process.
"""

import itertools
from collections import OrderedDict, deque
from collections.abc import Iterator

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.kit.cache.listeners import Listeners
from mcp_gateway.kit.cache.model import Acknowledgement, InvalidationEvent
from mcp_gateway.kit.cache.ports import Claim, CoherenceListener, Invalidation, Lease, Look, Place, Stored

MAX_EVENTS = 1_000
MAX_TAGS_REMEMBERED = 100_000
LEASES_UNCHECKED = 1_000


class _Value:
    __slots__ = ("fresh_until", "kept_until", "payload", "tags", "versions")

    def __init__(self, payload: bytes, lease: Lease, fresh_until: float, kept_until: float) -> None:
        self.payload = payload
        self.tags, self.versions = lease.tags, lease.versions
        self.fresh_until, self.kept_until = fresh_until, kept_until


class MemorySharedLevel:
    """`SharedLevel`. Hand the same one to every cache of the process."""

    def __init__(self, *, clock: Clock | None = None, max_entries: int = 50_000, max_bytes: int = 128_000_000) -> None:
        self.trusted_until = float("inf")
        self.epoch = 0
        self._clock = clock or SystemClock()
        self._monotonic = self._clock.monotonic
        self._max_entries, self._max_bytes, self._bytes = max_entries, max_bytes, 0
        self._numbers: Iterator[int] = itertools.count(1)
        self._values: OrderedDict[Place, _Value] = OrderedDict()
        self._leases: dict[Place, tuple[str, float]] = {}
        # Those of them that somebody waits for.
        self._awaited: set[Place] = set()
        self._leases_checked_at = LEASES_UNCHECKED
        self._tags: OrderedDict[tuple[str, str, str], str] = OrderedDict()
        self._listeners = Listeners()
        self._events: deque[InvalidationEvent] = deque(maxlen=MAX_EVENTS)

    def attach(self, cache: str, listener: CoherenceListener) -> None:
        self._listeners.attach(cache, listener)

    def detach(self, cache: str, listener: CoherenceListener) -> None:
        self._listeners.detach(cache, listener)

    async def look(self, place: Place, claim: Claim | None) -> Look:
        now = self._monotonic()
        stored = self._valid(place, now) if place in self._values else None
        if claim is None or (stored is not None and stored.fresh_seconds > claim.below_seconds):
            return Look(stored)
        held = self._leases.get(place)
        if held is not None and held[1] > now:
            self._awaited.add(place)
            return Look(stored, None, held[1] - now)
        versions = tuple([self._version(place, tag) for tag in claim.tags]) if claim.tags else ()
        token = str(next(self._numbers))
        self._leases[place] = (token, now + claim.lease_seconds)
        if len(self._leases) > self._leases_checked_at:
            self._forget_ended_leases(now)
        return Look(stored, Lease(token, claim.tags, versions))

    async def fill(self, place: Place, lease: Lease, payload: bytes, fresh_seconds: float, kept_seconds: float) -> bool:
        now = self._monotonic()
        if not self._owns(place, lease, now):
            return False
        unchanged = not lease.tags or self._unchanged(place, lease.tags, lease.versions)
        if unchanged and len(payload) <= self._max_bytes:
            if place in self._values:
                self._drop(place)
            self._values[place] = _Value(payload, lease, now + fresh_seconds, now + kept_seconds)
            self._bytes += len(payload)
            while len(self._values) > self._max_entries or self._bytes > self._max_bytes:
                self._drop(next(iter(self._values)))
        self._end_lease(place)
        return unchanged

    async def extend(self, place: Place, lease: Lease, lease_seconds: float) -> bool:
        now = self._monotonic()
        if not self._owns(place, lease, now):
            return False
        self._leases[place] = (lease.token, now + lease_seconds)
        return True

    async def release(self, place: Place, lease: Lease) -> None:
        if self._owns(place, lease, self._monotonic()):
            self._end_lease(place)

    async def invalidate(self, invalidation: Invalidation) -> Acknowledgement:
        cache, tenant, keys, tags, cause = invalidation
        for key in keys:
            self._drop(Place(cache, tenant, key))
            self._leases.pop(Place(cache, tenant, key), None)
            self._awaited.discard(Place(cache, tenant, key))
        for tag in tags:
            self._tags.pop((cache, tenant, tag), None)
        for listener in self._listeners.of(cache):
            listener.invalidated(tenant, keys, tags)
        self._events.appendleft(
            InvalidationEvent(
                at=self._clock.now(), cache=cache, tenant=tenant, cause=cause, keys=len(keys), tags=tags, replica="memory",
                latency_seconds=0.0, replicas=1, lapsed=0,
            )
        )  # fmt: skip
        return Acknowledgement(latency_seconds=0.0, replicas=1)

    async def events(self, cache: str, limit: int) -> tuple[InvalidationEvent, ...]:
        return tuple(itertools.islice((event for event in self._events if event.cache == cache), max(0, limit)))

    async def ping(self) -> float:
        return 0.0

    def _valid(self, place: Place, now: float) -> Stored | None:
        value = self._values.get(place)
        if value is None:
            return None
        if value.kept_until <= now or not self._unchanged(place, value.tags, value.versions):
            self._drop(place)
            return None
        self._values.move_to_end(place)
        return Stored(value.payload, value.tags, value.fresh_until - now, value.kept_until - now)

    def _version(self, place: Place, tag: str) -> str:
        name = (place.cache, place.tenant, tag)
        version = self._tags.get(name)
        if version is None:
            version = self._tags[name] = str(next(self._numbers))
            if len(self._tags) > MAX_TAGS_REMEMBERED:
                self._tags.popitem(last=False)  # what carried it counts as ended
        return version

    def _unchanged(self, place: Place, tags: tuple[str, ...], versions: tuple[str, ...]) -> bool:
        return not tags or all(
            self._tags.get((place.cache, place.tenant, tag)) == version for tag, version in zip(tags, versions, strict=True)
        )

    def _owns(self, place: Place, lease: Lease, now: float) -> bool:
        held = self._leases.get(place)
        return held is not None and held[0] == lease.token and held[1] > now

    def _end_lease(self, place: Place) -> None:
        del self._leases[place]
        if place in self._awaited:
            self._awaited.remove(place)
            for listener in self._listeners.of(place.cache):
                listener.filled(place.tenant, place.key)

    def _forget_ended_leases(self, now: float) -> None:
        """Of loaders that never came back."""
        self._leases = {place: held for place, held in self._leases.items() if held[1] > now}
        self._awaited &= self._leases.keys()
        self._leases_checked_at = max(LEASES_UNCHECKED, 2 * len(self._leases))

    def _drop(self, place: Place) -> None:
        value = self._values.pop(place, None)
        if value is not None:
            self._bytes -= len(value.payload)
