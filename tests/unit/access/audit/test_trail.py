"""Who waits for what, and what happens when the store is away."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.contracts.access.audit_trails import EVENT, SEALER

from mcp_gateway.access.audit.model import AuditEvent, AuditLine
from mcp_gateway.access.audit.trail import AuditTrail, TrailLimits, WhenAway, open_trail
from mcp_gateway.access.audit.verify import verify
from mcp_gateway.access.errors import AuditUnavailable
from mcp_gateway.adapters.memory_audit import MemoryAudit
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Unavailable

pytestmark = pytest.mark.anyio

QUICK = TrailLimits(max_waiting=8, commit_seconds=30.0, retry_seconds=0.001, strangers_per_minute=3)


class GatedStore(MemoryAudit):
    """Commits when it is let to; says when it was asked to."""

    def __init__(self) -> None:
        super().__init__("of-tests")
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.batches: list[list[str]] = []
        self.failure: BaseException | None = None

    async def append(self, lines: Sequence[AuditLine]) -> None:
        self.asked.set()
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        self.batches.append([line.event.correlation_id or line.event.reason for line in lines])
        await super().append(lines)

    async def until(self, text: str) -> None:
        """Until a row holds this."""
        while not any(text in line for batch in self.batches for line in batch):
            self.asked.clear()
            await self.asked.wait()
            await asyncio.sleep(0)


@pytest.fixture
def store() -> GatedStore:
    return GatedStore()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, 12, tzinfo=UTC))


@asynccontextmanager
async def opened(
    store: GatedStore, clock: FixedClock, when_away: WhenAway = "closed", limits: TrailLimits = QUICK
) -> AsyncIterator[AuditTrail]:
    async with open_trail(store, clock, when_away=when_away, limits=limits) as trail:
        yield trail
        store.open.set()


def event(number: int, tenant: str = "acme") -> AuditEvent:
    return replace(EVENT, tenant=tenant, correlation_id=f"r{number}")


def stranger(number: int) -> AuditEvent:
    return replace(event(number, "-"), decision="refused", outcome="refused", error_code="TOKEN_REFUSED")


async def test_nobody_goes_on_before_the_line_is_committed(store: GatedStore, clock: FixedClock) -> None:
    store.open.clear()
    async with opened(store, clock) as trail:
        recording = asyncio.create_task(trail.record(event(1)))
        await store.asked.wait()
        assert not recording.done()
        store.open.set()
        await recording
        assert store.batches == [["r1"]]


async def test_those_who_wait_at_the_same_time_share_one_commit_in_order(store: GatedStore, clock: FixedClock) -> None:
    store.open.clear()
    async with opened(store, clock) as trail:
        first = asyncio.create_task(trail.record(event(0)))
        await store.asked.wait()
        others = [asyncio.create_task(trail.record(event(number, f"t{number % 2}"))) for number in range(1, 6)]
        await asyncio.sleep(0)
        store.open.set()
        await asyncio.gather(first, *others)
    assert store.batches == [["r0"], ["r1", "r2", "r3", "r4", "r5"]]


async def test_a_caller_that_gives_up_leaves_its_line_behind(store: GatedStore, clock: FixedClock) -> None:
    store.open.clear()
    async with opened(store, clock) as trail:
        recording = [asyncio.create_task(trail.record(event(number))) for number in range(3)]
        await store.asked.wait()
        for task in recording:
            task.cancel()
        assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*recording, return_exceptions=True))
    assert sorted(name for batch in store.batches for name in batch) == ["r0", "r1", "r2"]


async def test_what_waits_is_still_written_when_the_trail_closes(store: GatedStore, clock: FixedClock) -> None:
    store.open.clear()
    async with opened(store, clock) as trail:
        recording = [asyncio.create_task(trail.record(event(number))) for number in range(4)]
        await store.asked.wait()
    await asyncio.gather(*recording)
    assert sum(map(len, store.batches)) == 4
    with pytest.raises(AuditUnavailable):
        await trail.record(event(9))


@pytest.mark.parametrize("failure", [Unavailable("away"), OSError("no space"), RuntimeError("a fault of ours")])
async def test_a_closed_trail_refuses_everybody_whose_line_is_lost(
    store: GatedStore, clock: FixedClock, failure: Exception
) -> None:
    store.failure = failure
    async with opened(store, clock) as trail:
        ends = await asyncio.gather(*(trail.record(event(number)) for number in range(3)), return_exceptions=True)
        assert all(isinstance(end, AuditUnavailable) for end in ends)
        assert (trail.away, trail.lost) == (True, 3)
        store.failure = None
        await trail.record(event(4))
        assert (trail.away, trail.lost) == (False, 3)


async def test_an_open_trail_lets_them_go_on_and_counts(store: GatedStore, clock: FixedClock) -> None:
    store.failure = Unavailable("away")
    async with opened(store, clock, when_away="open") as trail:
        await asyncio.gather(*(trail.record(event(number)) for number in range(3)))
        assert trail.away
        assert trail.lost == 3


async def test_no_work_begins_while_a_closed_trail_is_away_and_it_comes_back_by_itself(
    store: GatedStore, clock: FixedClock
) -> None:
    async with opened(store, clock) as trail:
        trail.require("acme")
        store.failure = Unavailable("away")
        with pytest.raises(AuditUnavailable):
            await trail.record(event(1))
        with pytest.raises(AuditUnavailable):
            trail.require("acme")
        store.failure = None
        await store.until("2 lines could not be written")
        await asyncio.gather(*(asyncio.sleep(0) for _ in range(3)))
        trail.require("acme")


async def test_an_open_trail_keeps_no_work_from_beginning(store: GatedStore, clock: FixedClock) -> None:
    store.failure = Unavailable("away")
    async with opened(store, clock, when_away="open") as trail:
        await trail.record(event(1))
        assert trail.away
        trail.require("acme")
        assert not trail.needed


async def test_a_gap_is_written_into_its_chain_as_soon_as_the_store_is_back(store: GatedStore, clock: FixedClock) -> None:
    store.failure = Unavailable("away")
    async with opened(store, clock, when_away="open") as trail:
        await asyncio.gather(trail.record(event(1)), trail.record(event(2)), trail.record(event(3, "umbra")))
        store.failure = None
        await store.until("2 lines could not be written")
    assert store.batches == [["2 lines could not be written", "1 lines could not be written"]]
    assert (await verify(store, "acme", SEALER.check)).rows == 1
    assert (await verify(store, "umbra", SEALER.check)).rows == 1


async def test_a_full_queue_refuses_at_once(store: GatedStore, clock: FixedClock) -> None:
    store.open.clear()
    async with opened(store, clock) as trail:
        first = asyncio.create_task(trail.record(event(0)))
        await store.asked.wait()
        waiting = [asyncio.create_task(trail.record(event(number))) for number in range(1, 1 + QUICK.max_waiting)]
        await asyncio.sleep(0)
        with pytest.raises(AuditUnavailable):
            await trail.record(event(99))
        store.open.set()
        await asyncio.gather(first, *waiting)
        assert trail.lost == 1


async def test_a_store_that_hangs_is_given_up(store: GatedStore, clock: FixedClock) -> None:
    store.open.clear()
    async with opened(store, clock, limits=replace(QUICK, commit_seconds=0.01)) as trail:
        with pytest.raises(AuditUnavailable):
            await trail.record(event(1))


async def test_what_was_allowed_is_written_whoever_it_is_said_to_be_of(store: GatedStore, clock: FixedClock) -> None:
    async with opened(store, clock) as trail:
        for number in range(9):
            await trail.record(event(number, "-"))
    assert (await verify(store, "-", SEALER.check)).rows == 9


async def test_strangers_cannot_fill_the_trail_and_what_was_left_out_is_counted(store: GatedStore, clock: FixedClock) -> None:
    async with opened(store, clock) as trail:
        for number in range(50):
            await trail.record(stranger(number))
        await trail.record(event(50))
        head = await store.head("-")
        assert head is not None
        assert head.sequence == QUICK.strangers_per_minute
        clock.advance(60)
        await trail.record(stranger(51))
        await store.until("47 more refused calls")
    assert (await verify(store, "-", SEALER.check)).rows == QUICK.strangers_per_minute + 2
    assert trail.lost == 0
