"""The words of the circuit breaker: states, modes, counts, transitions. Values only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

State: TypeAlias = Literal["closed", "open", "half_open"]
Mode: TypeAlias = Literal["automatic", "forced_open", "forced_closed", "metrics_only"]
# Why a state was entered; whoever forces a mode gives a reason of their own instead.
Cause: TypeAlias = Literal[
    "", "failure_rate", "slow_call_rate", "open_time_over", "probes_failed", "probes_slow", "probes_lost", "probes_succeeded",
]  # fmt: skip

# An outcome is one small number: bit 0 is set for a failure, bit 1 for a slow call.
GOOD = 0
FAILED = 1
SLOW = 2
FAILED_AND_SLOW = 3


class Counts(NamedTuple):
    """How many calls, and how many of them failed or were slow; a call may be both."""

    calls: int = 0
    failed: int = 0
    slow: int = 0


class CircuitState(NamedTuple):
    """What a circuit is, as it travels between replicas.

    `epoch` grows with every change of state or mode; 0 means nothing is known yet. `wait_seconds` is how long it stays open
    from now, 0 when not open; `ramp_seconds` how long a closed one still lets only a share through. `openings` counts the
    openings since it was last closed. `counts` are those that led to this state.
    """

    state: State = "closed"
    mode: Mode = "automatic"
    epoch: int = 0
    wait_seconds: float = 0.0
    ramp_seconds: float = 0.0
    openings: int = 0
    cause: str = ""
    counts: Counts = Counts()


class Answer(NamedTuple):
    """To one who asks to be let through. `probe` is True when the call is one of the half-open round's probes."""

    admitted: bool
    probe: bool
    state: CircuitState


class Admission(NamedTuple):
    """A call that was let through: under which epoch, and as which probe (None: as an ordinary call)."""

    epoch: int
    probe: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """One line of the transition log. `carried_out` is False when the mode `metrics_only` kept the circuit closed."""

    at: datetime
    source: State
    target: State
    mode: Mode
    cause: str
    counts: Counts
    carried_out: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class CircuitSnapshot:
    """The circuit as this process sees it. `shared` is False for a local breaker and while the store does not answer."""

    name: str
    state: State
    mode: Mode
    counts: Counts
    retry_after_seconds: float
    shared: bool
    transitions: tuple[Transition, ...]
