"""Work that several ask for at once."""

import asyncio
from itertools import count

import pytest

from mcp_gateway.core.errors import Unavailable
from mcp_gateway.core.flights import Flights

pytestmark = pytest.mark.anyio


class Counted:
    """Gives its number when it is let."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.ended: list[int] = []
        self._numbers = count(1)

    async def work(self) -> int:
        number = next(self._numbers)
        try:
            await self.gate.wait()
        finally:
            self.ended.append(number)
        return number


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("outlast", [True, False])
async def test_those_who_ask_at_once_share_one_result_and_the_next_has_its_own(*, outlast: bool) -> None:
    flights, counted = Flights[str, int](outlast=outlast), Counted()
    together = [asyncio.create_task(flights.join("a", counted.work)) for _ in range(3)]
    apart = asyncio.create_task(flights.join("b", counted.work))
    await turns()
    assert list(flights) == ["a", "b"]
    counted.gate.set()
    assert await asyncio.gather(*together, apart) == [1, 1, 1, 2]
    assert len(flights) == 0
    assert await flights.join("a", counted.work) == 3


async def test_what_nobody_waits_for_ends() -> None:
    flights, counted = Flights[str, int](outlast=False), Counted()
    first, second = (asyncio.create_task(flights.join("a", counted.work)) for _ in range(2))
    await turns()
    first.cancel()
    await turns()
    assert counted.ended == []
    second.cancel()
    await turns()
    assert (counted.ended, len(flights)) == ([1], 0)


async def test_what_outlasts_is_joined_by_whoever_comes_later() -> None:
    flights, counted = Flights[str, int](outlast=True), Counted()
    gone = asyncio.create_task(flights.join("a", counted.work))
    await turns()
    gone.cancel()
    await turns()
    later = asyncio.create_task(flights.join("a", counted.work))
    await turns()
    counted.gate.set()
    assert await later == 1


async def test_closing_ends_all_and_those_who_wait_are_told() -> None:
    flights, counted = Flights[str, int](outlast=True), Counted()
    waiting = [asyncio.create_task(flights.join(key, counted.work)) for key in "ab"]
    await turns()
    await flights.close()
    assert counted.ended == [1, 2]
    assert [type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)] == [asyncio.CancelledError] * 2


async def test_all_are_told_of_a_failure_and_what_comes_of_it_is_asked_anew() -> None:
    async def fail() -> int:
        raise Unavailable("It is away.")

    async def come() -> int:
        return 7

    flights = Flights[str, int](outlast=True)
    told = await asyncio.gather(*(flights.join("a", fail) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in told] == [Unavailable] * 3
    assert await flights.join("a", come) == 7


async def test_a_failure_that_nobody_waits_for_is_not_reported_as_lost(caplog: pytest.LogCaptureFixture) -> None:
    gate = asyncio.Event()

    async def fail() -> int:
        await gate.wait()
        raise Unavailable("It is away.")

    flights = Flights[str, int](outlast=True)
    gone = asyncio.create_task(flights.join("a", fail))
    await turns()
    gone.cancel()
    await turns()
    gate.set()
    await turns()
    assert len(flights) == 0
    assert caplog.records == []
