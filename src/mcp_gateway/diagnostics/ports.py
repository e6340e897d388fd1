"""What watching the gateway needs from outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.signals.snapshot import Readings, Snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check found: `status` in a word or two, `facts` with their units in the names."""

    healthy: bool
    status: str
    facts: Mapping[str, Json] = field(default_factory=dict)


class Probe(Protocol):
    """A check of one part that does the part's real work once. May hang and may raise: whoever runs it bounds and catches it."""

    @property
    def name(self) -> str: ...

    @property
    def needed(self) -> bool:
        """Whether the gateway is not ready while this part is unhealthy."""
        ...

    async def check(self) -> Finding: ...


class Source(Protocol):
    """One place that signals are read from. May hang and may raise: whoever reads it bounds it, and a failure is a blind spot."""

    @property
    def name(self) -> str: ...

    async def read(self) -> Readings:
        """What it says now. Raises `GatewayError`."""
        ...


class History(Protocol):
    """Snapshots that were kept, so that there is something to compare with. Bounded."""

    def add(self, snapshot: Snapshot, *, healthy: bool, otherwise: bool = False) -> None:
        """Keep one; `healthy` when nothing was wrong at that moment, `otherwise` when only its figures were not as usual."""
        ...

    def before(self, at: datetime) -> Snapshot | None:
        """The latest snapshot taken at `at` or earlier, else the oldest there is; None when there is none."""
        ...

    def between(self, begin: datetime, end: datetime) -> tuple[Snapshot, ...]:
        """Those taken within, both ends included, in order of time."""
        ...

    def healthy(self, *, until: datetime) -> tuple[Snapshot, ...]:
        """A run of healthy snapshots before `until`, in order of time: the latest that was long enough; may be empty."""
        ...

    def remembered(self, *, until: datetime) -> tuple[Snapshot, ...]:
        """The earliest such run of the last hours: what `healthy` was before anything crept in; may be empty."""
        ...

    def otherwise_since(self) -> datetime | None:
        """Since when figures are otherwise than before, also where they were taken as usual after hours. None: they are not."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitState:
    """How much of a limit a tenant has used up. `count` None: its store keeps none. `ttl_seconds` None: it never ends."""

    operation: str
    count: int | None
    ttl_seconds: int | None


class LimitStates(Protocol):
    """What limiters keep of a tenant."""

    async def of(self, tenant: str) -> tuple[LimitState, ...]:
        """Some of its operations, by name. Raises `GatewayError`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """Which addresses there are; empty is none. `shown_redis`: without user and password. `replicas`: further gateways."""

    gateway_url: str = ""
    engine_url: str = ""
    shown_redis: str = ""
    signing_keys_url: str = ""
    replicas: tuple[str, ...] = ()
    mcp_servers: Mapping[str, str] = field(default_factory=dict)
