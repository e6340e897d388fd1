"""A replica's side of a shared circuit: decides from what it last heard, reports in batches, goes on alone without the store.

Nothing is asked of the store while the circuit is closed; outcomes leave in one batch per `report_seconds`. An open circuit
refuses without asking until its time is over. Only a call that might be a probe waits for the store, and of those at most
`probes` at a time in this process.
"""

import asyncio
from collections import deque

import structlog

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.tasks import begin_task
from mcp_gateway.kit.breaker.journal import Journal
from mcp_gateway.kit.breaker.machine import Machine
from mcp_gateway.kit.breaker.model import Admission, CircuitState, Mode
from mcp_gateway.kit.breaker.ports import BreakerStore, SharedCircuit
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable

# Outcomes are reported before their time when so many wait, and the oldest dropped when so many wait in vain.
FULL_BATCH = 512
MAX_BATCH = 8_192
# After a refusal in a half-open round the store is not asked again for so long.
REFUSED_SECONDS = 0.05
# While the store is away it is tried again this often at most.
RETRY_SECONDS = 1.0

_LOG = structlog.get_logger(__name__)


class FollowingCircuit:
    """`machine` is what this replica believes. `away` is True while the store does not answer."""

    def __init__(
        self, machine: Machine, shared: SharedCircuit, store: BreakerStore, *, clock: Clock, journal: Journal, names: str
    ) -> None:
        """`names` begins the names of this replica's probes; no other replica may have the same."""
        self.machine = machine
        self.away = False
        self._shared = shared
        self._store = store
        self._clock = clock
        self._journal = journal
        self._names = names
        self._probes = 0
        self._asking = 0
        self._refused_until = self._retry_at = 0.0
        self._store_epoch = 0
        self._unreported = bytearray()
        self._urgent = False
        self._timer: asyncio.TimerHandle | None = None
        self._reporting = False
        self._unsettled: deque[tuple[str, int | None]] = deque(maxlen=shared.policy.probes)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Hear of changes from now on. Without it, changes are heard of with the next report."""
        try:
            await self._store.watch(self._shared, self._hear)
        except (StoreUnavailable, StoreRefused):
            self._lose()

    async def close(self) -> None:
        """Report what is left; every wait is bounded by the store's own deadline."""
        self._stop_timer()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._unreported and not self.away:
            await self._report()
        self._stop_timer()
        try:
            await self._store.unwatch(self._shared, self._hear)
        except (StoreUnavailable, StoreRefused):
            _LOG.info("circuit_unwatch_failed", breaker=self._shared.name)

    def note(self, epoch: int, code: int, now: float) -> None:
        """The outcome of an ordinary call."""
        machine = self.machine
        if self.away or machine.mode != "automatic":
            machine.record(epoch, code, now)
            self._look_again(now)
            return
        if epoch != machine.epoch:
            return
        urgent = machine.observe(epoch, code, now)
        self._unreported.append(code)
        waiting = len(self._unreported)
        if (urgent and not self._urgent) or waiting == FULL_BATCH:
            self._begin_report()
        elif self._timer is None and not self._reporting:
            self._report_soon()
        self._urgent = urgent
        if waiting > MAX_BATCH:
            del self._unreported[: MAX_BATCH // 2]

    async def admit(self) -> Admission | None:
        """None: not now."""
        machine, now = self.machine, self._clock.monotonic()
        if machine.mode != "automatic":
            self._look_again(now)
        if machine.mode != "automatic" or machine.state == "closed" or (machine.state == "open" and now < machine.until):
            return Admission(machine.epoch, None) if machine.ask("", now).admitted else None
        if self.away and now < self._retry_at:
            return self._admit_alone()
        if self._asking >= self._shared.policy.probes or now < self._refused_until:
            return None
        return await self._ask_the_store()

    def settle(self, probe: str, code: int | None) -> None:
        """The outcome of a probe, or None to give its place back."""
        if probe.startswith("alone-"):
            self.machine.settle(probe, code, self._clock.monotonic())
        else:
            begin_task(self._settle(probe, code), self._tasks)

    async def force(self, mode: Mode, reason: str) -> None:
        """Raises `StoreUnavailable`: a mode that holds for one replica only would be a trap."""
        self._hear(await self._store.force(self._shared, mode, reason))

    def _admit_alone(self) -> Admission | None:
        self._probes += 1
        answer = self.machine.ask(f"alone-{self._probes}", self._clock.monotonic())
        return Admission(self.machine.epoch, f"alone-{self._probes}" if answer.probe else None) if answer.admitted else None

    async def _ask_the_store(self) -> Admission | None:
        self._probes += 1
        probe = f"{self._names}-{self._probes}"
        self._asking += 1
        try:
            answer = await self._store.ask(self._shared, self._store_epoch, probe)
        except (StoreUnavailable, StoreRefused):
            # It may have been admitted all the same, and nobody would run it.
            self._lose()
            self._unsettled.append((probe, None))
            return self._admit_alone()
        except asyncio.CancelledError:
            self.settle(probe, None)
            raise
        finally:
            self._asking -= 1
        self._hear(answer.state)
        if not answer.admitted:
            self._refused_until = self._clock.monotonic() + REFUSED_SECONDS
            return None
        return Admission(self.machine.epoch, probe if answer.probe else None)

    def _report_soon(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._shared.policy.report_seconds, self._begin_report)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin_report(self) -> None:
        self._stop_timer()
        if not self._reporting:
            self._reporting = True
            begin_task(self._report(), self._tasks)

    def _look_again(self, now: float) -> None:
        """Whether the store is back, or the forced mode has been taken away."""
        if now >= self._retry_at and not self._reporting:
            self._retry_at = now + RETRY_SECONDS
            self._reporting = True
            begin_task(self._read(), self._tasks)

    async def _read(self) -> None:
        try:
            self._hear(await self._store.read(self._shared))
        except (StoreUnavailable, StoreRefused):
            self._lose()
        finally:
            self._reporting = False

    async def _report(self) -> None:
        outcomes, self._unreported = bytes(self._unreported), bytearray()
        try:
            self._hear(await self._store.report(self._shared, self._store_epoch, outcomes))
        except (StoreUnavailable, StoreRefused):
            self._lose()
        finally:
            self._reporting = False
        if self._unreported and self._timer is None:
            self._report_soon()

    async def _settle(self, probe: str, code: int | None) -> None:
        try:
            self._hear(await self._store.settle(self._shared, probe, code))
        except (StoreUnavailable, StoreRefused):
            self._unsettled.append((probe, code))
            self._lose()

    def _hear(self, state: CircuitState) -> None:
        """What the store says. Replies and notices may overtake each other: the higher epoch is the later one."""
        if not self.away and state.epoch <= self._store_epoch:
            return
        if self.away:
            self.away = False
            self._journal.store_away(away=False)
            while self._unsettled:
                self.settle(*self._unsettled.popleft())
        if state.epoch == 0:
            return  # the store lost the circuit, or never had it: what we know is more
        met = self._store_epoch == 0 and state.state == "closed" and state.mode == "automatic"
        if state.epoch != self._store_epoch and not met:
            self._unreported.clear()
            self._urgent = False
            self._refused_until = 0.0
        self._store_epoch = state.epoch
        self.machine.follow(state, self._clock.monotonic())

    def _lose(self) -> None:
        self._retry_at = self._clock.monotonic() + RETRY_SECONDS
        self._unreported.clear()
        if not self.away:
            self.away = True
            self._journal.store_away(away=True)
