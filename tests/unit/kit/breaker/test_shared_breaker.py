"""Breakers that share a circuit: what one learns the others know, and what they do while the store is away."""

import asyncio
from datetime import UTC, datetime

import pytest

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.breaker.following import REFUSED_SECONDS, RETRY_SECONDS
from mcp_gateway.kit.breaker.memory import MemoryBreakerStore
from mcp_gateway.kit.breaker.model import Answer, CircuitState, Mode
from mcp_gateway.kit.breaker.policy import BreakerPolicy
from mcp_gateway.kit.breaker.ports import SharedCircuit, Watcher
from mcp_gateway.kit.breaker.windows import CountBased
from mcp_gateway.kit.errors import CircuitOpen, StoreUnavailable
from mcp_gateway.kit.figures import RecordedFigures

pytestmark = pytest.mark.anyio

POLICY = BreakerPolicy(window=CountBased(calls=10), minimum_calls=4, open_seconds=10, probes=3, report_seconds=0.001)


class CountingStore:
    """The memory store, counting what it is asked; `down` makes it fail as a lost one does, `forget` as a restarted one."""

    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self._kept = MemoryBreakerStore(clock)
        self.asked: list[str] = []
        self.down = False
        self.reported = asyncio.Event()

    def forget(self) -> None:
        self._kept = MemoryBreakerStore(self._clock)

    async def read(self, circuit: SharedCircuit) -> CircuitState:
        return await self._reached("read").read(circuit)

    async def report(self, circuit: SharedCircuit, epoch: int, outcomes: bytes) -> CircuitState:
        self.reported.set()
        await asyncio.sleep(0)
        return await self._reached("report").report(circuit, epoch, outcomes)

    async def ask(self, circuit: SharedCircuit, epoch: int, probe: str) -> Answer:
        await asyncio.sleep(0)
        return await self._reached("ask").ask(circuit, epoch, probe)

    async def settle(self, circuit: SharedCircuit, probe: str, outcome: int | None) -> CircuitState:
        return await self._reached("settle").settle(circuit, probe, outcome)

    async def force(self, circuit: SharedCircuit, mode: Mode, reason: str) -> CircuitState:
        return await self._reached("force").force(circuit, mode, reason)

    async def watch(self, circuit: SharedCircuit, watcher: Watcher) -> None:
        await self._reached("watch").watch(circuit, watcher)

    async def unwatch(self, circuit: SharedCircuit, watcher: Watcher) -> None:
        await self._reached("unwatch").unwatch(circuit, watcher)

    def _reached(self, what: str) -> MemoryBreakerStore:
        self.asked.append(what)
        if self.down:
            raise StoreUnavailable
        return self._kept


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
def store(clock: FixedClock) -> CountingStore:
    return CountingStore(clock)


async def good() -> str:
    return "answer"


async def bad() -> str:
    raise ConnectionError("down")


