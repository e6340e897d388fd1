"""Carrying out `mcp-gateway diagnose`. Apart from the command, whose help should not wait for all of this."""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.markup import escape

from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.cli.rendering import error_console
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.diagnostics.operations import IssueType, TroubleOrder
from mcp_gateway.settings import Settings, load_settings
from mcp_gateway.wiring.operations import Watched, open_operations

_COLOURS = {"healthy": "green", "degraded": "yellow", "unhealthy": "red", "could_not_tell": "magenta"}


def carry_out(
    issue: IssueType, *, gateway: str | None, engine: str | None, tenant: str | None, minutes: int, as_json: bool
) -> str:
    """Print what was found; the verdict. Raises `GatewayError`."""
    settings = load_settings()
    configure_logging("ERROR" if settings.log_level == "INFO" else settings.log_level, settings.log_format)
    order = TroubleOrder(issue_type=issue, tenant_id=tenant, time_window_minutes=minutes)
    with error_console().status("looking, twice"):
        found = asyncio.run(_find(order, settings, Watched(gateway_url=gateway, engine_url=engine)))
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    else:
        out = Console(highlight=False, soft_wrap=True)
        for line in _lines(found):
            out.print(line)
    return str(found["verdict"])


async def _find(order: TroubleOrder, settings: Settings, watched: Watched) -> Mapping[str, Json]:
    async with open_operations(settings, clock=SystemClock(), project=None, watched=watched) as operations:
        return await operations.troubleshoot_production_issue(LOCAL_CALLER, order)


def _lines(found: Mapping[str, Json]) -> Iterator[str]:
    verdict = str(found["verdict"])
    yield f"[bold {_COLOURS.get(verdict, 'white')}]{verdict.replace('_', ' ')}[/]"
    for one in _objects(found["hypotheses"]):
        yield f"\n[bold]{_shown(one['title'])}[/]  ({_shown(one['cause'])}, {_share(one['confidence'])})"
        yield f"  {_shown(one['why'])}"
        yield from (f"  + {_evidence(sign)}" for sign in _objects(one["for"]))
        yield from (f"  - {_evidence(sign)}" for sign in _objects(one["against"]))
    if not found["hypotheses"]:
        yield from (f"\n[bold]{_shown(one['message'])}[/] {_shown(one['impact'])}" for one in _objects(found["diagnostics"]))
    for number, action in enumerate(_objects(found["recommendations"]), start=1):
        undo = "can be undone" if action["reversible"] else "cannot be undone"
        yield f"\n{number}. {_shown(action['action'])}  (risk {_shown(action['risk'])}, {undo})"
        yield f"   then watch: {_shown(action['verify'])}"
        if action["command"]:
            yield f"   [dim]{_shown(action['command'])}[/]"
    ruled_out = _objects(found["ruled_out"])
    if ruled_out:
        yield f"\n[dim]ruled out: {_shown(', '.join(str(one['cause']) for one in ruled_out))}[/]"
    for spot in _objects(found["blind_spots"]):
        yield f"[magenta]not seen[/]: {_shown(spot['what'])}: {_shown(spot['why'])} [dim]{_shown(spot['hint'])}[/]"


def _evidence(sign: JsonObject) -> str:
    usual = f", usually {_shown(sign['baseline'])}" if sign["baseline"] is not None else ""
    return f"{_shown(sign['signal'])} = {_shown(sign['value'])} {_shown(sign['unit'])}{usual}"


def _objects(value: Json) -> list[JsonObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _shown(value: Json) -> str:
    """Nothing that was read colours the terminal or moves in it."""
    return escape("".join(letter if letter.isprintable() else " " for letter in str(value)))


def _share(value: Json) -> str:
    return f"{value:.0%}" if isinstance(value, int | float) else "?"
