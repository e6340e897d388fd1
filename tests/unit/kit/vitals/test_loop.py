"""The watch over the event loop: how late it is, and the line it stands still at."""

import asyncio
import gc
import re
import sys
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
    assert OVERDUE_SECONDS < seconds < ENOUGH
    assert figures.total("loop_blocked", place=place) >= 1
    assert max(figures.values("loop_lag_seconds")) > 0.05


async def test_nothing_is_collected_while_the_frames_of_the_loop_are_looked_at() -> None:
    during: list[str] = []

    def note(phase: str, _: dict[str, int]) -> None:
        frame = sys._getframe()
        while (back := frame.f_back) is not None:
            frame = back
            during.append(frame.f_code.co_name)

    heard = asyncio.Event()
    before = gc.get_threshold()
    gc.callbacks.append(note)
    gc.set_threshold(1)
    try:
        async with LoopWatch(on_block=lambda _: heard.set()):
            async with asyncio.timeout(ENOUGH):
                while not heard.is_set():
                    await asyncio.create_task(deep_down(50))
                    await asyncio.sleep(BEAT_SECONDS)
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(note)
    assert not {"_walk", "_callback"} & set(during)


async def deep_down(depth: int) -> None:
    if depth:
        await deep_down(depth - 1)
    else:
        stand_still(0.2)


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
    async with asyncio.timeout(ENOUGH):
        # A machine that stands still makes any callback a long one: then it is tried again.
        while await blamed_for_many_short_callbacks():
            pass


async def blamed_for_many_short_callbacks() -> float:
    figures = LateBeats()
    async with LoopWatch(figures=figures):
        while not figures.late.is_set():
            for _ in range(200):
                asyncio.get_running_loop().call_soon(sum, range(20_000))
            await asyncio.sleep(BEAT_SECONDS)
    return figures.total("loop_blocked")


async def test_it_leaves_no_thread_behind() -> None:
    async with LoopWatch():
        assert "loop-watch" in {thread.name for thread in threading.enumerate()}
    assert "loop-watch" not in {thread.name for thread in threading.enumerate()}
