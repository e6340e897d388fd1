"""What a program says on its standard error: shown in the gateway's log, in bounds and without its secrets."""

from asyncio import StreamReader
from collections.abc import Iterable
from typing import Final

import structlog

from mcp_gateway.core.clock import Clock

_LINE_CHARS: Final = 500
_LINES_PER_MINUTE: Final = 60
_SHORTEST_SECRET: Final = 6
_PIECE_BYTES: Final = 64 * 1024
_log = structlog.get_logger()


class Murmur:
    """`secrets` are struck out wherever they appear."""

    def __init__(self, server: str, secrets: Iterable[str], *, clock: Clock) -> None:
        self._server, self._clock = server, clock
        self._secrets = sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._minute_began = clock.monotonic()
        self._shown = self._hidden = 0

    async def drain(self, stream: StreamReader) -> None:
        """Until the program closes it. Whatever is said is taken, so that nobody waits to say it."""
        rest = b""
        while piece := await stream.read(_PIECE_BYTES):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self.show(line)
            if len(rest) > _PIECE_BYTES:
                self.show(rest)
                rest = b""
        if rest:
            self.show(rest)

    def show(self, line: bytes) -> None:
        now = self._clock.monotonic()
        if now - self._minute_began >= 60.0:
            self._tell_hidden()
            self._minute_began, self._shown = now, 0
        if self._shown >= _LINES_PER_MINUTE:
            self._hidden += 1
            return
        self._shown += 1
        text = self.masked(line[: 8 * _LINE_CHARS].decode("utf-8", "replace"))
        printable = "".join(one if one.isprintable() else " " for one in text[:_LINE_CHARS]).strip()
        if printable:
            _log.info("server_said", server=self._server, text=printable)

    def masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _tell_hidden(self) -> None:
        if self._hidden:
            _log.info("server_said_more", server=self._server, lines=self._hidden)
            self._hidden = 0
