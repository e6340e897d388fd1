"""MCP clients at a provider that registers none of them: what they must bring, and the port that passes them on.

The gateway is not an authorization server of its own here. It gives every client the id of one public client that was registered
at the provider, and leaves out what the provider refuses. Who may come back to which address, and who consents to what, the
provider judges.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from mcp_gateway.core.errors import InvalidInput, Json

MAX_REDIRECTS: Final = 20
MAX_TEXT_CHARS: Final = 2_000
# Schemes that are not an application's own.
_NO_APPLICATIONS: Final = ("", "javascript", "data", "vbscript", "file", "blob", "about", "view-source", "ftp", "ws", "wss")
# RFC 7636: what a challenge looks like.
_SECRET: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


class ClientRefused(InvalidInput):
    """The client's request for a token cannot be passed on."""

    code = "CLIENT_REFUSED"
    hint = "Give the client no id and let it register at the gateway, or see docs/access/entra.md."

    def __init__(self, error: str, message: str) -> None:
        """`error` is the word of OAuth for it (RFC 6749, 5.2; RFC 7591, 3.2.2)."""
        super().__init__(message, error=error)
        self.error = error


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayReply:
    """A provider's answer to a client, as it is handed on."""

    status: int
    document: Mapping[str, Json]


class ClientRelay(Protocol):
    """One provider's. Every method raises `ClientRefused`; those that ask the provider, `Unavailable` while it is away."""

    def register(self, document: Mapping[str, Json]) -> Mapping[str, Json]:
        """The answer to a registration (RFC 7591). Nothing is kept: all clients get the same id."""
        ...

    async def authorize(self, parameters: Mapping[str, str]) -> str:
        """Where to send the browser that came with these parameters."""
        ...

    async def exchange(self, form: Mapping[str, str]) -> RelayReply:
        """The provider's answer to a code or a refresh token."""
        ...


def read_redirects(value: Json) -> tuple[str, ...]:
    """The redirect URIs of a registration or a client's own document. Raises `ClientRefused`."""
    texts = [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
    if not 0 < len(texts) <= MAX_REDIRECTS or not isinstance(value, list) or len(texts) != len(value):
        raise ClientRefused("invalid_redirect_uri", f"redirect_uris must be a list of 1 to {MAX_REDIRECTS} addresses.")
    for text in texts:
        _check_redirect(text)
    return tuple(texts)


def check_challenge(parameters: Mapping[str, str]) -> None:
    """Authorization code with PKCE and S256 alone. Raises `ClientRefused`."""
    if parameters.get("response_type") != "code":
        raise ClientRefused("unsupported_response_type", "response_type must be code.")
    if parameters.get("code_challenge_method") != "S256" or not _SECRET.fullmatch(parameters.get("code_challenge", "")):
        raise ClientRefused("invalid_request", "PKCE with S256 is needed: code_challenge and code_challenge_method.")
    _check_redirect(parameters.get("redirect_uri", ""))


def _check_redirect(text: str) -> None:
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    loopback = host in ("127.0.0.1", "localhost", "::1")
    sound = (
        0 < len(text) <= MAX_TEXT_CHARS
        and text.isascii()
        and text.isprintable()
        and not parts.fragment
        and parts.username is None
    )
    known = (
        bool(host) if parts.scheme == "https" else loopback if parts.scheme == "http" else parts.scheme not in _NO_APPLICATIONS
    )
    if not sound or not known:
        raise ClientRefused(
            "invalid_redirect_uri", "A redirect URI must be https, http on loopback, or of an application's own scheme."
        )
