"""Tokens for tests, good and bad ones: every part can be replaced, and nothing stops anybody from signing nonsense."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurve, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from mcp_gateway.access.tokens.claims import ClaimMapping
from mcp_gateway.access.tokens.model import TrustedIssuer
from mcp_gateway.access.tokens.ports import FurtherRoles, PublicKey
from mcp_gateway.access.tokens.refusals import refused
from mcp_gateway.core.errors import Json

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW = int(NOON.timestamp())
ISSUER = "https://login.example.com/"
AUDIENCE = "https://gateway.example.com/mcp"
KID = "key-1"
PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey


@cache
def rsa_key(bits: int = 2048, number: int = 1) -> RSAPrivateKey:
    """One key per size and number for the whole run: they take a tenth of a second to make."""
    assert number
    return generate_rsa(public_exponent=65_537, key_size=bits)


@cache
def ec_key(curve: EllipticCurve | None = None) -> EllipticCurvePrivateKey:
    return generate_ec(curve or SECP256R1())


@cache
def ed_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def as_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def claims_of(**changed: object) -> dict[str, object]:
    """A good token's claims; a value of `...` leaves one out."""
    claims: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "tid": "acme",
        "roles": ["analyst"],
        "jti": "token-1",
        "iat": NOW - 10,
        "nbf": NOW - 10,
        "exp": NOW + 3_600,
        **changed,
    }
    return {name: value for name, value in claims.items() if value is not ...}


def header_of(algorithm: str = "RS256", **changed: object) -> dict[str, object]:
    header: dict[str, object] = {"alg": algorithm, "typ": "at+jwt", "kid": KID, **changed}
    return {name: value for name, value in header.items() if value is not ...}


def mint(
    claims: Mapping[str, object] | bytes | None = None,
    header: Mapping[str, object] | bytes | None = None,
    key: PrivateKey | bytes | None = None,
) -> str:
    """The parts may be bytes that are no JSON; a key of bytes is an HMAC secret. The signature is right for what is signed."""
    parts = [part if isinstance(part, bytes) else as_json(part) for part in (header or header_of(), claims or claims_of())]
    signed = ".".join(base64url(part) for part in parts)
    return f"{signed}.{base64url(sign(signed.encode(), key or rsa_key()))}"


def sign(text: bytes, key: PrivateKey | bytes) -> bytes:
    if isinstance(key, bytes):
        return hmac.new(key, text, hashlib.sha256).digest()
    if isinstance(key, RSAPrivateKey):
        return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, EllipticCurvePrivateKey):
        size = (key.key_size + 7) // 8
        return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(key.sign(text, ECDSA(hashes.SHA256()))))
    return key.sign(text)


class KnownKeys:
    """Implements `KeySource` over a dictionary, and remembers what it was asked for."""

    def __init__(self, keys: Mapping[str, PublicKey] | None = None) -> None:
        self.keys = dict(keys) if keys is not None else {KID: rsa_key().public_key()}
        self.asked: list[str | None] = []
        self.withdrawals = 0

    async def find(self, kid: str | None, algorithm: str) -> PublicKey:
        assert algorithm
        self.asked.append(kid)
        if kid is None or kid not in self.keys:
            raise refused("unknown_key")
        return self.keys[kid]


class RolesOfGroups:
    """Implements `RoleSource`: the roles given, for a token with groups, for as long as said."""

    def __init__(self, *roles: str, valid_seconds: float | None = None) -> None:
        self.further = FurtherRoles(roles=frozenset(roles), valid_seconds=valid_seconds)
        self.asked = 0

    async def roles_of(self, claims: Mapping[str, Json]) -> FurtherRoles:
        self.asked += 1
        return self.further if "groups" in claims else FurtherRoles(roles=frozenset())


def issuer_of(keys: KnownKeys, **changed: object) -> TrustedIssuer:
    """A provider called entra: RS256, tenant from the claim `tid`."""
    facts: dict[str, object] = {
        "name": "entra",
        "issuer": ISSUER,
        "audiences": frozenset({AUDIENCE}),
        "algorithms": frozenset({"RS256"}),
        "keys": keys,
        "claims": ClaimMapping(tenant="tid"),
        **changed,
    }
    return TrustedIssuer(**facts)  # type: ignore[arg-type]  # tests replace any field by name
