"""A circuit breaker around calls to one part that may fail: an MCP server, a language model, a database.

It keeps callers from waiting for a part that is down, and the part from being called while it is. It does not limit time or
concurrency (that is `kit.resilience`), and retries nothing. Local by itself; with a `BreakerStore` all replicas share one
circuit. A call that its caller cancels counts for nothing: neither as a failure nor as a probe.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import ParamSpec, Self, TypeVar

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.kit.breaker.following import FollowingCircuit
from mcp_gateway.kit.breaker.journal import Journal
from mcp_gateway.kit.breaker.machine import Machine
from mcp_gateway.kit.breaker.model import FAILED, SLOW, Admission, CircuitSnapshot, Counts, Mode, State, Transition
from mcp_gateway.kit.breaker.policy import BreakerPolicy, Verdict
from mcp_gateway.kit.breaker.ports import BreakerStore, SharedCircuit
from mcp_gateway.kit.errors import CircuitOpen
from mcp_gateway.kit.figures import NO_FIGURES, Figures

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_POLICY = BreakerPolicy()
_CLOCK = SystemClock()


class Guarded:
    """One call in a `CircuitBreaker.guard` block. Set `verdict` when no exception tells how it went."""

    __slots__ = ("verdict",)

    def __init__(self) -> None:
        self.verdict: Verdict = "success"


class CircuitBreaker:
    """`name` is from a small set, for it labels figures and is the circuit's name in the store."""

    def __init__(
        self,
        name: str,
        policy: BreakerPolicy = DEFAULT_POLICY,
        *,
        store: BreakerStore | None = None,
        clock: Clock = _CLOCK,
        figures: Figures = NO_FIGURES,
        on_transition: Callable[[Transition], None] | None = None,
    ) -> None:
        """`on_transition` hears of each change as it happens; it must be quick and not raise."""
        self.name = name
        self.policy = policy
        self._clock = clock
        self._monotonic = clock.monotonic
        self._journal = Journal(name, policy.kept_transitions, clock=clock, figures=figures, on_transition=on_transition)
        self._machine = Machine(policy, self._write)
        self._probes = 0
        self._following: FollowingCircuit | None = None
        if store is not None:
            self._following = FollowingCircuit(
                self._machine,
                SharedCircuit(name, policy),
                store,
                clock=clock,
                journal=self._journal,
                names=secrets.token_hex(8),
            )
        self._record = self._machine.record if self._following is None else self._following.note
        self._slow = policy.slow_call_seconds if policy.slow_call_seconds is not None else float("inf")
        self._judge_error, self._judge_result = policy.judge_error, policy.judge_result

    async def call(self, work: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns or raises; `CircuitOpen` when it is not called at all."""
        machine = self._machine
        if machine.passing:
            epoch, probe = machine.epoch, None
        else:
            epoch, probe = await self._admit()
        started = self._monotonic()
        try:
            result = await work(*args, **kwargs)
        except BaseException as error:
            self._fell(epoch, probe, error, started)
            raise
        judge = self._judge_result
        if judge is None and probe is None:  # by far the most calls
            now = self._monotonic()
            if now - started < self._slow:
                self._journal.good.add()
                self._record(epoch, 0, now)
                return result
        self._conclude(epoch, probe, "success" if judge is None else self._judged(judge, result, probe), started)
        return result

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[Guarded]:
        """As `call`, around a block: for streams, whose failure may come late. Raises `CircuitOpen` on entry."""
        epoch, probe = (self._machine.epoch, None) if self._machine.passing else await self._admit()
        started, guarded = self._monotonic(), Guarded()
        try:
            yield guarded
        except BaseException as error:
            self._fell(epoch, probe, error, started)
            raise
        self._conclude(epoch, probe, guarded.verdict, started)

    async def force(self, mode: Mode, reason: str) -> None:
        """`forced_open` refuses every call, `forced_closed` lets every call pass uncounted, `metrics_only` lets every call pass
        and only writes down when it would have opened, `automatic` goes back to normal. Each begins with an empty window.

        With a store, for all replicas; raises `StoreUnavailable` when that cannot be.
        """
        if self._following is not None:
            await self._following.force(mode, reason)
        else:
            self._machine.force(mode, reason, self._monotonic())

    def snapshot(self) -> CircuitSnapshot:
        now, machine = self._monotonic(), self._machine
        refusing = machine.mode == "forced_open" or (machine.mode == "automatic" and machine.state != "closed")
        return CircuitSnapshot(
            name=self.name,
            state=machine.state,
            mode=machine.mode,
            counts=machine.window_counts(now),
            retry_after_seconds=machine.refusal_seconds(now) if refusing else 0.0,
            shared=self._following is not None and not self._following.away,
            transitions=self._journal.transitions,
        )

    async def start(self) -> None:
        """With a store: hear at once of what other replicas do. Without one, or never called, everything else still works."""
        if self._following is not None:
            await self._following.start()

    async def close(self) -> None:
        if self._following is not None:
            await self._following.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _admit(self) -> Admission:
        if self._following is not None:
            admission = await self._following.admit()
        else:
            self._probes += 1
            answer = self._machine.ask(str(self._probes), self._monotonic())
            probe = str(self._probes) if answer.probe else None
            admission = Admission(self._machine.epoch, probe) if answer.admitted else None
        if admission is None:
            self._journal.refused.add()
            raise self._refusal()
        return admission

    def _refusal(self) -> CircuitOpen:
        machine = self._machine
        forced = machine.mode == "forced_open"
        return CircuitOpen(
            f"{self.name} is not called: its circuit breaker is {'forced open' if forced else machine.state.replace('_', ' ')}.",
            retry_after_seconds=machine.refusal_seconds(self._monotonic()),
            breaker=self.name,
            state="forced_open" if forced else machine.state,
            cause=machine.cause,
        )

    def _fell(self, epoch: int, probe: str | None, error: BaseException, started: float) -> None:
        """A caller who left, or a process that ends, says nothing about the part; every other error is judged."""
        judged = self._judged(self._judge_error, error, probe) if isinstance(error, Exception) else "ignored"
        self._conclude(epoch, probe, judged, started)

    def _judged(self, judge: Callable[[T], Verdict], outcome: T, probe: str | None) -> Verdict:
        """A judge that raises says nothing about the part, so a probe gives its place back."""
        try:
            return judge(outcome)
        except BaseException:
            self._conclude(0, probe, "ignored", 0.0)
            raise

    def _conclude(self, epoch: int, probe: str | None, verdict: Verdict, started: float) -> None:
        journal = self._journal
        if verdict == "ignored":
            journal.ignored.add()
            if probe is not None:
                self._settle(probe, None)
            return
        now = self._monotonic()
        code = SLOW if now - started >= self._slow else 0
        if code:
            journal.slow.add()
        if verdict == "failure":
            code |= FAILED
            journal.failed.add()
        else:
            journal.good.add()
        if probe is not None:
            self._settle(probe, code)
        else:
            self._record(epoch, code, now)

    def _settle(self, probe: str, code: int | None) -> None:
        if self._following is not None:
            self._following.settle(probe, code)
        else:
            self._machine.settle(probe, code, self._monotonic())

    def _write(self, source: State, target: State, cause: str, counts: Counts, carried_out: bool) -> None:  # noqa: FBT001  (the shape of Listener)
        self._journal.write(source, target, self._machine.mode, cause, counts, carried_out=carried_out)
