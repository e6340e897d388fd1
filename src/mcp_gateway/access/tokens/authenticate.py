"""From a token to the caller. A token believed once costs a hash and a dictionary look-up until it ends."""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.access.tokens.envelope import MAX_TOKEN_CHARS
from mcp_gateway.access.tokens.model import VerifiedToken
from mcp_gateway.access.tokens.ports import FurtherRoles, KeySource
from mcp_gateway.access.tokens.refusals import refused
from mcp_gateway.access.tokens.revocations import NEVER, Revocations
from mcp_gateway.access.tokens.verify import SKEW_SECONDS, TokenVerifier
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller

MAX_REMEMBERED: Final = 10_000
NO_FURTHER_ROLES: Final = FurtherRoles(roles=frozenset())
_TOLD_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Believed:
    """Times in seconds since 1970."""

    caller: Caller
    token: tuple[str, str]
    subject: tuple[str, str]
    issued_at: float
    until: float
    keys: KeySource
    withdrawals: int


class Authenticate:
    """The one place where a token becomes a `Caller`. Remembered under a digest of the token, never under the token."""

    def __init__(
        self, verifier: TokenVerifier, revocations: Revocations, clock: Clock, *, max_remembered: int = MAX_REMEMBERED
    ) -> None:
        self._verifier = verifier
        self._revocations = revocations
        self._timestamp, self._monotonic = clock.timestamp, clock.monotonic
        self._max_remembered = max_remembered
        self._believed: OrderedDict[bytes, _Believed] = OrderedDict()
        # When the trail was last told whose a revoked token is.
        self._told: OrderedDict[bytes, float] = OrderedDict()

    def remembered(self, token: str) -> Caller | None:
        """The caller if this very token was believed before and still is. None: not known or over, so ask by calling."""
        return None if len(token) > MAX_TOKEN_CHARS else self.remembered_as(digest_of(token))

    def remembered_as(self, digest: bytes) -> Caller | None:
        """The same, by the token's `digest_of`."""
        believed = self._believed.get(digest)
        if believed is None:
            return None
        monotonic = self._monotonic()
        if self._revocations.stale(monotonic):
            return None
        withdrawn = believed.keys.withdrawals != believed.withdrawals
        if withdrawn or self._timestamp() >= believed.until or self._is_revoked(believed):
            del self._believed[digest]
            return None
        self._believed.move_to_end(digest)
        return believed.caller

    async def __call__(self, token: str) -> Caller:
        """Raises `TokenRefused`."""
        caller = self.remembered(token)
        if caller is not None:
            return caller
        if self._revocations.stale(self._monotonic()):
            raise refused("stale")
        verified = await self._verifier.verify(token)
        # As of now; a key withdrawn while further roles are asked for must not be missed.
        believed = await self._believe(verified, digest_of(token), verified.issuer.keys.withdrawals)
        if self._is_revoked(believed):
            raise self._revoked(digest_of(token), believed.caller)
        self._remember(digest_of(token), believed)
        return believed.caller

    def ends_at(self, token: str) -> float | None:
        """When a token that was just believed ends, in seconds since 1970; None for one that was not, or long ago."""
        believed = self._believed.get(digest_of(token))
        return None if believed is None else believed.until - SKEW_SECONDS

    async def _believe(self, verified: VerifiedToken, digest: bytes, withdrawals: int) -> _Believed:
        issuer = verified.issuer
        named = issuer.claims.read(verified.claims)
        further = await issuer.further_roles.roles_of(verified.claims) if issuer.further_roles else NO_FURTHER_ROLES
        subject = f"{issuer.name}:{named.subject}" if issuer.name else named.subject
        caller = Caller(
            tenant=named.tenant,
            subject=subject,
            roles=named.roles | further.roles,
            scopes=named.scopes,
            name=named.name,
            issuer=issuer.issuer,
            credential=named.jti if not issuer.name else digest.hex()[:16],
            attributes={**named.attributes, **further.attributes},
        )
        until = verified.expires_at + SKEW_SECONDS
        if further.valid_seconds is not None:
            until = min(until, self._timestamp() + further.valid_seconds)
        return _Believed(
            caller=caller,
            token=(named.tenant, named.jti),
            subject=(named.tenant, subject),
            issued_at=NEVER if verified.issued_at is None else verified.issued_at,
            until=until,
            keys=issuer.keys,
            withdrawals=withdrawals,
        )

    def _is_revoked(self, believed: _Believed) -> bool:
        return self._revocations.revoked(believed.token, believed.subject, believed.issued_at)

    def _revoked(self, digest: bytes, caller: Caller) -> TokenRefused:
        """Says once a minute whose token it is, so that its holder cannot fill the tenant's trail with it."""
        error = refused("revoked")
        monotonic = self._monotonic()
        if monotonic - self._told.get(digest, NEVER) >= _TOLD_SECONDS:
            self._told[digest] = monotonic
            self._told.move_to_end(digest)
            error.caller = caller
        if len(self._told) > MAX_REMEMBERED:
            self._told.popitem(last=False)
        return error

    def _remember(self, digest: bytes, believed: _Believed) -> None:
        self._believed[digest] = believed
        if len(self._believed) > self._max_remembered:
            self._believed.popitem(last=False)


def digest_of(token: str) -> bytes:
    """What tokens are remembered under."""
    # Whatever came over the wire has bytes; half a surrogate pair must not be an error here.
    return blake2b(token.encode("utf-8", "surrogatepass"), digest_size=16).digest()
