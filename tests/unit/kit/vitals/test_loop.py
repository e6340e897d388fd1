"""The watch over the event loop: how late it is, and the line it stands still at."""

import asyncio
import re
import threading
import time
from collections.abc import Callable

import pytest

from mcp_gateway.kit.figures import Metric, RecordedFigures
from mcp_gateway.kit.vitals.loop import BEAT_SECONDS, OVERDUE_SECONDS, Block, LoopWatch

pytestmark = pytest.mark.anyio

ENOUGH = 60.0


def stand_still(seconds: float) -> None:
    time.sleep(seconds)  # the fault itself


def burn(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        re.match(r"(a+)+$", "a" * 16 + "b")


@pytest.mark.parametrize("hold", [stand_still, burn])
async def test_a_blocking_line_is_named_and_timed(hold: Callable[[float], None]) -> None:
    figures, seen, heard = RecordedFigures(), [], asyncio.Event()

    def note(block: Block) -> None:
        seen.append(block)
        heard.set()

    async def handler() -> None:
        hold(0.2)

    async with LoopWatch(figures=figures, on_block=note):
        async with asyncio.timeout(ENOUGH):
            while not heard.is_set():  # on a busy machine the watching thread may miss one
                await asyncio.create_task(handler())
                await asyncio.sleep(BEAT_SECONDS)
    place, seconds = seen[0]
    assert place.startswith("kit/vitals/test_loop.py:")
    assert 0.05 < seconds < ENOUGH
    assert figures.total("loop_blocked", place=place) >= 1
    assert max(figures.values("loop_lag_seconds")) > 0.05


class LateBeats(RecordedFigures):
    """Tells when the loop came late to a beat."""

    def __init__(self) -> None:
        super().__init__()
        self.late = asyncio.Event()

    def histogram(self, metric: Metric, **labels: str) -> "LateBeats":
        return self

    def observe(self, value: float) -> None:
        if value > OVERDUE_SECONDS:
            self.late.set()


async def test_many_short_callbacks_make_it_late_and_none_is_blamed() -> None:
    figures = LateBeats()
    async with LoopWatch(figures=figures):
        for _ in range(300):
            asyncio.get_running_loop().call_soon(stand_still, 0.0005)
        async with asyncio.timeout(ENOUGH):
            await figures.late.wait()
    assert figures.total("loop_blocked") == 0


async def test_it_leaves_no_thread_behind() -> None:
    async with LoopWatch():
        assert "loop-watch" in {thread.name for thread in threading.enumerate()}
    assert "loop-watch" not in {thread.name for thread in threading.enumerate()}
