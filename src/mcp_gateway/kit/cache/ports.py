"""What a cache needs from the level all processes share, and what that level tells the cache.

Implementations: `cache.memory` (one process) and `redis.cache`. A value is there only while every tag it was stored with still
has the version it had then. A lease is the right to fill one key; an invalidation of the key, or of one of the tags, ends it.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from mcp_gateway.kit.cache.model import Acknowledgement, InvalidationEvent


class Place(NamedTuple):
    """Where a value lives. `cache` is the cache's name."""

    cache: str
    tenant: str
    key: str


class Claim(NamedTuple):
    """Asks for the lease when the value is missing or fresh for no longer than `below_seconds`.

    The lease ends by itself after `lease_seconds`. `keep_seconds`: how long the tags must be remembered at least.
    """

    tags: tuple[str, ...]
    lease_seconds: float
    keep_seconds: float
    below_seconds: float = 0.0


class Stored(NamedTuple):
    """A value found. `fresh_seconds` is negative past its time; after `kept_seconds` it is gone."""

    payload: bytes
    tags: tuple[str, ...]
    fresh_seconds: float
    kept_seconds: float


class Lease(NamedTuple):
    """The right to fill. `versions` are those of the tags when it was given, in the order of the claim's tags."""

    token: str
    tags: tuple[str, ...]
    versions: tuple[str, ...]


class Look(NamedTuple):
    """`stored` and `lease` may both be there: a stale value and the right to renew it.

    `held_seconds` is set when another holds the lease: after so long it has ended, unless its holder extended it.
    """

    stored: Stored | None = None
    lease: Lease | None = None
    held_seconds: float | None = None


class Invalidation(NamedTuple):
    """What ends. `tags` are escaped already (`keys.escape_part`)."""

    cache: str
    tenant: str
    keys: tuple[str, ...]
    tags: tuple[str, ...]
    cause: str


class CoherenceListener(Protocol):
    """A cache of this process, told synchronously and in the store's order; must not block."""

    def invalidated(self, tenant: str, keys: Sequence[str], tags: Sequence[str]) -> None:
        """Drop these now: when this returns no copy is served any more."""
        ...

    def filled(self, tenant: str, key: str) -> None:
        """Somebody else's lease on a key this process waits for has ended: look again."""
        ...

    def emptied(self) -> None:
        """Invalidations may have been missed: drop everything."""
        ...


class SharedLevel(Protocol):
    """The asynchronous methods raise `StoreUnavailable` or `StoreRefused` when the store is away or unwilling."""

    @property
    def trusted_until(self) -> float:
        """On the clock's monotonic face: before it, every invalidation acknowledged so far has been told to the listeners."""
        ...

    @property
    def epoch(self) -> int:
        """Grows when invalidations may have been missed; what was read in another epoch must not be kept."""
        ...

    def attach(self, cache: str, listener: CoherenceListener) -> None: ...

    def detach(self, cache: str, listener: CoherenceListener) -> None: ...

    async def look(self, place: Place, claim: Claim | None) -> Look:
        """Read, and in the same step take the lease when `claim` asks for it."""
        ...

    async def fill(self, place: Place, lease: Lease, payload: bytes, fresh_seconds: float, kept_seconds: float) -> bool:
        """Store and give the lease back. False: the lease has ended or a tag has changed, and nothing was stored."""
        ...

    async def extend(self, place: Place, lease: Lease, lease_seconds: float) -> bool:
        """Hold the lease `lease_seconds` from now. False: it has ended."""
        ...

    async def release(self, place: Place, lease: Lease) -> None:
        """Give the lease back without a value; who waits for it looks again."""
        ...

    async def invalidate(self, invalidation: Invalidation) -> Acknowledgement:
        """Ends values and leases; returns when no process serves what was there before. `StoreUnavailable`: not acknowledged."""
        ...

    async def events(self, cache: str, limit: int) -> tuple[InvalidationEvent, ...]:
        """The latest invalidations of a cache, newest first."""
        ...

    async def ping(self) -> float:
        """Seconds for one round trip to the store."""
        ...
