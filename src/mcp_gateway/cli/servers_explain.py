"""`mcp-gateway servers explain`: why somebody sees a tool, or does not, whether the gateway runs or not."""

import asyncio
import json
import sys
from typing import Annotated, Final

import typer

from mcp_gateway.cli.access_rules import operator_of
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.entrypoints.http.why_routes import shape_why
from mcp_gateway.federation.why.model import Why
from mcp_gateway.registry.definitions.diff_text import plain
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.why_commands import open_whys_alone

IN_THE_WAY: Final = 1
_OUTCOMES: Final = {True: "works", False: "in the way", None: "not known"}
_SIGNS: Final = {True: "ok", False: "no", None: "? "}


def explain(
    tool: Annotated[str, typer.Argument(help="SERVER.TOOL, or a name of the one endpoint.", show_default=False)],
    *,
    subject: Annotated[str, typer.Option(help="Who is asked about. Left out, without roles: whoever administers here.")] = "",
    roles: Annotated[
        list[str] | None,
        typer.Option("--roles", help="Their roles, with commas between; left out: those of their good tokens of this gateway."),
    ] = None,
    scopes: Annotated[
        list[str] | None, typer.Option("--scopes", help="The scopes of their token; left out: not narrowed.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="Their tenant.")] = LOCAL_CALLER.tenant,
    as_json: Annotated[bool, typer.Option("--json", help="The same as the API has it.")] = False,
) -> None:
    """Say why somebody sees a tool or does not, from the token to the name. Exit code 1: they do not, as far as is known."""
    settings = load_settings()
    configure_logging("ERROR", "console")
    operator = operator_of(tenant)
    described = operator
    if subject or roles or scopes:
        said = None if scopes is None else frozenset(_words(scopes))
        described = Caller(tenant=tenant, subject=subject or "somebody", roles=frozenset(_words(roles or [])), scopes=said)

    async def run() -> tuple[Why, ...]:
        async with open_whys_alone(settings, SystemClock()) as whys:
            return await whys.of_other(operator, described, tool, roles_said=roles is not None or not subject, face="command")

    found = asyncio.run(run())
    if as_json:
        sys.stdout.write(json.dumps([shape_why(one) for one in found], ensure_ascii=False, indent=2) + "\n")
    else:
        for one in found:
            _print(one)
    if not any(one.works for one in found):
        raise typer.Exit(IN_THE_WAY)


def _words(said: list[str]) -> list[str]:
    return [word.strip() for one in said for word in one.split(",") if word.strip()]


def _print(why: Why) -> None:
    who = f"{why.caller.subject} of {why.caller.tenant} ({', '.join(sorted(why.caller.roles)) or 'no role'})"
    lines = [f"{who}: {f'{why.server}.' if why.server else ''}{why.name}", ""]
    lines += [f"  {_SIGNS[one.passed]} {one.step:<18} {one.detail}" for one in why.chain]
    lines += ["", f"{_OUTCOMES[why.works]}: {why.reason}", *why.advice]
    if why.virtual_servers:
        lines.append(f"also offered by: {', '.join(why.virtual_servers)}")
    for line in lines:
        typer.echo(plain(line))
