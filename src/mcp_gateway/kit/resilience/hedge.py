"""A second, equal call when the first is slow; the first good answer wins and the other is cancelled. Off unless switched on.

It buys a shorter tail with more load, so it takes from the same budget as retries, and only what is declared safe is sent twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.kit.figures import NO_FIGURES, Figures, Metric
from mcp_gateway.kit.resilience.budget import RetryBudget
from mcp_gateway.kit.resilience.ranges import require

T = TypeVar("T")

HEDGES = Metric(name="hedges", help="Second calls sent because the first was slow.", kind="counter", labels=("hedge",))
_CLOCK = SystemClock()


@dataclass(frozen=True, kw_only=True, slots=True)
class HedgePolicy:
    """`after_seconds` should be about the 95th percentile of the call: then one call in twenty is sent twice."""

    enabled: bool = False
    after_seconds: float = 0.5

    def __post_init__(self) -> None:
        require("after_seconds", self.after_seconds, least=0.001, most=600)


OFF = HedgePolicy()


class Hedge:
    """Hedges calls to one part."""

    def __init__(
        self,
        name: str,
        policy: HedgePolicy = OFF,
        *,
        budget: RetryBudget | None = None,
        clock: Clock = _CLOCK,
        figures: Figures = NO_FIGURES,
    ) -> None:
        self._policy = policy
        self._budget = budget if budget is not None else RetryBudget(share=0.05, clock=clock)
        self._sent = figures.counter(HEDGES, hedge=name)

    async def call(self, work: Callable[[], Awaitable[T]], *, safe: bool) -> T:
        """The first answer that is no error; when both fail, the first call's error. Both are over when it returns."""
        self._budget.count_call()
        if not (self._policy.enabled and safe):
            return await work()
        calls = [asyncio.ensure_future(work())]
        try:
            await asyncio.wait(calls, timeout=self._policy.after_seconds)
            if not calls[0].done() and self._budget.take():
                self._sent.add()
                calls.append(asyncio.ensure_future(work()))
            waiting = set(calls)
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for call in done:
                    if not call.cancelled() and call.exception() is None:
                        return call.result()
            return calls[0].result()
        finally:
            await end_tasks(*calls)
