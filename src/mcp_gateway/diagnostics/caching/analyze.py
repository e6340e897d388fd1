"""`analyze_cache_coherence`: is what is cached found, does it fit, does it expire, and is it ended in time?

Hit rate and evictions over the window, a sample of the keys, recent invalidations, a canary that measures whether they are
heard, and what the gateway's own comparisons with the source say. It changes nothing in the store.
"""

import asyncio
from collections.abc import Awaitable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.flights import Flights
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.asking import Rights, window_seconds
from mcp_gateway.diagnostics.caching.advice import Advice, advise
from mcp_gateway.diagnostics.caching.ports import CacheStore, CanaryFlight, CoherenceEvent, Ended
from mcp_gateway.diagnostics.caching.sample import KeySample, SampledKey
from mcp_gateway.diagnostics.caching.staleness import Staleness, not_compared, staleness_of
from mcp_gateway.diagnostics.figures import facts
from mcp_gateway.diagnostics.observing import Observer
from mcp_gateway.diagnostics.operations import CoherenceOrder
from mcp_gateway.diagnostics.signals.names import Names
from mcp_gateway.diagnostics.signals.snapshot import Readings
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import BlindSpot

MAX_EVENTS = 50
MAX_SHOWN_KEYS = 20
MOST_NAMESPACES = 4
STEP_SECONDS = 3.0
SAMPLE = "redis keys"
# What `TTL` tells of a key that has none.
NEVER_EXPIRES = -1

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class CoherenceFound:
    """`flights` empty: there was no cache of the kit to fly over. `ended`, `staleness` None: not compared."""

    at: datetime
    window: Window
    sample: KeySample
    names: Names
    flights: tuple[CanaryFlight, ...]
    events: tuple[CoherenceEvent, ...]
    ended: Ended | None
    staleness: Staleness | None
    advice: tuple[Advice, ...]
    blind_spots: tuple[BlindSpot, ...] = ()
    asked_for_events: bool = False

    def to_dict(self) -> dict[str, Json]:
        """The shape of the specification, with more beside it."""
        return {
            "timestamp": self.at.isoformat(),
            "cache_coherence_analysis": _analysis(self),
            "sample_cache_analysis": [_shape_key(one) for one in _shown(self.sample)],
            "recent_coherence_events": [_shape_event(one, self.names) for one in self.events] if self.asked_for_events else [],
            "recommendations": [one.to_dict() for one in self.advice],
            "blind_spots": [one.to_dict() for one in self.blind_spots],
            "window_seconds": round(self.window.seconds, 1),
        }


class _Seen(NamedTuple):
    """What the store showed, whoever asked."""

    sample: KeySample = KeySample()
    flights: tuple[CanaryFlight, ...] = ()
    events: tuple[CoherenceEvent, ...] = ()
    ended: Ended | None = None
    blind: Sequence[BlindSpot] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalyzeCache:
    """`store` None: none is configured, so only figures of the gateway are read. At most 8 s. Raises `InvalidTimeWindow`."""

    observer: Observer
    store: CacheStore | None
    rights: Rights
    clock: Clock
    step_seconds: float = field(default=STEP_SECONDS)
    looks: Flights[Hashable, _Seen] = field(default_factory=partial(Flights, outlast=False), repr=False, compare=False)

    async def __call__(self, caller: Caller, order: CoherenceOrder) -> CoherenceFound:
        seconds = window_seconds(order.time_window_minutes)
        names = self.rights.names(caller)
        looked, seen = await asyncio.gather(
            self.observer.observe(window_seconds=seconds, whole=False), self.looks.join("store", self._look)
        )
        sample, flights, events, ended, unseen = seen
        blind = [*unseen]
        names = names.knowing(caches=looked.labels("gateway.cache_reads_total", "cache"), tenants=(one.tenant for one in events))
        sample = sample.shown_to(names)
        flights = tuple(replace(one, namespace=names.namespace(one.namespace)) for one in flights)
        window = _with_sample(looked.shown_to(names), sample)
        staleness = staleness_of(window)
        if staleness is None:
            blind.append(not_compared(window))
        mine = tuple(one for one in events if (self.clock.now() - one.at).total_seconds() <= seconds)
        return CoherenceFound(
            at=self.clock.now(),
            window=window,
            sample=sample,
            names=names,
            flights=flights,
            events=mine,
            ended=ended,
            staleness=staleness,
            advice=advise(window, sample, flights, mine, staleness),
            blind_spots=(*window.blind_spots, *blind),
            asked_for_events=order.include_event_log,
        )

    async def _look(self) -> _Seen:
        blind: list[BlindSpot] = []
        if self.store is None:
            blind.append(BlindSpot(what="keys and invalidations", why="No store is configured.", hint="Set REDIS_URL."))
            return _Seen(blind=blind)
        store = self.store
        sample = await self._step(store.sample(), "sample of the keys", blind)
        if sample is None:
            return _Seen(blind=blind)
        if not sample.namespaces:
            blind.append(BlindSpot(what="invalidations", why="No cache of the kit keeps anything in this store now."))
            return _Seen(sample, blind=blind)
        flights, events, ended = await asyncio.gather(
            self._step(store.canary(sample.namespaces[:MOST_NAMESPACES]), "canary invalidation", blind),
            self._step(store.events(sample, MAX_EVENTS), "log of invalidations", blind),
            self._step(store.ended(sample), "comparison of values with their tags", blind),
        )
        return _Seen(sample, flights or (), events or (), ended, blind)

    async def _step(self, work: Awaitable[_T], what: str, blind: list[BlindSpot]) -> _T | None:
        try:
            async with asyncio.timeout(self.step_seconds):
                return await work
        except TimeoutError:
            blind.append(BlindSpot(what=what, why=f"It took longer than {self.step_seconds:g} s."))
        except GatewayError as error:
            blind.append(BlindSpot(what=what, why=error.message, hint=error.hint))
        return None


