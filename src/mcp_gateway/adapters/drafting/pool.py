"""The embedded engine in processes of its own, beside the event loop, so that drafting one question holds up no other.

None is started until drafting takes a good part of the time: whoever asks now and then is served as fast without, and in less
memory. A process that dies, cannot be started or is not there yet costs nobody an answer: this process drafts then.
"""

import asyncio
from typing import Any, Final

import structlog

from mcp_gateway.adapters.drafting.process import DraftingProcess, ProcessDied
from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.model import Draft, DraftRequest
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.tasks import begin_task, end_tasks

# So much of a second spent on drafting in this process calls for another.
_WINDOW_SECONDS: Final = 1.0
_BUSY_SECONDS: Final = 0.2
# The longest questions that are drafted at all take a tenth of it.
DRAFT_SECONDS: Final = 10.0
# After one could not be started or died.
_REST_SECONDS: Final = 30.0

_log = structlog.get_logger(__name__)


class DraftingPool:
    """A `Drafter`. At most `most` processes, each started when the ones before it are busy."""

    def __init__(self, clock: Clock, *, most: int, threshold: float | None = None) -> None:
        """`threshold` is the engine's; None leaves it to the engine."""
        self._engine = EmbeddedEngine() if threshold is None else EmbeddedEngine(threshold)
        self._threshold = threshold
        self._clock = clock
        self._most = most
        self._waiting = 0
        self._processes: set[DraftingProcess] = set()
        # None stands for a process that died while somebody waited for one.
        self._free: asyncio.Queue[DraftingProcess | None] = asyncio.Queue()
        self._starting = False
        self._rest_until = 0.0
        self._window_began = 0.0
        self._busy = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def name(self) -> str:
        return self._engine.name

    async def draft(self, request: DraftRequest) -> Draft:
        """As the engine's own; a question that takes longer than `DRAFT_SECONDS` is not answered."""
        if not self._processes:
            return self._draft_here(request)
        if self._free.empty():
            self._start_another()
        process = await self._next_free()
        if process is None:
            return self._draft_here(request)
        # Shielded: whoever asked may go away, and the process must still be free again afterwards.
        draft = await asyncio.shield(begin_task(self._draft_there(process, request), self._tasks))
        return self._draft_here(request) if draft is None else draft

    @property
    def processes(self) -> int:
        """How many are ready or at work."""
        return len(self._processes)

    async def settle(self) -> None:
        """Returns when nothing is being started or drafted over there."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """End all processes, within a bound."""
        self._most = 0
        await end_tasks(*self._tasks)
        await asyncio.gather(*(process.end() for process in self._processes))
        self._processes.clear()

    def _draft_here(self, request: DraftRequest) -> Draft:
        begun = self._clock.monotonic()
        if begun - self._window_began > _WINDOW_SECONDS:
            self._window_began, self._busy = begun, 0.0
        try:
            return self._engine.draft_now(request)
        finally:
            self._busy += self._clock.monotonic() - begun
            if self._busy > _BUSY_SECONDS:
                self._start_another()

    async def _draft_there(self, process: DraftingProcess, request: DraftRequest) -> Draft | None:
        """None when it has to be done here."""
        try:
            async with asyncio.timeout(DRAFT_SECONDS):
                draft = await process.draft(request)
        except TimeoutError:
            _log.warning("draft_too_slow", seconds=DRAFT_SECONDS)
            await self._lose(process)
            return Draft(source=self.name, readings=(), confident=False, reason="the question takes too long to read")
        except ProcessDied:
            _log.warning("drafting_process_died")
            await self._lose(process)
            return None
        self._free.put_nowait(process)
        return draft

    async def _next_free(self) -> DraftingProcess | None:
        """First come, first served; None when the last process died meanwhile."""
        self._waiting += 1
        try:
            return await self._free.get()
        finally:
            self._waiting -= 1

    async def _lose(self, process: DraftingProcess) -> None:
        self._processes.discard(process)
        self._rest_until = self._clock.monotonic() + _REST_SECONDS
        if not self._processes:
            for _ in range(self._waiting):
                self._free.put_nowait(None)
        await process.end()

    def _start_another(self) -> None:
        if not self._starting and len(self._processes) < self._most and self._clock.monotonic() >= self._rest_until:
            self._starting = True
            begin_task(self._start(), self._tasks)

    async def _start(self) -> None:
        try:
            process = await DraftingProcess.start(self._threshold)
        except ProcessDied:
            self._rest_until = self._clock.monotonic() + _REST_SECONDS
            _log.warning("drafting_process_not_started")
        else:
            self._processes.add(process)
            self._free.put_nowait(process)
            _log.info("drafting_process_started", processes=len(self._processes))
        finally:
            self._starting = False
