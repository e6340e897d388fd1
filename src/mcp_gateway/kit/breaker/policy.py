"""When a circuit opens, how it tries again, and what counts as a failure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.kit.breaker.windows import CountBased, TimeBased
from mcp_gateway.kit.errors import InvalidPolicy, was_called

# "ignored" says nothing about the part that was called, so it is not counted at all.
Verdict: TypeAlias = Literal["success", "failure", "ignored"]

DEFAULT_WINDOW = CountBased()

# Categories of errors in which the part called did not do its work. All others are answers: it understood and refused.
_FAULTS = frozenset({"unavailable", "timeout", "internal"})


def judge_error(error: Exception) -> Verdict:
    """The default: our errors by their category, everybody else's as failures; what the kit refused by itself is ignored."""
    if not was_called(error):
        return "ignored"
    if isinstance(error, GatewayError) and error.category not in _FAULTS:
        return "success"
    return "failure"


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakerPolicy:
    """Rates are shares from 0 to 1. A circuit opens when, of at least `minimum_calls` in the window, `failure_rate` or more
    failed, or `slow_call_rate` or more took `slow_call_seconds` or longer (None: no call is slow).

    It stays open `open_seconds`, longer by `open_growth` with each opening in a row, up to `max_open_seconds`. Then exactly
    `probes` calls are let through; a probe without an outcome after `probe_seconds` counts as failed. By the same two rates
    the round closes or reopens it. `ramp_up_seconds` after closing, the share let through has grown from `ramp_up_from` to all.

    `judge_result` looks at what a call returned; None takes every result for a success. In shared mode outcomes are reported
    every `report_seconds`.
    """

    window: CountBased | TimeBased = DEFAULT_WINDOW
    minimum_calls: int = 20
    failure_rate: float = 0.5
    slow_call_seconds: float | None = None
    slow_call_rate: float = 1.0
    open_seconds: float = 10.0
    open_growth: float = 2.0
    max_open_seconds: float = 120.0
    probes: int = 3
    probe_seconds: float = 60.0
    ramp_up_seconds: float = 0.0
    ramp_up_from: float = 0.1
    judge_error: Callable[[Exception], Verdict] = judge_error
    judge_result: Callable[[object], Verdict] | None = None
    report_seconds: float = 0.1
    kept_transitions: int = 100

    def __post_init__(self) -> None:
        _within("failure_rate", self.failure_rate, 0, 1)
        _within("slow_call_rate", self.slow_call_rate, 0, 1)
        _within("ramp_up_from", self.ramp_up_from, 0, 1)
        _within("minimum_calls", self.minimum_calls, 0, 1_000_000)
        _within("probes", self.probes, 0, 1_000)
        _within("probe_seconds", self.probe_seconds, 0, 3_600)
        _within("open_seconds", self.open_seconds, 0, 86_400)
        _within("report_seconds", self.report_seconds, 0, 60)
        _within("kept_transitions", self.kept_transitions, 0, 10_000)
        if self.slow_call_seconds is not None:
            _within("slow_call_seconds", self.slow_call_seconds, 0, 86_400)
        if self.ramp_up_seconds < 0 or self.open_growth < 1 or self.max_open_seconds < self.open_seconds:
            raise InvalidPolicy(
                "`ramp_up_seconds` is at least 0, `open_growth` at least 1, `max_open_seconds` at least `open_seconds`."
            )
        if isinstance(self.window, CountBased) and self.minimum_calls > self.window.calls:
            raise InvalidPolicy(
                f"`minimum_calls` ({self.minimum_calls}) can never be reached in a window of {self.window.calls} calls."
            )

    def open_for(self, openings: int) -> float:
        """Seconds of the n-th opening in a row, n from 1."""
        # An exponent is bounded before it is raised: openings may go on for months.
        return min(self.max_open_seconds, self.open_seconds * self.open_growth ** min(openings - 1, 64))


def _within(name: str, value: float, above: float, most: float) -> None:
    if not above < value <= most:
        raise InvalidPolicy(f"`{name}` is greater than {above} and at most {most}, not {value}.")
