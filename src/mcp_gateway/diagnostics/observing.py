"""Reading all sources at once, each bounded; and two looks with a pause between, because growth takes time to be seen.

What a source cannot say is a blind spot and never keeps the others waiting.
"""

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.flights import Flights
from mcp_gateway.diagnostics.ports import History, Source
from mcp_gateway.diagnostics.signals.snapshot import Readings, Snapshot
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import BlindSpot

SOURCE_SECONDS = 2.8
# Between two looks when nothing was kept from before: the whole answer is to come within 8 s.
PAUSE_SECONDS = 2.0
# A kept snapshot that is younger says too little about growth.
YOUNGEST_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Observer(Protocol):
    """Looks at a deployment."""

    async def observe(self, *, window_seconds: float, whole: bool = True) -> Window:
        """A window that ends now and, as far as anything was kept, began so many seconds ago. Not `whole`: without what costs."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Observing:
    """`always`: read at each look. `once`: read at the last look alone, because it costs more."""

    always: Sequence[Source]
    once: Sequence[Source]
    history: History
    clock: Clock
    source_seconds: float = SOURCE_SECONDS
    pause_seconds: float = PAUSE_SECONDS
    looks: Flights[Hashable, Snapshot] = field(default_factory=partial(Flights, outlast=False), repr=False, compare=False)

    async def look(self, *, whole: bool) -> Snapshot:
        """Every source now; takes at most `source_seconds`. Whoever asks while others look sees what they see."""
        return await self.looks.join(whole, lambda: self._look(whole=whole))

    async def _look(self, *, whole: bool) -> Snapshot:
        sources = (*self.always, *(self.once if whole else ()))
        read = await asyncio.gather(*(self._read(source) for source in sources))
        return Snapshot(
            at=self.clock.now(),
            sources={source.name: found for source, found in zip(sources, read, strict=True) if isinstance(found, Readings)},
            blind_spots=tuple(found for found in read if isinstance(found, BlindSpot)),
        )

    async def observe(self, *, window_seconds: float, whole: bool = True) -> Window:
        """One look when the history has an earlier one, else two with a pause. Nothing is kept: the sampler keeps."""
        begun = self.clock.now()
        wanted = begun - timedelta(seconds=window_seconds)
        first = self.history.before(wanted)
        if first is None or first.at > begun - timedelta(seconds=YOUNGEST_SECONDS):
            first = await self.look(whole=False)
            await asyncio.sleep(self.pause_seconds)
        last = await self.look(whole=whole)
        return Window(first=first, last=last, healthy=self.history.healthy(until=first.at))

    async def _read(self, source: Source) -> Readings | BlindSpot:
        try:
            async with asyncio.timeout(self.source_seconds):
                return await source.read()
        except TimeoutError:
            return BlindSpot(what=source.name, why=f"It did not answer within {self.source_seconds:g} s.")
        except GatewayError as error:
            return BlindSpot(what=source.name, why=error.message, hint=error.hint)
        except Exception:  # a wall: whatever a source raises is something that could not be read
            log.exception("source_failed", source=source.name)
            return BlindSpot(what=source.name, why="Reading it failed in a way it should not.")
