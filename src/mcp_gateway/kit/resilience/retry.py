"""Trying again: only what is declared safe and may help, only a share of the traffic, never beyond the deadline.

The pause before the n-th repetition is drawn evenly from 0 to `base_seconds` * 2^(n-1), at most `max_seconds` ("full jitter"),
so that callers who failed together do not come back together. An error that says when to come back is obeyed.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.kit.figures import NO_FIGURES, Counter, Figures, Metric
from mcp_gateway.kit.resilience.budget import RetryBudget
from mcp_gateway.kit.resilience.deadline import Deadlines
from mcp_gateway.kit.resilience.ranges import require

T = TypeVar("T")

RETRIES = Metric(
    name="retries",
    help="Repetitions, and failures that were not repeated, by why.",
    kind="counter",
    labels=("retry", "outcome"),
)
_OUTCOMES = ("repeated", "unsafe", "not_retryable", "attempts_used", "budget_used", "no_time")
_CLOCK = SystemClock()


def may_help(error: Exception) -> bool:
    """The default: our errors say it themselves, of others only lost connections and missed times."""
    if isinstance(error, GatewayError):
        return error.retryable
    return isinstance(error, ConnectionError | TimeoutError)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """`attempts` counts the first one. An error that asks for a longer pause than `longest_wait_seconds` is not waited for."""

    attempts: int = 3
    base_seconds: float = 0.1
    max_seconds: float = 5.0
    longest_wait_seconds: float = 10.0
    may_help: Callable[[Exception], bool] = may_help

    def __post_init__(self) -> None:
        require("attempts", self.attempts, least=1, most=20)
        require("base_seconds", self.base_seconds, least=0, most=60)
        require("max_seconds", self.max_seconds, least=self.base_seconds, most=600)
        require("longest_wait_seconds", self.longest_wait_seconds, least=0, most=600)


DEFAULT_POLICY = RetryPolicy()


class Retry:
    """Repeats calls to one part. Local to this process."""

    def __init__(
        self,
        name: str,
        policy: RetryPolicy = DEFAULT_POLICY,
        *,
        budget: RetryBudget | None = None,
        clock: Clock = _CLOCK,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        figures: Figures = NO_FIGURES,
    ) -> None:
        """`budget` None gives it one of its own with the usual share; `draw` gives numbers from 0 up to 1."""
        self.budget = budget if budget is not None else RetryBudget(clock=clock)
        self._name = name
        self._policy = policy
        self._deadlines = Deadlines(clock=clock)
        self._draw = draw
        self._sleep = sleep
        self._counters: dict[str, Counter] = {
            outcome: figures.counter(RETRIES, retry=name, outcome=outcome) for outcome in _OUTCOMES
        }

    async def call(self, work: Callable[[], Awaitable[T]], *, safe: bool) -> T:
        """What `work` returns, or its last error, which then carries a note of how often it was tried.

        `safe` is the caller's word that doing it twice does no harm: it only reads, or it carries an idempotency key. What is
        not safe is tried once. A cancellation ends it at once.
        """
        self.budget.count_call()
        attempt = 1
        while True:
            try:
                return await work()
            except Exception as error:
                pause, outcome = self._decide(error, attempt, safe=safe)
                self._counters[outcome].add()
                if outcome != "repeated":
                    if attempt > 1:
                        error.add_note(f"Tried {attempt} times; not again: {outcome.replace('_', ' ')}.")
                    raise
            await self._sleep(pause)
            attempt += 1

    def _decide(self, error: Exception, attempt: int, *, safe: bool) -> tuple[float, str]:
        """Seconds to wait and `repeated`, or why not."""
        policy = self._policy
        if not safe:
            return 0.0, "unsafe"
        if not policy.may_help(error):
            return 0.0, "not_retryable"
        if attempt >= policy.attempts:
            return 0.0, "attempts_used"
        pause = self._draw() * min(policy.max_seconds, policy.base_seconds * 2 ** (attempt - 1))
        asked = error.retry_after_seconds if isinstance(error, GatewayError) else None
        if asked is not None:
            if asked > policy.longest_wait_seconds:
                return 0.0, "no_time"
            pause += max(asked, 0.0)
        left = self._deadlines.remaining()
        if left is not None and pause >= left:
            return 0.0, "no_time"
        if not self.budget.take():
            return 0.0, "budget_used"
        return pause, "repeated"
