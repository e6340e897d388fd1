"""`mcp-gateway tokens`: issue, list and revoke tokens of this gateway, whether it runs or not.

Whoever may read the signing key may do all of it: the file's owner is this command's login.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from mcp_gateway.access.access import Access
from mcp_gateway.access.act import Act
from mcp_gateway.access.policy.model import Role
from mcp_gateway.access.policy.roles import SCOPES
from mcp_gateway.access.tokens.desk import ListedToken, TokenDesk
from mcp_gateway.access.tokens.embedded import TokenOrder
from mcp_gateway.access.tokens.lifetimes import read_lifetime
from mcp_gateway.access.tokens.records import IssuedToken
from mcp_gateway.cli.access_rules import operator_of, with_access
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.tokens import open_token_desk

T = TypeVar("T")
app = typer.Typer(help="Issue, list and revoke tokens of this gateway.", no_args_is_help=True, add_completion=False)

TenantOption = Annotated[str, typer.Option(help="The tenant the token or its subject belongs to.")]


@app.callback()
def _root() -> None:
    """Issue, list and revoke tokens of this gateway. Works on STATE_DIR and DATABASE_URL, whether the gateway runs or not."""


@app.command()
def issue(
    *,
    role: Annotated[
        list[str], typer.Option(help="A role, such as viewer, analyst or admin; may be given again.", show_default=False)
    ],
    tenant: TenantOption = LOCAL_CALLER.tenant,
    subject: Annotated[str, typer.Option(help="Who it is for: a person or a program, one name each.")] = "operator",
    name: Annotated[str, typer.Option(help="What pages and lists call it.")] = "",
    expires: Annotated[str, typer.Option(help="How long it is good: 30m, 8h, 7d. An administrator's: 24h at most.")] = "8h",
    scope: Annotated[
        list[str] | None, typer.Option(help="Narrow it to a scope, such as gateway.read; may be given again.")
    ] = None,
) -> None:
    """Print a new token, alone, on standard output. It is shown this once and kept nowhere."""
    order = TokenOrder(
        tenant=tenant,
        subject=subject,
        roles=frozenset(role),
        lifetime_seconds=read_lifetime(expires),
        name=name,
        scopes=frozenset(scope) if scope else None,
    )
    operator = operator_of(tenant)
    said: dict[str, Json] = {"issue": subject, "roles": [*sorted(order.roles)], "lifetime_seconds": order.lifetime_seconds}
    (text, record), notes = with_access(lambda access: _issue(access, operator, order, said))
    sys.stderr.write(
        f"token {record.jti} for {record.subject} of {record.tenant} ({', '.join(sorted(record.roles))}), "
        f"good until {_moment(record.expires_at)}; revoke it: mcp-gateway tokens revoke {record.jti} --tenant {record.tenant}\n"
    )
    sys.stderr.writelines(f"note: {note}\n" for note in notes)
    sys.stdout.write(f"{text}\n")


@app.command("list")
def list_tokens(
    *,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the tokens of a tenant that have not expired, newest first; never the tokens themselves."""
    found = _at_desk(lambda desk: desk.list(operator_of(tenant)))
    if as_json:
        sys.stdout.writelines(f"{_as_json(listed)}\n" for listed in found)
        return
    if not found:
        sys.stderr.write(f"no token of {tenant} is known that still lives\n")
        return
    table = Table(show_edge=False, header_style="bold")
    for heading in ("id", "subject", "roles", "name", "issued", "expires", "by", "state"):
        table.add_column(heading, overflow="fold")
    for listed in found:
        token = listed.token
        times = (_moment(token.issued_at), _moment(token.expires_at))
        state = "revoked" if listed.revoked else "good"
        table.add_row(token.jti, token.subject, ", ".join(sorted(token.roles)), token.name, *times, token.issued_by, state)
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(table)


@app.command()
def revoke(
    token: Annotated[str | None, typer.Argument(help="The token's id, as `tokens list` shows it.", show_default=False)] = None,
    *,
    tenant: TenantOption = LOCAL_CALLER.tenant,
    subject: Annotated[str | None, typer.Option(help="Revoke all tokens issued to this subject until now.")] = None,
    foreign: Annotated[bool, typer.Option(help="The id is of a provider's token (its `jti` or `uti`).")] = False,
) -> None:
    """Take back one token, or all that a subject has. Every replica refuses them within a second."""
    if (token is None) == (subject is None):
        raise typer.BadParameter("name either the id of a token or --subject")
    operator = operator_of(tenant)
    if subject is not None:
        own = _written_down(operator, {"sign_out": subject}, lambda desk: _revoke_subject(desk, operator, subject))
        sys.stderr.write(f"revoked: all tokens issued to {subject} of {tenant} until now; {own} of them by this gateway\n")
    if token is not None:
        _written_down(operator, {"revoke": token}, lambda desk: desk.revoke_token(operator, token, foreign=foreign))
        sys.stderr.write(f"revoked: token {token} of {tenant}\n")


async def _issue(
    access: Access, operator: Caller, order: TokenOrder, said: Mapping[str, Json]
) -> tuple[tuple[str, IssuedToken], list[str]]:
    """The token, and what about it may not be meant: a misspelt role or scope is good for nothing."""
    act = Act(action="issue_tokens", arguments=said, face="command")
    issued = await access.governor.carry_out(operator, act, lambda: access.tokens.issue(operator, order))
    known = {one.statement.name for one in access.policy.list(operator) if isinstance(one.statement, Role)}
    notes = [f"no role is called {role}, so it allows nothing" for role in sorted(order.roles - known)]
    scopes = [scope for scope in sorted(order.scopes or ()) if scope.startswith("gateway.") and scope not in SCOPES]
    return issued, [*notes, *(f"no scope is called {scope}, so it allows nothing" for scope in scopes)]


async def _revoke_subject(desk: TokenDesk, operator: Caller, subject: str) -> int:
    """How many of the listed tokens that ends: 0 may mean that the name is misspelt."""
    listed = await desk.list(operator)
    await desk.revoke_subject(operator, subject)
    return sum(entry.token.subject == subject and not entry.revoked for entry in listed)


def _written_down(operator: Caller, arguments: Mapping[str, Json], work: Callable[[TokenDesk], Awaitable[T]]) -> T:
    """Done once the audit trail has it, as what is asked for over HTTP."""
    act = Act(action="issue_tokens", arguments=arguments, face="command")
    return with_access(lambda access: access.governor.carry_out(operator, act, lambda: work(access.tokens)))


def _at_desk(work: Callable[[TokenDesk], Awaitable[T]]) -> T:
    settings = load_settings()
    configure_logging("WARNING" if settings.log_level == "INFO" else settings.log_level, settings.log_format)

    async def run() -> T:
        async with open_token_desk(settings, SystemClock()) as desk:
            return await work(desk)

    return asyncio.run(run())


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _as_json(listed: ListedToken) -> str:
    token = listed.token
    facts = {
        "id": token.jti,
        "tenant": token.tenant,
        "subject": token.subject,
        "roles": sorted(token.roles),
        "name": token.name,
        "issued_at": token.issued_at,
        "expires_at": token.expires_at,
        "issued_by": token.issued_by,
        "revoked": listed.revoked,
    }
    return json.dumps(facts, ensure_ascii=False)
