"""Taking the permission for a command that walks all keys from the users who send it now; SCAN does the same in steps."""

from dataclasses import dataclass, field

from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.diagnostics.actions.applying import Radius, Undo
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.kit.redis.connection import RedisConnection

CALL_SECONDS = 2.0
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
    """`url`: of a user who may CLIENT LIST and ACL SETUSER. Kind `deny_command`. It holds until the server restarts."""

    url: str = field(repr=False)

    async def radius(self, action: Action) -> Radius:
        command = _command(action)
        async with await RedisConnection.open(self.url, timeout_seconds=CALL_SECONDS) as connection:
            senders = await _senders(connection, command)
        shown = [f"{one.name or 'a client without a name'} at {one.address} (user {one.user})" for one in senders[:MOST_SHOWN]]
        users = sorted({one.user for one in senders})
        return Radius(
            changes=(
                *(f"user {user}: may send {command.upper()} -> is refused it, on all its connections" for user in users),
                *(f"sends it now: {one}" for one in shown),
            )
        )

    async def carry_out(self, action: Action) -> Undo | None:
        command = _command(action)
        async with await RedisConnection.open(self.url, timeout_seconds=CALL_SECONDS) as connection:
            users = sorted({one.user for one in await _senders(connection, command)})
            for user in users:
                await connection.call("ACL", "SETUSER", user, f"-{command}")

        async def undo() -> None:
            async with await RedisConnection.open(self.url, timeout_seconds=CALL_SECONDS) as connection:
                for user in users:
                    await connection.call("ACL", "SETUSER", user, f"+{command}")

        return undo


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
