"""Lines of the trail between being told and being in the store: safe from the end of this process, and soon in their chains.

A commit for every line costs more than everything else a call does. So a line is first put into a journal beside the store, which
is one write; whoever waited goes on, and the lines of a moment share a commit. A journal that was left behind is brought into the
store when the gateway starts again.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from mcp_gateway.access.audit.chain import line_of
from mcp_gateway.access.audit.model import NOBODYS, AuditEvent, AuditLine
from mcp_gateway.access.audit.own_lines import gap_line
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.trail import MAX_BATCH, TrailLimits, TrailState, WhenAway
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Unavailable

# How far back lines of a journal are looked for in the store: more than one commit holds.
LOOK_BACK: Final = 4 * MAX_BATCH
DAMAGED: Final = "AUDIT_JOURNAL_DAMAGED"
_log = structlog.get_logger(__name__)


class Journal(Protocol):
    """A file of this process alone. Raises `Unavailable` when it cannot be written."""

    def append(self, body: str, /) -> None:
        """Put a line at its end; returns when that would survive the end of this process."""
        ...

    def forget(self, lines: int, /) -> None:
        """So many of the oldest are in the store now."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftBehind:
    """What a process left in its journal, oldest first. `damaged`: something in it is not as it was written."""

    events: Sequence[AuditEvent]
    damaged: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalLimits:
    """Lines of `gather_seconds` share a commit; `max_waiting` may wait for the store."""

    gather_seconds: float = 0.2
    max_waiting: int = 50_000


class JournaledTrail(TrailState):
    """As `AuditTrail`, over a journal. While the store is away nothing told is lost, and a closed one lets nothing new begin."""

    def __init__(
        self,
        store: AuditStore,
        journal: Journal,
        clock: Clock,
        *,
        when_away: WhenAway,
        limits: TrailLimits,
        waiting: JournalLimits,
    ) -> None:
        super().__init__(clock, when_away=when_away, limits=limits)
        self._store, self._journal, self._waiting_limits = store, journal, waiting
        self._waiting: list[AuditLine] = []
        self._settled = asyncio.Event()
        self._settled.set()
        self._hurry = False

    async def record(self, event: AuditEvent) -> None:
        """Return once the line would survive the end of this process. Raises `AuditUnavailable`, unless told to stay open."""
        if event.tenant == NOBODYS and event.decision == "refused" and not self._gaps.admits_stranger(self._clock.monotonic()):
            self._wake.set()
            return
        line = line_of(event)
        try:
            if self._closed or len(self._waiting) >= self._waiting_limits.max_waiting:
                raise self._unavailable()
            self._journal.append(line.body)
        except Unavailable as error:
            self._gaps.lose([event.tenant])
            if self._when_away == "closed":
                raise self._unavailable() from error
            return
        self._waiting.append(line)
        self._settled.clear()
        self._wake.set()

    async def settle(self) -> None:
        """Wait until the store has every line told so far, as long as one commit may take at most."""
        if self._waiting and not self._away:
            self._hurry = True
            self._wake.set()
            try:
                async with asyncio.timeout(self._limits.commit_seconds):
                    await self._settled.wait()
            except TimeoutError:
                _log.warning("audit_not_settled", lines=len(self._waiting))

    async def write_until_closed(self) -> None:
        """The writer. Ends once it was told to and what waited is in the store, or stays in the journal for the next start."""
        while not self._closed or self._waiting:
            await self._await_work()
            if not await self._write():
                if self._closed:
                    return
                await asyncio.sleep(self._limits.retry_seconds)

    async def _await_work(self) -> None:
        if not self._waiting and not self._closed:
            self._wake.clear()
            due = self._gaps.due_in(self._clock.monotonic(), self._limits.retry_seconds)
            try:
                async with asyncio.timeout(due):
                    await self._wake.wait()
            except TimeoutError:
                return
        if len(self._waiting) < MAX_BATCH and not self._closed and not self._hurry:
            await asyncio.sleep(self._waiting_limits.gather_seconds)

    async def _write(self) -> bool:
        """The oldest lines into the store; whether that went well."""
        batch = self._waiting[:MAX_BATCH]
        notes = self._gaps.notes(now=self._clock.monotonic(), at=self._clock.timestamp())
        if not batch and not notes:
            return True
        try:
            async with asyncio.timeout(self._limits.commit_seconds):
                await self._store.append([*notes, *batch])
        except (Unavailable, TimeoutError) as error:
            self._note_away(error, len(batch))
            return False
        except Exception as error:  # noqa: BLE001 - a fault of ours may not end the writer
            _log.exception("audit_commit_failed")
            self._note_away(error, len(batch))
            return False
        self._gaps.said()
        del self._waiting[: len(batch)]
        with suppress(Unavailable):
            # A journal that says too little is compared with the store before anything of it is put there again.
            self._journal.forget(len(batch))
        if self._away:
            self._away = False
            _log.info("audit_trail_back", lost=self.lost)
        if not self._waiting:
            self._hurry = False
            self._settled.set()
        return True

    def _note_away(self, error: Exception, lines: int) -> None:
        self._away = True
        # Nobody waits for a store that is away.
        self._settled.set()
        _log.error("audit_trail_away", error=type(error).__name__, lines=lines, lost=self.lost, when_away=self._when_away)


@asynccontextmanager
async def open_journaled_trail(
    store: AuditStore,
    journal: Journal,
    clock: Clock,
    *,
    when_away: WhenAway = "closed",
    limits: TrailLimits | None = None,
    waiting: JournalLimits | None = None,
) -> AsyncIterator[JournaledTrail]:
    """A trail with its writer; on leaving, what waits is still written."""
    trail = JournaledTrail(
        store, journal, clock, when_away=when_away, limits=limits or TrailLimits(), waiting=waiting or JournalLimits()
    )
    writer = asyncio.create_task(trail.write_until_closed(), name="audit-writer")
    try:
        yield trail
    finally:
        trail.close()
        await writer


async def take_over(store: AuditStore, left: LeftBehind, *, at: float) -> int:
    """Bring what a process left behind into the store; how many lines that were. Raises `Unavailable`.

    A process may end between a commit and noting it, so lines the store has already are not put there again.
    """
    lines = [line_of(event) for event in left.events]
    known: Counter[str] = Counter()
    for tenant in {line.event.tenant for line in lines}:
        head = await store.head(tenant)
        if head is not None:
            rows = await store.read(tenant, after=max(0, head.sequence - LOOK_BACK), limit=LOOK_BACK)
            known.update(row.body for row in rows)
    missing = [line for line in lines if not known[line.body]]
    if left.damaged:
        missing.append(gap_line(NOBODYS, at=at, reason="a journal of lines was damaged; some are missing", error_code=DAMAGED))
    for begin in range(0, len(missing), MAX_BATCH):
        await store.append(missing[begin : begin + MAX_BATCH])
    return len(missing)
