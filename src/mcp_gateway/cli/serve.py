"""`mcp-gateway serve`: the web page, the API and the MCP endpoints in one process, until Ctrl-C."""

import sys
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import structlog
import typer

from mcp_gateway.access.access import Access
from mcp_gateway.asgi.application import Role, open_application
from mcp_gateway.asgi.serving import open_listeners
from mcp_gateway.cli.event_loop import run_serving
from mcp_gateway.cli.following import allocations_followed_on_signal
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.cli.rendering import error_console
from mcp_gateway.cli.sign_in import describe, make_ways_in
from mcp_gateway.cli.watched import EngineOption, EngineTokenOption
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.settings import Settings, load_settings
from mcp_gateway.wiring.watched import Watched

app = typer.Typer(add_completion=False)
log = structlog.get_logger(__name__)


class RoleName(StrEnum):
    """Which parts this process runs."""

    ALL = "all"
    ENGINE = "engine"
    GATEWAY = "gateway"


@app.command()
def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port of the page, the API and MCP; 0 takes a free one.")
    ] = None,
    mcp_port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port for the MCP endpoints alone.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration of MCP servers to use in place of the embedded ones.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="File, folder or database URL to ask. Without it: the demo shop.")] = None,
    glossary: Annotated[Path | None, typer.Option(help="Business words, YAML or CSV.")] = None,
    role: Annotated[
        RoleName, typer.Option(help="all; engine: no web page; gateway: no embedded servers of its own.")
    ] = RoleName.ALL,
    engine: EngineOption = None,
    engine_token: EngineTokenOption = None,
    project: Annotated[
        Path | None,
        typer.Option(help="Folder of code that validate_enterprise_patterns may read.", file_okay=False, exists=True),
    ] = None,
    no_login: Annotated[
        bool, typer.Option("--no-login", help="Ask nobody to log in: whoever uses this machine may do everything. Loopback only.")
    ] = False,
) -> None:
    """Run the gateway: web page, API and MCP endpoints.

    On SIGUSR2 it follows its allocations for two minutes, so that the line of a leak can be named.
    """
    settings = load_settings(
        {
            "fastapi_host": host,
            "fastapi_port": port,
            "mcp_port": mcp_port,
            "mcp_config_path": config,
            "tables_url": data,
            "glossary_file": glossary,
            "login": "none" if no_login else None,
        }
    )
    configure_logging(settings.log_level, settings.log_format)
    try:
        run_serving(_serve(settings, role.value, Watched(engine_url=engine, engine_token=engine_token, project=project)))
    except KeyboardInterrupt:
        error_console().print("stopped")


async def _serve(settings: Settings, role: Role, watched: Watched) -> None:
    with closing(open_listeners(settings)) as listeners, allocations_followed_on_signal():
        async with open_application(
            settings, clock=SystemClock(), listeners=listeners, role=role, watched=watched
        ) as application:
            log.info("listening", page=listeners.url, mcp=f"{listeners.mcp_url}/mcp", data=application.data)
            await _say_ways_in(application.gateway.access, settings, listeners.url)
            await application.serve(listeners)
            log.info("stopped")


async def _say_ways_in(access: Access | None, settings: Settings, page_url: str) -> None:
    """Only where nobody else says who people are."""
    if access is None or settings.login == "none" or access.providers:
        return
    sys.stderr.write(describe(await make_ways_in(access, page_url)))
