"""Deadlines: they travel inwards and outwards, only ever shorten, and say that it was they who ended a wait."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.kit.errors import DeadlineExceeded
from mcp_gateway.kit.resilience.deadline import Deadlines

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
def deadlines(clock: FixedClock) -> Deadlines:
    return Deadlines(clock=clock, maximum_seconds=60)


async def test_inner_deadlines_only_shorten(clock: FixedClock, deadlines: Deadlines) -> None:
    assert deadlines.remaining() is None
    async with deadlines.within(10):
        clock.advance(2)
        async with deadlines.within(60):
            assert deadlines.remaining() == 8
        async with deadlines.within(3), deadlines.within(None):
            assert deadlines.remaining() == 3
        assert deadlines.remaining() == 8
    assert deadlines.remaining() is None


async def test_tasks_started_inside_carry_it(deadlines: Deadlines) -> None:
    async def left() -> float | None:
        return deadlines.remaining()

    async with deadlines.within(10):
        assert await asyncio.create_task(left()) == 10
    assert await asyncio.create_task(left()) is None


async def test_a_wait_ends_with_the_deadline() -> None:
    with pytest.raises(DeadlineExceeded):
        async with Deadlines().within(0.001):
            await asyncio.Event().wait()


async def test_the_outer_deadline_ends_a_wait_in_an_inner_block() -> None:
    deadlines = Deadlines()
    with pytest.raises(DeadlineExceeded):
        async with deadlines.within(0.001), deadlines.within(10):
            await asyncio.Event().wait()
    assert deadlines.remaining() is None


async def test_a_cancellation_from_elsewhere_stays_one(deadlines: Deadlines) -> None:
    async def hang() -> None:
        async with deadlines.within(10):
            await asyncio.Event().wait()

    task = asyncio.ensure_future(hang())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nothing_begins_when_no_time_is_left(clock: FixedClock, deadlines: Deadlines) -> None:
    async with deadlines.within(1):
        clock.advance(2)
        with pytest.raises(DeadlineExceeded):
            deadlines.check()
        with pytest.raises(DeadlineExceeded):
            async with deadlines.within(5):
                pytest.fail("began")


async def test_the_header_carries_the_milliseconds_left(clock: FixedClock, deadlines: Deadlines) -> None:
    assert deadlines.header_value() is None
    async with deadlines.within(2.5):
        clock.advance(0.1)
        assert deadlines.header_value() == "2400"
        assert deadlines.header_value(margin_seconds=0.4) == "2000"
        with pytest.raises(DeadlineExceeded):
            deadlines.header_value(margin_seconds=2.4)


async def test_a_header_in_becomes_a_deadline_with_an_upper_bound(deadlines: Deadlines) -> None:
    assert deadlines.read_header(None) is None
    assert deadlines.read_header(" 1500 ") == 1.5
    assert deadlines.read_header("999999999") == 60
    async with deadlines.within(deadlines.read_header("1500")):
        assert deadlines.header_value() == "1500"


@given(st.text(max_size=20).filter(lambda text: not (text.strip().isascii() and text.strip().isdecimal())))
def test_any_other_header_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput):
        Deadlines().read_header(value)
