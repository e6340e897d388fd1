"""The credentials of a request, read strictly: what could be read in two ways is refused, never guessed."""

import re
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.core.errors import GatewayError, InvalidInput

COOKIE: Final = "mcp-gateway-session"
MAX_COOKIE_CHARS: Final = 16_384
# RFC 6750, b64token; the length is the token reader's to judge.
_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


class CredentialsUnclear(InvalidInput):
    """The request names its caller in two ways."""

    code = "CREDENTIALS_UNCLEAR"
    hint = "Send one Authorization header, or the page's cookie, and X-Tenant-ID once at most."


@dataclass(slots=True)
class Credentials:
    """`session_id` is empty without a cookie; `tenants` and `csrf` are the values as sent, one for each header."""

    token: str | None
    session_id: str
    tenants: tuple[str, ...]
    csrf: str
    fault: GatewayError | None = None


def credentials_of(scope: Scope, cookie_name: str) -> Credentials:
    """What the headers say; what is wrong with them is in `fault`."""
    authorizations: list[str] = []
    cookies: list[str] = []
    tenants: list[str] = []
    csrf = ""
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorizations.append(value.decode("latin-1"))
        elif name == b"cookie":
            cookies.append(value.decode("latin-1"))
        elif name == b"x-tenant-id":
            tenants.append(value.decode("utf-8", "replace"))
        elif name == b"x-csrf-token":
            csrf = value.decode("latin-1")
    found = Credentials(None, "", tuple(tenants), csrf)
    if authorizations:
        _read_bearer(authorizations, found)
    if cookies:
        _read_cookie(cookies, cookie_name, found)
    return found


def bearer_of(scope: Scope) -> str | None:
    """The one token of a request whose credentials were found good; None without one."""
    sent = next((value for name, value in scope["headers"] if name == b"authorization"), None)
    return None if sent is None else token_in(sent)


def token_in(authorization: bytes) -> str | None:
    """The token of a header's value; None when it is not `Bearer` and a token."""
    match = _BEARER.fullmatch(authorization.decode("latin-1").strip(" \t"))
    return None if match is None else match[1]


def _read_bearer(values: list[str], found: Credentials) -> None:
    if len(values) > 1:
        found.fault = CredentialsUnclear("There are two Authorization headers.")
        return
    match = _BEARER.fullmatch(values[0].strip(" \t"))
    if match is None:
        found.fault = TokenRefused("The Authorization header is not `Bearer` and a token.", reason="malformed")
        return
    found.token = match[1]


def _read_cookie(values: list[str], name: str, found: Credentials) -> None:
    sent = set()
    for pair in ";".join(values)[:MAX_COOKIE_CHARS].split(";"):
        key, equals, value = pair.strip(" \t").partition("=")
        if equals and key == name:
            sent.add(value.strip('"'))
    if len(sent) > 1:
        found.fault = found.fault or CredentialsUnclear("There are two session cookies.")
    elif sent:
        found.session_id = sent.pop()
