"""`mcp-gateway tools`: what servers offer, how it stands, what changed, and decisions about it, whether the gateway runs or not.

Works on DATABASE_URL, SERVERS_FILE and STATE_DIR. Whoever may read these files is an administrator here.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from mcp_gateway.cli.access_rules import operator_of
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.cli.tool_costs import costs_of, print_costs
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.entrypoints.http.tool_shapes import shape_compared, shape_entry, shape_shown
from mcp_gateway.registry.definitions.approvals import Approvals, Shown, Wanted
from mcp_gateway.registry.definitions.diff_text import diff_text, plain, shown_definition
from mcp_gateway.registry.definitions.model import Key, Kind, Status
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.definition_commands import open_approvals_alone

T = TypeVar("T")
app = typer.Typer(help="See, compare, approve and block what servers offer.", no_args_is_help=True, add_completion=False)


class KindName(Enum):
    """What servers offer."""

    TOOLS = "tools"
    PROMPTS = "prompts"
    RESOURCES = "resources"
    TEMPLATES = "templates"
    INSTRUCTIONS = "instructions"


class StatusName(Enum):
    """How it may stand."""

    OFFERED = "offered"
    WAITING = "waiting"
    BLOCKED = "blocked"


KINDS: dict[KindName, Kind] = {
    KindName.TOOLS: "tools",
    KindName.PROMPTS: "prompts",
    KindName.RESOURCES: "resources",
    KindName.TEMPLATES: "templates",
    KindName.INSTRUCTIONS: "instructions",
}
STATUSES: dict[StatusName, Status] = {
    StatusName.OFFERED: "offered",
    StatusName.WAITING: "waiting",
    StatusName.BLOCKED: "blocked",
}
ServerArgument = Annotated[str, typer.Argument(help="The server.", show_default=False)]
NameArgument = Annotated[str, typer.Argument(help="The tool or prompt, as its server calls it; a URI.", show_default=False)]
KindOption = Annotated[KindName, typer.Option(help="What it is.")]
TenantOption = Annotated[str, typer.Option(help="The tenant in whose name this is done.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def _root() -> None:
    """See, compare, approve and block what servers offer. A running gateway minds it within half a second."""


@app.command("list")
def list_tools(
    server: Annotated[str, typer.Argument(help="Only of this server.")] = "",
    *,
    status: Annotated[StatusName | None, typer.Option(help="Only what stands so.", show_default=False)] = None,
    kind: Annotated[KindName | None, typer.Option(help="Only of this kind.", show_default=False)] = None,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List what servers offer and how each of it stands."""
    wanted = Wanted(server=server, kind=kind and KINDS[kind], status=status and STATUSES[status])

    async def work(approvals: Approvals) -> tuple[Shown, ...]:
        return approvals.list(operator_of(tenant), wanted)

    found = _with_approvals(work)
    if as_json:
        sys.stdout.writelines(f"{json.dumps(shape_entry(one))}\n" for one in found)
    elif found:
        _print_list(found)
    else:
        sys.stderr.write("nothing of this kind was seen yet; a running gateway looks when somebody lists\n")


@app.command()
def cost(
    server: Annotated[str, typer.Argument(help="Only of this server.")] = "",
    *,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    as_json: JsonOption = False,
) -> None:
    """Say what the tools on offer cost a model that reads their list, in tokens, about."""

    async def work(approvals: Approvals) -> tuple[Shown, ...]:
        return approvals.list(operator_of(tenant), Wanted(server=server, kind="tools", status="offered"))

    print_costs(costs_of(_with_approvals(work)), as_json=as_json)


@app.command()
def show(
    server: ServerArgument,
    name: NameArgument,
    *,
    kind: KindOption = KindName.TOOLS,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    as_json: JsonOption = False,
) -> None:
    """Print one definition, as it counts now."""

    async def work(approvals: Approvals) -> Shown:
        return approvals.show(operator_of(tenant), Key(server, KINDS[kind], name))

    shown = _with_approvals(work)
    if as_json:
        sys.stdout.write(f"{json.dumps(shape_shown(shown))}\n")
        return
    record, standing = shown.record, shown.record.standing()
    sys.stdout.write(
        f"{record.server} {plain(record.name)}: {record.status} ({record.verdict})\nfingerprint {standing.fingerprint}\n"
    )
    sys.stdout.writelines(f"- {plain(reason)}\n" for reason in record.reasons)
    sys.stdout.write(f"{shown_definition(standing.body)}\n")


@app.command()
def diff(
    server: ServerArgument,
    name: NameArgument,
    *,
    kind: KindOption = KindName.TOOLS,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    as_json: JsonOption = False,
) -> None:
    """Print what changed since it was approved, each change by its class, and whatever is suspicious."""

    async def work(approvals: Approvals) -> str:
        compared = approvals.compare(operator_of(tenant), Key(server, KINDS[kind], name))
        return f"{json.dumps(shape_compared(compared))}\n" if as_json else diff_text(compared)

    sys.stdout.write(_with_approvals(work))


@app.command()
def approve(
    server: ServerArgument,
    name: NameArgument,
    *,
    fingerprint: Annotated[str, typer.Option(help="Of the latest definition, as `diff` prints it; 8 digits are enough.")],
    kind: KindOption = KindName.TOOLS,
    tenant: TenantOption = LOCAL_CALLER.tenant,
) -> None:
    """Let its latest definition count, if it is still the one that was looked at."""
    key = Key(server, KINDS[kind], name)
    record = _with_approvals(lambda approvals: approvals.approve(operator_of(tenant), key, fingerprint, face="command"))
    sys.stderr.write(f"approved: {record.server} {plain(record.name)}, fingerprint {record.latest_fingerprint}\n")


@app.command()
def block(
    server: ServerArgument,
    name: NameArgument,
    *,
    fingerprint: Annotated[str, typer.Option(help="Only if it is the latest definition.")] = "",
    kind: KindOption = KindName.TOOLS,
    tenant: TenantOption = LOCAL_CALLER.tenant,
) -> None:
    """Let nobody list or call it, until it is approved."""
    key = Key(server, KINDS[kind], name)
    record = _with_approvals(lambda approvals: approvals.block(operator_of(tenant), key, fingerprint, face="command"))
    sys.stderr.write(f"blocked: {record.server} {plain(record.name)}\n")


def _with_approvals(work: Callable[[Approvals], Awaitable[T]]) -> T:
    settings = load_settings()
    configure_logging("WARNING" if settings.log_level == "INFO" else settings.log_level, settings.log_format)

    async def run() -> T:
        async with open_approvals_alone(settings, SystemClock()) as approvals:
            return await work(approvals)

    return asyncio.run(run())


def _print_list(found: tuple[Shown, ...]) -> None:
    table = Table(show_edge=False, header_style="bold")
    for heading in ("server", "kind", "name", "status", "verdict", "latest", "why"):
        table.add_column(heading, overflow="fold")
    for one in found:
        record = one.record
        why = plain("; ".join(record.reasons[:2])) if record.status != "offered" else ""
        table.add_row(
            record.server, record.kind, plain(record.name), record.status, record.verdict, record.latest_fingerprint[:8], why
        )
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(table)
