"""Names inside keys: what a tenant, an operation or a caller may be called without reaching anybody else's keys.

A key is parts joined by `:`. A part keeps letters, digits, `_`, `.` and `-`; every other byte of its UTF-8 becomes `%XX`, so
separators, hash-tag braces, wildcards and line ends lose their meaning, and two different names never share a key.
"""

import hashlib
import re
from functools import lru_cache

MAX_PART_BYTES = 120

_UNSAFE = re.compile(rb"[^A-Za-z0-9_.-]")


@lru_cache(maxsize=8_192)
def escape_part(name: str) -> str:
    """One part of a key, at most `MAX_PART_BYTES` characters long; a longer one ends in `~` and 128 bits of its SHA-256."""
    safe = _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], name.encode("utf-8", "surrogatepass")).decode("ascii")
    if len(safe) <= MAX_PART_BYTES:
        return safe
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{safe[: MAX_PART_BYTES - 33]}~{digest}"


def tagged(tenant: str) -> str:
    """The tenant as a Redis Cluster hash tag: all keys with it live in one slot."""
    return "{" + escape_part(tenant) + "}"
