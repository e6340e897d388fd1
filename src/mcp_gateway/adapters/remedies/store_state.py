"""Remedies that set one thing in the store: a circuit back to its own judgement, scripts known again, a script that ends."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from mcp_gateway.diagnostics.actions.applying import Radius, Undo
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.redis.breaker import RedisBreakerStore
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import load_script

SCRIPTS = ("limits.lua", "leases.lua", "rules.lua")
CALL_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseBreaker:
    """Kind `release_breaker`, for circuits that replicas share. It begins closed, and opens when it must."""

    url: str = field(repr=False)

    async def radius(self, action: Action) -> Radius:
        return Radius(changes=(f"{action.target['breaker']}: held open -> automatic, on all replicas",))

    async def carry_out(self, action: Action) -> Undo | None:
        name = action.target["breaker"]
        await self._force(name, forced_open=False)

        async def undo() -> None:
            await self._force(name, forced_open=True)

        return undo

    async def _force(self, name: str, *, forced_open: bool) -> None:
        async with await RedisConnection.open(self.url, timeout_seconds=CALL_SECONDS) as connection:
            breaker = CircuitBreaker(name, store=RedisBreakerStore(connection))
            await breaker.force("forced_open" if forced_open else "automatic", "operations tools")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadScripts:
    """Kind `load_scripts`. A script that nobody asks for does nothing, so there is nothing to take back."""

    url: str = field(repr=False)

    async def radius(self, _: Action) -> Radius:
        return Radius(keys=0, changes=tuple(f"the store knows {name}" for name in SCRIPTS))

    async def carry_out(self, _: Action) -> Undo | None:
        async with await RedisConnection.open(self.url, timeout_seconds=CALL_SECONDS) as connection:
            for name in SCRIPTS:
                await connection.call("SCRIPT", "LOAD", load_script(name).text)
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class EndScript:
    """Kind `end_script`. The server itself refuses to end a script that has written, so nothing is left half done."""

    url: str = field(repr=False)

    async def radius(self, _: Action) -> Radius:
        return Radius(keys=0, changes=("the script that runs now: ends with an error for its caller, having written nothing",))

    async def carry_out(self, _: Action) -> Undo | None:
        """Raises `StoreRefused`: none runs (NOTBUSY), or it has written (UNKILLABLE)."""
        async with await RedisConnection.open(_without_database(self.url), timeout_seconds=CALL_SECONDS) as connection:
            await connection.call("SCRIPT", "KILL")
        return None


def _without_database(url: str) -> str:
    """A busy server takes a login, and does not select a database."""
    parts = urlsplit(url)
    return url if parts.scheme == "unix" else urlunsplit(parts._replace(path=""))
