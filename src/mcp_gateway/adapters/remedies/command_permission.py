"""Taking the permission for a command that walks all keys from the users who send it now; SCAN does the same in steps."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from mcp_gateway.adapters.remedies.lines import open_line
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.diagnostics.actions.operating import Change, Outcome, Progress, Radius
from mcp_gateway.diagnostics.errors import NotNeeded
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.kit.redis.connection import RedisConnection

# Nobody needs these to serve a request, and the kit sends neither.
COMMANDS = frozenset({"keys", "sort"})
MOST_CLIENTS = 1_000
MOST_SHOWN = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """A connection whose last command was the one that is meant. `name` as it calls itself, "" when it does not."""

    user: str
    name: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DenyCommand:
    """`url`: of a user who may CLIENT LIST, ACL DRYRUN and ACL SETUSER. Kind `deny_command`. It holds until a restart."""

    url: str = field(repr=False)

    async def radius(self, action: Action) -> Radius:
        command = _command(action)
        senders = await self._allowed(command)
        shown = [f"{one.name or 'a client without a name'} at {one.address} (user {one.user})" for one in senders[:MOST_SHOWN]]
        return Radius(
            changes=(*_changes(command, senders), *(f"sends it now: {one}" for one in shown)), fixed=_changes(command, senders)
        )

    async def prepare(self, action: Action) -> Change:
        command = _command(action)
        senders = await self._allowed(command)
        users = _users(senders)

        async def permit(sign: str) -> None:
            async with await open_line(self.url) as line:
                for user in users:
                    await line.call("ACL", "SETUSER", user, f"{sign}{command}")

        async def do(_: Progress) -> Outcome:
            await permit("-")
            return Outcome(said=f"{', '.join(users)}: refused {command.upper()}.")

        async def undo() -> None:
            await permit("+")

        way_back = "; ".join(shlex.join(["ACL", "SETUSER", user, f"+{command}"]) for user in users)
        return Change(do=do, undo=undo, way_back=way_back, fixed=_changes(command, senders))

    async def _allowed(self, command: str) -> tuple[Sender, ...]:
        """Who sends it and may. Only from them it is taken, for only to them it may be given back."""
        async with await open_line(self.url) as line:
            senders = await _senders(line, command)
            may = {user for user in _users(senders) if await line.call("ACL", "DRYRUN", user, command, "x") == b"OK"}
        found = tuple(one for one in senders if one.user in may)
        if not found:
            raise NotNeeded(f"Whoever sends {command.upper()} is refused it already: {', '.join(_users(senders))}.")
        return found


def _users(senders: Sequence[Sender]) -> list[str]:
    return sorted({one.user for one in senders})


def _changes(command: str, senders: Sequence[Sender]) -> tuple[str, ...]:
    return tuple(f"user {user}: may send {command.upper()} -> is refused it, on all its connections" for user in _users(senders))


async def _senders(connection: RedisConnection, command: str) -> tuple[Sender, ...]:
    """Raises `InvalidInput` when nobody is seen to send it."""
    listed = await connection.call("CLIENT", "LIST")
    lines = listed.decode("utf-8", "replace").splitlines() if isinstance(listed, bytes) else []
    fields = [dict(pair.partition("=")[::2] for pair in line.split(" ")) for line in lines[:MOST_CLIENTS]]
    found = tuple(
        Sender(user=one.get("user", ""), name=one.get("name", ""), address=one.get("addr", ""))
        for one in fields
        if one.get("cmd") == command and one.get("user")
    )
    if not found:
        raise InvalidInput(f"No connection is seen to have sent {command.upper()} last.", hint="Ask again while it runs.")
    return found


def _command(action: Action) -> str:
    command = action.target["command"]
    if command not in COMMANDS:
        raise InvalidInput(f"{command[:40]} is not taken from anybody: only {', '.join(sorted(COMMANDS))} are.")
    return command
