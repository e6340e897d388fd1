"""`mcp-gateway audit`: verify, read, export, replay, seal and prune the trail, whether the gateway runs or not.

Works on DATABASE_URL and STATE_DIR. Whoever may read these files may do all of it, for every tenant.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from mcp_gateway.access.access import Access
from mcp_gateway.access.audit.chain import read_row
from mcp_gateway.access.audit.export import document, json_lines, rows_of, telemetry_line
from mcp_gateway.access.audit.model import AuditRow, Seal
from mcp_gateway.access.audit.replay import Replayed, replay
from mcp_gateway.access.audit.seals import Pruned, prune, seal_chain
from mcp_gateway.access.audit.search import MAX_PAGE, Search, find
from mcp_gateway.access.audit.verify import Verification, verify
from mcp_gateway.access.configuration.file import AccessFile
from mcp_gateway.access.policy.decide import decide
from mcp_gateway.cli import audit_printing as printing
from mcp_gateway.cli.access_rules import with_access
from mcp_gateway.cli.moments import read_length, read_moment
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.settings import process_environment

FAILED = 1
FOLLOW_SECONDS = 0.5
# What happened today nobody removes by a slip of the hand.
SHORTEST_KEPT_SECONDS = 86_400.0
app = typer.Typer(help="Verify, read, export, replay, seal, prune the audit trail.", no_args_is_help=True, add_completion=False)


class DecisionName(Enum):
    """What was decided."""

    ALLOWED = "allowed"
    REFUSED = "refused"


class OutcomeName(Enum):
    """What came of it."""

    ANSWERED = "answered"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class ExportFormat(Enum):
    """JSON lines of our own, or OpenTelemetry's."""

    JSONL = "jsonl"
    OTLP = "otlp"


