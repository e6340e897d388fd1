"""`mcp-gateway tables`: the MCP server that offers one database, read-only."""

from typing import Annotated

import typer

from mcp_gateway.cli.event_loop import run_serving
from mcp_gateway.cli.logging_setup import configure_logging
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
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.entrypoints.mcp.tables import build_tables_server
from mcp_gateway.settings import load_settings
from mcp_gateway.tables.model import Limits
from mcp_gateway.tables.tables import TablesOptions
from mcp_gateway.wiring.data import open_tables

PORT = 8000
app = typer.Typer(add_completion=False)


@app.command()
def tables(
    *,
    url: Annotated[str, typer.Option(help="File, folder or database URL.", envvar="TABLES_URL", show_default=False)],
    transport: TransportOption = Transport.HTTP,
    host: HostOption = "127.0.0.1",
    port: PortOption = PORT,
    max_rows: Annotated[int | None, typer.Option(min=1, help="Rows a query returns when it asks for no number.")] = None,
    timeout_seconds: Annotated[float | None, typer.Option(min=0.1, help="Seconds a query may run when it names no time.")] = None,
    allow_host: NameOption = None,
    allow_origin: OriginOption = None,
    allow_remote_without_login: RemoteOption = False,
) -> None:
    """Run the MCP server that offers one database, read-only.

    What writes, reads files or reaches the network is refused twice: by parse, and by the database's own read-only mode.
    """
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    limits = Limits(max_rows=max_rows or settings.max_rows, timeout_seconds=timeout_seconds or settings.query_timeout_seconds)
    door = http_door(host, port, allow_host, allow_origin, remote_allowed=allow_remote_without_login)

    async def run() -> None:
        clock = SystemClock()
        async with open_tables(url, clock=clock, options=TablesOptions(limits=limits)) as opened:
            await serve(build_tables_server(opened, clock=clock), transport, door, settings)

    run_serving(run())
