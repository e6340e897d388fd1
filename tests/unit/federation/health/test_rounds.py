"""Each of many servers is visited again and again, and none of them all the time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from mcp_gateway.federation.health.rounds import Rounds

pytestmark = pytest.mark.anyio


class Visits:
    def __init__(self) -> None:
        self.of: Counter[str] = Counter()
        self.fault: Exception | None = None
        self.again: float | None = None
        self.under_way = self.most = 0
        self._more = asyncio.Event()

    async def __call__(self, server: str) -> float | None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        self.of[server] += 1
        self._more.set()
        if self.fault is not None:
            raise self.fault
        return self.again

    async def until(self, enough: Callable[[Counter[str]], bool]) -> None:
        async with asyncio.timeout(10):
            while not enough(self.of):
                self._more.clear()
                await self._more.wait()


@pytest.fixture
async def visits() -> Visits:
    return Visits()


@pytest.fixture
async def rounds(visits: Visits) -> AsyncIterator[Rounds]:
    made = Rounds(visits, name="visit", period_seconds=3_600.0, at_once=2, first_rate=100_000.0, spread=lambda: 0.5)
    made.start()
    yield made
    await made.close()


async def test_new_servers_are_visited_soon_and_only_a_few_at_once(rounds: Rounds, visits: Visits) -> None:
    rounds.serve([str(number) for number in range(100)])
    await visits.until(lambda of: len(of) == 100)
    assert set(visits.of.values()) == {1}
    assert visits.most <= 2


async def test_a_server_is_visited_again_when_its_visit_says_so(rounds: Rounds, visits: Visits) -> None:
    visits.again = 0.001
    rounds.serve(["shop"])
    await visits.until(lambda of: of["shop"] >= 3)


async def test_a_visit_that_fails_is_no_reason_not_to_come_again(rounds: Rounds, visits: Visits) -> None:
    visits.fault = RuntimeError("oh")
    rounds.serve(["shop"])
    await visits.until(lambda of: of["shop"] == 1)
    rounds.hurry("shop")
    await visits.until(lambda of: of["shop"] == 2)


async def test_a_server_in_a_hurry_is_visited_before_its_time(rounds: Rounds, visits: Visits) -> None:
    rounds.serve(["shop", "files"])
    await visits.until(lambda of: len(of) == 2)
    rounds.hurry("shop")
    rounds.hurry("nobody")
    await visits.until(lambda of: of["shop"] == 2)
    assert visits.of == {"shop": 2, "files": 1}


async def test_a_server_that_is_gone_is_visited_no_more(rounds: Rounds, visits: Visits) -> None:
    visits.again = 0.001
    rounds.serve(["shop", "files"])
    await visits.until(lambda of: len(of) == 2)
    rounds.serve(["files"])
    before = visits.of["shop"]
    wanted = visits.of["files"] + 5
    await visits.until(lambda of: of["files"] >= wanted)
    assert visits.of["shop"] == before
