"""Remedies that set one thing in the store: a circuit back to its own judgement, scripts known again, a script that ends."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from mcp_gateway.adapters.remedies.lines import open_line
from mcp_gateway.diagnostics.actions.operating import Change, Outcome, Progress, Radius
from mcp_gateway.diagnostics.errors import NotNeeded
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.kit.breaker.breaker import DEFAULT_POLICY
from mcp_gateway.kit.breaker.model import Mode
from mcp_gateway.kit.breaker.ports import SharedCircuit
from mcp_gateway.kit.redis.breaker import RedisBreakerStore
from mcp_gateway.kit.redis.limits import load_script

SCRIPTS = ("limits.lua", "leases.lua", "rules.lua")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseBreaker:
    """Kind `release_breaker`, for circuits that replicas share. It begins closed, and opens when it must."""

    url: str = field(repr=False)

    async def radius(self, action: Action) -> Radius:
        name = action.target["breaker"]
        await self._held_open(name)
        return Radius(changes=(f"{name}: held open -> automatic, on all replicas",))

    async def prepare(self, action: Action) -> Change:
        name = action.target["breaker"]
        await self._held_open(name)

        async def do(_: Progress) -> Outcome:
            await self._force(name, "automatic")
            return Outcome(said=f"The circuit {name} judges for itself.")

        async def undo() -> None:
            if await self._mode(name) == "automatic":
                await self._force(name, "forced_open")

        return Change(
            do=do,
            undo=undo,
            way_back=f"hold the circuit {name} open again, by CircuitBreaker.force('forced_open', REASON) on any replica",
        )

    async def _held_open(self, name: str) -> None:
        mode = await self._mode(name)
        if mode != "forced_open":
            raise NotNeeded(f"The circuit {name[:60]} is not held open in this store: it is {mode.replace('_', ' ')}.")

    async def _mode(self, name: str) -> Mode:
        async with await open_line(self.url) as line:
            return (await RedisBreakerStore(line).read(SharedCircuit(name, DEFAULT_POLICY))).mode

    async def _force(self, name: str, mode: Mode) -> None:
        async with await open_line(self.url) as line:
            await RedisBreakerStore(line).force(SharedCircuit(name, DEFAULT_POLICY), mode, "operations tools")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadScripts:
    """Kind `load_scripts`. A script that nobody asks for does nothing, so there is nothing to take back."""

    url: str = field(repr=False)

    async def radius(self, _: Action) -> Radius:
        return Radius(keys=0, changes=tuple(f"the store knows {name}" for name in SCRIPTS))

    async def prepare(self, _: Action) -> Change:
        async def do(_: Progress) -> Outcome:
            async with await open_line(self.url) as line:
                for name in SCRIPTS:
                    await line.call("SCRIPT", "LOAD", load_script(name).text)
            return Outcome(said=f"The store knows {', '.join(SCRIPTS)}.")

        return Change(do=do, way_back="none is needed: a script that nobody asks for does nothing")


@dataclass(frozen=True, kw_only=True, slots=True)
class EndScript:
    """Kind `end_script`. The server itself refuses to end a script that has written, so nothing is left half done."""

    url: str = field(repr=False)

    async def radius(self, _: Action) -> Radius:
        return Radius(keys=0, changes=("the script that runs now: ends with an error for its caller, having written nothing",))

    async def prepare(self, _: Action) -> Change:
        """The change raises `StoreRefused`: none runs (NOTBUSY), or it has written (UNKILLABLE)."""

        async def do(_: Progress) -> Outcome:
            async with await open_line(_without_database(self.url)) as line:
                await line.call("SCRIPT", "KILL")
            return Outcome(said="The script was told to end.")

        return Change(do=do, way_back="none: the script's caller was told that it ended, and may call again")


def _without_database(url: str) -> str:
    """A busy server takes a login, and does not select a database."""
    parts = urlsplit(url)
    return url if parts.scheme == "unix" else urlunsplit(parts._replace(path=""))
