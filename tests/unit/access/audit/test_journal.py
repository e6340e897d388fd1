"""A line that was told outlives the process, whatever happens between the journal and the store."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.contracts.access.audit_trails import EVENT

from mcp_gateway.access.audit.chain import line_of
from mcp_gateway.access.audit.journal import JournaledTrail, JournalLimits, open_journaled_trail, take_over
from mcp_gateway.access.audit.model import AuditEvent, AuditLine
from mcp_gateway.access.audit.settled import SettledAudit
from mcp_gateway.access.audit.trail import TrailLimits, WhenAway
from mcp_gateway.access.errors import AuditUnavailable
from mcp_gateway.adapters.audit_journal import FileJournal, left_behind
from mcp_gateway.adapters.memory_audit import MemoryAudit
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Unavailable

pytestmark = pytest.mark.anyio

KEY = b"k" * 32
# Where the first record begins.
FIRST = 32
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
QUICK = TrailLimits(commit_seconds=30.0, retry_seconds=0.001, strangers_per_minute=3)
SOON = JournalLimits(gather_seconds=0.0, max_waiting=4)


class StoreOfTests(MemoryAudit):
    """Takes lines unless it is told to be away."""

    def __init__(self) -> None:
        super().__init__("of-tests")
        self.back = asyncio.Event()
        self.back.set()
        self.failed = asyncio.Event()

    async def append(self, lines: Sequence[AuditLine]) -> None:
        if not self.back.is_set():
            self.failed.set()
            raise Unavailable
        await super().append(lines)

    async def told(self) -> list[str]:
        head = await self.head(EVENT.tenant)
        rows = await self.read(EVENT.tenant, after=0, limit=head.sequence if head else 1)
        return [str(row.columns[9]) for row in rows]


@pytest.fixture
def store() -> StoreOfTests:
    return StoreOfTests()


def event(number: int) -> AuditEvent:
    return replace(EVENT, correlation_id=f"line-{number}")


@asynccontextmanager
async def opened(store: StoreOfTests, folder: Path, when_away: WhenAway = "closed") -> AsyncIterator[JournaledTrail]:
    journal = FileJournal.open(folder, "one", KEY)
    try:
        async with open_journaled_trail(store, journal, FixedClock(AT), when_away=when_away, limits=QUICK, waiting=SOON) as trail:
            yield trail
    finally:
        journal.close()


def ended(folder: Path, *events: AuditEvent, key: bytes = KEY) -> Path:
    """The journal of a process that was killed with these lines told and none of them stored."""
    journal = FileJournal.open(folder, "killed", key)
    for one in events:
        journal.append(line(one))
    journal._lengths.append(0)
    journal.close()
    return folder / "killed.journal"


def line(one: AuditEvent) -> str:
    return line_of(one).body


def nothing_in(folder: Path) -> bool:
    return not list(folder.iterdir())


async def test_lines_are_in_the_store_in_order_once_it_is_asked(store: StoreOfTests, tmp_path: Path) -> None:
    async with opened(store, tmp_path) as trail:
        for number in range(3):
            await trail.record(event(number))
        head = await SettledAudit(store, trail.settle).head(EVENT.tenant)
        assert head is not None
        assert head.sequence == 3
    assert await store.told() == ["line-0", "line-1", "line-2"]
    assert nothing_in(tmp_path)


async def test_what_was_told_while_the_store_is_away_gets_there_when_it_is_back(store: StoreOfTests, tmp_path: Path) -> None:
    async with opened(store, tmp_path) as trail:
        store.back.clear()
        await trail.record(event(1))
        await store.failed.wait()
        await asyncio.sleep(0)
        assert trail.away
        with pytest.raises(AuditUnavailable):
            trail.require(EVENT.tenant)
        store.back.set()
    assert "line-1" in await store.told()


async def test_more_than_may_wait_is_refused_by_a_closed_trail(store: StoreOfTests, tmp_path: Path) -> None:
    async with opened(store, tmp_path) as trail:
        store.back.clear()
        for number in range(SOON.max_waiting):
            await trail.record(event(number))
        with pytest.raises(AuditUnavailable):
            await trail.record(event(9))
        assert trail.lost == 1
        store.back.set()


async def test_an_open_trail_goes_on_and_counts_what_was_lost(store: StoreOfTests, tmp_path: Path) -> None:
    async with opened(store, tmp_path, "open") as trail:
        store.back.clear()
        for number in range(SOON.max_waiting + 2):
            await trail.record(event(number))
        trail.require(EVENT.tenant)
        assert trail.lost == 2
        store.back.set()


async def test_a_store_that_stays_away_leaves_the_lines_in_the_journal(store: StoreOfTests, tmp_path: Path) -> None:
    async with opened(store, tmp_path) as trail:
        store.back.clear()
        await trail.record(event(1))
    ((left, path),) = left_behind(tmp_path, KEY)
    store.back.set()
    assert await take_over(store, left, at=0) == 1
    path.unlink()
    assert await store.told() == ["line-1"]


async def test_lines_of_a_killed_process_are_brought_in_once(store: StoreOfTests, tmp_path: Path) -> None:
    ended(tmp_path, event(1), event(2))
    for expected in (2, 0):
        for left, _ in left_behind(tmp_path, KEY):
            assert not left.damaged
            assert await take_over(store, left, at=0) == expected
    assert await store.told() == ["line-1", "line-2"]


async def test_the_journal_of_a_living_process_is_left_alone(store: StoreOfTests, tmp_path: Path) -> None:
    async with opened(store, tmp_path):
        assert list(left_behind(tmp_path, KEY)) == []


@pytest.mark.parametrize("spot", ["length", "body", "other key", "mark", "another's mark", "another's file"])
async def test_a_damaged_journal_is_told_of(store: StoreOfTests, tmp_path: Path, spot: str) -> None:
    path = ended(tmp_path, event(1), event(2), key=KEY if spot != "other key" else b"x" * 32)
    content = bytearray(path.read_bytes())
    if spot == "body":
        content[content.index(b"line-2") + 5] = ord("7")
    elif spot == "length":
        content[FIRST] -= 1
    elif spot == "mark":
        # All of it is stored, it says.
        content[:8] = len(content).to_bytes(8, "little")
    elif spot.startswith("another's"):
        other = FileJournal.open(tmp_path, "other", KEY)
        other.append(line(event(3)))
        other.forget(1 if spot == "another's mark" else 0)
        taken = (tmp_path / "other.journal").read_bytes()
        content[:] = taken[:FIRST] + content[FIRST:] if spot == "another's mark" else taken
        other.forget(1)
        other.close()
    path.write_bytes(bytes(content))
    ((left, _),) = left_behind(tmp_path, KEY)
    assert left.damaged
    await take_over(store, left, at=0)
    (told,) = await store.read("-", after=0, limit=5)
    assert "AUDIT_JOURNAL_DAMAGED" in told.body


async def test_a_line_cut_off_by_the_end_of_the_process_was_told_to_nobody(tmp_path: Path) -> None:
    path = ended(tmp_path, event(1), event(2))
    path.write_bytes(path.read_bytes()[:-10])
    ((left, _),) = left_behind(tmp_path, KEY)
    assert [one.correlation_id for one in left.events] == ["line-1"]
    assert not left.damaged


def test_a_journal_that_was_emptied_is_cut_back_and_goes_on(tmp_path: Path) -> None:
    journal = FileJournal.open(tmp_path, "one", KEY)
    long = line(replace(event(1), reason="r" * 400))
    count = 4 * 1024 * 1024 // len(long)
    for _ in range(count):
        journal.append(long)
    journal.forget(count)
    assert (tmp_path / "one.journal").stat().st_size < 100
    journal.append(line(event(2)))
    journal._lengths.append(0)
    journal.close()
    ((left, _),) = left_behind(tmp_path, KEY)
    assert [one.correlation_id for one in left.events] == ["line-2"]
