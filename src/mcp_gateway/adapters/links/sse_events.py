"""Takes a stream of server-sent events apart: the data of each complete event, verbatim.

WHATWG HTML, server-sent events. Comments are dropped. Ids and the waiting time are kept as they were last said, for whoever
resumes a stream.
"""

import re
from typing import Final, NamedTuple

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_MARK: Final = b"\xef\xbb\xbf"
# What holding a line takes beside its bytes, so that millions of empty ones are bounded too.
_LINE_COST: Final = 8


class TooLong(Exception):
    """An event is longer than is accepted."""


class Event(NamedTuple):
    """`name` is b"" for most; `data` are its lines, joined with line feeds."""

    name: bytes
    data: bytes


class EventSplitter:
    """Feed it what arrives; it gives the events that are complete. `max_bytes` bounds one event."""

    __slots__ = ("_data", "_held", "_kept", "_max", "_name", "_size", "_skip_feed", "_start", "last_event_id", "retry_ms")

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._start: bytes | None = b""
        self._held: list[bytes] = []
        self._data: list[bytes] = []
        self._name = b""
        self._size = self._kept = 0
        self._skip_feed = False
        self.last_event_id = ""
        self.retry_ms: int | None = None

    def feed(self, piece: bytes) -> list[Event]:
        """Raises `TooLong`."""
        if self._start is not None:
            piece = self._start + piece
            if len(piece) < len(_MARK) and _MARK.startswith(piece):
                self._start = piece
                return []
            self._start, piece = None, piece.removeprefix(_MARK)
        if self._skip_feed and piece:
            self._skip_feed, piece = False, piece.removeprefix(b"\n")
        self._size += len(piece)
        returns = b"\r" in piece
        if not returns and b"\n" not in piece:
            self._held.append(piece)
            events: list[Event] = []
        else:
            events = self._lines(piece, returns=returns)
        if self._size > self._max:
            raise TooLong
        return events

    def _lines(self, piece: bytes, *, returns: bool) -> list[Event]:
        text = b"".join((*self._held, piece)) if self._held else piece
        self._skip_feed = returns and text.endswith(b"\r")
        lines = _LINE_END.split(text) if returns else text.split(b"\n")
        rest = lines.pop()
        self._held = [rest] if rest else []
        events: list[Event] = []
        for line in lines:
            if line:
                self._field(line)
            else:
                if self._data:
                    data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                    events.append(Event(self._name, data))
                    self._data, self._kept = [], 0
                self._name = b""
        # What was given away or dropped no longer counts.
        self._size = len(rest) + self._kept
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._kept += len(value) + _LINE_COST
        elif name == b"event":
            self._name = value
        elif name == b"id" and b"\0" not in value:
            self.last_event_id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) < 10:
            self.retry_ms = int(value)
