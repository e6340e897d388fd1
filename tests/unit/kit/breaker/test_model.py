"""The breaker against the plainest model of it: lists of what happened, looked through anew at every step."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.breaker.memory import MemoryBreakerStore
from mcp_gateway.kit.breaker.policy import BreakerPolicy
from mcp_gateway.kit.breaker.windows import CountBased
from mcp_gateway.kit.errors import CircuitOpen

SIZE, MINIMUM, RATE, OPEN, PROBES, PROBE_SECONDS = 6, 3, 0.5, 10.0, 2, 25.0
POLICY = BreakerPolicy(
    window=CountBased(calls=SIZE),
    minimum_calls=MINIMUM,
    failure_rate=RATE,
    open_seconds=OPEN,
    open_growth=1,
    probes=PROBES,
    probe_seconds=PROBE_SECONDS,
    report_seconds=60,
)


@dataclass
class Model:
    """`round` numbers the states, so that a call knows whether its state is still on."""

    state: str = "closed"
    round: int = 0
    since: float = 0.0
    outcomes: list[bool] = field(default_factory=list)
    settled: list[bool] = field(default_factory=list)
    out: dict[int, float] = field(default_factory=dict)

    def enter(self, state: str, now: float) -> None:
        self.state, self.since, self.round = state, now, self.round + 1
        self.outcomes, self.settled, self.out = [], [], {}

    def lose(self, now: float) -> None:
        for call in [call for call, due in self.out.items() if due <= now]:
            if call in self.out:
                self.settle(call, failed=True, now=now)

    def begins(self, call: int, now: float) -> bool:
        self.lose(now)
        if self.state == "open" and now >= self.since + OPEN:
            self.enter("half_open", now)
        if self.state == "half_open":
            if len(self.out) + len(self.settled) >= PROBES:
                return False
            self.out[call] = now + PROBE_SECONDS
        return self.state != "open"

    def settle(self, call: int, *, failed: bool, now: float) -> None:
        del self.out[call]
        self.settled.append(failed)
        if sum(self.settled) >= RATE * PROBES:
            self.enter("open", now)
        elif len(self.settled) == PROBES:
            self.enter("closed", now)

    def ends(self, call: int, began_in: int, how: str, now: float) -> None:
        if self.state == "half_open":
            self.lose(now)
        if began_in != self.round:
            return
        if self.state == "half_open":
            if call in self.out and how == "cancelled":
                del self.out[call]
            elif call in self.out:
                self.settle(call, failed=how == "fails", now=now)
        elif self.state == "closed" and how != "cancelled":
            self.outcomes.append(how == "fails")
            recent = self.outcomes[-SIZE:]
            if len(recent) >= MINIMUM and sum(recent) >= RATE * len(recent):
                self.enter("open", now)


@dataclass
class Running:
    """A call inside the breaker."""

    task: "asyncio.Task[None]"
    gate: asyncio.Event
    fails: bool = False
    round: int = 0


async def begin(breaker: CircuitBreaker) -> Running | None:
    """None when it was refused."""
    call = Running(asyncio.ensure_future(asyncio.sleep(0)), asyncio.Event())

    async def work() -> None:
        await call.gate.wait()
        if call.fails:
            raise ConnectionError

    call.task = asyncio.ensure_future(breaker.call(work))
    for _ in range(4):
        await asyncio.sleep(0)
    if call.task.done():
        with contextlib.suppress(CircuitOpen):
            await call.task
            raise AssertionError("a call ended by itself")
        return None
    return call


async def end(call: Running, how: str) -> None:
    call.fails = how == "fails"
    if how == "cancelled":
        call.task.cancel()
    call.gate.set()
    with contextlib.suppress(ConnectionError, asyncio.CancelledError):
        await call.task
    for _ in range(6):
        await asyncio.sleep(0)


scripts = st.lists(
    st.tuples(st.sampled_from(["begins", "begins", "answers", "fails", "fails", "cancelled", "waits"]), st.integers(0, 9)),
    max_size=60,
)


# Three failures open it, and ten seconds later the next call is a probe.
TO_HALF_OPEN = [*[("begins", 0)] * 3, *[("fails", 0)] * 3, ("waits", 10), ("begins", 0)]


@given(st.sampled_from([[], TO_HALF_OPEN]), scripts)
def test_a_breaker_does_what_the_model_does(beginning: list[tuple[str, int]], rest: list[tuple[str, int]]) -> None:
    script = [*beginning, *rest]

    async def play() -> None:
        clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        breaker, model, running = CircuitBreaker("part", POLICY, clock=clock), Model(), dict[int, Running]()
        for number, (what, index) in enumerate(script):
            now = clock.monotonic()
            if what == "waits":
                clock.advance(index)
            elif what == "begins":
                allowed, call = model.begins(number, now), await begin(breaker)
                assert (call is not None) is allowed
                if call is not None:
                    call.round = model.round
                    running[number] = call
            elif running:
                chosen = sorted(running)[index % len(running)]
                call = running.pop(chosen)
                await end(call, what)
                model.ends(chosen, call.round, what, now)
            assert breaker.snapshot().state == model.state
        for call in running.values():
            await end(call, "cancelled")

    asyncio.run(play())


# Here a call that begins while the circuit is closed fails at once.
OPENING = [("begins", 0)] * 3 + [("waits", 10)]


@given(scripts)
def test_several_breakers_that_share_a_circuit_never_run_more_than_its_probes(script: list[tuple[str, int]]) -> None:
    async def play() -> None:
        clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        store = MemoryBreakerStore(clock)
        breakers = [CircuitBreaker("part", POLICY, clock=clock, store=store) for _ in range(3)]
        for breaker in breakers:
            await breaker.start()
        await breakers[0].force("automatic", "so that all know the circuit")
        running: list[Running] = []
        for what, index in OPENING + script:
            if what == "waits":
                clock.advance(index)
            elif what == "begins":
                half_open = breakers[0].snapshot().state != "closed"
                call = await begin(breakers[index % 3])
                running += [call] if call is not None and half_open else []
                if call is not None and not half_open:
                    await end(call, "fails")
                    await breakers[index % 3].close()
                    await breakers[index % 3].start()
            elif running:
                await end(running.pop(index % len(running)), what)
            if breakers[0].snapshot().state == "half_open":
                assert len(running) <= PROBES
            else:
                for call in running:
                    await end(call, "cancelled")
                running = []
            assert len({breaker.snapshot().state for breaker in breakers}) == 1
        for call in running:
            await end(call, "cancelled")

    asyncio.run(play())
