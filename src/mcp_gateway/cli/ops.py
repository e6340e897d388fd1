"""`mcp-gateway ops`: the MCP server with the operations tools; `ops apply` carries a proposed remedy out, `ops faults` hurts."""

from pathlib import Path
from typing import Annotated

import typer

from mcp_gateway.cli.endings import FAILED
from mcp_gateway.cli.event_loop import run_serving
from mcp_gateway.cli.injecting import inject, show_faults
from mcp_gateway.cli.logging_setup import configure_logging, quiet_settings
from mcp_gateway.cli.mcp_door import (
    HostOption,
    NameOption,
    OriginOption,
    PortOption,
    RemoteOption,
    Transport,
    TransportOption,
    http_door,
    serve,
)
from mcp_gateway.cli.mending import Order, carry_out
from mcp_gateway.cli.watched import EngineOption, EngineTokenOption, GatewayOption, GatewayTokenOption, YesOption
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.entrypoints.mcp.operations import build_operations_server
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.faults import FaultOrder
from mcp_gateway.wiring.operations import open_operations
from mcp_gateway.wiring.watched import Watched

PORT = 8030
app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def ops(
    context: typer.Context,
    *,
    gateway: GatewayOption = None,
    engine: EngineOption = None,
    gateway_token: GatewayTokenOption = None,
    engine_token: EngineTokenOption = None,
    project: Annotated[
        Path, typer.Option(help="Folder of code it may read and check.", file_okay=False, exists=True, resolve_path=True)
    ] = Path(),
    transport: TransportOption = Transport.HTTP,
    host: HostOption = "127.0.0.1",
    port: PortOption = PORT,
    allow_host: NameOption = None,
    allow_origin: OriginOption = None,
    allow_remote_without_login: RemoteOption = False,
) -> None:
    """Run the MCP server with the operations tools.

    They find what is wrong, make routers, and check them. It looks at the gateway, the engine and the Redis (REDIS_URL) it
    is told of, and keeps what it saw while it runs, so that it knows what is usual there.
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    watched = Watched(
        gateway_url=gateway, engine_url=engine, gateway_token=gateway_token, engine_token=engine_token, project=project
    )
    door = http_door(host, port, allow_host, allow_origin, remote_allowed=allow_remote_without_login)

    async def run() -> None:
        async with open_operations(settings, clock=SystemClock(), watched=watched, keep=True) as operations:
            await serve(build_operations_server(operations), transport, door, settings)

    run_serving(run())


@app.command("apply")
def apply_remedy(
    kind: Annotated[str, typer.Argument(help="The remedy, as `mcp-gateway diagnose` proposes it.", show_default=False)],
    target: Annotated[
        list[str] | None, typer.Argument(help="Its targets, NAME=VALUE each, as proposed.", show_default=False)
    ] = None,
    *,
    gateway: GatewayOption = None,
    engine: EngineOption = None,
    gateway_token: GatewayTokenOption = None,
    engine_token: EngineTokenOption = None,
    yes: YesOption = False,
) -> None:
    """Carry out a remedy that is proposed now.

    It is shown first, with what it would change. It is undone when its signal does not come within a minute; each step
    stands in the audit trail. Exit codes: 0 it helped, 1 it did not, or was not done.
    """
    parts = [one.partition("=") for one in target or ()]
    if not all(sign for _, sign, _ in parts):
        raise typer.BadParameter("targets are written NAME=VALUE")
    order = Order(kind, {name: value for name, _, value in parts})
    watched = Watched(gateway_url=gateway, engine_url=engine, gateway_token=gateway_token, engine_token=engine_token)
    applied = carry_out(order, quiet_settings(), watched, yes=yes)
    if applied is None or not applied.helped:
        raise typer.Exit(1)


@app.command("faults")
def faults(
    fault: Annotated[
        str | None, typer.Argument(help="Its code or its cause; without, all are listed.", show_default=False)
    ] = None,
    *,
    redis: Annotated[
        str | None, typer.Option(help="The Redis to hurt; `own` makes a Valkey for it.", metavar="URL|own", show_default=False)
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Where the line leads that is to be hurt.", metavar="HOST:PORT", show_default=False)
    ] = None,
    listen: Annotated[int, typer.Option(help="The line's port on loopback; 0 is a free one.", min=0, max=65_535)] = 0,
    seconds: Annotated[float, typer.Option(help="How long the fault lasts.", min=1, max=600)] = 20,
    well_seconds: Annotated[
        float, typer.Option("--well", help="How long the line, or the own Valkey, is well before and after.", min=0, max=3_600)
    ] = 30,
    allow_remote: Annotated[
        str | None,
        typer.Option(help="A host that is not this machine, is yours, and may be hurt.", metavar="HOST", show_default=False),
    ] = None,
    yes: YesOption = False,
) -> None:
    """Put a fault into services of your own, for a bounded time, to see whether it is found.

    It is taken back at the end, on Ctrl-C too. A Redis is hurt itself; between other parts a line is put, which the gateway is
    told to use instead of the target. Only this machine's own services are hurt. Needs the extra `faults`.
    """
    if fault is None:
        show_faults()
        return
    order = FaultOrder(
        fault=fault, seconds=seconds, redis=redis, target=target, listen=listen, allow_remote=allow_remote
    )  # fmt: skip
    quiet_settings()
    if not inject(order, well_seconds=well_seconds, yes=yes):
        raise typer.Exit(FAILED)
