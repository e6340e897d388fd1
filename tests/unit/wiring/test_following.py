"""Background loops: what they say when they fail, that they go on, and how they end."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from mcp_gateway.core.errors import Unavailable
from mcp_gateway.wiring.following import repeat, running

pytestmark = pytest.mark.anyio

AWAY = Unavailable("The store is away.")
FAULT = RuntimeError("a fault of ours")


class Source:
    """Fails as it is told, pass by pass; after the last one it waits."""

    def __init__(self, outcomes: Sequence[Exception | None]) -> None:
        self._outcomes = list(outcomes)
        self.done = asyncio.Event()
        self.ended = False

    async def reload(self) -> None:
        if not self._outcomes:
            self.done.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.ended = True
        outcome = self._outcomes.pop(0)
        if outcome is not None:
            raise outcome


async def told(*outcomes: Exception | None) -> list[tuple[str, str]]:
    """Event and level of everything a loop over these outcomes says."""
    source = Source(outcomes)
    with capture_logs() as lines:
        async with asyncio.timeout(10), running(repeat(source.reload, 0, "not_followed", store="one")):
            await source.done.wait()
    assert all(line["store"] == "one" for line in lines)
    assert source.ended
    return [(line["event"], line["log_level"]) for line in lines]


async def test_what_is_away_is_said_once_and_again_when_it_is_back() -> None:
    said = await told(None, AWAY, AWAY, AWAY, None, None, AWAY, AWAY)
    assert said == [("not_followed", "warning"), ("back_again", "info"), ("not_followed", "warning")]


async def test_a_fault_of_ours_is_said_each_time_and_the_loop_goes_on() -> None:
    assert await told(FAULT, None, FAULT) == [("not_followed", "error")] * 2


async def test_a_fault_is_said_with_its_traceback() -> None:
    source = Source([FAULT])
    with capture_logs() as lines:
        async with asyncio.timeout(10), running(repeat(source.reload, 0, "not_followed")):
            await source.done.wait()
    assert [line["exc_info"] for line in lines] == [True]


async def test_a_loop_pauses_before_its_first_pass_unless_it_begins_at_once() -> None:
    late, early = Source([]), Source([])
    async with running(repeat(late.reload, 3_600, "late"), repeat(early.reload, 3_600, "early", at_once=True)):
        async with asyncio.timeout(10):
            await early.done.wait()
        assert not late.done.is_set()


async def test_work_that_fails_is_told_and_leaves_the_rest_running() -> None:
    source = Source([None, None])
    failed = asyncio.Event()

    async def fails() -> None:
        failed.set()
        raise FAULT

    with capture_logs() as lines:
        async with asyncio.timeout(10), running(fails(), repeat(source.reload, 0, "not_followed")):
            await failed.wait()
            await source.done.wait()
            assert not source.ended
    assert [(line["event"], line["exc_info"]) for line in lines] == [("background_fault", FAULT)]


async def test_work_that_was_not_begun_ends_with_the_block() -> None:
    source = Source([])
    async with running(repeat(source.reload, 0, "not_followed")):
        pass
    assert not source.done.is_set()
