"""Secrets at rest: AES-256-GCM under a key made from the gateway's signing key, each bound to what it belongs to.

Whoever can read or write the store but lacks the key file can neither read a secret nor use it for anything else: it opens only
together with the very context it was sealed for.
"""

import base64
import binascii
import secrets
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_FORMAT: Final = "v1."
_NONCE_BYTES: Final = 12


class Sealing:
    """`purpose` keeps keys apart that are made from one signing key."""

    def __init__(self, key: Ed25519PrivateKey, purpose: str, *, new_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"mcp-gateway {purpose} v1".encode())
        self._cipher = AESGCM(derived.derive(key.private_bytes_raw()))
        self._new_bytes = new_bytes

    def seal(self, secret: str, context: str) -> str:
        """Text that says nothing but the secret's length."""
        nonce = self._new_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, secret.encode(), context.encode())
        return _FORMAT + base64.urlsafe_b64encode(nonce + sealed).decode("ascii")

    def open(self, sealed: str, context: str) -> str | None:
        """None: sealed with another key or for another context, or not by us."""
        if not sealed.startswith(_FORMAT):
            return None
        try:
            raw = base64.b64decode(sealed.removeprefix(_FORMAT), altchars=b"-_", validate=True)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()).decode()
        except (binascii.Error, ValueError, InvalidTag):
            return None
