"""Carrying out `mcp-gateway diagnose`, and a remedy of it. Apart from the command, whose help should not wait for all of this."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import NamedTuple

from mcp_gateway.cli import mending
from mcp_gateway.cli.logging_setup import quiet_settings
from mcp_gateway.cli.rendering import error_console
from mcp_gateway.cli.telling import print_lines
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.diagnostics.operations import IssueType, TroubleOrder
from mcp_gateway.entrypoints.mcp.operations_text.tell import tell
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.operations import open_operations
from mcp_gateway.wiring.watched import Watched

TOOL = "troubleshoot_production_issue"


class Done(NamedTuple):
    """`helped` None: no remedy was to be carried out. False: it did not, or nobody said yes."""

    verdict: str
    helped: bool | None


def carry_out(
    issue: IssueType,
    watched: Watched,
    *,
    tenant: str | None,
    minutes: int,
    as_json: bool,
    apply: str | None,
    yes: bool,
) -> Done:
    """Print what was found, and carry out what `apply` names of it. Raises `GatewayError`."""
    settings = quiet_settings()
    order = TroubleOrder(issue_type=issue, tenant_id=tenant, time_window_minutes=minutes)
    with error_console().status("looking, twice"):
        found = asyncio.run(_find(order, settings, watched))
    if not as_json:
        print_lines(tell(TOOL, found))
    applied = None if apply is None else mending.carry_out(mending.chosen(found, apply), settings, watched, yes=yes)
    if as_json:
        whole = found if apply is None else {**found, "applied": None if applied is None else applied.to_dict()}
        sys.stdout.write(json.dumps(whole, ensure_ascii=False, indent=2) + "\n")
    helped = None if apply is None else applied is not None and applied.helped
    return Done(str(found["verdict"]), helped)


async def _find(order: TroubleOrder, settings: Settings, watched: Watched) -> Mapping[str, Json]:
    async with open_operations(settings, clock=SystemClock(), watched=watched) as operations:
        return await operations.troubleshoot_production_issue(LOCAL_CALLER, order)
