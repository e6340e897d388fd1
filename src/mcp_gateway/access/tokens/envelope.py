"""Taking a compact JWS apart, strictly: what two parsers could read differently is refused. Nothing here is verified yet."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from mcp_gateway.access.tokens.refusals import refused
from mcp_gateway.core.errors import Json

MAX_TOKEN_CHARS: Final = 16_384

_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)", re.ASCII)
# The characters a last group may end in: the others carry bits that decoding drops, so that two texts would be one token.
_LAST_OF_TWO: Final = frozenset("AQgw")
_LAST_OF_THREE: Final = frozenset("AEIMQUYcgkosw048")


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """The parts of a token, decoded; `signed` is what the signature speaks of."""

    header: Mapping[str, Json]
    claims: Mapping[str, Json]
    signed: bytes
    signature: bytes


def open_envelope(token: str) -> Envelope:
    """Raises `TokenRefused`: too_long, malformed, unsigned, header (its JSON), claims (their JSON)."""
    if len(token) > MAX_TOKEN_CHARS:
        raise refused("too_long")
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise refused("malformed")
    header = _read_object(parts[1])
    if not parts[3]:
        raise refused("unsigned")
    return Envelope(
        header=header,
        claims=_read_object(parts[2]),
        signed=token[: parts.end(2)].encode("ascii"),
        signature=_decode(parts[3]),
    )


def _decode(part: str) -> bytes:
    rest = len(part) % 4
    if rest == 1 or (rest == 2 and part[-1] not in _LAST_OF_TWO) or (rest == 3 and part[-1] not in _LAST_OF_THREE):
        raise refused("malformed")
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _read_object(part: str) -> Mapping[str, Json]:
    try:
        text = _decode(part).decode("utf-8")
        found: Json = json.loads(text, object_pairs_hook=_no_name_twice, parse_constant=_no_constant)
        # Half a surrogate pair, written as an escape, is a string that nothing can store or send.
        if "\\ud" in text.lower():
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise refused("malformed") from None
    if not isinstance(found, dict):
        raise refused("malformed")
    return found


def _no_name_twice(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_constant(_name: str) -> NoReturn:
    """NaN and Infinity are no JSON."""
    raise ValueError
