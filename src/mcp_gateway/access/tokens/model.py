"""Whom the gateway believes, and what it knows of a token once it does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mcp_gateway.access.tokens.claims import ClaimMapping
from mcp_gateway.access.tokens.ports import KeySource, RoleSource
from mcp_gateway.core.errors import Json

DAY_SECONDS = 86_400.0
NOTHING_REQUIRED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustedIssuer:
    """One value of `iss` and what a token that carries it must be like. A provider with several issuers is several of these.

    name        goes before the subject, `name:subject`, so that two issuers never mean the same person; "" is the embedded issuer
    issuer      compared character by character
    audiences   one of them must be among the token's
    algorithms  of `algorithms.ALGORITHMS`; nothing else is accepted, whatever the token or the key says
    required    claims that must have exactly this text, such as the `tid` that belongs to the issuer
    max_lifetime_seconds   from issue to expiry; a token that lives longer is refused
    further_roles   asked once per verified token, not per request
    """

    name: str
    issuer: str
    audiences: frozenset[str]
    algorithms: frozenset[str]
    keys: KeySource
    claims: ClaimMapping
    required: Mapping[str, str] = field(default_factory=lambda: NOTHING_REQUIRED)
    max_lifetime_seconds: float = DAY_SECONDS
    further_roles: RoleSource | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedToken:
    """A token whose signature, issuer, audience and times hold. Times are seconds since 1970; `issued_at` None: not said."""

    issuer: TrustedIssuer
    claims: Mapping[str, Json]
    issued_at: float | None
    expires_at: float
