"""What a flight does: look in the shared level, wait for another's load or load itself, fill, and keep what may be kept near.

Safe by two rules. The shared level takes a fill only while the flight's lease lives and the tags are unchanged. The near level
takes a value only if no invalidation was heard since the flight began to read. Above stands `cache`, which decides who flies.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar, cast

import structlog

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.kit.cache.codec import Codec
from mcp_gateway.kit.cache.envelope import Found, unwrap, wrap_error, wrap_value
from mcp_gateway.kit.cache.figures import Counting
from mcp_gateway.kit.cache.flights import NEVER, Flight, Flights
from mcp_gateway.kit.cache.holding import HELD_SHARE, Watch
from mcp_gateway.kit.cache.model import CachePolicy, Outcome
from mcp_gateway.kit.cache.near import NearEntry, NearLevel
from mcp_gateway.kit.cache.ports import Claim, Lease, Place, SharedLevel, Stored
from mcp_gateway.kit.errors import LoadTimedOut, StoreRefused, StoreUnavailable

V = TypeVar("V")

# After a failed renewal a value that is still served is left alone so long.
QUIET_SECONDS = 1.0
# Waiters of several processes wake up to so much apart, so that not all ask at once for a lease that has ended.
WAKE_SPREAD_SECONDS = 0.01
# 0 says that there is no value.
TINY_SECONDS = 1e-6
# Longer than any value is fresh: claims the lease whatever is there.
ALWAYS_SECONDS = 1e9

_log = structlog.get_logger(__name__)


class _Read(NamedTuple, Generic[V]):
    """What a look found, and when it was asked."""

    found: Found[V]
    stored: Stored
    asked: float


class Reader(Generic[V]):
    """The steps of the flights of one cache."""

    def __init__(
        self,
        cache: str,
        *,
        shared: SharedLevel,
        near: NearLevel[V],
        flights: Flights[V],
        codec: Codec[V],
        clock: Clock,
        counting: Counting,
        random_share: Callable[[], float],
    ) -> None:
        """`random_share` gives numbers from 0 to below 1."""
        self._cache = cache
        self._shared, self._near, self._flights, self._codec = shared, near, flights, codec
        self._now, self._counting, self._random_share = clock.monotonic, counting, random_share
        self._watch: Watch[V] = Watch(cache, shared)
        # What most reads claim, made once for the policy seen last.
        self._plain_policy: CachePolicy | None = None
        self._plain_claim = Claim((), 0.0, 0.0)

    async def fly(self, flight: Flight[V]) -> None:
        """Settle the flight's future, then finish what nobody waits for."""
        try:
            if flight.before is not None:
                await asyncio.wait((flight.before,))
            await self._look(flight)
        except asyncio.CancelledError:
            flight.fail(StoreUnavailable("The cache was closed."))
            raise
        except Exception as error:  # noqa: BLE001  (the flight's wall: what the loader raised belongs to the callers)
            self._counting.count(flight.key[0], "load_failed")
            if flight.served:
                self._quieten(flight)
                _log.warning("cache_renewal_failed", cache=self._cache, error=type(error).__name__, exc_info=True)
            flight.fail(error)
        except BaseException as error:
            flight.fail(error)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        finally:
            self._flights.remove(flight)

    async def peek(self, flight: Flight[V]) -> Found[V] | None:
        """Read without loading; None when there is nothing fresh. Raises as the shared level does."""
        try:
            asked = self._begin(flight)
            look = await self._shared.look(Place(self._cache, *flight.key), None)
            read = None if look.stored is None else self._understood(flight, look.stored, asked)
        finally:
            self._flights.remove(flight)
        if read is None or read.stored.fresh_seconds <= 0:
            return None
        self._keep_read_near(flight, read)
        return read.found

    async def _look(self, flight: Flight[V]) -> None:
        policy, claim, (tenant, key) = flight.policy, self._claim(flight), flight.key
        place = Place(self._cache, tenant, key)
        begun = asked = self._begin(flight)
        while asked - begun < 2 * (policy.load_timeout_seconds + policy.lease_seconds):
            try:
                stored, flight.lease, held_seconds = await self._shared.look(place, claim)
            except (StoreUnavailable, StoreRefused) as error:
                await self._load_through(flight, error)
                return
            read = None if stored is None else self._understood(flight, stored, asked)
            usable = read is not None and self._use(flight, read)
            if flight.lease is not None:
                await self._load(flight, place, flight.lease, read)
                return
            if usable:
                return
            if held_seconds is None:  # something is there that this cache cannot read: load over it
                claim = claim._replace(below_seconds=ALWAYS_SECONDS)
            else:
                self._flights.begin_wait(flight)
                await flight.wait(held_seconds + self._random_share() * WAKE_SPREAD_SECONDS)
            asked = self._begin(flight)
        raise LoadTimedOut(cache=self._cache)

    def _use(self, flight: Flight[V], read: _Read[V]) -> bool:
        """Answer with what was read and keep it near, unless it is too old."""
        fresh_seconds, stale_seconds = read.stored.fresh_seconds, flight.policy.stale_while_revalidate_seconds
        if fresh_seconds + stale_seconds < 0:
            return False
        self._keep_read_near(flight, read)
        flight.usable_until = read.asked + fresh_seconds + stale_seconds
        self._settle(flight, read.found, "shared_hit" if fresh_seconds > 0 else "stale")
        return True

    def _claim(self, flight: Flight[V]) -> Claim:
        policy = flight.policy
        if policy is not self._plain_policy:
            keep = policy.ttl_seconds + policy.kept_after_ttl_seconds + policy.load_timeout_seconds
            self._plain_policy, self._plain_claim = policy, Claim((), policy.lease_seconds * HELD_SHARE, keep)
        if not flight.tags and not flight.below_seconds:
            return self._plain_claim
        return self._plain_claim._replace(tags=flight.tags, below_seconds=flight.below_seconds)

    def _begin(self, flight: Flight[V]) -> float:
        self._flights.begin_read(flight, self._shared.epoch)
        return self._now()

    def _understood(self, flight: Flight[V], stored: Stored, asked: float) -> _Read[V] | None:
        try:
            return _Read(unwrap(self._codec, stored.payload, flight.policy.negative_errors), stored, asked)
        except (ValueError, RecursionError):
            _log.warning("cache_entry_unreadable", cache=self._cache)
            return None

    async def _load(self, flight: Flight[V], place: Place, lease: Lease, read: _Read[V] | None) -> None:
        policy = flight.policy
        try:
            value = await self._call(flight)
        except policy.negative_errors as error:
            await self._fill(flight, place, lease, cast("V", None), error)
            raise
        except Exception as error:
            # The lease of a failed renewal is left to end by itself, so that nobody tries again at once.
            if not flight.served:
                await self._release(place, lease)
            may_be_old = read is not None and -read.stored.fresh_seconds <= policy.stale_if_error_seconds
            if flight.served or read is None or not (may_be_old and isinstance(error, policy.stale_errors)):
                raise
            self._counting.count(flight.key[0], "load_failed")
            self._settle(flight, read.found, "stale")
        else:
            await self._fill(flight, place, lease, value)
            self._answer(flight, value, "miss")
        finally:
            self._watch.end(flight)

    async def _call(self, flight: Flight[V]) -> V:
        assert flight.loader is not None  # noqa: S101  (only reads without a lease have none)
        started = self._now()
        self._watch.begin(flight)
        try:
            return await flight.loader()
        except asyncio.CancelledError as error:
            if flight.overdue and flight.task is not None and flight.task.uncancel() == 0:
                raise LoadTimedOut(cache=self._cache, seconds=flight.policy.load_timeout_seconds) from error
            raise
        finally:
            flight.deadline = NEVER
            self._counting.loads.observe(self._now() - started)

    async def _load_through(self, flight: Flight[V], error: StoreUnavailable | StoreRefused) -> None:
        if flight.policy.when_store_is_away == "refuse" or flight.background:
            raise error
        try:
            value = await self._call(flight)
        finally:
            self._watch.end(flight)
        self._answer(flight, value, "load_through")

    async def _fill(self, flight: Flight[V], place: Place, lease: Lease, value: V, error: GatewayError | None = None) -> None:
        """Store what was loaded, if it may be stored; failing to is counted, never raised."""
        policy, tenant = flight.policy, flight.key[0]
        negative = value is None
        fresh = _fresh_seconds(value, policy) if negative or policy.fresh_for is not None else policy.ttl_seconds
        payload = self._payload(value, error, policy) if fresh > 0 else None
        if payload is None:
            await self._release(place, lease)
            if not negative:
                self._counting.count(tenant, "not_stored")
            return
        fresh *= 1 - policy.ttl_jitter * self._random_share()
        kept = fresh if negative else fresh + policy.kept_after_ttl_seconds
        asked = self._now()
        try:
            taken = await self._shared.fill(place, lease, payload, fresh, kept)
        except (StoreUnavailable, StoreRefused) as refusal:
            self._counting.count(tenant, "not_stored")
            if isinstance(refusal, StoreRefused):  # it is full, say: who waits for this lease need not wait for its end
                await self._release(place, lease)
            return
        if taken:
            self._keep_near(flight, value, error, len(payload), flight.tags, asked, fresh, kept)
        else:
            self._counting.count(tenant, "refused_fill")

    def _payload(self, value: V, failure: GatewayError | None, policy: CachePolicy) -> bytes | None:
        try:
            payload = wrap_value(self._codec, value) if failure is None else wrap_error(failure)
        except (ValueError, TypeError, RecursionError) as error:
            # Without the traceback, which may show the value.
            _log.warning("cache_value_unwritable", cache=self._cache, error=type(error).__name__)
            return None
        return payload if len(payload) <= policy.max_value_bytes else None

    async def _release(self, place: Place, lease: Lease) -> None:
        with contextlib.suppress(StoreUnavailable, StoreRefused):
            await self._shared.release(place, lease)

    def _keep_read_near(self, flight: Flight[V], read: _Read[V]) -> None:
        (value, error, _), (payload, tags, fresh, kept), asked = read
        self._keep_near(flight, value, error, len(payload), tags, asked, fresh, kept)

    def _keep_near(
        self,
        flight: Flight[V],
        value: V,
        error: GatewayError | None,
        size: int,
        tags: tuple[str, ...],
        asked: float,
        fresh: float,
        kept: float,
    ) -> None:
        """Only what no invalidation can have ended since the flight began to read."""
        policy, place, flights = flight.policy, flight.key, self._flights
        if not policy.near or flight.epoch != self._shared.epoch:
            return
        if flight.read_at != flights.seen and flights.is_overtaken(flight, tags):
            return
        tenant, key = place
        until = asked + fresh
        entry = NearEntry(value, error, size + len(tenant) + len(key), tags, self._counting.tally(tenant), until)
        if policy.stale_while_revalidate_seconds and kept > fresh:
            entry.stale_until += min(kept - fresh, policy.stale_while_revalidate_seconds)
        if value is not None:
            entry.renew_from = until - policy.ttl_seconds * policy.early_refresh if policy.early_refresh else until
            entry.quick_until = entry.renew_from
            if policy.compare_every_seconds is not None:  # at any age: old values are stale more often
                entry.quick_until = max(asked + (entry.renew_from - asked) * self._random_share(), asked + TINY_SECONDS)
        self._near.put(place, entry)

    def _quieten(self, flight: Flight[V]) -> None:
        entry = self._near.entries.get(flight.key)
        if entry is not None:
            entry.quiet_until = self._now() + QUIET_SECONDS

    def _settle(self, flight: Flight[V], found: Found[V], outcome: Outcome) -> None:
        """Answer the callers; count once for who began, and a renewal that nobody waited for as such."""
        if not flight.served and found.negative:
            outcome = "negative"
        if found.error is None or flight.served:
            self._answer(flight, found.value, outcome)
            return
        self._counting.count(flight.key[0], outcome)
        flight.fail(found.error)

    def _answer(self, flight: Flight[V], value: V, outcome: Outcome) -> None:
        if not (flight.background or flight.done):
            self._counting.count(flight.key[0], outcome)
        elif outcome == "miss":
            self._counting.count(flight.key[0], "renewed")
        flight.settle(value)


def _fresh_seconds(value: object, policy: CachePolicy) -> float:
    if value is None:
        return policy.negative_ttl_seconds or 0.0
    return policy.ttl_seconds if policy.fresh_for is None else min(policy.ttl_seconds, policy.fresh_for(value))
