"""The cache's face: read or load, invalidate by key or tag, and tell what happened.

    cache = Cache("schema", MemorySharedLevel(), policy=CachePolicy(ttl_seconds=300))
    schema = await cache.get_or_load("orders", load_schema, tenant=caller, tags=("server:shop",))
    await cache.invalidate(tenant=caller, tags=("server:shop",), cause="schema changed")

When `invalidate` has returned, no read that begins later, in any process, returns what was there before. Values are shared
between callers: treat them as frozen. Nothing is cached across tenants. The steps of a read stand in `reading`.
"""

import asyncio
import operator
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Generic, Literal, Self, TypeVar, cast, overload

import structlog

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.errors import InvalidInput, Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.kit.cache.codec import Codec, JsonCodec
from mcp_gateway.kit.cache.comparing import Comparing
from mcp_gateway.kit.cache.figures import Counting
from mcp_gateway.kit.cache.flights import Flight, Flights
from mcp_gateway.kit.cache.model import Acknowledgement, CacheCounts, CachePolicy, InvalidationEvent
from mcp_gateway.kit.cache.near import NearEntry, NearKey, NearLevel
from mcp_gateway.kit.cache.ports import Invalidation, SharedLevel
from mcp_gateway.kit.cache.reading import Reader
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.figures import NO_FIGURES, Figures
from mcp_gateway.kit.keys import escape_part

V = TypeVar("V")

MAX_NAMES_PER_INVALIDATION = 1_000
MAX_KEY_LENGTH = 2_000
MAX_TAGS = 32

_log = structlog.get_logger(__name__)


