"""Signing keys this installation had before, so that the seals they made can still be checked. Nothing is signed with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from mcp_gateway.access.tokens.embedded import thumbprint
from mcp_gateway.adapters.key_file import KeyFileRefused

RETIRED: Final = "retired-keys"
_MAX_BYTES: Final = 4_096


def read_retired_keys(state_dir: Path) -> Mapping[str, Ed25519PublicKey]:
    """By thumbprint: every file of the directory `retired-keys`, an Ed25519 key in PEM each, private or public; none without it.

    Raises `KeyFileRefused` for a file that holds no such key.
    """
    folder = state_dir / RETIRED
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
        keys = [_public_key(path) for path in files]
    except OSError as error:
        raise KeyFileRefused(f"{folder} cannot be read: {error.strerror}.") from error
    return {thumbprint(key): key for key in keys}


def _public_key(path: Path) -> Ed25519PublicKey:
    with path.open("rb") as file:
        text = file.read(_MAX_BYTES)
    try:
        key = load_pem_private_key(text, password=None) if b"PRIVATE" in text else load_pem_public_key(text)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PrivateKey):
        return key.public_key()
    if isinstance(key, Ed25519PublicKey):
        return key
    raise KeyFileRefused(
        f"{path} holds no Ed25519 key.", hint="Only signing keys of this installation belong into that directory."
    )
