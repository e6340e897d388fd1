"""What programs and the people they act for are refused, each with the word OAuth has for it."""

from typing import Literal, TypeAlias

from mcp_gateway.core.errors import GatewayError, InvalidInput

# RFC 6749 4.1.2.1 and 5.2, RFC 7591 3.2.2, RFC 8707 2.
OAuthError: TypeAlias = Literal[
    "invalid_request", "invalid_client", "invalid_grant", "unsupported_grant_type", "unsupported_response_type", "invalid_scope",
    "invalid_target", "access_denied", "invalid_redirect_uri", "invalid_client_metadata",
]  # fmt: skip


class OAuthRefused(InvalidInput):
    """A program's request for a token is refused."""

    code = "OAUTH_REFUSED"
    hint = "Let the program log in again; docs/access/mcp-clients.md says what it must send."

    def __init__(self, error: OAuthError, message: str) -> None:
        super().__init__(message, reason=error)
        self.error: OAuthError = error


class ConsentOver(GatewayError):
    """No program is waiting for this decision."""

    code = "CONSENT_OVER"
    category = "conflict"
    hint = "Begin again in the program; a request waits ten minutes, and the newest one in a browser counts."
