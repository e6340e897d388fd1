"""A local circuit breaker, with the clock moved by hand."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import InvalidInput, Unavailable
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.breaker.model import Transition
from mcp_gateway.kit.breaker.policy import BreakerPolicy, Verdict
from mcp_gateway.kit.breaker.windows import CountBased
from mcp_gateway.kit.errors import (
    BulkheadFull,
    CircuitOpen,
    DeadlineExceeded,
    InvalidPolicy,
    Overloaded,
    PoolExhausted,
    RateLimited,
)
from mcp_gateway.kit.figures import RecordedFigures

pytestmark = pytest.mark.anyio

POLICY = BreakerPolicy(window=CountBased(calls=10), minimum_calls=4, open_seconds=10, max_open_seconds=35, probes=3)


class Part:
    """The part behind the breaker: fails, is slow or hangs as told, and counts how often it was really called."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.calls = 0
        self.error: BaseException | None = None
        self.takes = 0.0
        self.gate: asyncio.Event | None = None

    async def __call__(self, result: object = "answer") -> object:
        self.calls += 1
        if self.gate is not None:
            await self.gate.wait()
        self.clock.advance(self.takes)
        if self.error is not None:
            raise self.error
        return result


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
def part(clock: FixedClock) -> Part:
    return Part(clock)


async def calls(breaker: CircuitBreaker, part: Part, times: int) -> int:
    """How many of `times` calls reached the part."""
    before = part.calls
    for _ in range(times):
        with contextlib.suppress(CircuitOpen, type(part.error) if isinstance(part.error, Exception) else CircuitOpen):
            await breaker.call(part)
    return part.calls - before


async def opened(breaker: CircuitBreaker, part: Part) -> None:
    part.error = ConnectionError("down")
    await calls(breaker, part, 4)
    assert breaker.snapshot().state == "open"


