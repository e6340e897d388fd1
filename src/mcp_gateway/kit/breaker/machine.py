"""One circuit's state machine: outcomes in, states out. It waits for nothing and knows no store; time is given to it.

A local breaker runs one; the memory store runs one for all replicas; a shared breaker keeps one to follow the store, and to
go on alone while the store is away.
"""

from collections.abc import Callable

from mcp_gateway.kit.breaker.model import FAILED_AND_SLOW, Answer, Cause, CircuitState, Counts, Mode, State
from mcp_gateway.kit.breaker.policy import BreakerPolicy

# What one turned away in a half-open round is told: the probes will be back soon.
PROBING_SECONDS = 1.0
# A rate that no window reaches.
NEVER = 2.0

Listener = Callable[[State, State, Cause | str, Counts, bool], None]


class Machine:
    """`passing` is True while calls pass without asking; `epoch` as in `CircuitState`. All times are monotonic seconds."""

    __slots__ = (
        "_admitted",
        "_credit",
        "_failed",
        "_failure_rate",
        "_listener",
        "_minimum",
        "_opened_from",
        "_outstanding",
        "_policy",
        "_settled",
        "_slow",
        "_slow_rate",
        "_unwatched",
        "cause",
        "counts",
        "epoch",
        "mode",
        "openings",
        "passing",
        "ramp_until",
        "state",
        "until",
        "window",
    )

    def __init__(self, policy: BreakerPolicy, listener: Listener) -> None:
        """`listener` hears of each transition as it happens: source, target, cause, counts, whether it was carried out."""
        self._policy = policy
        self._listener = listener
        self._minimum, self._failure_rate = policy.minimum_calls, policy.failure_rate
        self._slow_rate = policy.slow_call_rate if policy.slow_call_seconds is not None else NEVER
        self.window = policy.window.make()
        self.state: State = "closed"
        self.mode: Mode = "automatic"
        self.epoch = 0
        self.cause = ""
        self.counts = Counts()
        self.until = self.ramp_until = 0.0
        self.openings = 0
        self.passing = True
        self._unwatched = False
        self._credit = 0.0
        self._clear_round()

    def observe(self, epoch: int, code: int, now: float) -> bool:
        """Count one ordinary outcome; True when the window now asks for opening. Outcomes of an earlier epoch are dropped."""
        if epoch != self.epoch or self.state != "closed" or self._unwatched:
            return False
        window = self.window
        window.add(code, now)
        calls = window.calls
        if calls < self._minimum:
            return False
        return window.failed >= self._failure_rate * calls or window.slow >= self._slow_rate * calls

    def record(self, epoch: int, code: int, now: float) -> None:
        """As `observe`, and open when the window asks for it."""
        # The same as there once more: this runs with every call, and a call within a call would be a quarter of its time.
        if epoch != self.epoch or self.state != "closed" or self._unwatched:
            return
        window = self.window
        window.add(code, now)
        calls = window.calls
        if calls >= self._minimum and (window.failed >= self._failure_rate * calls or window.slow >= self._slow_rate * calls):
            self.trip(now)

    def trip(self, now: float) -> None:
        """Open because of what the window holds; in the mode `metrics_only` say so and begin a new window instead."""
        counts = self.window_counts(now)
        failing = counts.failed >= self._failure_rate * counts.calls
        cause: Cause = "failure_rate" if failing else "slow_call_rate"
        if self.mode == "metrics_only":
            self.window.clear()
            self._listener("closed", "open", cause, counts, False)
        else:
            self._open(cause, counts, now)

    def window_counts(self, now: float) -> Counts:
        self.window.drop_old(now)
        return Counts(self.window.calls, self.window.failed, self.window.slow)

    def ask(self, probe: str, now: float) -> Answer:
        """May a call pass? The name `probe` is taken for it when it is one of a half-open round's probes."""
        admitted, as_probe = self._ask(probe, now)
        return Answer(admitted, as_probe, self.shown(now))

    def settle(self, probe: str, code: int | None, now: float) -> None:
        """The outcome of a probe; None gives its place back. A probe that is not of this round is ignored."""
        self._expire(now)
        if self._outstanding.pop(probe, None) is None:
            return
        if code is None:
            self._admitted -= 1
        else:
            self._count(code)
            self._judge_round(now, "probes_failed")

    def force(self, mode: Mode, reason: str, now: float) -> None:
        """Leave the present mode; the circuit begins anew, closed and with an empty window."""
        self.mode = mode
        self._unwatched = mode in {"forced_open", "forced_closed"}
        self._enter("closed", reason, Counts(), now)

    def follow(self, seen: CircuitState, now: float) -> None:
        """Become what the store says, whatever this machine was before."""
        source, mode = self.state, self.mode
        # A first meeting with a closed circuit changes nothing: what was counted before it goes on counting.
        met = self.epoch == 0 and self.state == seen.state == "closed" and seen.mode == "automatic"
        changed = seen.epoch != self.epoch and not met
        self.state, self.mode, self.epoch, self.cause = seen.state, seen.mode, seen.epoch, seen.cause
        self._unwatched = seen.mode in {"forced_open", "forced_closed"}
        self.openings, self.counts = seen.openings, seen.counts
        self.until, self.ramp_until = now + seen.wait_seconds, now + seen.ramp_seconds
        self._set_passing(now)
        if changed:
            self.window.clear()
            self._clear_round()
            if (source, mode) != (self.state, self.mode):
                self._listener(source, self.state, self.cause, self.counts, True)

    def shown(self, now: float) -> CircuitState:
        return CircuitState(
            state=self.state,
            mode=self.mode,
            epoch=self.epoch,
            wait_seconds=max(0.0, self.until - now) if self.state == "open" else 0.0,
            ramp_seconds=max(0.0, self.ramp_until - now) if self.state == "closed" else 0.0,
            openings=self.openings,
            cause=self.cause,
            counts=self.counts,
        )

    def ramp(self, now: float) -> bool:
        """Whether this call belongs to the share let through after closing."""
        left = self.ramp_until - now
        if left <= 0:
            self.passing = self.state == "closed" and self.mode != "forced_open"
            return True
        start = self._policy.ramp_up_from
        self._credit += start + (1 - start) * (1 - left / self._policy.ramp_up_seconds)
        if self._credit < 1:
            return False
        self._credit -= 1
        return True

    def refusal_seconds(self, now: float) -> float:
        """When one turned away just now should come back."""
        if self.mode == "forced_open":
            return self._policy.open_seconds
        if self.state == "open":
            return max(self.until - now, 0.001)
        if self.state == "closed":
            return min(PROBING_SECONDS, max(self.ramp_until - now, 0.001))
        return PROBING_SECONDS

    def _ask(self, probe: str, now: float) -> tuple[bool, bool]:
        if self.mode != "automatic":
            return self.mode != "forced_open", False
        self._expire(now)
        if self.state == "closed":
            return self.passing or self.ramp(now), False
        if self.state == "open":
            if now < self.until:
                return False, False
            self._enter("half_open", "open_time_over", Counts(), now)
        if self._admitted >= self._policy.probes:
            return False, False
        self._admitted += 1
        self._outstanding[probe] = now + self._policy.probe_seconds
        return True, True

    def _expire(self, now: float) -> None:
        if not self._outstanding:
            return
        lost = [probe for probe, due in self._outstanding.items() if due <= now]
        for probe in lost:
            if self._outstanding.pop(probe, None) is not None:  # an earlier one of them may have ended the round
                self._count(FAILED_AND_SLOW)
                self._judge_round(now, "probes_lost")

    def _count(self, code: int) -> None:
        self._settled += 1
        self._failed += code & 1
        self._slow += code >> 1

    def _judge_round(self, now: float, failure: Cause) -> None:
        probes, counts = self._policy.probes, Counts(self._settled, self._failed, self._slow)
        if counts.failed >= self._failure_rate * probes:
            self._open(failure, counts, now)
        elif counts.slow >= self._slow_rate * probes:
            self._open("probes_slow", counts, now)
        elif counts.calls == probes:
            self._enter("closed", "probes_succeeded", counts, now)

    def _open(self, cause: Cause, counts: Counts, now: float) -> None:
        self.openings += 1
        self.until = now + self._policy.open_for(self.openings)
        self._enter("open", cause, counts, now)

    def _enter(self, state: State, cause: str, counts: Counts, now: float) -> None:
        source, self.state = self.state, state
        self.epoch += 1
        self.cause, self.counts = cause, counts
        self.window.clear()
        self._clear_round()
        if state == "closed":
            self.openings = 0
            self.ramp_until = now + self._policy.ramp_up_seconds if cause == "probes_succeeded" else 0.0
            self._credit = 0.0
        self._set_passing(now)
        self._listener(source, state, cause, counts, True)

    def _set_passing(self, now: float) -> None:
        self.passing = self.state == "closed" and self.mode != "forced_open" and self.ramp_until <= now

    def _clear_round(self) -> None:
        self._outstanding: dict[str, float] = {}
        self._admitted = self._settled = self._failed = self._slow = 0
