"""An answer as HTTP gives it, wherever it comes from: a connection, or an ASGI application in this process."""

from collections.abc import Mapping
from typing import Final, Protocol

# Answers up to here are handed over whole; longer ones in pieces.
WHOLE_BYTES: Final = 256 * 1024
# How much of a long answer is held for a reader that is slower than the server.
AHEAD_BYTES: Final = 256 * 1024


class Source(Protocol):
    """Where the pieces of a long answer come from."""

    async def read(self) -> bytes:
        """The next piece; b"" at the end. Raises the errors of `federation/errors.py`."""
        ...

    def leave(self) -> None:
        """Reads no further; the server sees it. Does nothing after the end."""
        ...

    def release(self) -> None:
        """What matters has been read; the rest is expected to be nothing, and is thrown away."""
        ...


class Answer:
    """`body`: the whole of it. None: it is long or never ends, and `source` gives the pieces.

    `headers` have lower-case names; of several with one name the values are joined with commas.
    """

    __slots__ = ("body", "headers", "source", "status")

    def __init__(self, status: int, headers: Mapping[bytes, bytes], *, body: bytes | None, source: Source | None) -> None:
        self.status, self.headers, self.body, self.source = status, headers, body, source

    @property
    def media_type(self) -> bytes:
        """Without parameters, lower case; b"" where none is named."""
        return media_type(self.headers)

    def leave(self) -> None:
        if self.source is not None:
            self.source.leave()


def media_type(headers: Mapping[bytes, bytes]) -> bytes:
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
