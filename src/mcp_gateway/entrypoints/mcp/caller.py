"""Who sends a message to an MCP server, as the door before it found out (`entrypoints/http/identify.py`).

Messages without an HTTP request come from this process or over stdio: that is the person at this machine.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.requests import Request

from mcp_gateway.core.errors import Unauthenticated
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.entrypoints.http.identity import CALLER

# The gateway's own calls carry what many callers asked for, so they are held to no one's rights. The very object, not an
# equal one: over HTTP the person at this machine is a caller like any other.
THIS_PROCESS: Final = replace(LOCAL_CALLER)


def caller_of(request: object) -> Caller:
    """`request` is what the transport knows of the message. Raises `Unauthenticated` for HTTP that passed no door."""
    if not isinstance(request, Request):
        return THIS_PROCESS
    caller = request.scope.get("state", {}).get(CALLER)
    if not isinstance(caller, Caller):
        raise Unauthenticated
    return caller


@lru_cache(maxsize=4_096)
def owner_of(tenant: str, issuer: str, subject: str) -> AuthenticatedUser:
    """The caller as the SDK wants to know the owner of a session: a new token of the same person is the same owner."""
    return AuthenticatedUser(AccessToken(token="", client_id=tenant, scopes=[], subject=subject, claims={"iss": issuer}))
