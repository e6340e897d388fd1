"""Documents handed to strangers and taken back unchanged: nothing of them is kept here, so no flood of them fills anything."""

import hmac
import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json

# What a document is for; one sealed for one purpose is nothing for the other.
Purpose: TypeAlias = Literal["client", "request"]

MAX_SEALED_CHARS: Final = 3_800
_MAC_BYTES: Final = 16


class Seals:
    """`key` is of this installation; replicas that share it open each other's."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key, self._clock = key, clock

    def seal(self, purpose: Purpose, document: Mapping[str, Json], *, lasts_seconds: float) -> str:
        """Letters, digits, `-` and `_`. The document can be read by whoever holds it."""
        ends = int(self._clock.timestamp() + lasts_seconds)
        body = zlib.compress(json.dumps({**document, "e": ends}, separators=(",", ":")).encode(), 9)
        return urlsafe_b64encode(self._mac(purpose, body) + body).rstrip(b"=").decode("ascii")

    def open(self, purpose: Purpose, text: str) -> Mapping[str, Json] | None:
        """None: not sealed here for this purpose, changed, or over."""
        if not _MAC_BYTES < len(text) <= MAX_SEALED_CHARS or not text.isascii():
            return None
        try:
            whole = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            return None
        mac, body = whole[:_MAC_BYTES], whole[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(purpose, body)):
            return None
        document: Json = json.loads(zlib.decompress(body))
        ends = document.get("e") if isinstance(document, dict) else None
        if not isinstance(document, dict) or not isinstance(ends, int) or ends <= self._clock.timestamp():
            return None
        return document

    def _mac(self, purpose: Purpose, body: bytes) -> bytes:
        return blake2b(body, key=self._key, person=purpose.encode(), digest_size=_MAC_BYTES).digest()
