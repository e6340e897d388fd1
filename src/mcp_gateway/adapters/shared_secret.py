"""Keys the replicas of one installation share, made from the one key they all hold.

For what goes through a store others may reach: whoever can only write to the store can neither make nor read such messages.
"""

from hashlib import blake2b

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def shared_key(key: Ed25519PrivateKey, purpose: bytes) -> bytes:
    """32 bytes; a different purpose (16 bytes at most) gives an unrelated key."""
    return blake2b(key.private_bytes_raw(), person=purpose, digest_size=32).digest()
