"""Why a token is not accepted: a closed set of reasons, each with its words. The token itself is never repeated."""

from typing import Final, Literal, TypeAlias

from mcp_gateway.access.errors import TokenRefused

Reason: TypeAlias = Literal[
    "malformed", "too_long", "unsigned", "algorithm", "header", "unknown_issuer", "unknown_key", "signature", "audience",
    "expired", "not_yet", "issued_in_future", "claims", "tenant", "revoked", "issuer_unreachable", "stale",
]  # fmt: skip

_RENEW: Final = "Get a new token: `mcp-gateway tokens issue`, or log in again at the provider."
_ASK_PROVIDER: Final = "`mcp-gateway auth doctor` says what to change at the provider or in the access file."

_WORDS: Final[dict[Reason, tuple[str, str]]] = {
    "malformed": ("The token is not a signed JWT of three parts.", "Send the whole token, as it was issued, after `Bearer `."),
    "too_long": ("The token is too long.", "Ask the provider for fewer claims; groups make tokens long."),
    "unsigned": ("The token is not signed.", _RENEW),
    "algorithm": ("The token is signed in a way that is not accepted from its issuer.", _ASK_PROVIDER),
    "header": ("The token's header says something that is not accepted.", _ASK_PROVIDER),
    "unknown_issuer": ("The token's issuer is not one this gateway trusts.", _ASK_PROVIDER),
    "unknown_key": ("The token's issuer has no such key.", _RENEW),
    "signature": ("The token's signature is not right.", _RENEW),
    "audience": ("The token was issued for somebody else.", "Ask the provider for a token with this gateway as its audience."),
    "expired": ("The token has expired.", _RENEW),
    "not_yet": ("The token is not valid yet.", "Compare the clocks of the issuer and of this machine."),
    "issued_in_future": ("The token was issued in the future.", "Compare the clocks of the issuer and of this machine."),
    "claims": ("A claim of the token cannot be used.", _ASK_PROVIDER),
    "tenant": ("The token's tenant is not served here.", "Add the tenant to the provider's `tenants` in the access file."),
    "revoked": ("The token has been revoked.", _RENEW),
    "issuer_unreachable": ("The token's issuer does not answer, so its keys are not known.", "Try again in a moment."),
    "stale": ("Whether the token has been revoked cannot be known now.", "Check the database behind DATABASE_URL."),
}


def refused(reason: Reason, *, claim: str | None = None, message: str | None = None) -> TokenRefused:
    """The error to raise. `claim` names the claim or header field at fault; `message` must not hold anything of the token's."""
    words, hint = _WORDS[reason]
    if claim is None:
        return TokenRefused(message or words, hint=hint, reason=reason)
    return TokenRefused(message or words, hint=hint, reason=reason, claim=claim)
