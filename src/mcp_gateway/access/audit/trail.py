"""Writing the trail: nobody hears of an outcome before its line is on the disk; those who wait at the same time share a commit.

One task writes. Whatever has gathered while it wrote goes into the next transaction, so the cost of a commit is divided among as
many as wait for it. It knows neither tables nor chains: those are the store's.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

import structlog

from mcp_gateway.access.audit.chain import line_of
from mcp_gateway.access.audit.gaps import Gaps
from mcp_gateway.access.audit.model import NOBODYS, AuditEvent, AuditLine
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.errors import AuditUnavailable
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Unavailable

WhenAway: TypeAlias = Literal["closed", "open"]

MAX_BATCH: Final = 512
_log = structlog.get_logger(__name__)


class Trail(Protocol):
    """What may be asked of a trail, whatever stands between it and its store."""

    @property
    def away(self) -> bool:
        """Whether the last commit failed; the writer tries again by itself until one succeeds."""
        ...

    @property
    def needed(self) -> bool:
        """Whether nothing is answered while the trail is away."""
        ...

    @property
    def lost(self) -> int:
        """Lines since the start that could not be written."""
        ...

    def require(self, tenant: str, /) -> None:
        """For work that must not happen unwritten, before it begins. Raises `AuditUnavailable`."""
        ...

    async def record(self, event: AuditEvent, /) -> None:
        """Return once the line is safe from the end of this process. Raises `AuditUnavailable`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TrailLimits:
    """`max_waiting` lines wait at most. A commit takes `commit_seconds` at most, and a line waits for as many as stand before it.

    After a failure the store is tried again each `retry_seconds`. Of strangers, `strangers_per_minute` lines are written.
    """

    max_waiting: int = 4 * MAX_BATCH
    commit_seconds: float = 5.0
    retry_seconds: float = 1.0
    strangers_per_minute: int = 120


class _Waiting(NamedTuple):
    line: AuditLine
    committed: asyncio.Future[None]


class TrailState:
    """What every kind of trail knows of itself: whether its store answers, and what could not be written."""

    def __init__(self, clock: Clock, *, when_away: WhenAway, limits: TrailLimits) -> None:
        self._clock = clock
        self._when_away: WhenAway = when_away
        self._limits = limits
        self._wake = asyncio.Event()
        self._gaps = Gaps(limits.strangers_per_minute)
        self._closed = False
        self._away = False

    @property
    def away(self) -> bool:
        """Whether the last commit failed; the writer tries again by itself until one succeeds."""
        return self._away

    @property
    def needed(self) -> bool:
        """Whether nothing is answered while the trail is away."""
        return self._when_away == "closed"

    @property
    def lost(self) -> int:
        """Lines since the start that could not be written, whether their answers were given or withheld."""
        return self._gaps.lost

    def require(self, tenant: str) -> None:
        """For work that must not happen unwritten, before it begins. Raises `AuditUnavailable` while a closed trail is away.

        The call that is turned away is counted as a line of its tenant that could not be written.
        """
        if self._away and self._when_away == "closed":
            self._gaps.lose([tenant])
            raise self._unavailable()

    def close(self) -> None:
        """Take no more lines; those that wait are still written."""
        self._closed = True
        self._wake.set()

    def _unavailable(self) -> AuditUnavailable:
        return AuditUnavailable(retry_after_seconds=self._limits.retry_seconds)


class AuditTrail(TrailState):
    """Takes events from any number of requests. Made by `open_trail`, which runs its writer."""

    def __init__(self, store: AuditStore, clock: Clock, *, when_away: WhenAway, limits: TrailLimits) -> None:
        super().__init__(clock, when_away=when_away, limits=limits)
        self._store = store
        self._waiting: list[_Waiting] = []

    async def record(self, event: AuditEvent) -> None:
        """Return once the line is committed. A caller that is cancelled while it waits leaves the line behind, to be written.

        Raises `AuditUnavailable` when the line cannot be written, unless the trail was told to stay open; then it is counted.
        """
        if event.tenant == NOBODYS and event.decision == "refused" and not self._gaps.admits_stranger(self._clock.monotonic()):
            self._wake.set()
            return
        if self._closed or len(self._waiting) >= self._limits.max_waiting:
            self._gaps.lose([event.tenant])
            if self._when_away == "closed":
                raise self._unavailable()
            return
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(line_of(event), committed))
        self._wake.set()
        await committed

    async def write_until_closed(self) -> None:
        """The writer. Ends once it was told to and everything that waited is written or given up."""
        while not self._closed or self._waiting:
            await self._await_work()
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            await self._write(batch)

    async def _await_work(self) -> None:
        """Until a line waits, or something is due to be said of lines that are missing."""
        if self._waiting:
            # Whoever is about to record in this very round may come along.
            await asyncio.sleep(0)
            return
        self._wake.clear()
        due = self._gaps.due_in(self._clock.monotonic(), self._limits.retry_seconds)
        if due is None:
            await self._wake.wait()
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), due)

    async def _write(self, batch: list[_Waiting]) -> None:
        notes = self._gaps.notes(now=self._clock.monotonic(), at=self._clock.timestamp())
        lines = [*notes, *(waiting.line for waiting in batch)]
        if not lines:
            return
        try:
            async with asyncio.timeout(self._limits.commit_seconds):
                await self._store.append(lines)
        except (Unavailable, TimeoutError) as error:
            self._give_up(batch, error)
            return
        except Exception as error:  # noqa: BLE001 - a fault of ours may neither end the writer nor leave anybody waiting
            _log.exception("audit_commit_failed")
            self._give_up(batch, error)
            return
        self._gaps.said()
        if self._away:
            self._away = False
            _log.info("audit_trail_back", lost=self.lost)
        for waiting in batch:
            if not waiting.committed.done():
                waiting.committed.set_result(None)

    def _give_up(self, batch: list[_Waiting], error: Exception) -> None:
        self._away = True
        self._gaps.lose(waiting.line.event.tenant for waiting in batch)
        _log.error("audit_trail_away", error=type(error).__name__, lines=len(batch), lost=self.lost, when_away=self._when_away)
        for waiting in batch:
            if waiting.committed.done():
                continue
            if self._when_away == "open":
                waiting.committed.set_result(None)
            else:
                waiting.committed.set_exception(self._unavailable())


@asynccontextmanager
async def open_trail(
    store: AuditStore, clock: Clock, *, when_away: WhenAway = "closed", limits: TrailLimits | None = None
) -> AsyncIterator[AuditTrail]:
    """A trail with its writer; on leaving, what waits is still written."""
    trail = AuditTrail(store, clock, when_away=when_away, limits=limits or TrailLimits())
    writer = asyncio.create_task(trail.write_until_closed(), name="audit-writer")
    try:
        yield trail
    finally:
        trail.close()
        await writer
