"""Putting a fault in for `mcp-gateway ops faults`, for a bounded time, and taking it back whatever happens."""

import asyncio
import contextlib
import sys

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mcp_gateway.cli.endings import told_to_end
from mcp_gateway.cli.rendering import error_console
from mcp_gateway.wiring.faults import Exercise, FaultOrder, check_order, offered_faults, open_exercise

NEEDS = {"redis": "--redis URL, or --redis own", "line": "--target HOST:PORT", "rig": "the benchmark: python -m bench.faults"}


def show_faults() -> None:
    """All of them, on stdout. Raises `FaultsNotInstalled`."""
    table = Table("fault", "cause", "what is injected", "needs", show_edge=False, pad_edge=False, header_style="bold")
    for one in offered_faults():
        table.add_row(one.code, one.cause, one.injects, NEEDS[one.needs])
    Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(table)


def inject(order: FaultOrder, *, well_seconds: float, yes: bool) -> bool:
    """False when it was declined. Raises `GatewayError`, and `KeyboardInterrupt` when it was ended before its time."""
    offered, console = check_order(order), error_console()
    console.print(f"[bold]{offered.code} {offered.cause}[/], for {order.seconds:g} s: {escape(offered.injects)}")
    if not yes and not typer.confirm("Do it?", default=False, err=True):
        return False
    if not asyncio.run(_inject(order, well_seconds)):
        raise KeyboardInterrupt
    return True


async def _inject(order: FaultOrder, well_seconds: float) -> bool:
    async with open_exercise(order) as exercise:
        error_console().print(f"  where: {escape(exercise.where)}", soft_wrap=True)
        return await _run(exercise, order.seconds, well_seconds if exercise.made else 0.0)


async def _run(exercise: Exercise, seconds: float, well_seconds: float) -> bool:
    """Well, ill, and well again; False when it was ended before.

    From here on Ctrl-C ends the waiting alone, so that what is taken back is taken back whole.
    """
    console, ended = error_console(), asyncio.Event()
    with told_to_end(ended.set):
        if well_seconds:
            console.print(f"  well for {well_seconds:g} s")
        if await _waited(well_seconds, ended):
            async with exercise.fault:
                console.print("  [red]the fault is there[/]")
                lasted = await _waited(seconds, ended)
            console.print("  [green]it was taken back[/]")
            return lasted and await _waited(well_seconds, ended)
    return False


async def _waited(seconds: float, ended: asyncio.Event) -> bool:
    """False when it was ended before."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ended.wait(), seconds)
    return not ended.is_set()
