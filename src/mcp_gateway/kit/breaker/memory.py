"""Circuits shared within one process: for several breakers of one name, and as the measure for other stores."""

from collections import defaultdict

from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.breaker.machine import Machine
from mcp_gateway.kit.breaker.model import Answer, CircuitState, Mode
from mcp_gateway.kit.breaker.ports import SharedCircuit, Watcher


class MemoryBreakerStore:
    """Circuits live as long as the store; their number is that of the names used."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._machines: dict[str, Machine] = {}
        self._watchers: defaultdict[str, list[Watcher]] = defaultdict(list)

    async def read(self, circuit: SharedCircuit) -> CircuitState:
        machine = self._machines.get(circuit.name)
        return machine.shown(self._clock.monotonic()) if machine is not None else CircuitState()

    async def report(self, circuit: SharedCircuit, epoch: int, outcomes: bytes) -> CircuitState:
        machine, now = self._machine(circuit, epoch), self._clock.monotonic()
        if epoch in {0, machine.epoch} and machine.mode == "automatic":
            counted = machine.epoch
            for code in outcomes:
                machine.record(counted, code, now)
        return machine.shown(now)

    async def ask(self, circuit: SharedCircuit, epoch: int, probe: str) -> Answer:
        lost = circuit.name not in self._machines and epoch > 0
        machine, now = self._machine(circuit, epoch), self._clock.monotonic()
        if lost:
            machine.follow(CircuitState(state="open", epoch=machine.epoch), now)
        return machine.ask(probe, now)

    async def settle(self, circuit: SharedCircuit, probe: str, outcome: int | None) -> CircuitState:
        machine = self._machines.get(circuit.name)
        if machine is None:
            return CircuitState()
        now = self._clock.monotonic()
        machine.settle(probe, outcome, now)
        return machine.shown(now)

    async def force(self, circuit: SharedCircuit, mode: Mode, reason: str) -> CircuitState:
        machine, now = self._machine(circuit, 0), self._clock.monotonic()
        machine.force(mode, reason, now)
        return machine.shown(now)

    async def watch(self, circuit: SharedCircuit, watcher: Watcher) -> None:
        self._watchers[circuit.name].append(watcher)
        watcher(await self.read(circuit))

    async def unwatch(self, circuit: SharedCircuit, watcher: Watcher) -> None:
        if watcher in self._watchers[circuit.name]:
            self._watchers[circuit.name].remove(watcher)

    def _machine(self, circuit: SharedCircuit, epoch: int) -> Machine:
        machine = self._machines.get(circuit.name)
        if machine is None:
            machine = self._machines[circuit.name] = Machine(circuit.policy, lambda *_: self._tell(circuit.name))
            machine.epoch = 1
        if epoch > machine.epoch:
            machine.epoch = epoch + 1
        return machine

    def _tell(self, name: str) -> None:
        shown = self._machines[name].shown(self._clock.monotonic())
        for watcher in list(self._watchers[name]):
            watcher(shown)
