"""Health checks of the kit's parts: the store that replicas share, and the circuits."""

from collections.abc import Mapping

from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.ports import Finding
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.connection import RedisConnection


class StoreProbe:
    """One round trip to the store. The gateway answers without it."""

    name = "store"
    needed = False

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    async def check(self) -> Finding:
        where: dict[str, Json] = {"address": self._connection.shown_address}
        try:
            seconds = await self._connection.ping()
        except (StoreUnavailable, StoreRefused) as error:
            return Finding(healthy=False, status="unreachable", facts={**where, "error": error.message, "code": error.code})
        return Finding(healthy=True, status="answering", facts={**where, "round_trip_ms": round(seconds * 1000, 2)})


class CircuitsProbe:
    """What the circuit breakers let through. `circuits` is looked at anew each time: servers come and go."""

    name = "circuits"
    needed = False

    def __init__(self, circuits: Mapping[str, CircuitBreaker]) -> None:
        self._circuits = circuits

    async def check(self) -> Finding:
        states = {name: breaker.snapshot() for name, breaker in self._circuits.items()}
        shut = [name for name, state in states.items() if state.state != "closed" or state.mode == "forced_open"]
        facts: dict[str, Json] = {name: state.state for name, state in states.items()}
        return Finding(healthy=not shut, status=f"open: {', '.join(shut)}" if shut else "closed", facts={"states": facts})
