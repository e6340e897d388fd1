"""What a breaker tells the world: its transition log, its log lines, its figures."""

from collections import deque
from collections.abc import Callable

import structlog

from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.breaker.model import Counts, Mode, State, Transition
from mcp_gateway.kit.figures import Counter, Figures, Metric

CALLS = Metric(
    name="circuit_breaker_calls",
    help="Calls through a circuit breaker, by outcome; refused ones were not made.",
    kind="counter",
    labels=("breaker", "outcome"),
)
TRANSITIONS = Metric(
    name="circuit_breaker_transitions",
    help="Changes of a circuit's state.",
    kind="counter",
    labels=("breaker", "target"),
)
STATE = Metric(
    name="circuit_breaker_state",
    help="0 closed, 1 half open, 2 open.",
    kind="gauge",
    labels=("breaker",),
)
FORCED = Metric(
    name="circuit_breaker_forced_open",
    help="1 while a circuit is held open by hand.",
    kind="gauge",
    labels=("breaker",),
)
STORE_AWAY = Metric(
    name="circuit_breaker_store_away",
    help="1 while a shared breaker goes on alone because its store does not answer.",
    kind="gauge",
    labels=("breaker",),
)
_LEVELS: dict[State, int] = {"closed": 0, "half_open": 1, "open": 2}
_LOG = structlog.get_logger(__name__)


class Journal:
    """Keeps the last `kept` transitions."""

    def __init__(
        self, name: str, kept: int, *, clock: Clock, figures: Figures, on_transition: Callable[[Transition], None] | None
    ) -> None:
        self._name = name
        self._clock = clock
        self._figures = figures
        self._on_transition = on_transition
        self._transitions: deque[Transition] = deque(maxlen=kept)
        self._state = figures.gauge(STATE, breaker=name)
        self._away = figures.gauge(STORE_AWAY, breaker=name)
        self._state.set(0)
        self._forced = figures.gauge(FORCED, breaker=name)
        self.good, self.failed, self.slow, self.ignored, self.refused = (
            self._calls(outcome) for outcome in ("success", "failure", "slow", "ignored", "refused")
        )

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """Oldest first."""
        return tuple(self._transitions)

    def write(self, source: State, target: State, mode: Mode, cause: str, counts: Counts, *, carried_out: bool) -> None:
        line = Transition(
            at=self._clock.now(), source=source, target=target, mode=mode, cause=cause, counts=counts, carried_out=carried_out
        )
        self._transitions.append(line)
        self._figures.counter(TRANSITIONS, breaker=self._name, target=target if carried_out else "would_open").add()
        if carried_out:
            self._state.set(_LEVELS[target])
            self._forced.set(1 if mode == "forced_open" else 0)
        _LOG.warning(
            "circuit_transition", breaker=self._name, source=source, target=target, mode=mode, cause=cause,
            calls=counts.calls, failed=counts.failed, slow=counts.slow, carried_out=carried_out,
        )  # fmt: skip
        if self._on_transition is not None:
            self._on_transition(line)

    def store_away(self, *, away: bool) -> None:
        self._away.set(1 if away else 0)
        _LOG.warning("circuit_store_lost" if away else "circuit_store_back", breaker=self._name)

    def _calls(self, outcome: str) -> Counter:
        return self._figures.counter(CALLS, breaker=self._name, outcome=outcome)