async def test_it_opens_on_the_failure_rate_even_when_never_many_fail_in_a_row(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    reached = 0
    for number in range(200):
        part.error = ConnectionError("down") if number % 5 < 3 else None
        reached += await calls(breaker, part, 1)
    assert reached == 4


async def test_it_stays_closed_below_the_minimum_and_below_the_rate(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    part.error = ConnectionError("down")
    assert await calls(breaker, part, 3) == 3
    assert breaker.snapshot().state == "closed"
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    for number in range(60):
        part.error = ConnectionError("down") if number % 5 > 2 else None
        assert await calls(breaker, part, 1) == 1


async def test_it_opens_when_too_many_calls_are_slow_though_none_fails(clock: FixedClock, part: Part) -> None:
    policy = BreakerPolicy(window=CountBased(calls=10), minimum_calls=4, slow_call_seconds=2.0, slow_call_rate=0.5)
    breaker = CircuitBreaker("part", policy, clock=clock)
    part.takes = 1.99
    assert await calls(breaker, part, 10) == 10
    part.takes = 2.0
    assert await calls(breaker, part, 10) == 5
    assert breaker.snapshot().transitions[-1].cause == "slow_call_rate"


async def test_an_open_circuit_says_when_to_come_back(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    await opened(breaker, part)
    clock.advance(3)
    with pytest.raises(CircuitOpen) as caught:
        await breaker.call(part)
    assert caught.value.retry_after_seconds == pytest.approx(7)
    assert caught.value.data == {"breaker": "part", "state": "open", "cause": "failure_rate"}


async def test_exactly_the_configured_probes_pass_a_half_open_round(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    await opened(breaker, part)
    clock.advance(10)
    part.error, part.gate, before = None, asyncio.Event(), part.calls
    callers = [asyncio.ensure_future(calls(breaker, part, 1)) for _ in range(64)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert part.calls - before == 3
    part.gate.set()
    await asyncio.gather(*callers)
    assert part.calls - before == 3
    assert breaker.snapshot().state == "closed"


async def test_failing_probes_open_it_again_for_longer_up_to_a_bound(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    await opened(breaker, part)
    waits = []
    for _ in range(4):
        waits.append(breaker.snapshot().retry_after_seconds)
        clock.advance(waits[-1])
        assert await calls(breaker, part, 10) == 2  # the second failure settles the round
    assert waits == pytest.approx([10, 20, 35, 35])


async def test_cancelled_calls_count_for_nothing(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    part.gate = asyncio.Event()
    tasks = [asyncio.ensure_future(breaker.call(part)) for _ in range(30)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    snapshot = breaker.snapshot()
    assert (snapshot.state, snapshot.counts.calls) == ("closed", 0)


async def test_a_cancelled_probe_neither_closes_nor_blocks_the_circuit(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    await opened(breaker, part)
    clock.advance(10)
    part.gate = asyncio.Event()
    probes = [asyncio.ensure_future(breaker.call(part)) for _ in range(3)]
    await asyncio.sleep(0)
    for probe in probes:
        probe.cancel()
    await asyncio.gather(*probes, return_exceptions=True)
    assert breaker.snapshot().state == "half_open"
    part.gate = None
    assert await calls(breaker, part, 20) == 2
    assert breaker.snapshot().state == "open"


async def test_a_probe_that_never_ends_counts_as_failed(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    await opened(breaker, part)
    clock.advance(10)
    part.gate = asyncio.Event()
    probes = [asyncio.ensure_future(breaker.call(part)) for _ in range(3)]
    await asyncio.sleep(0)
    clock.advance(60)
    assert await calls(breaker, part, 1) == 0
    assert breaker.snapshot().transitions[-1].cause == "probes_lost"
    part.gate.set()
    await asyncio.gather(*probes, return_exceptions=True)
    assert breaker.snapshot().state == "open"


async def test_a_call_from_before_the_opening_is_no_probe(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    part.gate = asyncio.Event()
    old = asyncio.ensure_future(breaker.call(part))
    await asyncio.sleep(0)
    gate, part.gate = part.gate, None
    await opened(breaker, part)
    clock.advance(10)
    part.error = None
    assert await calls(breaker, part, 2) == 2
    gate.set()
    await old
    assert breaker.snapshot().state == "half_open"
    assert await calls(breaker, part, 1) == 1
    assert breaker.snapshot().state == "closed"


async def test_after_closing_a_growing_share_is_let_through(clock: FixedClock, part: Part) -> None:
    policy = BreakerPolicy(
        window=CountBased(calls=10), minimum_calls=4, open_seconds=10, probes=1, ramp_up_seconds=100, ramp_up_from=0.1
    )
    breaker = CircuitBreaker("part", policy, clock=clock)
    await opened(breaker, part)
    clock.advance(10)
    part.error = None
    assert await calls(breaker, part, 1) == 1
    assert 9 <= await calls(breaker, part, 100) <= 11
    clock.advance(50)
    assert 54 <= await calls(breaker, part, 100) <= 56
    clock.advance(50)
    assert await calls(breaker, part, 100) == 100


async def test_forced_states_hold_until_released(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    await breaker.force("forced_open", "maintenance")
    assert await calls(breaker, part, 5) == 0
    await breaker.force("forced_closed", "the breaker is wrong")
    part.error = ConnectionError("down")
    assert await calls(breaker, part, 50) == 50
    await breaker.force("automatic", "done")
    assert await calls(breaker, part, 50) == 4
    assert [line.cause for line in breaker.snapshot().transitions] == [
        "maintenance", "the breaker is wrong", "done", "failure_rate",
    ]  # fmt: skip


async def test_metrics_only_writes_down_what_it_would_have_done(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    await breaker.force("metrics_only", "trial")
    part.error = ConnectionError("down")
    assert await calls(breaker, part, 8) == 8
    lines = breaker.snapshot().transitions[1:]
    assert [(line.target, line.carried_out) for line in lines] == [("open", False), ("open", False)]


async def test_refusals_are_answers_and_faults_are_failures(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    part.error = InvalidInput()
    assert await calls(breaker, part, 20) == 20
    part.error = Unavailable()
    assert await calls(breaker, part, 20) == 5


@pytest.mark.parametrize(
    "refusal", [BulkheadFull(), Overloaded(), PoolExhausted(), CircuitOpen(), RateLimited(), DeadlineExceeded(begun=False)]
)
async def test_what_was_refused_before_the_part_was_called_counts_for_nothing(
    clock: FixedClock, part: Part, refusal: Exception
) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    part.error = refusal
    await calls(breaker, part, 20)
    assert breaker.snapshot().counts.calls == 0


async def test_a_part_that_let_the_time_pass_has_failed(clock: FixedClock, part: Part) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    part.error = DeadlineExceeded()
    assert await calls(breaker, part, 20) == 4


async def test_a_result_may_be_a_failure_or_none_of_its_business(clock: FixedClock, part: Part) -> None:
    policy = BreakerPolicy(
        window=CountBased(calls=10), minimum_calls=4, judge_result=lambda result: "failure" if result == 500 else "ignored"
    )
    breaker = CircuitBreaker("part", policy, clock=clock)
    for _ in range(20):
        assert await breaker.call(part, 404) == 404
    assert breaker.snapshot().counts.calls == 0
    for _ in range(4):
        assert await breaker.call(part, result=500) == 500
    assert breaker.snapshot().state == "open"


@pytest.mark.parametrize("error", [None, ConnectionError("down")])
async def test_a_judge_that_fails_is_heard_and_keeps_no_probe(clock: FixedClock, part: Part, error: Exception | None) -> None:
    confused = False

    def judge(_: object) -> Verdict:
        if confused:
            raise ZeroDivisionError
        return "failure"

    breaker = CircuitBreaker("part", replace(POLICY, probes=1, judge_result=judge, judge_error=judge), clock=clock)
    await opened(breaker, part)
    clock.advance(10)
    part.error, confused = error, True
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await breaker.call(part)
    if error is not None:
        with pytest.raises(ZeroDivisionError):
            async with breaker.guard():
                raise error


async def test_a_block_is_guarded_and_may_say_itself_how_it_went(clock: FixedClock) -> None:
    breaker = CircuitBreaker("part", POLICY, clock=clock)
    for _ in range(4):
        async with breaker.guard() as guarded:
            guarded.verdict = "failure"
    with pytest.raises(CircuitOpen):
        async with breaker.guard():
            pytest.fail("was called")


async def test_the_transition_log_is_bounded_and_told_at_once(clock: FixedClock, part: Part) -> None:
    told: list[Transition] = []
    policy = BreakerPolicy(window=CountBased(calls=4), minimum_calls=4, open_seconds=1, open_growth=1, kept_transitions=5)
    breaker = CircuitBreaker("part", policy, clock=clock, on_transition=told.append)
    await opened(breaker, part)
    for _ in range(20):
        clock.advance(1)
        await calls(breaker, part, 3)
    assert len(told) == 41
    assert breaker.snapshot().transitions == tuple(told[-5:])


async def test_every_call_is_counted_by_its_outcome(clock: FixedClock, part: Part) -> None:
    figures = RecordedFigures()
    breaker = CircuitBreaker("part", POLICY, clock=clock, figures=figures)
    await calls(breaker, part, 3)
    part.error = ConnectionError("down")
    await calls(breaker, part, 7)
    counted = {outcome: figures.total("circuit_breaker_calls", outcome=outcome) for outcome in ("success", "failure", "refused")}
    assert counted == {"success": 3, "failure": 3, "refused": 4}
    assert figures.total("circuit_breaker_state") == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"failure_rate": 0},
        {"failure_rate": 1.1},
        {"probes": 0},
        {"minimum_calls": 11},
        {"max_open_seconds": 1},
        {"open_growth": 0.5},
    ],
)
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidPolicy):
        BreakerPolicy(window=CountBased(calls=10), **wrong)  # type: ignore[arg-type]  # wrong on purpose
