"""What a reply claims to hold, read before the parser sees it, which makes room for a list as soon as its length is told.

Follows the protocol's framing alone, line by line, and is for servers that are not trusted; what is no protocol at all is left
for the parser to find.
"""

import re
from typing import Final

# Of one reply, those within its lists and pushes that came before it among them.
MAX_ELEMENTS: Final = 50_000
MAX_LINE_BYTES: Final = 16_384

_LISTS, _PAIRS, _STRINGS, _PUSH = frozenset(b"*~>"), frozenset(b"%|"), frozenset(b"$="), ord(">")
_LENGTH = re.compile(rb"-1|0|[1-9][0-9]{0,17}")


class ReplyBounds:
    """Counts since the last whole reply that was no push. Feed it all that comes, in order, and nothing after a False."""

    def __init__(self, *, max_bytes: int, max_elements: int = MAX_ELEMENTS) -> None:
        self._max_bytes, self._max_elements = max_bytes, max_elements
        self._bytes = self._elements = 0
        # Elements that are claimed and have not come, those of the reply itself among them; bytes of a string that have not.
        self._due, self._string = 0, 0
        self._pushed = False
        self._line = b""

    def allow(self, data: bytes) -> bool:
        """Whether all that is claimed up to the end of `data` is within the bounds."""
        self._bytes += len(data)
        data, self._line = self._line + data, b""
        at = 0
        while True:
            step = min(self._string, len(data) - at)
            self._string -= step
            at += step
            if not self._due and not self._string and not self._pushed:
                self._bytes, self._elements = len(data) - at, 0
            end = data.find(b"\r\n", at)
            if end < 0:
                self._line = data[at:]
                break
            if not self._claim(data[at:end]):
                return False
            at = end + 2
        return len(self._line) <= MAX_LINE_BYTES and self._bytes <= self._max_bytes

    def _claim(self, line: bytes) -> bool:
        kind = line[0] if line else 0
        if not self._due:
            self._due, self._pushed = 1, kind == _PUSH
        self._due -= 1
        self._elements += 1
        if kind in _LISTS or kind in _PAIRS or kind in _STRINGS:
            if not _LENGTH.fullmatch(line, 1):
                return False
            length = max(0, int(line[1:]))
            if kind in _STRINGS:
                self._string = length + 2 if line[1:] != b"-1" else 0
            else:
                self._due += length * 2 if kind in _PAIRS else length
        return self._string <= self._max_bytes and self._elements + self._due <= self._max_elements
