"""Which lines memory grows at, while Python follows its allocations (`tracemalloc`).

It follows nothing by itself, for that costs every request: it looks while somebody else had it begun, by PYTHONTRACEMALLOC or
`tracemalloc.start`. A look copies what is followed, which holds the interpreter; so a look that would take long is not taken,
and following begins anew. What a compiled library keeps for itself is no allocation of Python's, and is not seen.
"""

import _tracemalloc
import asyncio
import tracemalloc
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Self

import structlog

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.kit.figures import NO_FIGURES, Figures, Metric
from mcp_gateway.kit.vitals.places import place_of

GROWTH = Metric(
    name="allocation_growth_bytes",
    help="How far what a line allocated and still holds rose above the most it held before, while it is followed.",
    kind="counter",
    labels=("place",),
)
LOOKS = Metric(name="allocation_looks", help="Looks at what lines hold, which are taken while it is followed.", kind="counter")

LOOK_SECONDS = 15.0
# So often it is asked whether a look is due: when its time has come, or when many blocks have come since the last.
ASK_SECONDS = 1.0
# What following takes for some 27,000 blocks: these are copied in about 10 ms, during which nothing else runs.
MOST_BYTES = 1_500_000
# Lines that grew by less are not told, and of others not more than so many.
LEAST_BYTES = 250_000
MAX_PLACES = 50

_CLOCK = SystemClock()
_log = structlog.get_logger(__name__)


class AllocationWatch:
    """One per process, entered within its event loop. Growth is told of what is followed since before the last look."""

    def __init__(self, *, figures: Figures = NO_FIGURES, every_seconds: float = LOOK_SECONDS, clock: Clock = _CLOCK) -> None:
        self._figures, self._every_seconds, self._monotonic = figures, every_seconds, clock.monotonic
        self._following = False
        self._looks = figures.counter(LOOKS)
        # The most that each line held since following began; empty before the first look.
        self._most: dict[str, int] = {}
        self._untold: defaultdict[str, int] = defaultdict(int)
        self._told: set[str] = set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch(), name="allocation-watch")
        return self

    async def __aexit__(self, *_: object) -> None:
        await end_tasks(self._task)

    async def look(self) -> None:
        """Count what grew since the last look. Others wait about 10 ms for it at most."""
        if self._following != tracemalloc.is_tracing():
            self._begin_or_end()
        if not self._following:
            return
        self._looks.add()
        if tracemalloc.get_tracemalloc_memory() > MOST_BYTES:
            tracemalloc.clear_traces()
            self._forget()
            return
        self._count(await asyncio.to_thread(_held_by_line))

    async def _watch(self) -> None:
        looked, taken = -self._every_seconds, 0
        while True:
            now, takes = self._monotonic(), tracemalloc.get_tracemalloc_memory()
            if now - looked >= self._every_seconds or takes - taken > MOST_BYTES / 3:
                await self.look()
                looked, taken = now, tracemalloc.get_tracemalloc_memory()
            await asyncio.sleep(min(ASK_SECONDS, self._every_seconds))

    def _begin_or_end(self) -> None:
        self._following = tracemalloc.is_tracing()
        self._forget()
        _log.info("allocations_followed", followed=self._following)

    def _forget(self) -> None:
        self._most = {}
        self._untold.clear()

    def _count(self, held: Mapping[str, int]) -> None:
        """What a line held at the first look is no growth: caches that fill again are not told each time."""
        first = not self._most
        for place, size in held.items():
            grown = size - self._most.get(place, 0)
            if grown > 0:
                self._most[place] = size
                if not first:
                    self._untold[place] += grown
        for place in [one for one, grown in self._untold.items() if grown >= LEAST_BYTES or one in self._told]:
            if place in self._told or len(self._told) < MAX_PLACES:
                self._told.add(place)
                self._figures.counter(GROWTH, place=place).add(self._untold.pop(place))


def _held_by_line() -> Mapping[str, int]:
    """Bytes that are held, by the place that allocated them."""
    traces = _tracemalloc._get_traces()  # noqa: SLF001  (a `Snapshot` groups them twenty times as slowly)
    sizes: defaultdict[Sequence[tuple[str, int]], list[int]] = defaultdict(list)
    for trace in traces:
        # A sum as it goes would allocate a number for each block, and every allocation is followed.
        sizes[trace[2]].append(trace[1])
    held: defaultdict[str, int] = defaultdict(int)
    for frames, those in sizes.items():
        held[place_of(frames)] += sum(those)
    return held
