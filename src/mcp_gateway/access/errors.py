"""What access refuses. From outside, what may not be seen and what does not exist look alike."""

from mcp_gateway.core.errors import Forbidden, InvalidInput, NotFound, Unauthenticated, Unavailable, Unprocessable
from mcp_gateway.core.identity import Caller


class TokenRefused(Unauthenticated):
    """The token is not accepted."""

    code = "TOKEN_REFUSED"
    hint = "Get a new token: `mcp-gateway tokens issue`, or log in again at the provider. `mcp-gateway auth doctor` says why."
    # Whose it is, where that is certain: for the trail, never for the answer.
    caller: Caller | None = None


class IssuerUnusable(InvalidInput):
    """A provider of tokens cannot be trusted as it is configured."""

    code = "ISSUER_UNUSABLE"
    hint = "Each issuer stands once in the access file, with an audience and with algorithms that use no shared secret."


class TokenNotIssuable(InvalidInput):
    """No such token can be issued."""

    code = "TOKEN_NOT_ISSUABLE"
    hint = "Correct what the message names; `mcp-gateway tokens issue --help` says what is possible."


class TokenNotFound(NotFound):
    """This tenant has no such token."""

    code = "TOKEN_NOT_FOUND"
    hint = "`mcp-gateway tokens list --tenant TENANT` shows the ids of a tenant's tokens."


class LoginFailed(Unauthenticated):
    """The login at the provider did not come to its end."""

    code = "LOGIN_FAILED"
    hint = "Begin it again; if it fails again, `mcp-gateway auth doctor` tries the provider step by step."


class TenantMismatch(Forbidden):
    """The tenant named in the request is not the tenant of the token."""

    code = "TENANT_MISMATCH"
    hint = "Leave X-Tenant-ID out, or send a token of that tenant."
    # Whose token it is: for the trail, never for the answer.
    caller: Caller | None = None


class NotAllowed(Forbidden):
    """This caller may not do this."""

    code = "NOT_ALLOWED"
    hint = "`mcp-gateway access explain` shows the rule that decided; an administrator can change it."


class InsufficientScope(Forbidden):
    """The token's scopes do not cover this."""

    code = "INSUFFICIENT_SCOPE"
    hint = "Ask the provider for a token with the scope named in the data."


class PolicyInvalid(InvalidInput):
    """The rules of access cannot be used."""

    code = "POLICY_INVALID"
    hint = "Correct the place named in the message; nothing was changed."


class AccessFileUnreadable(NotFound):
    """The file of access cannot be read."""

    code = "ACCESS_FILE_UNREADABLE"
    hint = "Check the path and that the file may be read; ACCESS_FILE names it."


class AuditUnavailable(Unavailable):
    """The audit trail cannot be written, so nothing is answered."""

    code = "AUDIT_UNAVAILABLE"
    hint = "Check the database behind DATABASE_URL; AUDIT_WHEN_AWAY=open answers without a trail."


class AuditBroken(Unprocessable):
    """The audit trail does not verify."""

    code = "AUDIT_BROKEN"
    hint = "`mcp-gateway audit verify` names every row; keep a copy of the store before anything else."
