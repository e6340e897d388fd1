"""`mcp-gateway servers`: register MCP servers, look at them, switch them on and off, whether the gateway runs or not.

Works on DATABASE_URL, SERVERS_FILE and STATE_DIR. Whoever may read these files is an administrator here.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from mcp_gateway.cli.access_rules import operator_of
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.cli.servers_explain import explain
from mcp_gateway.cli.servers_printing import print_found, print_registered, print_server, print_servers
from mcp_gateway.cli.servers_transfer import add_transfer_commands
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.entrypoints.http.server_shapes import shape_outcome, shape_registered_server
from mcp_gateway.registry.model import Credential, DriftRule
from mcp_gateway.registry.official.names import is_registry_name
from mcp_gateway.registry.official.ordering import from_directory
from mcp_gateway.registry.orders import Registered, RemoteTransport, ServerChange, ServerOrder
from mcp_gateway.registry.registry import Registry
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.server_commands import open_registry_alone

T = TypeVar("T")
UNUSABLE = 1
app = typer.Typer(help="Register MCP servers and look after them.", no_args_is_help=True, add_completion=False)


class TransportName(Enum):
    """How a server is spoken with."""

    HTTP = "http"
    SSE = "sse"


class DriftName(Enum):
    """What happens when a server changes what it offers."""

    PASS = "pass"  # noqa: S105 - no password
    APPROVE = "approve"
    BLOCK = "block"


TRANSPORTS: dict[TransportName, RemoteTransport] = {TransportName.HTTP: "http", TransportName.SSE: "sse"}
DRIFTS: dict[DriftName, DriftRule] = {DriftName.PASS: "pass", DriftName.APPROVE: "approve", DriftName.BLOCK: "block"}

TenantOption = Annotated[str, typer.Option(help="The tenant you act for.")]
JsonOption = Annotated[bool, typer.Option("--json", help="The same as the API has it.")]
Name = Annotated[str, typer.Argument(help="The server's name.", show_default=False)]
BearerOption = Annotated[Path | None, typer.Option(help="A file with the token the server wants; - reads standard input.")]
HeaderOption = Annotated[str | None, typer.Option(help="The header that carries the secret, when it is not Authorization.")]
PrefixOption = Annotated[str | None, typer.Option(help="Goes before its names in the one endpoint.")]
DriftOption = Annotated[DriftName | None, typer.Option(help="When it changes what it offers: pass, approve or block.")]
MaskOption = Annotated[
    list[str] | None, typer.Option(help="Struck out of its answers: email, phone, card, secret; again for more.")
]


@app.callback()
def _root() -> None:
    """Register MCP servers and look after them. A running gateway minds it within half a second."""


@app.command("list")
def list_servers(*, tenant: TenantOption = LOCAL_CALLER.tenant, as_json: JsonOption = False) -> None:
    """List every server that is registered or written in the servers file."""

    async def work(registry: Registry, caller: Caller) -> list[JsonObject]:
        return [shape_registered_server(registry, caller, server) for server in registry.list(caller)]

    shapes = with_registry(tenant, work)
    _print_json(shapes) if as_json else print_servers(shapes)


@app.command()
def add(
    name: Name,
    url: Annotated[str, typer.Argument(help="Its address, or its name in a registry: com.example/server.", show_default=False)],
    *,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    transport: Annotated[TransportName, typer.Option(help="How it is spoken with; sse for old ones.")] = TransportName.HTTP,
    bearer_file: BearerOption = None,
    header: HeaderOption = None,
    prefix: PrefixOption = None,
    drift: DriftOption = None,
    mask: MaskOption = None,
    title: Annotated[str, typer.Option(help="What people see.")] = "",
    from_registry: Annotated[
        str, typer.Option(help="The registry's address. Default: the one of the servers file, or the official one.")
    ] = "",
    everybody: Annotated[bool, typer.Option(help="For callers of every tenant.")] = False,
    look: Annotated[bool, typer.Option(help="Connect to it and say what it is like.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Register a server: connect to it, check it, and say what it is like. It stays registered whatever is found."""
    order = ServerOrder(
        name=name,
        url=url,
        transport=TRANSPORTS[transport],
        title=title,
        tenant="" if everybody else tenant,
        prefix=prefix or "",
        credential=_credential(bearer_file, header) or Credential(),
        drift=DRIFTS[drift] if drift is not None else "approve",
        mask=frozenset(mask or ()),
    )

    async def work(registry: Registry, caller: Caller) -> Registered:
        ordered = order
        if from_registry or is_registry_name(url):
            found = await registry.look_up(caller, name, url, at=from_registry, face="command")
            print_found(found)
            ordered = from_directory(order, found)
        return await registry.add(caller, ordered, look=look, face="command")

    _tell(tenant, work, as_json=as_json)


