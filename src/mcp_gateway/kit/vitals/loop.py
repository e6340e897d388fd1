"""Whether the event loop keeps going, and what it stands still in.

A beat on the loop measures how late it comes. A thread beside it looks whether the beat is overdue; finds it the same callback
at two looks, the loop is held by that one, and the innermost line of the application's own code is the place. Many short
callbacks make the loop late too, but none of them is blamed. It interrupts nothing.
"""

import asyncio
import sys
import threading
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import NamedTuple, Self

import structlog

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.collecting import garbage_left
from mcp_gateway.kit.figures import NO_FIGURES, Figures, Metric
from mcp_gateway.kit.vitals.places import place_of

LAG = Metric(
    name="loop_lag_seconds",
    help="How late the event loop came to a timer.",
    kind="histogram",
    bounds=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
BLOCKED = Metric(
    name="loop_blocked", help="Times one callback held the event loop, by the line it was at.", kind="counter", labels=("place",)
)
BLOCKED_SECONDS = Metric(
    name="loop_blocked_seconds", help="How long callbacks held the event loop, by line.", kind="counter", labels=("place",)
)

BEAT_SECONDS = 0.02
# How far overdue a beat is before a look: what is shorter harms nobody.
OVERDUE_SECONDS = 0.02
LOOK_SECONDS = 0.01
MAX_PLACES = 50
OTHER = "other"
# One line of log for a place in so many seconds.
LOG_SECONDS = 30.0
# Blocks that wait to be counted; more than this many between two beats cannot be.
_MOST_PENDING = 100
_CLOCK = SystemClock()

_log = structlog.get_logger(__name__)


class Block(NamedTuple):
    """The loop stood at `place` (file:line) for at least `seconds`."""

    place: str
    seconds: float


@dataclass(slots=True)
class _Held:
    """One callback seen holding the loop. `root` is its outermost frame: the same at each look while it is the same callback."""

    root: FrameType
    first: float
    last: float
    looks: int
    places: "Tally[str]"


class _Seen(NamedTuple):
    """`root` as above; `lines` are the files and lines from the innermost frame to it."""

    root: FrameType
    lines: list[tuple[str, int]]


class LoopWatch:
    """Open it inside the loop it watches; one per loop. `on_block` hears of each block, on the loop, after it ended."""

    def __init__(
        self, *, figures: Figures = NO_FIGURES, on_block: Callable[[Block], None] | None = None, clock: Clock = _CLOCK
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._figures, self._on_block = figures, on_block
        self._monotonic = clock.monotonic
        self._lag = figures.histogram(LAG)
        self._thread_id = threading.get_ident()
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="loop-watch", daemon=True)
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._blocks: deque[Block] = deque(maxlen=_MOST_PENDING)
        self._places: set[str] = set()
        self._logged: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        self._schedule()
        self._watcher.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._ended.set()
        self._watcher.join()  # it wakes up for this, and has nothing left to do

    def _schedule(self) -> None:
        self._due = self._monotonic() + BEAT_SECONDS
        self._timer = self._loop.call_later(BEAT_SECONDS, self._beat)

    def _beat(self) -> None:
        self._lag.observe(max(0.0, self._monotonic() - self._due))
        while self._blocks:
            self._count(self._blocks.popleft())
        self._schedule()

    def _count(self, block: Block) -> None:
        place = block.place if block.place in self._places or len(self._places) < MAX_PLACES else OTHER
        self._places.add(place)
        self._figures.counter(BLOCKED, place=place).add()
        self._figures.counter(BLOCKED_SECONDS, place=place).add(block.seconds)
        now = self._monotonic()
        if now - self._logged.get(place, -LOG_SECONDS) >= LOG_SECONDS:
            self._logged[place] = now
            _log.debug("loop_blocked", place=place, milliseconds=round(block.seconds * 1000))
        if self._on_block is not None:
            self._on_block(block)

    def _watch(self) -> None:
        held: _Held | None = None
        pause = BEAT_SECONDS
        while not self._ended.wait(pause):
            now = self._monotonic()
            seen = None
            # While the beats come, the next look is when the next of them would be overdue.
            pause = self._due + OVERDUE_SECONDS - now
            if pause <= 0:
                pause = LOOK_SECONDS
                seen = _look(self._thread_id)
            if held is not None and (seen is None or seen.root is not held.root):
                self._settle(held)
                held = None
            if seen is None:
                continue
            if held is None:
                held = _Held(seen.root, now, now, 0, Tally())
            held.last, held.looks = now, held.looks + 1
            held.places[place_of(seen.lines)] += 1
            del seen

    def _settle(self, held: _Held) -> None:
        """Seen once it may have been any of many short ones."""
        if held.looks > 1:
            place, _ = held.places.most_common(1)[0]
            self._blocks.append(Block(place, held.last - held.first + OVERDUE_SECONDS))


def _look(thread_id: int) -> _Seen | None:
    """What a thread is at; None when it runs no callback.

    Python 3.11 may collect garbage while it makes the object of a frame, and let the other thread run meanwhile. That frame is
    gone then, and to look at it ends the process.
    """
    with garbage_left():
        return _walk(sys._current_frames().get(thread_id))  # noqa: SLF001  (the one way to see another thread)


def _walk(innermost: FrameType | None) -> _Seen | None:
    root = _callback(innermost)
    if root is None:
        return None
    lines, frame = list[tuple[str, int]](), innermost
    while frame is not None:
        lines.append((frame.f_code.co_filename, frame.f_lineno))
        frame = None if frame is root else frame.f_back
    return _Seen(root, lines)


def _callback(innermost: FrameType | None) -> FrameType | None:
    """The outermost frame of what the loop is running now; None when it is between two callbacks.

    asyncio's loop calls through `Handle._run`. uvloop's has no frames: what `Runner.run` seems to call is the callback.
    """
    frame, below = innermost, None
    while frame is not None:
        name, file = frame.f_code.co_name, frame.f_code.co_filename
        if name == "_run" and file.endswith("asyncio/events.py"):
            return below or frame
        if name == "_run_once" and file.endswith("asyncio/base_events.py"):
            return None
        if name == "run" and file.endswith("asyncio/runners.py"):
            return below
        frame, below = frame.f_back, frame
    return None
