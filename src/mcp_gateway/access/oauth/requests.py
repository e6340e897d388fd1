"""What a program must say to have somebody logged in, read strictly: code, PKCE with S256, and a resource of this gateway."""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode

from mcp_gateway.access.oauth.errors import OAuthRefused
from mcp_gateway.access.oauth.model import Asked
from mcp_gateway.access.oauth.scopes import read_scopes

MAX_STATE_CHARS: Final = 1_000
# RFC 7636: a SHA-256 in base64url, and what it may be made of.
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the gateway was asked: its address without a slash at the end, and the exact URLs of what tokens can be for."""

    issuer: str
    resources: Collection[str]


def read_asked(parameters: Mapping[str, str], place: Place, *, client_id: str, redirect_uri: str) -> Asked:
    """The request of a client that is known, whose answer may go there. Raises `OAuthRefused`."""
    if parameters.get("response_type") != "code":
        raise OAuthRefused("unsupported_response_type", "response_type must be code.")
    if parameters.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(parameters.get("code_challenge", "")):
        raise OAuthRefused("invalid_request", "PKCE is needed: a code_challenge, and S256 as code_challenge_method.")
    if "request" in parameters or "request_uri" in parameters:
        raise OAuthRefused("invalid_request", "Request objects are not taken.")
    return Asked(
        client_id=client_id,
        redirect_uri=redirect_uri,
        scopes=read_scopes(parameters.get("scope")),
        resource=read_resource(parameters.get("resource"), place),
        challenge=parameters["code_challenge"],
        issuer=place.issuer,
        state=read_state(parameters),
    )


def read_state(parameters: Mapping[str, str]) -> str | None:
    """Raises `OAuthRefused` for one that is too long to be carried."""
    state = parameters.get("state")
    if state is not None and len(state) > MAX_STATE_CHARS:
        raise OAuthRefused("invalid_request", f"The state may have {MAX_STATE_CHARS} characters.")
    return state


def read_resource(asked: str | None, place: Place) -> str:
    """The resource named, or the gateway whole. Raises `OAuthRefused` for anything that is not here (RFC 8707)."""
    if asked is None:
        return place.issuer
    found = asked.rstrip("/")
    if found != place.issuer and found not in place.resources:
        raise OAuthRefused("invalid_target", "The resource is none of this gateway.")
    return found


def verifier_fits(challenge: str, verifier: str) -> bool:
    """PKCE, S256 alone."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
    return hmac.compare_digest(made, challenge)


def answer_address(redirect_uri: str, issuer: str, state: str | None, **said: str) -> str:
    """Where the browser goes with the answer; it names who answers (RFC 9207)."""
    fields = {**said, **({} if state is None else {"state": state}), "iss": issuer}
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(fields)}"
