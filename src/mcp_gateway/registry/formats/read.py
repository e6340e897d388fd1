"""A client's configuration file, whichever client's it is, as orders for the registry.

Nothing is run and nothing is looked up. What is a program is never an order: over commands and API nobody can register one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.registry.configuration.read import read_servers
from mcp_gateway.registry.formats.entries import Entry, HeldBack
from mcp_gateway.registry.formats.errors import ClientFileInvalid
from mcp_gateway.registry.formats.model import FormatName, Imported, Note, Program
from mcp_gateway.registry.formats.trees import Tree, read_tree
from mcp_gateway.registry.formats.values import without_secrets
from mcp_gateway.registry.model import Server
from mcp_gateway.registry.orders import ServerOrder

MAX_ENTRIES: Final = 2_000
# Where clients write their servers; some keep them one level down.
_PLACES: Final[tuple[tuple[FormatName, tuple[str, ...]], ...]] = (
    ("claude", ("mcpServers",)),
    ("zed", ("context_servers",)),
    ("codex", ("mcp_servers",)),
    ("goose", ("extensions",)),
    ("vscode", ("mcp", "servers")),
    ("vscode", ("servers",)),
)


def read_client_file(text: str, *, environment: Mapping[str, str] | None = None) -> Imported:
    """`environment` serves `${VAR}`, `${VAR:-default}` and `${env:VAR}`; None: what refers to it is held back, since a file from
    elsewhere could have this machine's secrets sent anywhere.

    Raises `ClientFileInvalid`, and `ServersFileInvalid` for a servers file.
    """
    tree = read_tree(text)
    if tree.syntax == "yaml" and any(key in tree.root for key in ("servers", "virtual_servers", "allowed_networks")):
        return _read_ours(text, environment)
    name, entries = _find(tree)
    if len(entries) > MAX_ENTRIES:
        raise ClientFileInvalid(f"The file has over {MAX_ENTRIES:,} servers.")
    return _read_entries(name, entries, tree.root, environment)


def _find(tree: Tree) -> tuple[FormatName, dict[str, Json]]:
    for name, path in _PLACES:
        found: Json = tree.root
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict):
            return name, found
    raise ClientFileInvalid("The file names no MCP servers in a way that is known.")


def _read_entries(
    name: FormatName, entries: dict[str, Json], root: dict[str, Json], environment: Mapping[str, str] | None
) -> Imported:
    orders: list[ServerOrder] = []
    programs: list[Program] = []
    notes = [*_notes_of_file(root)]
    taken: set[str] = set()
    for said, value in entries.items():
        if not isinstance(value, dict):
            fix = "An entry has a url, or a command."
            notes.append(Note(server=said[:100], field="", problem="is no server", fix=fix, held_back=True))
            continue
        entry = Entry(said, value, environment, taken)
        taken.add(entry.name)
        try:
            if value.get("type") in ("builtin", "platform"):
                raise HeldBack("type", "is a part of the client itself", "There is nothing to register.")  # noqa: TRY301
            if entry.is_program():
                programs.append(entry.program())
            else:
                orders.append(entry.order())
        except HeldBack as why:
            notes.append(entry.note(why.field, why.problem, why.fix, held_back=True))
        else:
            notes += entry.notes()
    return Imported(format=name, orders=tuple(orders), programs=tuple(programs), notes=tuple(notes))


def _notes_of_file(root: dict[str, Json]) -> Iterator[Note]:
    projects = root.get("projects")
    inner = projects.values() if isinstance(projects, dict) else ()
    if any(isinstance(one, dict) and one.get("mcpServers") for one in inner):
        fix = "Import the project's own .mcp.json, or copy them out."
        yield Note(server="", field="projects", problem="has servers of single projects, which are not read", fix=fix)


def _read_ours(text: str, environment: Mapping[str, str] | None) -> Imported:
    read = read_servers(text, environment=environment or {})
    orders = [_as_order(server) for server in read.servers.values() if server.command is None]
    programs = [_as_program(server) for server in read.servers.values() if server.command is not None]
    notes = [
        Note(server=name, field="", problem="is a virtual server, which is not taken over", fix="Make it over the API.")
        for name in read.virtual_servers
    ]
    if read.allowed_networks:
        fix = "Whoever runs the gateway writes them into its servers file."
        notes.append(Note(server="", field="allowed_networks", problem="are not taken over", fix=fix))
    return Imported(format="ours", orders=tuple(orders), programs=tuple(programs), notes=tuple(notes))


def _as_order(server: Server) -> ServerOrder:
    said = {field.name: getattr(server, field.name) for field in fields(ServerOrder) if field.name != "tenant"}
    return ServerOrder(**said)


def _as_program(server: Server) -> Program:
    command = server.command
    if command is None:
        return Program(name=server.name, program="")
    return Program(
        name=server.name,
        program=command.program.replace("$", "$$"),
        arguments=without_secrets(server.name, command.arguments),
        variables=tuple(sorted(command.environment)),
        directory=command.directory.replace("$", "$$"),
    )
