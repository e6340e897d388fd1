"""How whoever started the gateway gets in: a link for the page, and on the first start a token."""

from dataclasses import dataclass
from typing import Final

from mcp_gateway.access.access import Access
from mcp_gateway.access.governor import Note
from mcp_gateway.access.sessions.tickets import login_link
from mcp_gateway.access.tokens.embedded import MAX_ADMIN_LIFETIME_SECONDS, TokenOrder
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import LOCAL_CALLER, Caller

ADMINISTRATOR: Final = "administrator"
HOURS_12: Final = 12 * 3_600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class WaysIn:
    """`token` is an administrator's, made on the first start alone; None later. Both are shown to the terminal, never logged."""

    link: str
    token: str | None


async def make_ways_in(access: Access, page_url: str) -> WaysIn:
    """The link works once and for ten minutes. Raises what the stores raise."""
    person = Caller(tenant=LOCAL_CALLER.tenant, subject=ADMINISTRATOR, roles=LOCAL_CALLER.roles, name="Administrator")
    link = await login_link(access.tickets, page_url, person)
    if not access.first_start:
        return WaysIn(link=link, token=None)
    return WaysIn(link=link, token=await _issue(access, ADMINISTRATOR, {"admin"}, MAX_ADMIN_LIFETIME_SECONDS))


async def make_client_token(access: Access) -> str:
    """For an MCP client on this machine: it may ask, look, and call what is registered, for twelve hours."""
    return await _issue(access, "mcp-client", {"analyst", "operator"}, HOURS_12)


def describe(ways: WaysIn) -> str:
    """For the terminal."""
    lines = [f"Sign in at the page (once, within ten minutes):\n  {ways.link}"]
    if ways.token is not None:
        lines.append(f"An administrator's token for the API and MCP, valid for a day and shown only now:\n  {ways.token}")
    lines.append(
        "More tokens: mcp-gateway tokens issue --role analyst --expires 8h\n"
        "  (an analyst asks questions; --role operator calls the tools of registered servers)\n"
    )
    return "\n".join(lines)


async def _issue(access: Access, subject: str, roles: set[str], seconds: float) -> str:
    order = TokenOrder(tenant=LOCAL_CALLER.tenant, subject=subject, roles=frozenset(roles), lifetime_seconds=seconds)
    token, record = await access.tokens.issue(LOCAL_CALLER, order)
    arguments: dict[str, Json] = {"token": record.jti, "roles": [*sorted(roles)]}
    said = Note(action="issue_at_start", allowed=True, tool=subject, arguments=arguments, face="command")
    await access.governor.note(LOCAL_CALLER, said)
    return token
