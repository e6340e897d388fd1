"""Waiting ends when its time is over, and only then by a timeout."""

import asyncio

import pytest

from mcp_gateway.kit.resilience.time_limit import TimeLimit

pytestmark = pytest.mark.anyio


async def test_what_is_done_in_time_is_left_alone() -> None:
    with TimeLimit(60):
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_what_takes_too_long_ends_in_a_timeout() -> None:
    with pytest.raises(TimeoutError), TimeLimit(0.0):
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    async def waits() -> None:
        with TimeLimit(60):
            await asyncio.Event().wait()

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_at_the_same_moment_is_not_swallowed() -> None:
    async def waits() -> None:
        with TimeLimit(0.0):
            await asyncio.Event().wait()

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    task.cancel()
    with pytest.raises((asyncio.CancelledError, TimeoutError)):
        await task


async def test_an_error_inside_stays_that_error() -> None:
    with pytest.raises(KeyError), TimeLimit(60):
        raise KeyError


async def test_it_counts_in_the_cleaning_up_after_a_cancellation_too() -> None:
    ended = []

    async def cleans_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            try:
                with TimeLimit(0.0):
                    await asyncio.Event().wait()
            except TimeoutError:
                ended.append("in time")

    task = asyncio.create_task(cleans_up())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["in time"]
