"""What a client's configuration file comes to. Values only."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mcp_gateway.registry.orders import ServerOrder

# "claude" is Claude Desktop, Claude Code, Cursor, Windsurf and whoever else writes `mcpServers`.
FormatName: TypeAlias = Literal["claude", "vscode", "zed", "codex", "goose", "ours"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """Something that could not be taken over as it stood. `server` is the name in the file, "" for the file itself.

    `held_back`: because of it the server is not registered at all. Texts never hold a value of the file.
    """

    server: str
    field: str
    problem: str
    fix: str
    held_back: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A server that is a program. Only the servers file can hold one, so it is only ever shown, for a person to copy.

    `variables` are the names of its environment; their values are not kept. `arguments` that look like secrets are replaced by
    `${VARIABLE}`.
    """

    name: str
    program: str
    arguments: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    directory: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """Servers to register, programs to copy, and what is to be said about both; each in the order of the file."""

    format: FormatName
    orders: tuple[ServerOrder, ...] = ()
    programs: tuple[Program, ...] = ()
    notes: tuple[Note, ...] = field(default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Something a client can connect to at this gateway."""

    name: str
    url: str
    title: str = ""
