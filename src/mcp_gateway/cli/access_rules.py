"""`mcp-gateway access rules` and `access dry-run`: what is stored for a tenant, and what a change would do."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from mcp_gateway.access.access import Access
from mcp_gateway.access.act import Act
from mcp_gateway.access.configuration.file import AccessFile
from mcp_gateway.access.policy.bodies import Statement, identity_of, kind_of
from mcp_gateway.access.policy.changes import Addition, Removal
from mcp_gateway.access.policy.dry_run import DryRun
from mcp_gateway.access.policy.dry_run import dry_run as compare
from mcp_gateway.access.policy.listing import Listed
from mcp_gateway.access.policy.ports import Kind
from mcp_gateway.cli.access_printing import print_dry_run, print_json, print_listed
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.entrypoints.http.access_shapes import shape_dry_run, shape_listed
from mcp_gateway.settings import load_settings, process_environment
from mcp_gateway.wiring.access_commands import open_access_alone

T = TypeVar("T")
app = typer.Typer(help="List, add and remove what is stored for a tenant.", no_args_is_help=True, add_completion=False)


class Effect(Enum):
    """What a rule does."""

    ALLOW = "allow"
    DENY = "deny"


class KindName(Enum):
    """What can be stored."""

    RULE = "rule"
    ROLE = "role"
    ROW_FILTER = "row_filter"


TenantOption = Annotated[str, typer.Option(help="The tenant whose rules are meant.")]
ForceOption = Annotated[bool, typer.Option(help="Do it even if nobody can take it back through the API.")]
KINDS: dict[KindName, Kind] = {KindName.RULE: "rule", KindName.ROLE: "role", KindName.ROW_FILTER: "row_filter"}


@app.callback()
def _root() -> None:
    """List, add and remove what is stored for a tenant. A running gateway minds it within a second."""


@app.command("list")
def list_rules(
    *,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List everything that speaks about a tenant: built in, of the access file, stored."""

    async def work(access: Access) -> Sequence[Listed]:
        return access.policy.list(operator_of(tenant))

    listed = with_access(work)
    if as_json:
        sys.stdout.writelines(f"{json.dumps(shape_listed(one))}\n" for one in listed)
    else:
        print_listed(listed)


@app.command()
def add(
    effect: Annotated[Effect | None, typer.Argument(help="allow or deny; left out with --body.", show_default=False)] = None,
    *,
    identity: Annotated[str, typer.Option("--id", help="The rule's name; one of that name is replaced.")] = "",
    tenant: TenantOption = LOCAL_CALLER.tenant,
    action: Annotated[list[str] | None, typer.Option(help="An action; may be given again. A deny without: every one.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="For whom: a role; may be given again.")] = None,
    subject: Annotated[list[str] | None, typer.Option(help="For whom: a subject, * and ? allowed; may be given again.")] = None,
    server: Annotated[list[str] | None, typer.Option(help="About what: a server; patterns, and again, as below.")] = None,
    tool: Annotated[list[str] | None, typer.Option(help="About what: a tool, such as execute_*.")] = None,
    table: Annotated[list[str] | None, typer.Option(help="About what: a table.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="About what: a column, such as customers.email.")] = None,
    note: Annotated[str, typer.Option(help="Why; shown when the rule decides.")] = "",
    body: Annotated[str, typer.Option(help="The whole as JSON in place of the options above; - reads standard input.")] = "",
    kind: Annotated[KindName, typer.Option(help="What the body is.")] = KindName.RULE,
    force: ForceOption = False,
) -> None:
    """Store a rule for a tenant, or with --body a role or a row filter; one of the same name is replaced."""
    if (effect is None) == (not body):
        raise typer.BadParameter("Say allow or deny and about what, or give the whole with --body.")
    text = sys.stdin.read() if body == "-" else body
    if effect is not None:
        said: dict[str, Json] = {"id": identity, "effect": effect.value, "note": note}
        lists = {"actions": action, "roles": role, "subjects": subject, "servers": server, "tools": tool}
        lists |= {"tables": table, "columns": column}
        said |= {key: [*words] for key, words in lists.items() if words}
        text = json.dumps({key: value for key, value in said.items() if value})
    addition = Addition(kind=KINDS[kind], text=text)
    operator = operator_of(tenant)
    act = Act(action="manage_access", arguments={"put": addition.kind, "body": text, "force": force}, face="command")
    stored = with_access(
        lambda access: access.governor.carry_out(operator, act, lambda: access.policy.put(operator, addition, force=force))
    )
    sys.stderr.write(f"stored for {tenant}: {_named(stored)}\n")


@app.command()
def remove(
    identity: Annotated[str, typer.Argument(help="Its id, or a role's name.", show_default=False)],
    *,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    kind: Annotated[KindName, typer.Option(help="What it is.")] = KindName.RULE,
    force: ForceOption = False,
) -> None:
    """Remove what is stored for a tenant."""
    removal = Removal(kind=KINDS[kind], id=identity)
    operator = operator_of(tenant)
    act = Act(action="manage_access", arguments={"remove": removal.kind, "id": identity, "force": force}, face="command")
    with_access(
        lambda access: access.governor.carry_out(operator, act, lambda: access.policy.remove(operator, removal, force=force))
    )
    sys.stderr.write(f"removed from {tenant}: {removal.kind} {identity}\n")


def dry_run(
    *,
    policy: Annotated[Path, typer.Option(help="The access file as it would be.", show_default=False)],
    tenant: Annotated[str | None, typer.Option(help="Only this tenant. Default: every one.", show_default=False)] = None,
    days: Annotated[float, typer.Option(min=0, help="How many days of past calls to compare; 0: none.")] = 7.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say who would lose or gain what if another access file took the place of this one. Nothing is changed."""
    written = AccessFile(policy, environment=process_environment()).load()

    async def work(access: Access) -> DryRun:
        after = access.policy.policy_with(written.statements)
        tenants = [tenant] if tenant is not None else await access.audit.tenants()
        calls = await access.past_calls.read(tenants, days=days)
        return compare(access.policy.current, after, calls, tenant=tenant)

    run = with_access(work)
    if as_json:
        print_json(shape_dry_run(run))
    else:
        print_dry_run(run)


def operator_of(tenant: str) -> Caller:
    """Who sits at this machine, in the tenant named."""
    return Caller(tenant=tenant, subject=LOCAL_CALLER.subject, roles=LOCAL_CALLER.roles)


def with_access(work: Callable[[Access], Awaitable[T]]) -> T:
    """Open access, work, close."""
    settings = load_settings()
    configure_logging("WARNING" if settings.log_level == "INFO" else settings.log_level, settings.log_format)

    async def run() -> T:
        async with open_access_alone(settings, SystemClock()) as access:
            return await work(access)

    return asyncio.run(run())


def _named(statement: Statement) -> str:
    return f"{kind_of(statement)} {identity_of(statement)}"
