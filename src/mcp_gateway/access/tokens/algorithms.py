"""The signature algorithms that may be allowed at all, and the keys that fit them. None of them works with a shared secret."""

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWS

from mcp_gateway.access.tokens.ports import PublicKey

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192

_CURVES: Final = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ALGORITHMS: Final = frozenset({*_RSA, *_CURVES, "EdDSA"})

_SIGNATURES: Final = PyJWS(algorithms=sorted(ALGORITHMS))


def fits(key: PublicKey, algorithm: str) -> bool:
    """Whether the key is of the algorithm's kind and strong enough; False for an algorithm we do not know."""
    if algorithm in _RSA:
        return isinstance(key, RSAPublicKey) and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS
    if algorithm in _CURVES:
        return isinstance(key, EllipticCurvePublicKey) and key.curve.name == _CURVES[algorithm]
    return algorithm == "EdDSA" and isinstance(key, Ed25519PublicKey)


def is_signed(signed: bytes, signature: bytes, key: PublicKey, algorithm: str) -> bool:
    """Whether the signature is the key's. Only for a key that `fits`."""
    verify: Callable[[bytes, PublicKey, bytes], bool] = _SIGNATURES.get_algorithm_by_name(algorithm).verify
    return verify(signed, key, signature)