TenantOption = Annotated[str, typer.Option(help="The tenant whose trail is meant; - holds those nobody knows.")]
OneOrAll = Annotated[str | None, typer.Option(help="One tenant. Default: every one.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
SinceOption = Annotated[str, typer.Option(help="From when on: 2026-11-21, 2026-11-21T14:00Z, or 7d for so long ago.")]
UntilOption = Annotated[str, typer.Option(help="Until when, excluded.")]


@app.callback()
def _root() -> None:
    """Verify, read, export, replay, seal, prune the audit trail. Works whether the gateway runs or not."""


@app.command("verify")
def verify_chains(
    *,
    tenant: OneOrAll = None,
    seals: Annotated[
        Path | None, typer.Option(help="Seals kept elsewhere, as `audit seal --json` printed them; they must hold too.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every hash, the ends and the seals; name each row that was changed, removed or moved. Exit code 1: something was."""
    kept = read_seals(seals) if seals else ()

    async def work(access: Access) -> list[Verification]:
        tenants = await _chosen(access, tenant)
        named = tenants if tenant is not None else sorted({*tenants, *(seal.tenant for seal in kept)})
        return [await verify(access.audit, one, access.sealer.check, kept=kept) for one in named]

    found = with_access(work)
    if as_json:
        printing.print_documents(printing.verification_document(one) for one in found)
    else:
        printing.print_lines(line for one in found for line in printing.verification_lines(one))
        printing.print_lines([] if found else ["There is no trail yet."])
    if not all(one.sound for one in found):
        raise typer.Exit(FAILED)


@app.command()
def tail(
    *,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=MAX_PAGE, help="How many of the newest.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is added, until interrupted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the newest rows, oldest first."""

    async def work(access: Access) -> None:
        newest: Sequence[AuditRow] = ()
        if lines:
            newest = (await find(access.audit, Search(tenant=tenant, limit=lines))).rows[::-1]
        head = await access.audit.head(tenant)
        _print_rows(newest, as_json=as_json)
        last = newest[-1].sequence if newest else head.sequence if head else 0
        while follow:
            added = [read_row(row) for row in await access.audit.read(tenant, after=last, limit=MAX_PAGE)]
            _print_rows(added, as_json=as_json)
            last = added[-1].sequence if added else last
            await asyncio.sleep(FOLLOW_SECONDS)

    with_access(work)


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="What a row holds anywhere in its text.", show_default=False)] = "",
    *,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    subject: Annotated[str, typer.Option(help="Who.")] = "",
    action: Annotated[str, typer.Option(help="What was wanted: ask, call_tool, …")] = "",
    server: Annotated[str, typer.Option(help="On which server.")] = "",
    target: Annotated[str, typer.Option("--tool", "--target", help="The tool, or the table, or TABLE.COLUMN.")] = "",
    decision: Annotated[DecisionName | None, typer.Option(help="What was decided.")] = None,
    outcome: Annotated[OutcomeName | None, typer.Option(help="What came of it.")] = None,
    correlation_id: Annotated[str, typer.Option("--id", help="The correlation id.")] = "",
    since: SinceOption = "",
    until: UntilOption = "",
    before: Annotated[int | None, typer.Option(help="Only rows of a lower sequence: the next page.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="How many rows at most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Print the newest rows that fit, newest first."""
    now = SystemClock().now()
    wanted = Search(
        tenant=tenant,
        subject=subject,
        action=action,
        server=server,
        target=target,
        decision=decision.value if decision else None,
        outcome=outcome.value if outcome else None,
        correlation_id=correlation_id,
        since=_moment(since, now),
        until=_moment(until, now),
        text=text,
        before=before,
        limit=limit,
    )
    page = with_access(lambda access: find(access.audit, wanted))
    if not page.rows:
        sys.stderr.write(f"nothing in the trail of {tenant} fits\n")
    _print_rows(page.rows, as_json=as_json)
    if page.before is not None and not as_json:
        printing.print_lines([f"there may be more: --before {page.before}"])


@app.command()
def export(
    *,
    tenant: OneOrAll = None,
    as_: Annotated[ExportFormat, typer.Option("--format", help="jsonl: one row a line. otlp: OpenTelemetry log records.")] = (
        ExportFormat.JSONL
    ),
    since: SinceOption = "",
    until: UntilOption = "",
) -> None:
    """Print rows for other programs, oldest first."""
    now = SystemClock().now()

    async def work(access: Access) -> None:
        for one in await _chosen(access, tenant):
            async for rows in rows_of(access.audit, one, since=_moment(since, now), until=_moment(until, now)):
                printing.print_lines(json_lines(rows) if as_ is ExportFormat.JSONL else [telemetry_line(rows)])

    with_access(work)


@app.command("replay")
def replay_calls(
    *,
    policy: Annotated[Path | None, typer.Option(help="An access file. Default: the policy in force.", show_default=False)] = None,
    tenant: OneOrAll = None,
    since: SinceOption = "30d",
    until: UntilOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say which past calls a policy would refuse, and which refused ones it would allow. Nothing is changed."""
    written = None if policy is None else AccessFile(policy, environment=process_environment()).load().statements
    now = SystemClock().now()

    async def work(access: Access) -> list[Replayed]:
        judge = access.policy.current if written is None else access.policy.policy_with(written)
        found: list[Replayed] = []
        for one in await _chosen(access, tenant):
            pages = rows_of(access.audit, one, since=_moment(since, now), until=_moment(until, now))
            found += await replay(pages, lambda caller, action, target: decide(judge, caller, action, target))
        return found

    found = with_access(work)
    if as_json:
        printing.print_documents(printing.replay_document(one) for one in found)
    else:
        printing.print_lines(printing.replay_lines(found))


@app.command()
def seal(*, tenant: OneOrAll = None, as_json: JsonOption = False) -> None:
    """Sign where each chain ends now, so that nobody without the signing key can make it anew. Keep the --json elsewhere."""

    async def work(access: Access) -> list[Seal]:
        at = SystemClock().timestamp()
        found = [
            await seal_chain(access.audit, access.sealer, one, at=at, reason="by hand") for one in await _chosen(access, tenant)
        ]
        return [one for one in found if one is not None]

    sealed = with_access(work)
    if as_json:
        printing.print_documents(printing.seal_document(one) for one in sealed)
    else:
        printing.print_lines(f"sealed {one.tenant} through #{one.sequence}: {one.hash}" for one in sealed)


@app.command("prune")
def prune_chains(
    *,
    older_than: Annotated[str, typer.Option(help="How old rows are that go: 400d.", show_default=False)],
    tenant: OneOrAll = None,
    as_json: JsonOption = False,
) -> None:
    """Remove old rows behind a seal; what is left still verifies. A chain that does not verify is left alone: exit code 1."""
    length = read_length(older_than)
    if length < SHORTEST_KEPT_SECONDS:
        raise typer.BadParameter("Rows stay for a day at least.", param_hint="--older-than")

    async def work(access: Access) -> list[Pruned]:
        at = SystemClock().timestamp()
        tenants = await _chosen(access, tenant)
        return [await prune(access.audit, access.sealer, one, at=at, before=at - length) for one in tenants]

    pruned = with_access(work)
    if as_json:
        printing.print_documents({"tenant": one.tenant, "rows": one.rows, "through": one.through} for one in pruned)
    else:
        printing.print_lines(f"{one.tenant}: {one.rows} row{'' if one.rows == 1 else 's'} removed" for one in pruned)


def read_seals(path: Path) -> tuple[Seal, ...]:
    """Raises `InvalidInput` for anything but lines of `audit seal --json`."""
    try:
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as seals: {type(error).__name__}.") from None
    kinds = {field.name: int if field.name in ("sequence", "sealed_at") else str for field in fields(Seal)}
    for one in found:
        if not isinstance(one, dict) or one.keys() != kinds.keys() or any(type(one[name]) is not kinds[name] for name in kinds):
            raise InvalidInput(f"{path} holds a line that is no seal.")
    return tuple(Seal(**one) for one in found)


async def _chosen(access: Access, tenant: str | None) -> Sequence[str]:
    return await access.audit.tenants() if tenant is None else [tenant]


def _print_rows(rows: Sequence[AuditRow], *, as_json: bool) -> None:
    if as_json:
        printing.print_documents(document(row) for row in rows)
    else:
        printing.print_lines(map(printing.row_line, rows))


def _moment(text: str, now: datetime) -> float | None:
    return read_moment(text, now) if text else None