class Cache(Generic[V]):
    """One named cache of one kind of value. Caches of several processes may share a level; equal names are one cache."""

    @overload
    def __init__(
        self: "Cache[Json]",
        name: str,
        shared: SharedLevel,
        *,
        policy: CachePolicy = ...,
        clock: Clock = ...,
        figures: Figures = ...,
        random_share: Callable[[], float] = ...,
        same: Callable[[V, V], bool] = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        name: str,
        shared: SharedLevel,
        *,
        codec: Codec[V],
        policy: CachePolicy = ...,
        clock: Clock = ...,
        figures: Figures = ...,
        random_share: Callable[[], float] = ...,
        same: Callable[[V, V], bool] = ...,
    ) -> None: ...

    def __init__(
        self,
        name: str,
        shared: SharedLevel,
        *,
        codec: Codec[V] | None = None,
        policy: CachePolicy | None = None,
        clock: Clock | None = None,
        figures: Figures = NO_FIGURES,
        random_share: Callable[[], float] = random.random,
        same: Callable[[V, V], bool] = operator.eq,
    ) -> None:
        """`name` is one of a small set: it labels the metrics. `shared` must run on the same clock; its owner closes it.

        `same`: for `compare_every_seconds`, whether two values mean the same to readers.
        """
        if not name:
            raise InvalidInput("A cache needs a name.")
        clock = clock or SystemClock()
        self.name = name
        self.policy = policy or CachePolicy()
        self._shared = shared
        self._closed = False
        self._monotonic = clock.monotonic
        self._near: NearLevel[V] = NearLevel(max_entries=self.policy.near_max_entries, max_bytes=self.policy.near_max_bytes)
        self._near_get = self._near.entries.get
        self._note = self._near.noted.append
        self._flights: Flights[V] = Flights()
        self._counting = Counting(name, figures)
        self._reader: Reader[V] = Reader(
            name,
            shared=shared,
            near=self._near,
            flights=self._flights,
            codec=codec or cast("Codec[V]", JsonCodec()),
            clock=clock,
            counting=self._counting,
            random_share=random_share,
        )
        self._comparing: Comparing[V] | None = None
        if self.policy.compare_every_seconds is not None:
            self._comparing = Comparing(
                name,
                every_seconds=self.policy.compare_every_seconds,
                same=same,
                now=clock.monotonic,
                figures=figures,
            )
        shared.attach(name, self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get_or_load(
        self,
        key: str,
        loader: Callable[[], Awaitable[V]],
        *,
        tenant: Caller | str,
        tags: Sequence[str] = (),
        policy: CachePolicy | None = None,
    ) -> V:
        """The value of `key` for the tenant, loaded by one caller while others wait for it.

        A key always carries the same `tags`, at most 32, and a loader does not read its own key. `policy` replaces the cache's
        own for this read, but not its near bounds. Raises what the loader raises, `LoadTimedOut`, and, only under
        `when_store_is_away="refuse"`, `StoreUnavailable`.
        """
        place = (tenant if isinstance(tenant, str) else tenant.tenant, key)
        entry = self._near_get(place)
        if entry is not None:
            now = self._monotonic()
            if now < entry.quick_until and now < self._shared.trusted_until:
                self._note(place)
                tally = entry.tally
                tally.near_hits += 1
                if not tally.scheduled:
                    self._counting.schedule(tally)
                return entry.value
        policy = policy or self.policy
        if entry is not None:
            now = self._monotonic()
            if now < entry.stale_until and now < self._shared.trusted_until:
                return self._serve_near(place, entry, now, loader, tags, policy)
        return await self._read_slowly(place, loader, tags, policy).result()

    async def get(self, key: str, *, tenant: Caller | str, default: V | None = None) -> V | None:
        """What is cached and fresh, or `default`: also for what is remembered as absent, and while the store is away."""
        place = (tenant if isinstance(tenant, str) else tenant.tenant, key)
        entry, now = self._near_get(place), self._monotonic()
        if entry is not None and now < entry.fresh_until and now < self._shared.trusted_until:
            self._counting.count(place[0], "negative" if entry.quick_until == 0 else "near_hit")
            return default if entry.quick_until == 0 else entry.value
        flight: Flight[V] = Flight(_checked(place), loader=None, policy=self.policy)
        self._flights.watch(flight)
        try:
            found = await self._reader.peek(flight)
        except (StoreUnavailable, StoreRefused):
            return default
        return default if found is None or found.negative else found.value

    async def invalidate(
        self,
        *,
        tenant: Caller | str,
        cause: str,
        keys: Sequence[str] = (),
        tags: Sequence[str] = (),
        when_away: Literal["raise", "later"] = "raise",
    ) -> Acknowledgement:
        """End the values of `keys` and of all of the tenant's that carry one of `tags`; returns when that holds everywhere.

        Takes about one message there and back; longer, up to the level's membership time, while a process is paused or a store
        has just restarted. `cause` goes to the event log. Raises `StoreUnavailable`: dropped here, sent when the store is back,
        not acknowledged. With `later` that is written to the log instead, and no replica is counted: for a write that is done
        already, and whose answer should not be that it failed.
        """
        name = tenant if isinstance(tenant, str) else tenant.tenant
        if not 0 < len(keys) + len(tags) <= MAX_NAMES_PER_INVALIDATION:
            raise InvalidInput(f"An invalidation names 1 to {MAX_NAMES_PER_INVALIDATION} keys and tags.")
        for key in keys:
            _checked((name, key))
        escaped = _escaped(tags)
        try:
            acknowledgement = await self._shared.invalidate(Invalidation(self.name, name, tuple(keys), escaped, cause[:200]))
        except StoreRefused:
            self.invalidated(name, keys, escaped)
            raise
        except StoreUnavailable:
            self.invalidated(name, keys, escaped)
            if when_away == "raise":
                raise
            _log.warning("invalidation_pending", cache=self.name, tenant=name, cause=cause[:200])
            return Acknowledgement(latency_seconds=0.0, replicas=0)
        self._counting.invalidations.observe(acknowledgement.latency_seconds)
        return acknowledgement

    async def events(self, limit: int = 100) -> tuple[InvalidationEvent, ...]:
        """The latest invalidations of this cache by any process, newest first. Raises `StoreUnavailable`."""
        return await self._shared.events(self.name, limit)

    async def ping(self) -> float:
        """For health: seconds for one round trip to the shared level. Raises `StoreUnavailable`."""
        return await self._shared.ping()

    def counts(self) -> CacheCounts:
        """What this process counted since the start."""
        return self._counting.counts(near_entries=len(self._near.entries), near_bytes=self._near.size)

    async def close(self) -> None:
        """End what is being loaded; its callers get `StoreUnavailable`."""
        self._closed = True
        self._shared.detach(self.name, self)
        running = self._flights.running()
        for flight in running:
            flight.fail(StoreUnavailable("The cache was closed."))
        await end_tasks(*(flight.task for flight in running))
        if self._comparing is not None:
            await self._comparing.close()
        self._near.clear()

    def invalidated(self, tenant: str, keys: Sequence[str], tags: Sequence[str]) -> None:
        """`CoherenceListener`: the shared level says so; synchronous."""
        self._flights.invalidated(tenant, keys, tags)
        for key in keys:
            self._near.drop((tenant, key))
        if tags:
            self._near.drop_tagged(tenant, tags)

    def filled(self, tenant: str, key: str) -> None:
        """`CoherenceListener`."""
        self._flights.filled((tenant, key))

    def emptied(self) -> None:
        """`CoherenceListener`."""
        self._near.clear()
        self._flights.emptied()

    def _read_slowly(
        self, place: NearKey, loader: Callable[[], Awaitable[V]], tags: Sequence[str], policy: CachePolicy
    ) -> Flight[V]:
        """Not from the near level: the flight to wait for, one under way that may be shared or a new one."""
        now = self._monotonic()
        trusted = now < self._shared.trusted_until
        flight = self._flights.latest(place)
        usable = flight is not None and now < flight.usable_until
        if flight is not None and usable and self._flights.joinable(flight, trusted=trusted, epoch=self._shared.epoch):
            self._counting.count(place[0], "coalesced")
            flight.background = False
        else:
            # Without trust nobody may share what is under way, nor ever a value that became too old while it is renewed; but the
            # next may wait for its end, and share what comes after.
            before = flight.task if flight is not None and not (trusted and usable) else None
            flight = self._start(
                Flight(
                    _checked(place),
                    loader,
                    policy,
                    _carried(tags) if tags else (),
                    before=before,
                    below_seconds=policy.ttl_seconds * policy.early_refresh,
                )
            )
        return flight

    def _serve_near(
        self,
        place: NearKey,
        entry: NearEntry[V],
        now: float,
        loader: Callable[[], Awaitable[V]],
        tags: Sequence[str],
        policy: CachePolicy,
    ) -> V:
        """An entry that says something other than a plain fresh value: absent, an error, soon old, or old and being renewed.

        Or one that may be compared with its source.
        """
        self._note(place)
        if now < entry.renew_from:
            entry.quick_until = entry.renew_from
            self._counting.count(place[0], "near_hit")
            if self._comparing is not None:
                served = partial(self._still_serves, place, entry)
                self._comparing.offer(entry.value, loader, served, timeout_seconds=policy.load_timeout_seconds)
            return entry.value
        if now < entry.fresh_until:
            negative = entry.quick_until == 0
            self._counting.count(place[0], "negative" if negative else "near_hit")
        else:
            negative = False
            self._counting.count(place[0], "stale")
        if not negative and now >= entry.quiet_until and self._flights.latest(place) is None:
            below = policy.ttl_seconds * policy.early_refresh
            flight: Flight[V] = Flight(place, loader, policy, _carried(tags), below_seconds=below, background=True)
            self._start(flight)
        if entry.error is not None:
            raise entry.error
        return entry.value

    def _still_serves(self, place: NearKey, entry: NearEntry[V]) -> bool:
        now = self._monotonic()
        return self._near_get(place) is entry and now < entry.fresh_until and now < self._shared.trusted_until

    def _start(self, flight: Flight[V]) -> Flight[V]:
        if self._closed:
            raise StoreUnavailable("The cache was closed.")
        self._flights.add(flight)
        flight.task = asyncio.get_running_loop().create_task(self._reader.fly(flight))
        return flight


def _checked(place: NearKey) -> NearKey:
    tenant, key = place
    if not tenant or not key or len(tenant) > MAX_KEY_LENGTH or len(key) > MAX_KEY_LENGTH:
        raise InvalidInput(f"A tenant and a key are texts of 1 to {MAX_KEY_LENGTH} characters.")
    return place


def _escaped(tags: Sequence[str]) -> tuple[str, ...]:
    if isinstance(tags, str) or not all(tags):
        raise InvalidInput("Tags are texts in a sequence, none of them empty.")
    return tuple(escape_part(tag) for tag in tags)


def _carried(tags: Sequence[str]) -> tuple[str, ...]:
    if len(tags) > MAX_TAGS:
        raise InvalidInput(f"A value carries at most {MAX_TAGS} tags.")
    return _escaped(tags)
