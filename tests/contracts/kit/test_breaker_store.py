"""What every store of shared circuits must do, over memory and a real Valkey; the state machine alone is the measure."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import hypothesis
import pytest
from hypothesis import strategies as st
from tests.valkey_process import ValkeyProcess

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.breaker.memory import MemoryBreakerStore
from mcp_gateway.kit.breaker.model import CircuitState, Counts, Mode
from mcp_gateway.kit.breaker.policy import BreakerPolicy
from mcp_gateway.kit.breaker.ports import BreakerStore, SharedCircuit
from mcp_gateway.kit.breaker.windows import CountBased, TimeBased
from mcp_gateway.kit.errors import StoreRefused
from mcp_gateway.kit.redis.breaker import RedisBreakerStore
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio

# Short enough to be waited for on a server whose clock cannot be moved.
OPEN_SECONDS = 0.4
POLICY = BreakerPolicy(
    window=CountBased(calls=10),
    minimum_calls=4,
    slow_call_seconds=1.0,
    slow_call_rate=0.8,
    open_seconds=OPEN_SECONDS,
    open_growth=2,
    probes=3,
    probe_seconds=30,
)
PART = SharedCircuit("part", POLICY)
BAD, GOOD, SLOW = b"\x01", b"\x00", b"\x02"


class Store:
    """A store and how time passes for it."""

    def __init__(self, store: BreakerStore, clock: FixedClock | None) -> None:
        self.store = store
        self.clock = clock

    async def passes(self, seconds: float) -> None:
        if self.clock is not None:
            self.clock.advance(seconds)
        else:
            await asyncio.sleep(seconds)


@pytest.fixture(params=["memory", "valkey"])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "memory":
        clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        yield Store(MemoryBreakerStore(clock), clock)
        return
    valkey: ValkeyProcess = request.getfixturevalue("valkey")
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        yield Store(RedisBreakerStore(connection), None)


async def opened(store: BreakerStore, circuit: SharedCircuit = PART) -> CircuitState:
    return await store.report(circuit, 0, BAD * 4)


async def test_an_unknown_circuit_is_read_as_nothing_known(kept: Store) -> None:
    assert await kept.store.read(PART) == CircuitState()
    assert await kept.store.settle(PART, "nobody", 1) == CircuitState()
    assert await kept.store.read(PART) == CircuitState()


async def test_outcomes_of_all_replicas_open_it_together(kept: Store) -> None:
    first = await kept.store.report(PART, 0, GOOD + BAD)
    assert (first.state, first.epoch > 0) == ("closed", True)
    second = await kept.store.report(PART, 0, BAD)
    assert second.state == "closed"
    third = await kept.store.report(PART, first.epoch, BAD + GOOD)
    assert (third.state, third.cause, third.counts) == ("open", "failure_rate", Counts(4, 3, 0))
    assert 0 < third.wait_seconds <= OPEN_SECONDS
    assert third.epoch > first.epoch


async def test_slow_calls_open_it_too(kept: Store) -> None:
    state = await kept.store.report(PART, 0, GOOD + SLOW * 4)
    assert (state.state, state.cause, state.counts) == ("open", "slow_call_rate", Counts(5, 0, 4))


async def test_a_window_forgets_the_oldest_calls(kept: Store) -> None:
    assert (await kept.store.report(PART, 0, BAD * 3)).state == "closed"
    # The fourth call makes the minimum: three of four failed.
    assert (await kept.store.report(SharedCircuit("other", POLICY), 0, GOOD * 10 + BAD * 4)).state == "closed"
    assert (await kept.store.report(SharedCircuit("other", POLICY), 0, BAD)).counts == Counts(10, 5, 0)


async def test_a_window_of_seconds_forgets_what_is_older(kept: Store) -> None:
    policy = BreakerPolicy(window=TimeBased(seconds=1.6, buckets=4), minimum_calls=4, open_seconds=1)
    circuit = SharedCircuit("timed", policy)
    await kept.store.report(circuit, 0, BAD * 3)
    await kept.passes(1.61)
    assert (await kept.store.report(circuit, 0, BAD * 3)).state == "closed"
    assert (await kept.store.report(circuit, 0, GOOD)).counts == Counts(4, 3, 0)


async def test_outcomes_of_an_earlier_epoch_are_not_counted(kept: Store) -> None:
    begun = await kept.store.report(PART, 0, GOOD)
    forced = await kept.store.force(PART, "automatic", "begin anew")
    assert forced.epoch > begun.epoch
    assert (await kept.store.report(PART, begun.epoch, BAD * 9)).state == "closed"
    assert (await kept.store.report(PART, forced.epoch, BAD * 9)).state == "open"


async def test_an_open_circuit_admits_nobody_until_its_time_is_over(kept: Store) -> None:
    circuit = SharedCircuit("long", BreakerPolicy(minimum_calls=4, open_seconds=60))
    state = await opened(kept.store, circuit)
    answer = await kept.store.ask(circuit, state.epoch, "a")
    assert (answer.admitted, answer.state.state) == (False, "open")


async def test_a_half_open_round_admits_exactly_its_probes(kept: Store) -> None:
    state = await opened(kept.store)
    await kept.passes(OPEN_SECONDS + 0.01)
    answers = await asyncio.gather(*(kept.store.ask(PART, state.epoch, f"probe-{n}") for n in range(50)))
    assert [answer.admitted for answer in answers] == [True] * 3 + [False] * 47
    assert all(answer.probe for answer in answers[:3])
    assert answers[0].state.state == "half_open"


async def test_good_probes_close_it_and_strangers_do_not(kept: Store) -> None:
    await opened(kept.store)
    await kept.passes(OPEN_SECONDS + 0.01)
    for name in "abc":
        await kept.store.ask(PART, 0, name)
    for name in ("a", "a", "b", "stranger"):
        assert (await kept.store.settle(PART, name, 0)).state == "half_open"
    closed = await kept.store.settle(PART, "c", 1)
    assert (closed.state, closed.cause, closed.counts, closed.openings) == ("closed", "probes_succeeded", Counts(3, 1, 0), 0)
    answer = await kept.store.ask(PART, closed.epoch, "d")
    assert (answer.admitted, answer.probe) == (True, False)


async def test_bad_probes_open_it_for_longer(kept: Store) -> None:
    await opened(kept.store)
    await kept.passes(OPEN_SECONDS + 0.01)
    await kept.store.ask(PART, 0, "a")
    await kept.store.ask(PART, 0, "b")
    await kept.store.settle(PART, "a", 1)
    state = await kept.store.settle(PART, "b", 3)
    assert (state.state, state.cause, state.counts, state.openings) == ("open", "probes_failed", Counts(2, 2, 1), 2)
    assert OPEN_SECONDS < state.wait_seconds <= 2 * OPEN_SECONDS


async def test_a_place_given_back_is_given_to_another(kept: Store) -> None:
    await opened(kept.store)
    await kept.passes(OPEN_SECONDS + 0.01)
    for name in "abc":
        await kept.store.ask(PART, 0, name)
    assert not (await kept.store.ask(PART, 0, "d")).admitted
    assert (await kept.store.settle(PART, "b", None)).state == "half_open"
    assert (await kept.store.ask(PART, 0, "e")).admitted
    assert not (await kept.store.ask(PART, 0, "f")).admitted


async def test_lost_probes_open_it_again(kept: Store) -> None:
    circuit = SharedCircuit("lossy", BreakerPolicy(minimum_calls=4, open_seconds=0.05, open_growth=1_000, probe_seconds=0.2))
    await opened(kept.store, circuit)
    await kept.passes(0.06)
    await kept.store.ask(circuit, 0, "a")
    await kept.store.ask(circuit, 0, "b")
    await kept.passes(0.21)
    answer = await kept.store.ask(circuit, 0, "c")
    assert (answer.admitted, answer.state.state, answer.state.cause) == (False, "open", "probes_lost")


async def test_a_closed_circuit_says_how_long_it_ramps_up(kept: Store) -> None:
    policy = BreakerPolicy(minimum_calls=1, open_seconds=0.05, probes=1, ramp_up_seconds=50)
    circuit = SharedCircuit("ramped", policy)
    await kept.store.report(circuit, 0, BAD)
    await kept.passes(0.06)
    await kept.store.ask(circuit, 0, "a")
    assert 40 < (await kept.store.settle(circuit, "a", 0)).ramp_seconds <= 50


async def test_a_forced_mode_holds_for_all_until_it_is_taken_away(kept: Store) -> None:
    forced = await kept.store.force(PART, "forced_open", "maintenance")
    assert (forced.mode, forced.cause) == ("forced_open", "maintenance")
    assert not (await kept.store.ask(PART, 0, "a")).admitted
    await kept.store.report(PART, forced.epoch, BAD * 9)
    assert (await kept.store.read(PART)).mode == "forced_open"
    assert (await kept.store.force(PART, "metrics_only", "trial")).epoch > forced.epoch
    assert (await kept.store.ask(PART, 0, "a")).admitted
    released = await kept.store.force(PART, "automatic", "done")
    assert (released.mode, released.state) == ("automatic", "closed")


async def test_watchers_hear_of_every_change_in_order(kept: Store) -> None:
    heard: list[CircuitState] = []
    told = asyncio.Event()

    def hear(state: CircuitState) -> None:
        heard.append(state)
        if state.state == "half_open":
            told.set()

    await kept.store.watch(PART, hear)
    state = await opened(kept.store)
    await kept.passes(OPEN_SECONDS + 0.01)
    await kept.store.ask(PART, state.epoch, "a")
    async with asyncio.timeout(20):
        await told.wait()
    assert [one.state for one in heard] == ["closed", "open", "half_open"]
    assert sorted(one.epoch for one in heard) == [one.epoch for one in heard]
    await kept.store.unwatch(PART, hear)
    await kept.store.force(PART, "forced_open", "quietly")
    assert len(heard) == 3


async def test_epochs_go_on_from_what_replicas_know_when_the_store_lost_them(kept: Store) -> None:
    far = 5 * 10**15
    assert (await kept.store.report(PART, far, BAD * 9)).epoch > far
    asked = await kept.store.ask(SharedCircuit("lost", POLICY), far, "a")
    assert (asked.admitted, asked.probe, asked.state.state) == (True, True, "half_open")
    assert asked.state.epoch > far


async def test_names_cannot_reach_each_others_circuits(kept: Store) -> None:
    odd = SharedCircuit("part}:probes {*\n", POLICY)
    await kept.store.force(odd, "forced_open", "line one\nline two")
    assert (await kept.store.read(odd)).mode == "forced_open"
    assert await kept.store.read(PART) == CircuitState()


async def test_what_is_no_circuit_is_an_error_of_the_store_and_no_message_breaks_the_line(valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        store, heard = RedisBreakerStore(connection), list[CircuitState]()
        await store.watch(PART, heard.append)
        await connection.call("PUBLISH", "breaker_changes:part", "not ours")
        forced = await store.force(PART, "forced_open", "half a letter: \ud800")
        assert heard[-1] == forced
        await connection.call("HSET", "breaker:{part}", "state", "ajar")
        with pytest.raises(StoreRefused):
            await store.read(PART)


Step = tuple[str, int]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("report"), st.integers(0, 255)),
        st.tuples(st.sampled_from(("ask", "settle", "give back")), st.integers(0, 5)),
        st.tuples(st.just("force"), st.integers(0, 3)),
    ),
    max_size=30,
)
MODES: tuple[Mode, ...] = ("automatic", "metrics_only", "forced_closed", "forced_open")


async def taken(store: Store, circuit: SharedCircuit, step: Step) -> object:
    """What one step shows, without what differs between any two stores: epochs and times."""
    what, number = step
    if what == "report":
        outcomes = bytes((number >> shift) & 3 for shift in (0, 2, 4, 6))
        return _comparable(await store.store.report(circuit, 0, outcomes))
    if what == "ask":
        await store.passes(0.002)
        answer = await store.store.ask(circuit, 0, str(number))
        return answer.admitted, answer.probe, _comparable(answer.state)
    if what == "force":
        return _comparable(await store.store.force(circuit, MODES[number], "told"))
    return _comparable(await store.store.settle(circuit, str(number), None if what == "give back" else number % 4))


def _comparable(state: CircuitState) -> object:
    return state.state, state.mode, state.openings, state.cause, state.counts


@pytest.mark.parametrize("by_time", [False, True])
@hypothesis.settings(max_examples=40, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(steps)
def test_every_store_does_what_the_memory_does(valkey: ValkeyProcess, by_time: bool, script: list[Step]) -> None:  # noqa: FBT001  (a parameter of the test)
    window = TimeBased(seconds=3_000.0, buckets=3) if by_time else CountBased(calls=7)
    policy = BreakerPolicy(
        window=window, minimum_calls=3, slow_call_seconds=1, slow_call_rate=0.7, open_seconds=0.001, open_growth=1, probes=2
    )
    circuit = SharedCircuit("modelled", policy)

    async def play() -> None:
        with valkey.client() as client:
            client.flushall()
        clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        clock.advance(1)
        memory = Store(MemoryBreakerStore(clock), clock)
        async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
            real = Store(RedisBreakerStore(connection), None)
            for step in script:
                assert await taken(real, circuit, step) == await taken(memory, circuit, step)

    asyncio.run(play())
