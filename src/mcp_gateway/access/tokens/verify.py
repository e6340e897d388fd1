"""Whether a token is to be believed. Whom it names is `claims.py`; whether it was taken back is `revocations.py`.

The order keeps the cost of a forged token low: what needs no key is judged first, and an issuer is asked for a key only when
everything the token says of itself would do. Nothing in a token can bring a key, name an address or choose an algorithm.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from mcp_gateway.access.errors import IssuerUnusable
from mcp_gateway.access.tokens.algorithms import ALGORITHMS, fits, is_signed
from mcp_gateway.access.tokens.envelope import Envelope, open_envelope
from mcp_gateway.access.tokens.model import TrustedIssuer, VerifiedToken
from mcp_gateway.access.tokens.refusals import refused
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json

SKEW_SECONDS: Final = 60.0
MAX_KID_CHARS: Final = 256

# Keys or certificates the sender brings along or points to, and extensions that change what the signature means.
_REFUSED_HEADERS: Final = ("jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "cty", "enc")
_TYPES: Final = ("jwt", "at+jwt", "application/jwt", "application/at+jwt")
# Later than this is no time a token of ours or of a provider could mean.
_MAX_TIME: Final = 2.0**40

# Judges, before the signature is, whether the token is for what it is used for. Raises `TokenRefused`.
Purpose: TypeAlias = Callable[[Envelope, TrustedIssuer], None]


class TokenVerifier:
    """Believes the tokens of the issuers it is given."""

    def __init__(self, issuers: Iterable[TrustedIssuer], clock: Clock) -> None:
        """Raises `IssuerUnusable` for an issuer that stands twice, has no audience, or an algorithm that can never be allowed."""
        self._issuers: dict[str, TrustedIssuer] = {}
        self._clock = clock
        for issuer in issuers:
            _require_usable(issuer, self._issuers)
            self._issuers[issuer.issuer] = issuer

    async def verify(self, token: str, purpose: Purpose | None = None) -> VerifiedToken:
        """`purpose` judges what the token is for; None: to call with. Raises `TokenRefused`."""
        envelope = open_envelope(token)
        algorithm = _algorithm(envelope.header)
        kid = _key_name(envelope.header)
        issuer = self._issuer_of(envelope.claims)
        if algorithm not in issuer.algorithms:
            raise refused("algorithm")
        (purpose or judge_access_token)(envelope, issuer)
        verified = self._judge_claims(envelope.claims, issuer)
        await _check_signature(envelope, issuer, kid, algorithm)
        return verified

    def _issuer_of(self, claims: Mapping[str, Json]) -> TrustedIssuer:
        name = claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise refused("unknown_issuer")
        return issuer

    def _judge_claims(self, claims: Mapping[str, Json], issuer: TrustedIssuer) -> VerifiedToken:
        for claim, wanted in issuer.required.items():
            if claims.get(claim) != wanted:
                raise refused("claims", claim=claim)
        expires_at, issued_at = self._judge_times(claims, issuer)
        return VerifiedToken(issuer=issuer, claims=claims, issued_at=issued_at, expires_at=expires_at)

    def _judge_times(self, claims: Mapping[str, Json], issuer: TrustedIssuer) -> tuple[float, float | None]:
        now = self._clock.timestamp()
        expires_at = _time(claims, "exp")
        issued_at = _time(claims, "iat")
        not_before = _time(claims, "nbf")
        if expires_at is None:
            raise refused("claims", claim="exp")
        if now >= expires_at + SKEW_SECONDS:
            raise refused("expired")
        if not_before is not None and not_before > now + SKEW_SECONDS:
            raise refused("not_yet")
        if issued_at is not None and issued_at > now + SKEW_SECONDS:
            raise refused("issued_in_future")
        if expires_at - (now if issued_at is None else issued_at) > issuer.max_lifetime_seconds:
            raise refused("claims", claim="exp", message="The token lives longer than is accepted from its issuer.")
        return expires_at, issued_at


def judge_access_token(envelope: Envelope, issuer: TrustedIssuer) -> None:
    """A token to call with, issued for this gateway. Raises `TokenRefused`."""
    _check_audience(envelope.claims, issuer)
    if _is_id_token(envelope.claims):
        raise refused("claims", message="The token tells who logged in; it is not one to call with (an ID token).")


def _require_usable(issuer: TrustedIssuer, others: Mapping[str, TrustedIssuer]) -> None:
    if issuer.issuer in others:
        raise IssuerUnusable(f"The issuer {issuer.issuer} stands twice.", issuer=issuer.issuer)
    if not issuer.audiences:
        raise IssuerUnusable(f"The issuer {issuer.issuer} has no audience.", issuer=issuer.issuer)
    if not issuer.algorithms or not issuer.algorithms <= ALGORITHMS:
        raise IssuerUnusable(f"The issuer {issuer.issuer} has no algorithm, or one that is never allowed.", issuer=issuer.issuer)


async def _check_signature(envelope: Envelope, issuer: TrustedIssuer, kid: str | None, algorithm: str) -> None:
    key = await issuer.keys.find(kid, algorithm)
    if not fits(key, algorithm):
        raise refused("unknown_key")
    if not is_signed(envelope.signed, envelope.signature, key, algorithm):
        raise refused("signature")


def _algorithm(header: Mapping[str, Json]) -> str:
    algorithm = header.get("alg")
    if isinstance(algorithm, str) and algorithm.strip().lower() in ("none", ""):
        raise refused("unsigned")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise refused("algorithm")
    return algorithm


def _key_name(header: Mapping[str, Json]) -> str | None:
    """The name of the key; the rest of the header is judged on the way."""
    for field in _REFUSED_HEADERS:
        if field in header:
            raise refused("header", claim=field)
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise refused("header", claim="typ")
    kid = header.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID_CHARS):
        raise refused("header", claim="kid")
    return kid


def _check_audience(claims: Mapping[str, Json], issuer: TrustedIssuer) -> None:
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(word, str) for word in named) or issuer.audiences.isdisjoint(named):
        raise refused("audience")


def _is_id_token(claims: Mapping[str, Json]) -> bool:
    """Providers sign both kinds with the same key and, for a page of their own, the same audience."""
    if "at_hash" in claims or "c_hash" in claims or claims.get("typ") in ("ID", "Refresh", "Logout"):
        return True
    return "nonce" in claims and "scp" not in claims and "scope" not in claims


def _time(claims: Mapping[str, Json], claim: str) -> float | None:
    """Seconds since 1970; None when the claim is missing."""
    if claim not in claims:
        return None
    value = claims[claim]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MAX_TIME:
        raise refused("claims", claim=claim)
    return float(value)
