"""What believing a token needs from outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from mcp_gateway.access.tokens.records import IssuedToken, Revocation
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import NO_ATTRIBUTES

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class KeySource(Protocol):
    """The public keys of one issuer."""

    @property
    def withdrawals(self) -> int:
        """Counts up whenever a key is found to be no longer published: tokens believed before that are verified anew."""
        ...

    async def find(self, kid: str | None, algorithm: str) -> PublicKey:
        """The key named `kid`, a word of the sender's: to be looked up among known names, never used as a path, URL or query.

        None: the token names none; that is enough only while the issuer has a single key for the algorithm.
        Raises `TokenRefused` with reason unknown_key or issuer_unreachable. Bounded in time and in calls to the issuer.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class FurtherRoles:
    """In the gateway's names. `attributes` join the caller's own. `valid_seconds` None: they hold as long as the token."""

    roles: frozenset[str]
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_ATTRIBUTES)
    valid_seconds: float | None = None


class RoleSource(Protocol):
    """Roles that a token's claims alone do not say, such as those of groups that did not fit into it."""

    async def roles_of(self, claims: Mapping[str, Json]) -> FurtherRoles:
        """The claims are verified. Bounded in time. Raises `TokenRefused` when they must be known and cannot be."""
        ...


class RevocationStore(Protocol):
    """Which tokens are no longer believed; shared by all replicas."""

    async def add(self, revocation: Revocation) -> None:
        """Kept when this returns, and announced to the other replicas. The same again is no error; the later times win."""
        ...

    async def read_current(self, now: float) -> tuple[Revocation, ...]:
        """Of all tenants, those that have not expired at `now`, in seconds since 1970."""
        ...


class IssuedTokenStore(Protocol):
    """The list of tokens the embedded issuer has made."""

    async def add(self, token: IssuedToken) -> None:
        """Kept when this returns."""
        ...

    async def read_of(self, tenant: str, now: float) -> tuple[IssuedToken, ...]:
        """Those of the tenant that have not expired at `now`, newest first."""
        ...

    async def find(self, tenant: str, jti: str) -> IssuedToken | None:
        """None: this tenant has no such token, or it was forgotten after it expired."""
        ...
