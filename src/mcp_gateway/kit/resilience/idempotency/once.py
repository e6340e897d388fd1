"""Carries out a request with an `Idempotency-Key` once, over all replicas, and answers its repetitions from what was kept.

The work goes on when its caller goes away: its answer is kept for the repetition that will come. A holder renews its lease while
it works; when it dies, the lease lapses and a repetition does the work anew. Exactly once cannot be promised: a holder paused for
longer than its lease may do the work a second time beside its successor; only one answer is kept, and both give that one.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import structlog

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.tasks import begin_task, end_tasks
from mcp_gateway.kit.errors import IdempotencyConflict, IdempotencyMismatch, StoreRefused, StoreUnavailable
from mcp_gateway.kit.figures import NO_FIGURES, Figures, Metric
from mcp_gateway.kit.resilience.deadline import Deadlines
from mcp_gateway.kit.resilience.idempotency.model import Begun, KeyedRequest, Outcome, StoredAnswer
from mcp_gateway.kit.resilience.idempotency.ports import IdempotencyStore
from mcp_gateway.kit.resilience.ranges import require

KEYED = Metric(name="idempotent_requests", help="Requests with a key, by what came of them.", kind="counter", labels=("outcome",))
_OUTCOMES = ("done", "replayed", "conflict", "mismatch", "abandoned", "unguarded", "lease_lost")
_CLOCK = SystemClock()
_LOG = structlog.get_logger(__name__)

# Waiting for another's answer looks again after pauses that grow from the first to the longest.
FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.02, 0.25


def keep_answers(answer: StoredAnswer) -> bool:
    """The default: what failed on our side may be tried again, everything else is the answer."""
    return answer.status < 500


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotencyPolicy:
    """`duplicates`: a repetition while the first still runs waits up to `wait_seconds` for its answer, or is refused at once.

    `without_store`: `refuse` (nothing is done that could be done twice) or `run` (unguarded). An answer whose body is larger
    than `max_body_bytes` is not kept; its repetitions are told so.
    """

    keep_seconds: float = 86_400.0
    lease_seconds: float = 30.0
    duplicates: Literal["wait", "refuse"] = "wait"
    wait_seconds: float = 10.0
    without_store: Literal["refuse", "run"] = "refuse"
    max_body_bytes: int = 1_000_000
    keep: Callable[[StoredAnswer], bool] = keep_answers

    def __post_init__(self) -> None:
        require("keep_seconds", self.keep_seconds, least=1, most=31_536_000)
        require("lease_seconds", self.lease_seconds, least=0.05, most=3_600)
        require("wait_seconds", self.wait_seconds, least=0, most=600)
        require("max_body_bytes", self.max_body_bytes, least=0, most=10_000_000)


DEFAULT_POLICY = IdempotencyPolicy()


class Idempotency:
    """One per process; `close` before the store closes."""

    def __init__(
        self,
        store: IdempotencyStore,
        policy: IdempotencyPolicy = DEFAULT_POLICY,
        *,
        clock: Clock = _CLOCK,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        figures: Figures = NO_FIGURES,
    ) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._deadlines = Deadlines(clock=clock)
        self._sleep = sleep
        self._counters = {outcome: figures.counter(KEYED, outcome=outcome) for outcome in _OUTCOMES}
        self._running: set[asyncio.Task[Outcome]] = set()
        self._freeing: set[asyncio.Task[None]] = set()

    async def run(self, request: KeyedRequest, work: Callable[[], Awaitable[StoredAnswer]]) -> Outcome:
        """The answer of `work`, or the kept one.

        Raises what `work` raises (and the key is free again); `IdempotencyConflict` when it still runs elsewhere;
        `IdempotencyMismatch` when the key was used for another fingerprint; `StoreUnavailable` as the policy says.
        """
        token = secrets.token_hex(16)
        try:
            begun = await self._begin(request, token)
        except asyncio.CancelledError:
            # The lease may just have been taken, and nobody would do the work.
            begin_task(self._abandon(request, token), self._freeing)
            raise
        except (StoreUnavailable, StoreRefused):
            if self._policy.without_store == "refuse":
                raise
            self._counters["unguarded"].add()
            return Outcome(await work(), replayed=False)
        if begun.state != "started":
            return self._answered(begun)
        task = asyncio.get_running_loop().create_task(self._carry_out(request, token, work))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def close(self, *, grace_seconds: float = 10.0) -> None:
        """Wait for work whose callers have gone; what is not over after `grace_seconds` is cancelled and its keys freed."""
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=grace_seconds)
            await end_tasks(*late)
        await asyncio.gather(*self._freeing, return_exceptions=True)

    async def _begin(self, request: KeyedRequest, token: str) -> Begun:
        """The first thing that is not somebody else's running work, within the time a repetition may wait."""
        policy = self._policy
        left = self._deadlines.remaining()
        patience = (
            0.0 if policy.duplicates == "refuse" else policy.wait_seconds if left is None else min(left, policy.wait_seconds)
        )
        until, pause = self._clock.monotonic() + patience, FIRST_LOOK_SECONDS
        while True:
            begun = await self._store.begin(request, token, policy.lease_seconds)
            if begun.state != "running":
                return begun
            remaining = until - self._clock.monotonic()
            if remaining <= 0:
                self._counters["conflict"].add()
                raise IdempotencyConflict(retry_after_seconds=min(max(begun.lease_seconds, 0.1), 1.0))
            await self._sleep(min(pause, remaining, max(begun.lease_seconds, 0.001)))
            pause = min(pause * 1.5, LONGEST_LOOK_SECONDS)

    def _answered(self, begun: Begun) -> Outcome:
        if begun.state == "mismatch":
            self._counters["mismatch"].add()
            raise IdempotencyMismatch
        if begun.answer is None:
            self._counters["conflict"].add()
            raise IdempotencyConflict(
                "The request was carried out, but its answer was too large to keep.", hint="Read the result itself."
            )
        self._counters["replayed"].add()
        return Outcome(begun.answer, replayed=True)

    async def _carry_out(self, request: KeyedRequest, token: str, work: Callable[[], Awaitable[StoredAnswer]]) -> Outcome:
        renewing = asyncio.get_running_loop().create_task(self._keep_lease(request, token))
        try:
            answer = await work()
        except BaseException:
            renewing.cancel()
            await self._abandon(request, token)
            raise
        renewing.cancel()
        if not self._policy.keep(answer):
            await self._abandon(request, token)
            return Outcome(answer, replayed=False)
        return await self._finish(request, token, answer)

    async def _finish(self, request: KeyedRequest, token: str, answer: StoredAnswer) -> Outcome:
        policy = self._policy
        kept = answer if len(answer.body) <= policy.max_body_bytes else None
        try:
            if await self._store.finish(request, token, kept, policy.keep_seconds):
                self._counters["done"].add()
                return Outcome(answer, replayed=False)
            self._counters["lease_lost"].add()
            _LOG.warning("idempotency_lease_lost", tenant=request.tenant, operation=request.operation)
            successor = await self._store.begin(request, token, policy.lease_seconds)
            if successor.state == "started":  # nobody took over: it is ours again, and done
                await self._store.finish(request, token, kept, policy.keep_seconds)
            elif successor.state == "done" and successor.answer is not None:
                return Outcome(successor.answer, replayed=True)
        except (StoreUnavailable, StoreRefused) as error:
            # The work is done; to hide its answer would make the caller repeat it.
            _LOG.warning("idempotency_answer_not_kept", tenant=request.tenant, operation=request.operation, reason=error.message)
        return Outcome(answer, replayed=False)

    async def _keep_lease(self, request: KeyedRequest, token: str) -> None:
        lease = self._policy.lease_seconds
        while True:
            await asyncio.sleep(lease / 3)
            try:
                if not await self._store.renew(request, token, lease):
                    return
            except (StoreUnavailable, StoreRefused) as error:
                _LOG.info("idempotency_lease_not_renewed", operation=request.operation, reason=error.message)

    async def _abandon(self, request: KeyedRequest, token: str) -> None:
        self._counters["abandoned"].add()
        try:
            await self._store.abandon(request, token)
        except (StoreUnavailable, StoreRefused) as error:
            _LOG.info("idempotency_lease_not_given_back", operation=request.operation, reason=error.message)

    def _ended(self, task: "asyncio.Task[Outcome]") -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _LOG.debug("idempotent_work_failed", error=type(task.exception()).__name__)