@app.command()
def update(
    name: Name,
    *,
    url: Annotated[str | None, typer.Option(help="Its new address.")] = None,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    bearer_file: BearerOption = None,
    header: HeaderOption = None,
    no_credential: Annotated[bool, typer.Option("--no-credential", help="Take its credential away.")] = False,
    prefix: PrefixOption = None,
    drift: DriftOption = None,
    mask: MaskOption = None,
    look: Annotated[bool, typer.Option(help="Connect to it and say what it is like.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Change what is given, and leave the rest."""
    change = ServerChange(
        url=url,
        prefix=prefix,
        credential=Credential() if no_credential else _credential(bearer_file, header),
        drift=DRIFTS[drift] if drift is not None else None,
        mask=frozenset(mask) if mask is not None else None,
    )
    _tell(tenant, lambda registry, caller: registry.update(caller, name, change, look=look, face="command"), as_json=as_json)


@app.command()
def show(name: Name, *, tenant: TenantOption = LOCAL_CALLER.tenant, as_json: JsonOption = False) -> None:
    """Show one server; never its secrets."""

    async def work(registry: Registry, caller: Caller) -> JsonObject:
        return shape_registered_server(registry, caller, registry.find(caller, name))

    shape = with_registry(tenant, work)
    _print_json(shape) if as_json else print_server(shape)


@app.command("test")
def try_server(name: Name, *, tenant: TenantOption = LOCAL_CALLER.tenant, as_json: JsonOption = False) -> None:
    """Connect to it now and say what was found; nothing is changed."""
    _tell(tenant, lambda registry, caller: registry.test(caller, name, face="command"), as_json=as_json)


@app.command()
def refresh(name: Name, *, tenant: TenantOption = LOCAL_CALLER.tenant, as_json: JsonOption = False) -> None:
    """Look at it anew. A running gateway asks it again by itself, when it is told of a change or its promise is over."""
    _tell(tenant, lambda registry, caller: registry.refresh(caller, name, face="command"), as_json=as_json)


@app.command()
def enable(name: Name, *, tenant: TenantOption = LOCAL_CALLER.tenant) -> None:
    """Offer what it has."""
    with_registry(tenant, lambda registry, caller: registry.enable(caller, name, face="command"))
    typer.echo(f"{name} is switched on.")


@app.command()
def disable(name: Name, *, tenant: TenantOption = LOCAL_CALLER.tenant) -> None:
    """Offer nothing of it any more, and keep it registered."""
    with_registry(tenant, lambda registry, caller: registry.disable(caller, name, face="command"))
    typer.echo(f"{name} is switched off.")


@app.command()
def remove(
    name: Name,
    *,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    force: Annotated[bool, typer.Option(help="Even if a virtual server offers something of it.")] = False,
) -> None:
    """Remove it, and all that was approved of it."""
    with_registry(tenant, lambda registry, caller: registry.remove(caller, name, force=force, face="command"))
    typer.echo(f"{name} is removed.")


def with_registry(tenant: str, work: Callable[[Registry, Caller], Awaitable[T]]) -> T:
    """What the work gives, done in the name of whoever may read the store."""
    settings = load_settings()
    configure_logging("ERROR", "console")

    async def run() -> T:
        async with open_registry_alone(settings, SystemClock()) as registry:
            return await work(registry, operator_of(tenant))

    return asyncio.run(run())


add_transfer_commands(app, with_registry)
app.command("explain")(explain)


def _tell(tenant: str, work: Callable[[Registry, Caller], Awaitable[Registered]], *, as_json: bool) -> None:
    """Print what looking at a server found; 1 when it cannot be used."""

    async def told(registry: Registry, caller: Caller) -> tuple[JsonObject, bool]:
        registered = await work(registry, caller)
        found = registered.inspection
        return shape_outcome(registry, caller, registered), found is None or found.usable

    shape, usable = with_registry(tenant, told)
    _print_json(shape) if as_json else print_registered(shape)
    if not usable:
        raise typer.Exit(UNUSABLE)


def _credential(bearer_file: Path | None, header: str | None) -> Credential | None:
    """From a file, never from the command line, which everybody on this machine can read."""
    if bearer_file is None:
        if header is not None:
            raise typer.BadParameter("--header needs --bearer-file with its value.")
        return None
    secret = sys.stdin.read() if str(bearer_file) == "-" else _read(bearer_file)
    if header is not None:
        return Credential(kind="header", header=header, secret=secret.strip())
    return Credential(kind="bearer", secret=secret.strip())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The file with the token cannot be read: {path}.", hint="Check its name and who may read it."
        ) from error


def _print_json(shape: "JsonObject | list[JsonObject]") -> None:
    sys.stdout.write(json.dumps(shape, ensure_ascii=False, indent=2) + "\n")