async def fails(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises((ConnectionError, CircuitOpen)):
            await breaker.call(bad)


async def passes(breaker: CircuitBreaker) -> bool:
    try:
        await breaker.call(good)
    except CircuitOpen:
        return False
    return True


async def settled(store: CountingStore) -> None:
    """Until the tasks in the background have done their work."""
    for _ in range(20):
        await asyncio.sleep(0)


async def reported(store: CountingStore) -> None:
    store.reported.clear()
    async with asyncio.timeout(20):
        await store.reported.wait()
    await settled(store)


async def test_what_one_replica_suffers_all_know(clock: FixedClock, store: CountingStore) -> None:
    one, other = (CircuitBreaker("part", POLICY, store=store, clock=clock) for _ in range(2))
    async with one, other:
        await fails(one, 2)
        await reported(store)
        await fails(other, 2)
        await reported(store)
        assert not await passes(one)
        assert not await passes(other)
        assert one.snapshot().transitions[-1].cause == "failure_rate"


async def test_a_closed_circuit_costs_no_call_of_the_store_but_batched_reports(clock: FixedClock, store: CountingStore) -> None:
    async with CircuitBreaker("part", POLICY, store=store, clock=clock) as breaker:
        before = len(store.asked)
        for _ in range(500):
            await breaker.call(good)
        assert len(store.asked) == before
        await reported(store)
        assert store.asked[before:] == ["report"]


async def test_an_open_circuit_refuses_without_asking(clock: FixedClock, store: CountingStore) -> None:
    async with CircuitBreaker("part", POLICY, store=store, clock=clock) as breaker:
        await fails(breaker, 4)
        await reported(store)
        before = len(store.asked)
        for _ in range(100):
            assert not await passes(breaker)
        assert len(store.asked) == before


async def test_probes_of_one_round_are_exactly_the_configured_number_over_all_replicas(
    clock: FixedClock, store: CountingStore
) -> None:
    breakers = [CircuitBreaker("part", POLICY, store=store, clock=clock) for _ in range(16)]
    for breaker in breakers:
        await breaker.start()
    await fails(breakers[0], 4)
    await reported(store)
    clock.advance(10)
    reached, gate = 0, asyncio.Event()

    async def slow() -> None:
        nonlocal reached
        reached += 1
        await gate.wait()

    callers = [asyncio.ensure_future(breaker.call(slow)) for breaker in breakers for _ in range(8)]
    await settled(store)
    assert reached == 3
    gate.set()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 3
    await settled(store)
    assert all(breaker.snapshot().state == "closed" for breaker in breakers)
    for breaker in breakers:
        await breaker.close()


async def test_a_cancelled_probe_gives_its_place_to_another_replica(clock: FixedClock, store: CountingStore) -> None:
    one, other = (CircuitBreaker("part", POLICY, store=store, clock=clock) for _ in range(2))
    await other.start()
    await fails(one, 4)
    await reported(store)
    clock.advance(10)
    hanging = [asyncio.ensure_future(one.call(asyncio.Event().wait)) for _ in range(3)]
    await settled(store)
    assert not await passes(other)
    hanging[0].cancel()
    await settled(store)
    clock.advance(REFUSED_SECONDS)
    assert await passes(other)
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    await one.close()
    await other.close()


async def test_without_the_store_each_goes_on_alone(clock: FixedClock, store: CountingStore) -> None:
    figures = RecordedFigures()
    breaker = CircuitBreaker("part", POLICY, store=store, clock=clock, figures=figures)
    await breaker.call(good)
    store.down = True
    await reported(store)
    assert not breaker.snapshot().shared
    assert figures.total("circuit_breaker_store_away") == 1
    await fails(breaker, 8)
    assert breaker.snapshot().state == "open"
    clock.advance(10)
    assert [await passes(breaker) for _ in range(5)] == [True] * 5
    assert breaker.snapshot().state == "closed"


async def test_when_the_store_is_back_its_state_counts_again(clock: FixedClock, store: CountingStore) -> None:
    one, other = (CircuitBreaker("part", POLICY, store=store, clock=clock) for _ in range(2))
    store.down = True
    await one.call(good)
    await reported(store)
    store.down = False
    await other.force("forced_open", "maintenance")
    assert await passes(one)
    clock.advance(RETRY_SECONDS)
    await passes(one)
    await settled(store)
    assert not await passes(one)
    assert one.snapshot().shared


async def test_an_opening_survives_a_store_that_forgot_it(clock: FixedClock, store: CountingStore) -> None:
    breaker = CircuitBreaker("part", POLICY, store=store, clock=clock)
    await fails(breaker, 4)
    await reported(store)
    store.forget()
    assert not await passes(breaker)
    clock.advance(10)
    await fails(breaker, 3)
    await settled(store)
    assert breaker.snapshot().state == "open"
    assert [line.target for line in breaker.snapshot().transitions] == ["open", "half_open", "open"]


async def test_a_forced_mode_taken_away_is_noticed_without_a_watch(clock: FixedClock, store: CountingStore) -> None:
    one, other = (CircuitBreaker("part", POLICY, store=store, clock=clock) for _ in range(2))
    await one.force("forced_open", "maintenance")
    await other.force("automatic", "done")
    clock.advance(RETRY_SECONDS)
    assert not await passes(one)
    await settled(store)
    assert await passes(one)


async def test_a_mode_cannot_be_forced_for_one_replica_only(clock: FixedClock, store: CountingStore) -> None:
    breaker = CircuitBreaker("part", POLICY, store=store, clock=clock)
    store.down = True
    with pytest.raises(StoreUnavailable):
        await breaker.force("forced_open", "maintenance")
    assert await passes(breaker)


async def test_what_happens_during_a_report_is_reported_next(clock: FixedClock, store: CountingStore) -> None:
    async with CircuitBreaker("part", POLICY, store=store, clock=clock) as breaker:
        await fails(breaker, 2)
        store.reported.clear()
        async with asyncio.timeout(20):
            await store.reported.wait()
        await fails(breaker, 2)  # the first report is still on its way; no further call follows
        await reported(store)
        assert breaker.snapshot().state == "open"
