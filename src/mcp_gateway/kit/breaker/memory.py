"""Circuits shared within one process: for several breakers of one name, and as the measure for other stores."""

from dataclasses import dataclass, field

from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.breaker.machine import Machine
from mcp_gateway.kit.breaker.model import Answer, Cause, CircuitState, Counts, Mode, State
from mcp_gateway.kit.breaker.ports import SharedCircuit, Watcher


@dataclass(slots=True)
class _Kept:
    machine: Machine
    watchers: list[Watcher] = field(default_factory=list)


class MemoryBreakerStore:
    """Circuits live as long as the store; their number is that of the names used."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def report(self, circuit: SharedCircuit, epoch: int, outcomes: bytes) -> CircuitState:
        machine, now = self._machine(circuit, epoch), self._clock.monotonic()
        if epoch in {0, machine.epoch}:
            counted = machine.epoch
            for code in outcomes:
                machine.record(counted, code, now)
        return machine.shown(now)

    async def ask(self, circuit: SharedCircuit, epoch: int, probe: str) -> Answer:
        known = circuit.name in self._kept
        machine, now = self._machine(circuit, epoch), self._clock.monotonic()
        if epoch > 0 and not known:
            machine.follow(CircuitState(state="open", epoch=machine.epoch), now)
        return machine.ask(probe, now)

    async def settle(self, circuit: SharedCircuit, probe: str, outcome: int | None) -> CircuitState:
        machine, now = self._machine(circuit, 0), self._clock.monotonic()
        machine.settle(probe, outcome, now)
        return machine.shown(now)

    async def force(self, circuit: SharedCircuit, mode: Mode, reason: str) -> CircuitState:
        machine, now = self._machine(circuit, 0), self._clock.monotonic()
        machine.force(mode, reason, now)
        return machine.shown(now)

    async def watch(self, circuit: SharedCircuit, watcher: Watcher) -> None:
        machine = self._machine(circuit, 0)
        self._kept[circuit.name].watchers.append(watcher)
        watcher(machine.shown(self._clock.monotonic()))

    async def unwatch(self, circuit: SharedCircuit, watcher: Watcher) -> None:
        self._kept[circuit.name].watchers.remove(watcher)

    def _machine(self, circuit: SharedCircuit, epoch: int) -> Machine:
        kept = self._kept.get(circuit.name)
        if kept is None:
            kept = self._kept[circuit.name] = _Kept(Machine(circuit.policy, lambda *change: self._tell(circuit.name, *change)))
            kept.machine.epoch = 1
        if epoch > kept.machine.epoch:
            kept.machine.epoch = epoch + 1
        return kept.machine

    def _tell(self, name: str, source: State, target: State, cause: Cause | str, counts: Counts, carried_out: bool) -> None:  # noqa: FBT001  (the shape of Listener)
        kept = self._kept[name]
        shown = kept.machine.shown(self._clock.monotonic())
        for watcher in list(kept.watchers):
            watcher(shown)
