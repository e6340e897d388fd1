"""Carrying out `mcp-gateway ops apply`. Apart from the command, whose help should not wait for all of this."""

import asyncio
from collections.abc import Mapping

import typer
from rich.markup import escape

from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.cli.rendering import error_console
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.diagnostics.actions.applying import Applied, Preview
from mcp_gateway.settings import Settings, load_settings
from mcp_gateway.wiring.operations import Watched
from mcp_gateway.wiring.remedies import open_mending


def carry_out(kind: str, target: Mapping[str, str], watched: Watched, *, yes: bool) -> bool:
    """Show what would be done, ask, do it, and wait for its signal; whether it helped. Raises `GatewayError`."""
    settings = load_settings()
    configure_logging("ERROR" if settings.log_level == "INFO" else settings.log_level, settings.log_format)
    applied = asyncio.run(_apply(kind, target, settings, watched, yes=yes))
    if applied is None:
        return False
    console = error_console()
    if applied.helped:
        console.print(f"[green]It helped[/], after {applied.seconds:.0f} s.")
        return True
    undone = {True: "it was undone", False: "it could not be undone", None: "there is nothing that could be undone"}
    console.print(f"[red]It did not help[/]: its signal did not come; {undone[applied.undone]}.")
    return False


async def _apply(kind: str, target: Mapping[str, str], settings: Settings, watched: Watched, *, yes: bool) -> Applied | None:
    console = error_console()
    async with open_mending(settings, watched, clock=SystemClock()) as mending:
        with console.status("looking, twice"):
            preview = await mending.preview(kind, target)
        _show(preview)
        if not yes and not typer.confirm("Do it?", default=False, err=True):
            return None
        with console.status("doing it, and waiting for its signal"):
            return await mending.mend(LOCAL_CALLER, kind, target, token=preview.token)


def _show(preview: Preview) -> None:
    console, action = error_console(), preview.action
    console.print(f"[bold]{escape(preview.sentence)}[/]  (risk {action.risk})")
    for change in preview.radius.changes:
        console.print(f"  would change: {escape(change)}")
    for precondition in action.preconditions:
        console.print(f"  must hold:    {escape(precondition)}")
    console.print(f"  must come:    {escape(action.verify)}")
    console.print(f"  undo:         {escape(action.undo or 'none')}")
