"""The words of idempotency: the request's key and fingerprint, the stored answer, what a store says. Values only."""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from mcp_gateway.kit.errors import InvalidIdempotencyKey

# A structured String (RFC 9651 section 3.3.3), or the same letters bare, as many clients send them.
_QUOTED = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"')
_BARE = re.compile(r"[\x21\x23-\x7e]{1,255}")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyedRequest:
    """`tenant` and `operation` scope the key: the same key of another tenant, or for another operation, is another request."""

    tenant: str
    operation: str
    key: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAnswer:
    """`status` and `headers` mean to the face above what it likes; here they are kept and given back."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Outcome(NamedTuple):
    """`replayed` is True when the answer is that of an earlier request."""

    answer: StoredAnswer
    replayed: bool


# "started": the asker holds the lease and does the work. "mismatch": the key belongs to another fingerprint.
# "unkept": it is done, but its answer was too large to keep.
BegunState: TypeAlias = Literal["started", "running", "done", "unkept", "mismatch"]


class Begun(NamedTuple):
    """`answer` is there when done; `lease_seconds` is what is left of the holder's lease while running."""

    state: BegunState
    answer: StoredAnswer | None = None
    lease_seconds: float = 0.0


def read_key(header: str | None) -> str:
    """The key in an `Idempotency-Key` header. Raises `InvalidIdempotencyKey` when it is missing or malformed."""
    text = (header or "").strip(" ")
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted[1])
    if _BARE.fullmatch(text):
        return text
    raise InvalidIdempotencyKey


def fingerprint(*parts: bytes | str) -> str:
    """A digest of what makes two requests the same: method, path, body. Parts cannot flow into each other."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()
