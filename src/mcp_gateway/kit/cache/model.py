"""What a cache is told and what it tells: policies, acknowledgements, events, counts. Values only."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from mcp_gateway.core.errors import GatewayError, Unavailable
from mcp_gateway.kit.errors import InvalidPolicy

Outcome = Literal[
    "near_hit", "shared_hit", "stale", "negative", "coalesced", "miss", "load_through", "load_failed", "renewed",
    "refused_fill", "not_stored",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class CachePolicy:
    """How long values are kept, what may be served when, and how much room they get. All times are seconds.

    `ttl_seconds`: how long a value is fresh; each value lives up to `ttl_jitter` (a share) shorter, so that not all end at once.
    `fresh_for`: for values that bring their own time, how many seconds this one is fresh, at most `ttl_seconds`; 0: not kept.
    `negative_ttl_seconds`: how long a loader's None, or one of `negative_errors`, is remembered; None: not at all.
    `stale_while_revalidate_seconds`: after its time a value is still served so long, while one caller's load renews it.
    `stale_if_error_seconds`: after its time a value is still served so long when the loader raises one of `stale_errors`.
    `early_refresh`: the last share of a value's time in which a read renews it in the background; 0: never.
    `near`: keep values in this process too. `near_max_entries`, `near_max_bytes` bound that level (bytes as encoded).
    `max_value_bytes`: larger values are handed out and not kept. `load_timeout_seconds`: then the load ends in `LoadTimedOut`.
    `lease_seconds`: within so long after the death of a process that was loading, another one loads.
    `compare_every_seconds`: so often one value that is kept near is loaded once more and compared, which is counted; None: never.
    `when_store_is_away`: `load` calls the loader and keeps nothing; `refuse` raises `StoreUnavailable`.
    """

    ttl_seconds: float = 60.0
    ttl_jitter: float = 0.1
    fresh_for: Callable[[Any], float] | None = None
    negative_ttl_seconds: float | None = None
    negative_errors: tuple[type[GatewayError], ...] = ()
    stale_while_revalidate_seconds: float = 0.0
    stale_if_error_seconds: float = 0.0
    stale_errors: tuple[type[Exception], ...] = (Unavailable, OSError, TimeoutError)
    early_refresh: float = 0.0
    near: bool = True
    near_max_entries: int = 10_000
    near_max_bytes: int = 64_000_000
    max_value_bytes: int = 4_000_000
    load_timeout_seconds: float = 30.0
    lease_seconds: float = 2.0
    compare_every_seconds: float | None = None
    when_store_is_away: Literal["load", "refuse"] = "load"

    def __post_init__(self) -> None:
        """Raises `InvalidPolicy` naming the field."""
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, int | float) and not (math.isfinite(value) and value >= 0):
                raise InvalidPolicy(f"`{one.name}` is a finite number that is not negative.", field=one.name)
        for name in ("ttl_seconds", "near_max_entries", "near_max_bytes", "max_value_bytes", "load_timeout_seconds"):
            if getattr(self, name) <= 0:
                raise InvalidPolicy(f"`{name}` is more than zero.", field=name)
        for name in ("ttl_jitter", "early_refresh"):
            if getattr(self, name) >= 1:
                raise InvalidPolicy(f"`{name}` is a share below 1.", field=name)
        if self.compare_every_seconds == 0:
            raise InvalidPolicy("`compare_every_seconds` is more than zero.", field="compare_every_seconds")
        if self.lease_seconds < 0.05:
            raise InvalidPolicy("`lease_seconds` is at least 0.05.", field="lease_seconds")
        if self.negative_errors and self.negative_ttl_seconds is None:
            raise InvalidPolicy("`negative_errors` need a `negative_ttl_seconds`.", field="negative_ttl_seconds")

    @property
    def kept_after_ttl_seconds(self) -> float:
        """How long a value stays after its time, for the two ways of serving it stale."""
        return max(self.stale_while_revalidate_seconds, self.stale_if_error_seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledgement:
    """An invalidation that holds everywhere: from now on no read in any process returns what was there before.

    `replicas` have said that they dropped their copies, this process among them; `lapsed` did not answer, and the invalidation
    waited until they could no longer trust their copies. `latency_seconds` runs from the call to the last of these.
    """

    latency_seconds: float
    replicas: int
    lapsed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class InvalidationEvent:
    """One invalidation in the log. `at` is the store's time; `latency_seconds` is None for one sent late: the store was away."""

    at: datetime
    cache: str
    tenant: str
    cause: str
    keys: int
    tags: tuple[str, ...]
    replica: str
    latency_seconds: float | None
    replicas: int
    lapsed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheCounts:
    """What happened since the start: per outcome in all and per tenant (those beyond the bound together as `other`)."""

    cache: str
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    tenants: dict[str, dict[Outcome, int]] = field(default_factory=dict)
    near_entries: int = 0
    near_bytes: int = 0

    @property
    def hit_share(self) -> float:
        """Reads answered without waiting for a loader, of all reads; 0 when there were none."""
        hits = sum(self.outcomes.get(one, 0) for one in HITS)
        reads = hits + sum(self.outcomes.get(one, 0) for one in WAITED)
        return hits / reads if reads else 0.0


HITS: tuple[Outcome, ...] = ("near_hit", "shared_hit", "stale", "negative")
WAITED: tuple[Outcome, ...] = ("coalesced", "miss", "load_through", "load_failed")
