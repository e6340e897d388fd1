"""The issuer inside: tokens of this installation for this installation, signed by a key that never leaves it."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWS

from mcp_gateway.access.audit.model import NOBODYS
from mcp_gateway.access.errors import TokenNotIssuable
from mcp_gateway.access.tokens.claims import MAX_NAME_CHARS, ClaimMapping
from mcp_gateway.access.tokens.lifetimes import write_lifetime
from mcp_gateway.access.tokens.model import TrustedIssuer
from mcp_gateway.access.tokens.ports import PublicKey
from mcp_gateway.access.tokens.records import IssuedToken
from mcp_gateway.access.tokens.refusals import refused
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import NO_ATTRIBUTES

ALGORITHM: Final = "EdDSA"
MIN_LIFETIME_SECONDS: Final = 60.0
MAX_LIFETIME_SECONDS: Final = 90 * 86_400.0
# An object of texts: what a provider said of somebody who logged in, for row filters.
ATTRIBUTES: Final = "attributes"
# Who may change rules and issue tokens is asked for anew every day.
MAX_ADMIN_LIFETIME_SECONDS: Final = 86_400.0

_SIGNATURES: Final = PyJWS(algorithms=[ALGORITHM])


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenOrder:
    """What a new token shall say. `scopes` None: nothing of scopes, so nothing is narrowed. `issued_by`: the subject who asks.

    `logged_in`: the subject has proven who they are, so it may be a provider's (`provider:subject`), and `attributes` are what
    the provider said of them. Only for whoever has seen the login.
    """

    tenant: str
    subject: str
    roles: frozenset[str]
    lifetime_seconds: float
    name: str = ""
    scopes: frozenset[str] | None = None
    issued_by: str = "local"
    logged_in: bool = False
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_ATTRIBUTES)


class EmbeddedIssuer:
    """Implements `KeySource` for its own tokens. `new_id` makes the ids of tokens: unique, and not to be guessed."""

    def __init__(
        self,
        key: Ed25519PrivateKey,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        max_lifetime_seconds: float = MAX_LIFETIME_SECONDS,
        max_admin_lifetime_seconds: float = MAX_ADMIN_LIFETIME_SECONDS,
    ) -> None:
        self._key = key
        self._public = key.public_key()
        self._clock = clock
        self._new_id = new_id
        self._max_lifetime = max_lifetime_seconds
        self._max_admin_lifetime = max_admin_lifetime_seconds
        self.installation_id: Final = thumbprint(self._public)
        self.issuer: Final = f"mcp-gateway:{self.installation_id}"
        # Its only key is there for as long as it is.
        self.withdrawals: Final = 0

    @property
    def longest_lifetime_seconds(self) -> float:
        """No token of this issuer lives longer."""
        return self._max_lifetime

    def trusted(self) -> TrustedIssuer:
        """What `TokenVerifier` needs to believe its tokens."""
        return TrustedIssuer(
            name="",
            issuer=self.issuer,
            audiences=frozenset({self.issuer}),
            algorithms=frozenset({ALGORITHM}),
            keys=self,
            claims=ClaimMapping(tenant="tenant", attribute_claim=ATTRIBUTES),
            max_lifetime_seconds=self._max_lifetime,
        )

    async def find(self, kid: str | None, algorithm: str) -> PublicKey:
        """Only its own key, by its name."""
        if kid != self.installation_id or algorithm != ALGORITHM:
            raise refused("unknown_key")
        return self._public

    def issue(self, order: TokenOrder) -> tuple[str, IssuedToken]:
        """The token, and what may be kept of it. Raises `TokenNotIssuable`."""
        self._check(order)
        # Milliseconds, so that a token issued right after its subject was revoked is not taken for an older one;
        # never rounded up, so that one issued right before is not taken for a newer one.
        now = int(self._clock.timestamp() * 1_000) / 1_000
        record = IssuedToken(
            tenant=order.tenant,
            jti=self._new_id(),
            subject=order.subject,
            roles=order.roles,
            name=order.name,
            issued_at=now,
            expires_at=float(int(now + order.lifetime_seconds)),
            issued_by=order.issued_by,
        )
        return self._sign(self._claims(record, order)), record

    def _claims(self, record: IssuedToken, order: TokenOrder) -> Mapping[str, Json]:
        claims: dict[str, Json] = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": record.subject,
            "tenant": record.tenant,
            "roles": [*sorted(record.roles)],
            "jti": record.jti,
            "iat": record.issued_at,
            "nbf": int(record.issued_at),
            "exp": int(record.expires_at),
        }
        if record.name:
            claims["name"] = record.name
        if order.scopes is not None:
            claims["scope"] = " ".join(sorted(order.scopes))
        if order.logged_in and order.attributes:
            claims[ATTRIBUTES] = dict(order.attributes)
        return claims

    def _sign(self, claims: Mapping[str, Json]) -> str:
        body = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        return _SIGNATURES.encode(body, self._key, algorithm=ALGORITHM, headers={"typ": "at+jwt", "kid": self.installation_id})

    def _check(self, order: TokenOrder) -> None:
        if order.logged_in:
            if not all(_is_known_name(text) for text in (order.tenant, order.subject, *order.roles)):
                raise TokenNotIssuable("Who logged in has a name that no token can carry.")
        else:
            self._check_names(order)
        if order.tenant == NOBODYS:
            raise TokenNotIssuable(f"{NOBODYS!r} is where the audit trail keeps strangers; no tenant can be called that.")
        if not order.roles:
            raise TokenNotIssuable("A token without a role could do nothing.")
        if any(not _is_name(scope.replace(":", ".")) for scope in order.scopes or ()):
            raise TokenNotIssuable("A scope is printable and holds no blanks.")
        if len(order.name) > MAX_NAME_CHARS or not order.name.isprintable():
            raise TokenNotIssuable(f"The name must be at most {MAX_NAME_CHARS} printable characters.")
        self._check_lifetime(order)

    def _check_names(self, order: TokenOrder) -> None:
        for what, text in (("tenant", order.tenant), ("subject", order.subject), *(("role", role) for role in order.roles)):
            if not _is_name(text):
                raise TokenNotIssuable(f"The {what} must be 1 to {MAX_NAME_CHARS} printable characters without blanks or ':'.")

    def _check_lifetime(self, order: TokenOrder) -> None:
        longest = self._max_admin_lifetime if "admin" in order.roles else self._max_lifetime
        if not MIN_LIFETIME_SECONDS <= order.lifetime_seconds <= longest:
            kind = "An administrator's token" if "admin" in order.roles else "A token"
            raise TokenNotIssuable(
                f"{kind} lives from {write_lifetime(MIN_LIFETIME_SECONDS)} to {write_lifetime(longest)}.",
                shortest_seconds=MIN_LIFETIME_SECONDS,
                longest_seconds=longest,
            )


def _is_name(text: str) -> bool:
    """Without a colon: `provider:subject` is how a provider's people are called."""
    return 0 < len(text) <= MAX_NAME_CHARS and text.isprintable() and not any(sign.isspace() or sign == ":" for sign in text)


def _is_known_name(text: str) -> bool:
    """What `ClaimMapping` will read again."""
    return 0 < len(text) <= MAX_NAME_CHARS and text.isprintable() and text == text.strip()


def thumbprint(public: Ed25519PublicKey) -> str:
    """RFC 7638 of the key (RFC 8037 for its members): the same wherever the key is."""
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{_base64url(raw)}"}}'
    return _base64url(sha256(members.encode("ascii")).digest())


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
