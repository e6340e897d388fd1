"""What follows from how a cache is: classified first, because expired, evicted and never repeated need opposite remedies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.caching.ports import CanaryFlight, CoherenceEvent
from mcp_gateway.diagnostics.caching.sample import KeySample
from mcp_gateway.diagnostics.caching.staleness import Staleness
from mcp_gateway.diagnostics.causes.comparing import beyond_chance
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Evidence

# A family of which so large a share never expires has a writer that sets no time; a few lasting keys are meant so.
MOSTLY = 0.8
FEWEST_SAMPLED = 10
# A key so many times the median of all that were looked at, and large enough to hold up the server.
BIG_TIMES, BIG_BYTES = 100, 500_000
# Families whose keys are meant to last.
LASTING = frozenset({"cache_members", "cache_events", "breaker", "rules"})
# From this share of stale values on it is more than a race now and then.
MANY_STALE = 0.1
# The hit share must be this much below what is usual before anything is said.
HIT_LOSS = 0.1

Kind = Literal["performance", "memory", "coherence", "expiry"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """`action` is a sentence for a person; nothing is deleted by it."""

    kind: Kind
    severity: Literal["low", "medium", "high"]
    message: str
    action: str
    evidence: tuple[Evidence, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        return {
            "type": self.kind,
            "severity": self.severity,
            "message": self.message,
            "action": self.action,
            "evidence": [one.to_dict() for one in self.evidence],
        }


def advise(
    window: Window,
    sample: KeySample,
    flights: Sequence[CanaryFlight],
    events: Sequence[CoherenceEvent],
    staleness: Staleness | None = None,
) -> tuple[Advice, ...]:
    """The gravest first. Empty: nothing stands out."""
    found = [
        *_coherence(window, flights, events),
        *_lasting(window, sample),
        *_misses(window),
        *_big(sample, window),
        *_stale(window, staleness),
    ]
    order = {"high": 0, "medium": 1, "low": 2}
    return tuple(sorted(found, key=lambda one: order[one.severity]))


def _coherence(window: Window, flights: Sequence[CanaryFlight], events: Sequence[CoherenceEvent]) -> list[Advice]:
    found = []
    evidence = window.evidences("redis.subscribers")
    for one in flights:
        if one.lost:
            message = f"{one.lost} of {one.members} replicas in {one.namespace} did not hear an invalidation."
            action = (
                "Look at those replicas' connections to Redis; they stop trusting their copies within a second by themselves."
            )
            found.append(Advice(kind="coherence", severity="high", message=message, action=action, evidence=evidence))
        elif one.receivers > len(one.heard_ms):
            deaf = one.receivers - len(one.heard_ms)
            message = f"{deaf} of {one.receivers} listeners in {one.namespace} got an invalidation and did not acknowledge it."
            action = "Find listeners that are not of this kit, or replicas that do not get round to answering."
            found.append(Advice(kind="coherence", severity="medium", message=message, action=action, evidence=evidence))
    late = [one for one in events if one.lapsed]
    if late:
        message = f"{len(late)} of {len(events)} logged invalidations waited for a replica that did not answer."
        action = "Look whether a replica restarted, or its event loop stood still, at those times."
        found.append(Advice(kind="coherence", severity="medium", message=message, action=action))
    return found


def _stale(window: Window, staleness: Staleness | None) -> list[Advice]:
    if staleness is None or not staleness.stale:
        return []
    since = "in the window" if staleness.in_window else "since the start"
    caches = ", ".join(name for name, told in sorted(staleness.caches.items()) if told.get("stale"))
    share = staleness.stale / staleness.compared
    return [
        Advice(
            kind="coherence",
            severity="high" if share > MANY_STALE else "medium",
            message=f"{staleness.stale} of {staleness.compared} values compared {since} were not what the source has: {caches}.",
            action="Find what writes to the source without an invalidation; where there is none, a shorter time to live helps.",
            evidence=window.evidences("gateway.cache_stale_share", "gateway.cache_compared_total"),
        )
    ]


def _lasting(window: Window, sample: KeySample) -> list[Advice]:
    found = []
    for family in sorted(sample.families):
        keys = sample.of(family)
        lasting = sum(one.ttl_seconds is None for one in keys)
        if family in LASTING or len(keys) < FEWEST_SAMPLED or lasting < MOSTLY * len(keys):
            continue
        evidence = window.evidences("redis.sampled_without_ttl_share", "redis.prefix_keys", of="figure", prefix=family)
        found.append(
            Advice(
                kind="expiry",
                severity="high" if family == "rate_limit" else "medium",
                message=f"{lasting} of {len(keys)} sampled keys of {family} never expire.",
                action="Mend the writer that sets no time to live; only then give the old keys one, in small batches.",
                evidence=evidence,
            )
        )
    return found


def _misses(window: Window) -> list[Advice]:
    now, usual = window.value("gateway.cache_hit_share"), window.baseline("gateway.cache_hit_share")
    reads = window.change("gateway.cache_reads_total") or 0.0
    if now is None or usual is None or now > usual - HIT_LOSS or not beyond_chance((1 - now) * reads, (1 - usual) * reads):
        return []
    share = f"The caches answer {now:.0%} of reads, usually {usual:.0%}"
    evicted, expired = window.rate("redis.evicted_keys_total"), window.ratio("redis.expired_keys_total")
    evidence = window.evidences("gateway.cache_hit_share", "redis.evicted_keys_total", "redis.expired_keys_total")
    if evicted:
        why, action = (
            "keys are thrown out for want of room",
            "Find the family that grows; longer times to live would make it worse.",
        )
    elif expired is not None and expired > 2:
        why, action = "more keys expire than usual", "Look which time to live was shortened."
    else:
        why = "neither evictions nor expiries explain it"
        action = "Look for invalidations that end too much, or for reads that never repeat."
    return [Advice(kind="performance", severity="medium", message=f"{share}: {why}.", action=action, evidence=evidence)]


def _big(sample: KeySample, window: Window) -> list[Advice]:
    if not sample.keys:
        return []
    sizes = sorted(one.size_bytes for one in sample.keys)
    middle, largest = sizes[len(sizes) // 2], sample.largest()[0]
    if largest.size_bytes < max(BIG_BYTES, BIG_TIMES * middle):
        return []
    times = largest.size_bytes // max(1, middle)
    return [
        Advice(
            kind="memory",
            severity="medium",
            message=f"One key of {largest.family} holds {largest.size_bytes} bytes, {times} times the median.",
            action="Split or page what it holds; take an old one away with UNLINK, never with DEL.",
            evidence=window.evidences("redis.biggest_key_bytes", of="figure", prefix=largest.family),
        )
    ]
