"""Circuits shared by all replicas, in Redis or Valkey: `kit.breaker.ports.BreakerStore` over one script and one channel each.

Keys: `breaker:{NAME}` (hash) and `breaker:{NAME}:probes` (sorted set), in one cluster slot; both expire when unused, except while
a mode is forced. Channel: `breaker_changes:NAME`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from importlib.resources import files

import structlog

from mcp_gateway.core.tasks import begin_task
from mcp_gateway.kit.breaker.machine import NEVER
from mcp_gateway.kit.breaker.model import Answer, CircuitState, Counts, Mode, State
from mcp_gateway.kit.breaker.policy import BreakerPolicy
from mcp_gateway.kit.breaker.ports import SharedCircuit, Watcher
from mcp_gateway.kit.breaker.windows import CountBased
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.keys import escape_part
from mcp_gateway.kit.redis.connection import ConnectionState, RedisConnection
from mcp_gateway.kit.redis.packing import Script, Word

# An unused circuit is kept at least so long.
KEPT_SECONDS = 3_600
MAX_REASON_LETTERS = 200

_STATES: dict[bytes, State] = {b"closed": "closed", b"open": "open", b"half_open": "half_open"}
_MODES: dict[bytes, Mode] = {
    b"automatic": "automatic", b"forced_open": "forced_open", b"forced_closed": "forced_closed", b"metrics_only": "metrics_only",
}  # fmt: skip
# What `_state` raises for words that are not a circuit's.
_UNREADABLE = (KeyError, ValueError, IndexError)
_DIGITS = bytes.maketrans(bytes(range(4)), b"0123")

_LOG = structlog.get_logger(__name__)


class RedisBreakerStore:
    """Circuits in the server of `connection`."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._script = Script(files(__package__).joinpath("breaker.lua").read_text(encoding="utf-8"))
        self._watched: dict[str, SharedCircuit] = {}
        self._watchers: defaultdict[str, list[Watcher]] = defaultdict(list)
        self._listeners: dict[str, Callable[[bytes], None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        connection.on_state(self._state_changed)

    async def read(self, circuit: SharedCircuit) -> CircuitState:
        return (await self._run("read", circuit, 0, "")).state

    async def report(self, circuit: SharedCircuit, epoch: int, outcomes: bytes) -> CircuitState:
        return (await self._run("report", circuit, epoch, outcomes.translate(_DIGITS))).state

    async def ask(self, circuit: SharedCircuit, epoch: int, probe: str) -> Answer:
        return await self._run("ask", circuit, epoch, probe)

    async def settle(self, circuit: SharedCircuit, probe: str, outcome: int | None) -> CircuitState:
        return (await self._run("settle", circuit, 0, f"{probe}\n{'' if outcome is None else outcome}")).state

    async def force(self, circuit: SharedCircuit, mode: Mode, reason: str) -> CircuitState:
        line = " ".join(reason.split())[:MAX_REASON_LETTERS].encode("utf-8", "replace").decode()
        return (await self._run("force", circuit, 0, f"{mode}\n{line}")).state

    async def watch(self, circuit: SharedCircuit, watcher: Watcher) -> None:
        name = circuit.name
        self._watchers[name].append(watcher)
        if name not in self._watched:
            self._watched[name] = circuit

            def heard(message: bytes) -> None:
                try:
                    state = _state(message.split(b"\n", 9))
                except _UNREADABLE:
                    _LOG.warning("circuit_message_unreadable", breaker=name, size=len(message))
                else:
                    self._tell(name, state)

            self._listeners[name] = heard
            await self._connection.subscribe(_channel(name), heard)
        watcher(await self.read(circuit))

    async def unwatch(self, circuit: SharedCircuit, watcher: Watcher) -> None:
        watchers = self._watchers[circuit.name]
        if watcher in watchers:
            watchers.remove(watcher)
        if not watchers and self._watched.pop(circuit.name, None) is not None:
            self._connection.unsubscribe(_channel(circuit.name), self._listeners.pop(circuit.name))

    async def _run(self, operation: str, circuit: SharedCircuit, epoch: int, argument: Word) -> Answer:
        key = "breaker:{" + escape_part(circuit.name) + "}"
        words = [operation, _channel(circuit.name), epoch, *_policy_words(circuit.policy), argument]
        reply = await self._connection.run(self._script, [key, f"{key}:probes"], words)
        if not isinstance(reply, list) or not all(isinstance(part, bytes) for part in reply):
            raise StoreRefused("The circuit breaker's script gave an unexpected answer.")
        parts = [part for part in reply if isinstance(part, bytes)]
        try:
            return Answer(parts[10] == b"1", parts[11] == b"1", _state(parts))
        except _UNREADABLE as error:
            raise StoreRefused("The circuit in the store is not in our form.") from error

    def _tell(self, name: str, state: CircuitState) -> None:
        for watcher in list(self._watchers[name]):
            watcher(state)

    def _state_changed(self, state: ConnectionState) -> None:
        if state == "live":
            for circuit in self._watched.values():
                begin_task(self._catch_up(circuit), self._tasks)

    async def _catch_up(self, circuit: SharedCircuit) -> None:
        try:
            self._tell(circuit.name, await self.read(circuit))
        except (StoreUnavailable, StoreRefused) as error:
            _LOG.info("circuit_read_failed", breaker=circuit.name, reason=error.message)


def _channel(name: str) -> str:
    return f"breaker_changes:{escape_part(name)}"


def _policy_words(policy: BreakerPolicy) -> list[Word]:
    window = policy.window
    by_count = isinstance(window, CountBased)
    kept = (
        KEPT_SECONDS + policy.max_open_seconds + policy.probe_seconds + (0 if isinstance(window, CountBased) else window.seconds)
    )
    return [
        "count" if by_count else "time",
        window.calls if isinstance(window, CountBased) else window.seconds * 1_000,
        1 if isinstance(window, CountBased) else window.buckets,
        policy.minimum_calls,
        policy.failure_rate,
        policy.slow_call_rate if policy.slow_call_seconds is not None else NEVER,
        policy.open_seconds * 1_000,
        policy.open_growth,
        policy.max_open_seconds * 1_000,
        policy.probes,
        policy.probe_seconds * 1_000,
        policy.ramp_up_seconds * 1_000,
        int(kept * 1_000),
    ]  # fmt: skip


def _state(parts: list[bytes]) -> CircuitState:
    return CircuitState(
        state=_STATES[parts[0]],
        mode=_MODES[parts[1]],
        epoch=int(parts[2]),
        wait_seconds=int(parts[3]) / 1_000,
        ramp_seconds=int(parts[4]) / 1_000,
        openings=int(parts[5]),
        counts=Counts(int(parts[6]), int(parts[7]), int(parts[8])),
        cause=parts[9].decode("utf-8", "replace"),
    )
