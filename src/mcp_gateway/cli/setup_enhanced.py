"""`mcp-gateway setup-enhanced`: make what a gateway of several replicas stands on, try all of it, and say what was found.

Doing it again changes nothing. Exit codes: 0 nothing is wrong, 1 something is.
"""

import asyncio
import json
import sys
from typing import Annotated, Final

import typer

from mcp_gateway.cli.audit_printing import print_lines
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import Json
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.auth_doctor import Chapter
from mcp_gateway.wiring.setup import set_up

OK, WRONG = 0, 1
_SIGNS: Final = {"ok": "ok      ", "problem": "PROBLEM ", "unknown": "-       "}
app = typer.Typer(help="Make and check what a gateway of several replicas needs.", add_completion=False)


@app.command()
def setup(*, as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Make and check what a gateway of several replicas needs.

    Makes the signing key and the tables of the store, tries Redis and each login provider, and says what was found.
    Doing it again changes nothing. Exit codes: 0 nothing is wrong, 1 something is.
    """
    settings = load_settings()
    configure_logging("CRITICAL", settings.log_format)
    chapters = asyncio.run(set_up(settings, SystemClock()))
    healthy = all(chapter.healthy for chapter in chapters)
    if as_json:
        facts: dict[str, Json] = {"healthy": healthy, "chapters": [chapter.to_dict() for chapter in chapters]}
        sys.stdout.write(f"{json.dumps(facts, indent=2)}\n")
    else:
        for chapter in chapters:
            _print(chapter)
        print_lines(["", "Ready: mcp-gateway serve" if healthy else "Not ready: see the problems above."])
    raise typer.Exit(OK if healthy else WRONG)


def _print(chapter: Chapter) -> None:
    lines = [chapter.title]
    for step in chapter.steps:
        lines.append(f"  {_SIGNS[step.verdict]}{step.name}: {step.said}")
        if step.change:
            lines.append(f"          change: {step.change}")
    print_lines(lines)
