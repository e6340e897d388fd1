"""Retries: what is repeated, after which pause, and what is not."""

from datetime import UTC, datetime

import pytest

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import GatewayError, InvalidInput, Unavailable
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.resilience.budget import RetryBudget
from mcp_gateway.kit.resilience.deadline import Deadlines
from mcp_gateway.kit.resilience.retry import Retry, RetryPolicy

pytestmark = pytest.mark.anyio

POLICY = RetryPolicy(attempts=4, base_seconds=1.0, max_seconds=3.0)


class Part:
    """Fails with each error of the list in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


class Trial:
    """A retry whose pauses are written down and move the clock; the draw is always the longest."""

    def __init__(self, policy: RetryPolicy = POLICY, budget: RetryBudget | None = None) -> None:
        self.clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        self.pauses: list[float] = []
        self.figures = RecordedFigures()
        self.draw = 1.0
        self.retry = Retry(
            "part",
            policy,
            budget=budget if budget is not None else RetryBudget(share=1.0, minimum_per_second=10, clock=self.clock),
            clock=self.clock,
            draw=lambda: self.draw,
            sleep=self._sleep,
            figures=self.figures,
        )

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.advance(seconds)


async def test_a_safe_call_is_repeated_until_it_answers() -> None:
    trial, part = Trial(), Part(Unavailable(), ConnectionResetError(), TimeoutError())
    assert await trial.retry.call(part, safe=True) == "answer"
    assert (part.calls, trial.pauses) == (4, [1.0, 2.0, 3.0])
    assert trial.figures.total("retries", outcome="repeated") == 3


async def test_pauses_are_drawn_from_the_whole_range() -> None:
    trial = Trial()
    trial.draw = 0.0
    await trial.retry.call(Part(Unavailable(), Unavailable()), safe=True)
    assert trial.pauses == [0.0, 0.0]


async def test_what_is_not_declared_safe_is_tried_once() -> None:
    trial, part = Trial(), Part(Unavailable())
    with pytest.raises(Unavailable):
        await trial.retry.call(part, safe=False)
    assert part.calls == 1
    assert trial.figures.total("retries", outcome="unsafe") == 1


@pytest.mark.parametrize("error", [InvalidInput(), ValueError("a fault of ours"), GatewayError()])
async def test_what_repeating_cannot_help_is_not_repeated(error: Exception) -> None:
    trial, part = Trial(), Part(error)
    with pytest.raises(type(error)):
        await trial.retry.call(part, safe=True)
    assert part.calls == 1


async def test_the_last_error_says_how_often_it_was_tried() -> None:
    trial, part = Trial(), Part(*(Unavailable(f"number {n}") for n in range(9)))
    with pytest.raises(Unavailable, match="number 3") as caught:
        await trial.retry.call(part, safe=True)
    assert part.calls == 4
    assert caught.value.__notes__ == ["Tried 4 times; not again: attempts used."]


async def test_a_part_that_says_when_to_come_back_is_obeyed_and_not_by_all_at_once() -> None:
    trial = Trial()
    await trial.retry.call(Part(Unavailable(retry_after_seconds=7.5)), safe=True)
    assert trial.pauses == [7.5 + 1.0]


async def test_a_part_that_asks_for_too_long_is_not_waited_for() -> None:
    trial, part = Trial(), Part(Unavailable(retry_after_seconds=11))
    with pytest.raises(Unavailable):
        await trial.retry.call(part, safe=True)
    assert (part.calls, trial.pauses) == (1, [])


async def test_no_pause_goes_beyond_the_deadline() -> None:
    trial, part = Trial(), Part(*(Unavailable() for _ in range(9)))
    async with Deadlines(clock=trial.clock).within(2.5):
        with pytest.raises(Unavailable):
            await trial.retry.call(part, safe=True)
    assert trial.pauses == [1.0]
    assert trial.figures.total("retries", outcome="no_time") == 1


async def test_repetitions_are_a_share_of_the_traffic_when_all_fails() -> None:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    budget = RetryBudget(share=0.2, minimum_per_second=0.5, seconds=10, clock=clock)
    trial = Trial(RetryPolicy(attempts=3, base_seconds=0), budget)
    reached = 0
    for _ in range(1_000):
        part = Part(*(Unavailable() for _ in range(3)))
        with pytest.raises(Unavailable):
            await trial.retry.call(part, safe=True)
        reached += part.calls
    assert reached == 1_000 + 200 + 5
