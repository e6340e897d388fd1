"""What judging a cache needs of its store, beyond signals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mcp_gateway.diagnostics.caching.sample import KeySample


@dataclass(frozen=True, kw_only=True, slots=True)
class CoherenceEvent:
    """One invalidation as it was logged. `latency_seconds` None: sent late, the store was away. `lapsed` did not answer."""

    at: datetime
    cache: str
    tenant: str
    cause: str
    keys: int
    tags: int
    latency_seconds: float | None
    replicas: int
    lapsed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CanaryFlight:
    """One invalidation of nothing, sent to everybody who holds copies in a namespace.

    `members`: replicas that trust their copies. `receivers`: connections that got the message. `heard_ms`: how long each took
    that answered; members that did not are `lost`.
    """

    namespace: str
    members: int
    receivers: int
    heard_ms: tuple[float, ...]
    lost: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """Of `compared` stored values, how many were ended by an invalidation and still lie there. Readers check."""

    compared: int
    still_there: int


class CacheStore(Protocol):
    """Looks at what a cache keeps in a store. Each method is bounded, and raises `GatewayError` when it cannot be asked."""

    async def sample(self) -> KeySample:
        """Some of the keys."""
        ...

    async def events(self, sample: KeySample, limit: int) -> tuple[CoherenceEvent, ...]:
        """The latest invalidations of the caches in the sample, newest first."""
        ...

    async def canary(self, namespaces: Sequence[str]) -> tuple[CanaryFlight, ...]:
        """Whether invalidations are heard, and how fast; leaves nothing behind."""
        ...

    async def ended(self, sample: KeySample) -> Ended:
        """Values that an invalidation ended and that still lie in the store."""
        ...
