"""Carrying out a remedy, for every command that can. Apart from the commands, whose help should not wait for all of this."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import typer

from mcp_gateway.cli.endings import told_to_end
from mcp_gateway.cli.rendering import error_console
from mcp_gateway.cli.telling import print_lines
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import InvalidInput, Json
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.diagnostics.actions.kinds import OURS
from mcp_gateway.diagnostics.actions.mending import Mending
from mcp_gateway.diagnostics.actions.operating import Applied, Preview, Unfinished
from mcp_gateway.entrypoints.mcp.operations_text.lines import Line, say
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.remedies import open_mending
from mcp_gateway.wiring.watched import Watched


class Order(NamedTuple):
    """A remedy of a diagnosis. `target`: names to values, as proposed. `command`: the lines for a person."""

    kind: str
    target: Mapping[str, str]
    command: str = ""


def chosen(diagnosis: Mapping[str, Json], which: str) -> Order:
    """Of what a diagnosis recommends, by its number from 1 or by its kind. Raises `InvalidInput`, which names what there is."""
    actions = diagnosis.get("actions")
    orders = [_order(one) for one in actions if isinstance(one, dict)] if isinstance(actions, list) else []
    if not orders:
        raise InvalidInput(
            "This diagnosis recommends nothing, so there is nothing to apply.",
            hint="Look at what it could not see; what is not named is not looked at.",
        )
    found = [one for number, one in enumerate(orders, start=1) if which in {str(number), one.kind}]
    if len(found) != 1:
        raise InvalidInput(
            f"--apply {which[:60]} names {'several' if found else 'none'} of the recommended remedies.",
            hint=f"Recommended: {_numbered(orders)}",
        )
    if found[0].kind not in OURS:
        hint = f"By hand:\n{found[0].command}\nRecommended: {_numbered(orders)}"
        raise InvalidInput(f"{found[0].kind} is for people to carry out.", hint=hint)
    return found[0]


def _numbered(orders: Sequence[Order]) -> str:
    said = (f"{number} {one.kind}" + ("" if one.kind in OURS else " (by hand)") for number, one in enumerate(orders, start=1))
    return ", ".join(said)


def carry_out(order: Order, settings: Settings, watched: Watched, *, yes: bool) -> Applied | None:
    """Show what would be done, ask, do it, and wait for its signal; None when nobody said yes.

    Raises `GatewayError`, and `KeyboardInterrupt` when it was ended before, by then taken back.
    """
    try:
        applied = asyncio.run(_apply(order, settings, watched, yes=yes))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    if applied is not None:
        _tell(applied)
    return applied


async def _apply(order: Order, settings: Settings, watched: Watched, *, yes: bool) -> Applied | None:
    console = error_console()
    async with open_mending(settings, watched, clock=SystemClock()) as mending:
        print_lines((line for one in await mending.unfinished() for line in _unfinished(one)), console)
        with console.status("looking, twice"):
            preview = await mending.preview(order.kind, order.target)
        print_lines(_preview(preview), console)
        if not yes and not typer.confirm("Do it?", default=False, err=True):
            return None
        with console.status("doing it, and waiting for its signal"):
            return await _mend(mending, order, preview.token)


async def _mend(mending: Mending, order: Order, token: str) -> Applied:
    """From here on Ctrl-C ends it once: what was changed is taken back, and taking back is not to be hindered."""
    working = asyncio.ensure_future(mending.mend(LOCAL_CALLER, order.kind, order.target, token=token, hear=_hear))
    asked: list[None] = []

    def end() -> None:
        if asked:
            _hear("It is being taken back, which takes a minute at most.")
        else:
            asked.append(None)
            working.cancel()

    with told_to_end(end):
        return await working


def _hear(said: str) -> None:
    print_lines([say("plain", f"  {said}")], error_console())


def _unfinished(one: Unfinished) -> Iterator[Line]:
    yield say(
        "bad",
        f"{one.kind} was begun at {one.at:%Y-%m-%d %H:%M:%S} UTC by {one.by or 'somebody'}, and has no end ({one.last_step}).",
    )
    yield say("plain", f"  it runs now, or it was killed; the way back by hand: {one.way_back or 'none'}")
    yield say("plain", f"  its steps: mcp-gateway audit search --id {one.run}")


def _preview(preview: Preview) -> Iterator[Line]:
    action = preview.action
    yield say("heading", f"{preview.sentence}  (risk {action.risk})")
    yield from (say("plain", f"  would change: {change}") for change in preview.radius.changes)
    yield from (say("plain", f"  must hold:    {precondition}") for precondition in action.preconditions)
    yield say("plain", f"  must come:    {action.verify}")
    yield say("plain", f"  undo:         {action.undo or 'none'}")


def _tell(applied: Applied) -> None:
    console = error_console()
    if applied.outcome.said:
        print_lines([say("plain", applied.outcome.said)], console)
    if applied.helped:
        console.print(f"[green]It helped[/], after {applied.seconds:.0f} s.")
        return
    undone = {True: "it was undone", False: "it could NOT be undone", None: "there is nothing that could be undone"}
    console.print(f"[red]It did not help[/]: its signal did not come; {undone[applied.undone]}.")
    if applied.way_back:
        print_lines([say("bad", f"Take it back by hand: {applied.way_back}")], console)


def _order(action: Mapping[str, Json]) -> Order:
    target = action.get("target")
    named = {name: str(value) for name, value in target.items()} if isinstance(target, dict) else {}
    return Order(str(action.get("kind")), named, str(action.get("command") or ""))
