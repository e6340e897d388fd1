"""`mcp-gateway servers import` and `export`: from the configuration files of MCP clients, and for them."""

import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Final, Protocol, TypeVar

import typer

from mcp_gateway.core.configuration.text_file import NotText, TextFile, Unreadable
from mcp_gateway.core.errors import GatewayError, InvalidInput
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.registry.definitions.diff_text import plain
from mcp_gateway.registry.errors import ServerNotFound
from mcp_gateway.registry.formats.model import Endpoint, Imported
from mcp_gateway.registry.formats.read import read_client_file
from mcp_gateway.registry.formats.trees import MAX_BYTES
from mcp_gateway.registry.formats.write import ClientName, write_client_file, write_programs
from mcp_gateway.registry.orders import ServerOrder
from mcp_gateway.registry.registry import Registry
from mcp_gateway.registry.showing import shown_url
from mcp_gateway.settings import Settings, load_settings, process_environment

T = TypeVar("T")
NOT_ALL: Final = 1
# What the endpoint that has everything is called in clients.
WHOLE: Final = "mcp-gateway"


class WithRegistry(Protocol):
    """Does the work in the name of whoever may read the store."""

    def __call__(self, tenant: str, work: Callable[[Registry, Caller], Awaitable[T]], /) -> T: ...


class Client(Enum):
    """Who is to read it."""

    CLAUDE = "claude"
    VSCODE = "vscode"
    CURSOR = "cursor"
    CODEX = "codex"
    OURS = "ours"


CLIENTS: Final[dict[Client, ClientName]] = {
    Client.CLAUDE: "claude",
    Client.VSCODE: "vscode",
    Client.CURSOR: "cursor",
    Client.CODEX: "codex",
    Client.OURS: "ours",
}
TenantOption = Annotated[str, typer.Option(help="The tenant you act for.")]


def add_transfer_commands(app: typer.Typer, with_registry: WithRegistry) -> None:
    """`import` and `export`, onto the commands about servers."""
    _add_import(app, with_registry)
    _add_export(app, with_registry)


def _add_import(app: typer.Typer, with_registry: WithRegistry) -> None:
    @app.command("import")
    def import_servers(
        file: Annotated[str, typer.Argument(help="A client's configuration file; - reads standard input.", show_default=False)],
        *,
        tenant: TenantOption = LOCAL_CALLER.tenant,
        everybody: Annotated[bool, typer.Option(help="For callers of every tenant.")] = False,
        expand: Annotated[
            bool, typer.Option(help="Replace ${VAR} by this environment's values: only in files you trust.")
        ] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
    ) -> None:
        """Register the servers of a client's file: Claude, Cursor, Windsurf, VS Code, Zed, Codex, Goose, or a servers file."""
        read = read_client_file(_read(file), environment=process_environment() if expand else None)
        outcomes = {one.name: "would be registered" for one in read.orders}
        if not dry_run:

            async def work(registry: Registry, caller: Caller) -> dict[str, str]:
                return {one.name: await _register(registry, caller, one, "" if everybody else tenant) for one in read.orders}

            outcomes = with_registry(tenant, work)
        shape = _shape(read, outcomes)
        if as_json:
            sys.stdout.write(json.dumps(shape, ensure_ascii=False, indent=2) + "\n")
        else:
            _print(read, outcomes)
        if any(note.held_back for note in read.notes) or any(one not in _GOOD for one in outcomes.values()):
            raise typer.Exit(NOT_ALL)


def _add_export(app: typer.Typer, with_registry: WithRegistry) -> None:
    @app.command("export")
    def export_servers(
        names: Annotated[list[str] | None, typer.Argument(help="Servers and virtual servers; left out: all in one.")] = None,
        *,
        client: Annotated[Client, typer.Option("--for", help="Who is to read it.")] = Client.CLAUDE,
        url: Annotated[str, typer.Option(help="Where clients reach the gateway. Default: PUBLIC_URL, or this machine.")] = "",
        tenant: TenantOption = LOCAL_CALLER.tenant,
    ) -> None:
        """Print what a client needs to connect to this gateway. There is no secret in it: clients log in by themselves."""
        base = url.rstrip("/") or base_url(load_settings())

        async def work(registry: Registry, caller: Caller) -> list[Endpoint]:
            return [_endpoint(registry, caller, base, name) for name in names or ()]

        found = with_registry(tenant, work) if names else [Endpoint(name=WHOLE, url=f"{base}/mcp", title="MCP Gateway")]
        sys.stdout.write(write_client_file(CLIENTS[client], found))


_GOOD: Final = frozenset({"registered", "would be registered", "there already"})


async def _register(registry: Registry, caller: Caller, order: ServerOrder, tenant: str) -> str:
    """What came of it. Nobody looks at it here: a file may name many, and some are away."""
    if order.name in registry.servers and registry.may_see(caller, registry.servers[order.name]):
        return "there already"
    owned = ServerOrder(**{**{name: getattr(order, name) for name in ServerOrder.__slots__}, "tenant": tenant})
    try:
        await registry.add(caller, owned, look=False, face="command")
    except GatewayError as error:
        return f"{error.message} [{error.code}]"
    return "registered"


def _endpoint(registry: Registry, caller: Caller, base: str, name: str) -> Endpoint:
    """Raises `ServerNotFound`."""
    item = registry.servers.get(name) or registry.virtual_servers.get(name)
    if item is None or not registry.may_see(caller, item):
        raise ServerNotFound(name=name[:100])
    return Endpoint(name=item.name, url=f"{base}/servers/{item.name}/mcp", title=item.title)


def base_url(settings: Settings) -> str:
    """Where clients reach the gateway, as far as its settings say."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = settings.fastapi_host
    host = "localhost" if host in ("0.0.0.0", "::", "127.0.0.1", "::1") else host  # noqa: S104 - compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.mcp_port or settings.fastapi_port or 8000}"


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.read(MAX_BYTES + 1)
    try:
        return TextFile(Path(file)).read()
    except Unreadable as error:
        raise InvalidInput(str(error), hint="Check its name and who may read it.") from error
    except NotText as error:
        raise InvalidInput(str(error.fault), hint="Name the client's own configuration file.") from error


def _shape(read: Imported, outcomes: dict[str, str]) -> JsonObject:
    return {
        "format": read.format,
        "servers": [
            {"name": one.name, "url": shown_url(one.url), "login": one.credential.kind, "outcome": outcomes[one.name]}
            for one in read.orders
        ],
        "programs": [one.name for one in read.programs],
        "servers_file": write_programs(read.programs) if read.programs else "",
        "notes": [
            {"server": one.server, "field": one.field, "problem": one.problem, "fix": one.fix, "held_back": one.held_back}
            for one in read.notes
        ],
    }


def _print(read: Imported, outcomes: dict[str, str]) -> None:
    for one in read.orders:
        _echo(f"{one.name}: {outcomes[one.name]} ({shown_url(one.url)}, credential: {one.credential.kind})")
    for note in read.notes:
        what = " ".join(part for part in (note.server, note.field) if part)
        sign = "not registered" if note.held_back else "note"
        _echo(f"{sign}: {what} {note.problem}. {note.fix}")
    if read.programs:
        _echo("Programs are started only from the servers file. Copy this into the file that SERVERS_FILE names:")
        _echo_lines(["", *write_programs(read.programs).splitlines()])
    if not (read.orders or read.programs or read.notes):
        _echo("The file names no servers.")


def _echo(text: str) -> None:
    _echo_lines([text])


def _echo_lines(lines: Sequence[str]) -> None:
    for line in lines:
        typer.echo(plain(line))
