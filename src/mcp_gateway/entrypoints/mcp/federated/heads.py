"""What the head of a request says that concerns the protocol, read in one pass."""

from functools import lru_cache
from typing import Final

from starlette.types import Scope

from mcp_gateway.core.protocol.words import (
    METHOD_HEADER,
    NAME_HEADER,
    PARAM_PREFIX,
    SESSION_HEADER,
    TRACE_HEADERS,
    VERSION_HEADER,
)

_ROUTING: Final = frozenset({VERSION_HEADER, METHOD_HEADER, NAME_HEADER, SESSION_HEADER})
_KEPT: Final = _ROUTING | {b"accept", b"content-type", b"last-event-id", b"authorization"}


class Head:
    """`params` and `trace` in the order they came; `twice` is a routing header that is there two times, or empty."""

    __slots__ = ("_values", "params", "trace", "twice")

    def __init__(self, scope: Scope) -> None:
        self._values: dict[bytes, bytes] = {}
        self.params: list[tuple[bytes, bytes]] = []
        self.trace: list[tuple[bytes, bytes]] = []
        self.twice = b""
        for name, value in scope["headers"]:
            if name in _KEPT:
                if name in self._values and name in _ROUTING:
                    self.twice = name
                # RFC 9110 5.5: blanks around a value are no part of it.
                self._values[name] = value.strip(b" \t")
            elif name.startswith(PARAM_PREFIX):
                self.params.append((name, value.strip(b" \t")))
            elif name in TRACE_HEADERS:
                self.trace.append((name, value))

    def get(self, name: bytes) -> bytes | None:
        return self._values.get(name)

    @property
    def version(self) -> str:
        """The revision named, "" for none."""
        return self._values.get(VERSION_HEADER, b"").decode("latin-1")

    @property
    def accepts_json(self) -> bool:
        return accepts_json(self._values.get(b"accept"))

    @property
    def accepts_events(self) -> bool:
        return accepts_events(self._values.get(b"accept"))


def accepts_json(accept: bytes | None) -> bool:
    return _accepts(accept, b"application/json", b"application/*")


def accepts_events(accept: bytes | None) -> bool:
    return _accepts(accept, b"text/event-stream", b"text/*")


@lru_cache(maxsize=256)
def _accepts(accept: bytes | None, *kinds: bytes) -> bool:
    if accept is None:
        return True
    lowered = accept.lower()
    return b"*/*" in lowered or any(kind in lowered for kind in kinds)
