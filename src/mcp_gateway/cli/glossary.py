"""`mcp-gateway glossary`: the MCP server that offers business words from a file."""

from pathlib import Path
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
from mcp_gateway.entrypoints.mcp.glossary import build_glossary_server
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.data import open_glossary

PORT = 8002
app = typer.Typer(add_completion=False)


@app.command()
def glossary(
    *,
    file: Annotated[Path, typer.Option(help="The words: YAML or CSV.", show_default=False)],
    transport: TransportOption = Transport.HTTP,
    host: HostOption = "127.0.0.1",
    port: PortOption = PORT,
    allow_host: NameOption = None,
    allow_origin: OriginOption = None,
    allow_remote_without_login: RemoteOption = False,
) -> None:
    """Run the MCP server that offers business words.

    An edited file is in use at once. A broken one changes nothing: the last good edition stays, and the log, the resource
    glossary://status and /health say which line is wrong.
    """
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    door = http_door(host, port, allow_host, allow_origin, remote_allowed=allow_remote_without_login)

    async def run() -> None:
        async with open_glossary(file, clock=SystemClock()) as words:
            await serve(build_glossary_server(words), transport, door, settings)

    run_serving(run())
