"""A signal has the allocations of a gateway that serves followed, for a while."""

import asyncio
import os
import signal
import tracemalloc

import pytest

from mcp_gateway.cli.following import allocations_followed_on_signal

pytestmark = pytest.mark.anyio
ENOUGH = 60.0


async def test_they_are_followed_when_told_and_no_longer_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended, starts = asyncio.Event(), asyncio.Event(), []
    start, stop = tracemalloc.start, tracemalloc.stop

    def noted_start() -> None:
        starts.append(1)
        start()
        begun.set()

    def noted_stop() -> None:
        stop()
        ended.set()

    monkeypatch.setattr(tracemalloc, "start", noted_start)
    monkeypatch.setattr(tracemalloc, "stop", noted_stop)
    with allocations_followed_on_signal(seconds=0.3):
        assert not tracemalloc.is_tracing()
        async with asyncio.timeout(ENOUGH):
            os.kill(os.getpid(), signal.SIGUSR2)
            await begun.wait()
            assert tracemalloc.is_tracing()
            os.kill(os.getpid(), signal.SIGUSR2)
            await ended.wait()
    assert not tracemalloc.is_tracing()
    assert len(starts) == 1
