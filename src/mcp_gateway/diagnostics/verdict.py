"""What a diagnosis says: evidence, causes weighed against each other, typed remedies, and what could not be seen.

Values only. Causes are found in `causes/`, remedies made in `actions/`; nothing here reads, judges or executes anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal, TypeAlias

from mcp_gateway.core.errors import Json

Verdict: TypeAlias = Literal["healthy", "degraded", "unhealthy", "could_not_tell"]
Risk: TypeAlias = Literal["none", "low", "medium", "high"]

# From this confidence a cause is told as grave.
SURE = 0.75

# Every cause by its stable code, and the row of the fault benchmark that proves it.
CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "limiter_keys_without_ttl": "F01",
        "tenant_flood": "F02",
        "limit_too_low": "F03",
        "cache_ttl_too_short": "F04",
        "redis_memory_evicting": "F05",
        "redis_memory_full": "F06",
        "invalidations_lost": "F07",
        "hot_key": "F08",
        "big_key": "F09",
        "slow_redis_command": "F10",
        "redis_hung": "F11",
        "redis_refused": "F12",
        "redis_script_lost": "F13",
        "engine_slow": "F14",
        "engine_errors": "F15",
        "engine_hangs": "F16",
        "breaker_stuck_open": "F17",
        "upstream_pool_too_small": "F18",
        "connection_leak": "F19",
        "memory_leak": "F20",
        "event_loop_blocked": "F21",
        "slow_sql": "F22",
        "upstream_address_wrong": "F23",
        "clock_skew": "F24",
        "signing_keys_stale": "F25",
        "mcp_server_hung": "F26",
        "mcp_schema_changed": "F26",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """One thing that was read.

    `signal` is a name of the catalogue, followed by its labels as `{name=value,...}` when it carries any. `unit` is that of
    `value` and `baseline` ("1/s" for the rate of a count). `baseline` None: there is none, and `baseline_from` is empty;
    otherwise `baseline_from` says what the comparison is with.
    """

    signal: str
    value: Json
    unit: str
    baseline: Json
    source: str
    at: datetime
    baseline_from: str = ""

    @property
    def name(self) -> str:
        """The signal without its labels."""
        return self.signal.partition("{")[0]

    def to_dict(self) -> dict[str, Json]:
        return {
            "signal": self.signal,
            "value": self.value,
            "unit": self.unit,
            "baseline": self.baseline,
            "baseline_from": self.baseline_from or None,
            "source": self.source,
            "at": self.at.isoformat(),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Hypothesis:
    """A cause that was considered. `cause` is one of `CAUSES`; `confidence` 0..1; `why` is one sentence for a person."""

    cause: str
    component: str
    title: str
    confidence: float
    supports: tuple[Evidence, ...] = ()
    against: tuple[Evidence, ...] = ()
    ruled_out: bool = False
    why: str = ""

    @property
    def severity(self) -> Literal["high", "medium"]:
        """How it is told to people."""
        return "high" if self.confidence >= SURE else "medium"

    def to_dict(self) -> dict[str, Json]:
        return {
            "cause": self.cause,
            "component": self.component,
            "title": self.title,
            "confidence": round(self.confidence, 3),
            "for": [one.to_dict() for one in self.supports],
            "against": [one.to_dict() for one in self.against],
            "ruled_out": self.ruled_out,
            "why": self.why,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """A remedy, for a person to decide on.

    `verify` names the signal that must come, and until when. `command` is rendered from validated parts, each quoted; nothing
    here executes it. `dry_run` says how to see what it would do; `undo` is empty only when `reversible` is False.
    """

    kind: str
    target: Mapping[str, str]
    risk: Risk
    reversible: bool
    dry_run: str
    preconditions: tuple[str, ...]
    verify: str
    undo: str
    command: str

    def to_dict(self) -> dict[str, Json]:
        return {
            "kind": self.kind,
            "target": dict(self.target),
            "risk": self.risk,
            "reversible": self.reversible,
            "dry_run": self.dry_run,
            "preconditions": list(self.preconditions),
            "verify": self.verify,
            "undo": self.undo,
            "command": self.command,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class BlindSpot:
    """Something that could not be read, so nothing is said about it. `hint`: what would make it readable."""

    what: str
    why: str
    hint: str = ""

    def to_dict(self) -> dict[str, Json]:
        return {"what": self.what, "why": self.why, "hint": self.hint}


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """`hypotheses` are those that stand, likeliest first; `window_seconds` 0 when there was only one look.

    `summary`: the verdict in words. `departures`: what is plainly otherwise than usual, and `otherwise_since` since when, both
    also where no cause is known.
    """

    verdict: Verdict
    confidence: float
    hypotheses: tuple[Hypothesis, ...]
    ruled_out: tuple[Hypothesis, ...]
    actions: tuple[Action, ...]
    blind_spots: tuple[BlindSpot, ...]
    read_at: datetime
    window_seconds: float = field(default=0.0)
    summary: str = ""
    departures: tuple[Evidence, ...] = ()
    otherwise_since: datetime | None = None

    def to_dict(self) -> dict[str, Json]:
        return {
            "verdict": self.verdict,
            "confidence": round(self.confidence, 3),
            "summary": self.summary,
            "hypotheses": [one.to_dict() for one in self.hypotheses],
            "ruled_out": [one.to_dict() for one in self.ruled_out],
            "actions": [one.to_dict() for one in self.actions],
            "blind_spots": [one.to_dict() for one in self.blind_spots],
            "departures": [one.to_dict() for one in self.departures],
            "otherwise_since": None if self.otherwise_since is None else self.otherwise_since.isoformat(),
            "read_at": self.read_at.isoformat(),
            "window_seconds": round(self.window_seconds, 3),
        }