def _with_sample(window: Window, sample: KeySample) -> Window:
    """The observer was not asked for a sample of its own: the store is to be asked as little as possible."""
    readings = Readings(readings=sample.signals(window.value("redis.keys")))
    return replace(window, last=replace(window.last, sources={**window.last.sources, SAMPLE: readings}))


def _analysis(found: CoherenceFound) -> dict[str, Json]:
    window, sample = found.window, found.sample
    total = window.value("redis.keys")
    listed = sample.whole or sample.seen > 0
    tracking = _tracking(window, sample) if listed else None
    cached = _estimated(window, sample, "cache:") if listed else None
    return {
        "total_cache_keys": cached,
        "coherence_tracking_keys": tracking,
        "cache_to_coherence_ratio": round(tracking / cached, 4) if cached and tracking is not None else None,
        "keys_in_the_database": None if total is None else int(total),
        "estimated": not sample.whole,
        "figures": facts(
            window,
            {
                "hit_share": "gateway.cache_hit_share",
                "redis_hit_share": "redis.hit_share",
                "evicted_per_second": "redis.evicted_keys_total",
                "expired_per_second": "redis.expired_keys_total",
                "used_memory_bytes": "redis.used_memory_bytes",
                "maxmemory_bytes": "redis.maxmemory_bytes",
                "load_p99_ms": "gateway.cache_load_p99_ms",
                "invalidation_p99_ms": "gateway.cache_invalidation_p99_ms",
            },
        ),
        "hit_share_by_cache": {name: round(value, 4) for name, value in window.by("gateway.cache_hit_share", "cache").items()},
        "families": [_shape_family(window, sample, name) for name in sorted(sample.families)],
        "big_keys": [_shape_key(one) for one in sample.largest()],
        "hot_keys": _hot(window),
        "invalidations": [_shape_flight(one) for one in found.flights],
        "logged_in_window": len(found.events),
        "late_in_window": sum(one.lapsed > 0 or one.latency_seconds is None for one in found.events),
        "staleness": None if found.staleness is None else found.staleness.to_dict(),
        "ended_values": None
        if found.ended is None
        else {"compared": found.ended.compared, "still_stored": found.ended.still_there},
    }


def _estimated(window: Window, sample: KeySample, prefix: str) -> int:
    """Keys of the families that begin so, scaled from the names that were seen to all there are."""
    seen = sum(count for family, count in sample.families.items() if family.startswith(prefix))
    total = window.value("redis.keys")
    if sample.whole or not sample.seen or total is None:
        return seen
    return round(seen * max(1.0, total / sample.seen))


def _tracking(window: Window, sample: KeySample) -> int:
    return sum(_estimated(window, sample, family) for family in ("cache_tag:", "cache_lease:", "cache_members", "cache_events"))


def _shape_family(window: Window, sample: KeySample, family: str) -> dict[str, Json]:
    keys = sample.of(family)
    times = sorted(one.ttl_seconds for one in keys if one.ttl_seconds is not None)
    return {
        "family": family,
        "keys": _estimated(window, sample, family),
        "sampled": len(keys),
        "sampled_without_ttl": sum(one.ttl_seconds is None for one in keys),
        "ttl_p50_seconds": round(times[len(times) // 2], 1) if times else None,
        "bytes_p50": sorted(one.size_bytes for one in keys)[len(keys) // 2] if keys else None,
    }


def _shown(sample: KeySample) -> tuple[SampledKey, ...]:
    """Taking turns between families, so that a large one does not hide the others."""
    lines = [sample.of(family) for family in sorted(sample.families)]
    turns = [line[turn] for turn in range(MAX_SHOWN_KEYS) for line in lines if turn < len(line)]
    return tuple(turns[:MAX_SHOWN_KEYS])


def _shape_key(one: SampledKey) -> dict[str, Json]:
    """Always a number, as the specification has it: of a key that never expires the one Redis tells."""
    return {
        "key": one.key,
        "family": one.family,
        "ttl_seconds": NEVER_EXPIRES if one.ttl_seconds is None else round(one.ttl_seconds, 1),
        "memory_bytes": one.size_bytes,
    }


def _hot(window: Window) -> list[Json]:
    """From the gateway's own counting where it has it, else from the server's where its policy counts."""
    for name in ("redis.hot_key_share", "redis.hot_key_frequency"):
        found = window.by(name, "key")
        if found:
            return [{"key": key, "signal": name, "value": round(value, 4)} for key, value in list(found.items())[:5] if value]
    return []


def _shape_flight(one: CanaryFlight) -> dict[str, Json]:
    slowest = one.heard_ms[-1] if one.heard_ms else None
    return {
        "namespace": one.namespace,
        "members": one.members,
        "receivers": one.receivers,
        "heard": len(one.heard_ms),
        "lost": one.lost,
        "slowest_ms": slowest,
    }


def _shape_event(one: CoherenceEvent, names: Names) -> dict[str, Json]:
    return {
        "type": (one.cause if names.may_see(one.tenant) else "") or "invalidated",
        "tenant_id": names.tenant(one.tenant),
        "timestamp": one.at.isoformat(),
        "cache": names.cache(one.cache),
        "keys": one.keys,
        "tags": one.tags,
        "latency_ms": None if one.latency_seconds is None else round(one.latency_seconds * 1000, 3),
        "replicas": one.replicas,
        "lapsed": one.lapsed,
    }
