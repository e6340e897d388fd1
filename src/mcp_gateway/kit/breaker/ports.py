"""Where replicas keep the circuits they share. Implementations: `memory` here, `kit.redis.breaker`."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from mcp_gateway.kit.breaker.model import Answer, CircuitState, Mode
from mcp_gateway.kit.breaker.policy import BreakerPolicy

# Hears of each change of a circuit, in the order in which the store made them.
Watcher = Callable[[CircuitState], None]


class SharedCircuit(NamedTuple):
    """One circuit in the store: all replicas use the same name and should use the same policy."""

    name: str
    policy: BreakerPolicy


class BreakerStore(Protocol):
    """Every method may raise `StoreUnavailable` or `StoreRefused`, and answers within the store's own deadline.

    A circuit the store does not know is closed. An `epoch` higher than the store's means that the store lost data; it then
    goes on from there, so that epochs never run backwards.
    """

    async def read(self, circuit: SharedCircuit) -> CircuitState:
        """The present state; epoch 0 when the circuit is unknown, which reading does not change."""
        ...

    async def report(self, circuit: SharedCircuit, epoch: int, outcomes: bytes) -> CircuitState:
        """Add outcomes (one byte each, oldest first) of calls admitted under `epoch`; those of another epoch are not counted.
        Epoch 0, that of a replica that has not heard from the store yet, counts while the circuit is closed. Opens the
        circuit when the window asks for it. In any mode but `automatic` nothing is counted."""
        ...

    async def ask(self, circuit: SharedCircuit, epoch: int, probe: str) -> Answer:
        """May a call pass? Begins the half-open round when the open time is over, and admits exactly its number of probes over
        all replicas. An unknown circuit that the asker knows of (`epoch` > 0) begins with a half-open round."""
        ...

    async def settle(self, circuit: SharedCircuit, probe: str, outcome: int | None) -> CircuitState:
        """The outcome of a probe, or None to give its place back. A probe the store does not know changes nothing."""
        ...

    async def force(self, circuit: SharedCircuit, mode: Mode, reason: str) -> CircuitState: ...

    async def watch(self, circuit: SharedCircuit, watcher: Watcher) -> None:
        """Tell `watcher` of every change from now on; also, at once and after a lost connection, of what `read` finds."""
        ...

    async def unwatch(self, circuit: SharedCircuit, watcher: Watcher) -> None: ...
