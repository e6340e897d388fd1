"""The circuit breakers of upstream servers, each made when its server is called for the first time."""

import asyncio
from collections.abc import Callable, Mapping

from mcp_gateway.core.tasks import begin_task
from mcp_gateway.federation.filters.breaker import UPSTREAM_POLICY
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.registry.model import Server
from mcp_gateway.wiring.traffic import Traffic

PREFIX = "upstream_"


class Circuits:
    """Those of servers on the network are shared with the other replicas, where there are any."""

    def __init__(self, traffic: Traffic, servers: Callable[[], Mapping[str, Server]]) -> None:
        self._traffic, self._servers = traffic, servers
        self._made: dict[str, CircuitBreaker] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def of(self, name: str) -> CircuitBreaker:
        circuit = self._made.get(name)
        if circuit is None:
            server = self._servers().get(name)
            shared = server is not None and bool(server.url)
            circuit = self._made[name] = self._traffic.breaker(PREFIX + name, UPSTREAM_POLICY, shared=shared)
            begin_task(circuit.start(), self._tasks)
        return circuit

    def keep_only(self) -> None:
        """Let go of those whose servers are gone."""
        for name in [name for name in self._made if name not in self._servers()]:
            begin_task(self._made.pop(name).close(), self._tasks)
            self._traffic.circuits.pop(PREFIX + name, None)

    async def close(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for circuit in self._made.values():
            await circuit.close()
