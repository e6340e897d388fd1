"""`mcp-gateway access`: why somebody may or may not do something, and the rules that say so, whether the gateway runs or not.

Works on ACCESS_FILE, DATABASE_URL and STATE_DIR. Whoever may read these files is an administrator of every tenant here.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mcp_gateway.access.access import Access
from mcp_gateway.access.configuration.file import AccessFile
from mcp_gateway.access.errors import PolicyInvalid, TokenRefused
from mcp_gateway.access.policy.build import build_policy
from mcp_gateway.access.policy.explain import NOTHING_KNOWN, Circumstances, Explanation, as_issued, parse_column
from mcp_gateway.access.policy.model import ACTIONS, Action, Target
from mcp_gateway.access.policy.own_tools import action_of, parse_tool
from mcp_gateway.cli import access_rules
from mcp_gateway.cli.access_printing import print_check, print_explanation, print_faults, print_json
from mcp_gateway.cli.access_rules import operator_of, with_access
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.entrypoints.http.access_shapes import shape_explanation
from mcp_gateway.settings import load_settings, process_environment

FAULTS = 1
app = typer.Typer(help="Explain decisions, check and change rules.", no_args_is_help=True, add_completion=False)
app.add_typer(access_rules.app, name="rules")
app.command("dry-run")(access_rules.dry_run)


@app.callback()
def _root() -> None:
    """Explain decisions, check and change rules. Works whether the gateway runs or not."""


@app.command()
def explain(
    *,
    subject: Annotated[str, typer.Option("--as", help="Who is asked about: a subject of the tenant.")] = "",
    tenant: Annotated[str, typer.Option(help="The tenant it is of.")] = LOCAL_CALLER.tenant,
    role: Annotated[
        list[str] | None,
        typer.Option(help="A role; may be given again. Left out: the roles of the subject's good tokens of this gateway."),
    ] = None,
    scope: Annotated[list[str] | None, typer.Option(help="A scope of the token; may be given again.")] = None,
    token: Annotated[bool, typer.Option("--token", help="Read the caller from a token on standard input instead.")] = False,
    action: Annotated[str, typer.Option(help=f"One of: {', '.join(ACTIONS)}. Default: what goes with the target.")] = "",
    tool: Annotated[str, typer.Option(help="The tool, SERVER.TOOL.")] = "",
    server: Annotated[str, typer.Option(help="The server.")] = "",
    table: Annotated[str, typer.Option(help="The table.")] = "",
    column: Annotated[str, typer.Option(help="The column, TABLE.COLUMN.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the chain as JSON.")] = False,
) -> None:
    """Print why a caller may or may not do something: token, tenant, role, scope, rule, server, name."""
    if token == bool(subject):
        raise typer.BadParameter("Name the caller with --as, or give its token on standard input with --token.")
    target = _target(tool=tool, server=server, table=table, column=column)
    wanted = _action(action, target)
    text = sys.stdin.read().strip() if token else ""

    async def work(access: Access) -> Explanation:
        if token:
            caller, circumstances = await _believed(access, text, tenant)
        else:
            caller, circumstances = await _described(access, tenant, subject, role, scope)
        return access.policy.explain(operator_of(caller.tenant), caller, wanted, target, circumstances)

    explained = with_access(work)
    if as_json:
        print_json(shape_explanation(explained))
    else:
        print_explanation(explained)


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="The access file. Default: the one ACCESS_FILE names.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check an access file and print what each role may. Exit code 1: it has faults."""
    settings = load_settings()
    configure_logging("WARNING" if settings.log_level == "INFO" else settings.log_level, settings.log_format)
    path = file or settings.access_file
    if path is None:
        raise typer.BadParameter("Name the file, or set ACCESS_FILE.")
    try:
        read = AccessFile(path, environment=process_environment()).load()
    except PolicyInvalid as error:
        print_faults(error, as_json=as_json)
        raise typer.Exit(FAULTS) from error
    print_check(str(path), read, build_policy(read.statements), as_json=as_json)


def _target(*, tool: str, server: str, table: str, column: str) -> Target:
    named = parse_tool(tool) if tool else Target()
    within = parse_column(column) if column else Target()
    return Target(server=server or named.server, tool=named.tool, table=table or within.table, column=within.column)


def _action(said: str, target: Target) -> Action:
    """What somebody who names only the target means to do with it."""
    if not said:
        return action_of(target) if target.tool else "see_servers" if target.server and not target.table else "ask"
    known = next((action for action in ACTIONS if action == said), None)
    if known is None:
        raise typer.BadParameter(f"{said!r} is not an action; known: {', '.join(ACTIONS)}.")
    return known


async def _believed(access: Access, token: str, tenant: str) -> tuple[Caller, Circumstances]:
    """The caller of a token; of one that is refused nothing it says is believed, not even the tenant."""
    try:
        caller = await access.authenticate(token)
    except TokenRefused as error:
        nobody = Caller(tenant=tenant, subject="whoever sent it")
        return nobody, Circumstances(token_refusal=f"not accepted: {error.data.get('reason', error.message)}")
    return caller, Circumstances(token_detail=f"accepted: {caller.subject}{f', from {caller.issuer}' if caller.issuer else ''}")


async def _described(
    access: Access, tenant: str, subject: str, roles: list[str] | None, scopes: list[str] | None
) -> tuple[Caller, Circumstances]:
    """As said; without roles, those of the tokens this gateway issued to the subject."""
    circumstances = NOTHING_KNOWN
    if roles is None:
        found, tokens = await access.tokens.roles_of(operator_of(tenant), subject)
        roles, circumstances = sorted(found), as_issued(subject, tokens, "--role")
    caller = Caller(tenant=tenant, subject=subject, roles=frozenset(roles), scopes=None if scopes is None else frozenset(scopes))
    return caller, circumstances
