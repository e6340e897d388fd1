"""Hedging: off by default, only what is safe, only after a while, and only within its budget."""

import asyncio

import pytest

from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.resilience.budget import RetryBudget
from mcp_gateway.kit.resilience.hedge import Hedge, HedgePolicy

pytestmark = pytest.mark.anyio

ON = HedgePolicy(enabled=True, after_seconds=0.001)


class Part:
    """The first call hangs until released, later ones answer at once."""

    def __init__(self) -> None:
        self.calls = self.cancelled = 0
        self.first = asyncio.Event()
        self.second_error: Exception | None = None

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls > 1:
            if self.second_error is not None:
                self.first.set()
                raise self.second_error
            return "second"
        try:
            await self.first.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return "first"


async def test_it_is_off_unless_switched_on() -> None:
    part, hedge = Part(), Hedge("part")
    call = asyncio.ensure_future(hedge.call(part, safe=True))
    await asyncio.sleep(0)
    part.first.set()
    assert (await call, part.calls) == ("first", 1)


async def test_a_slow_call_is_sent_again_and_the_loser_cancelled() -> None:
    figures = RecordedFigures()
    part, hedge = Part(), Hedge("part", ON, figures=figures)
    assert await hedge.call(part, safe=True) == "second"
    assert (part.calls, part.cancelled) == (2, 1)
    assert figures.total("hedges") == 1


@pytest.mark.parametrize(("safe", "share"), [(False, 1.0), (True, 0.0)])
async def test_the_unsafe_and_what_is_over_budget_is_sent_once(safe: bool, share: float) -> None:  # noqa: FBT001  (a parameter of the test)
    part = Part()
    hedge = Hedge("part", ON, budget=RetryBudget(share=share, minimum_per_second=0))
    call = asyncio.ensure_future(hedge.call(part, safe=safe))
    await asyncio.sleep(0.01)
    part.first.set()
    assert (await call, part.calls) == ("first", 1)


async def test_a_failing_second_call_leaves_the_first_its_chance() -> None:
    part, hedge = Part(), Hedge("part", ON)
    part.second_error = ConnectionError("down")
    assert await hedge.call(part, safe=True) == "first"


async def test_a_cancelled_caller_leaves_nothing_running() -> None:
    part, hedge = Part(), Hedge("part", HedgePolicy(enabled=True, after_seconds=60))
    call = asyncio.ensure_future(hedge.call(part, safe=True))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert part.cancelled == 1
