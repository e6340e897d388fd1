"""A client that costs little: the processors it shares with what it measures should be busy with the measured."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit


class Connection:
    """One kept HTTP/1.1 connection, one request at a time, replies of a known length."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader, self._writer, self._host = reader, writer, host

    @classmethod
    async def open(cls, url: str) -> Self:
        parts = urlsplit(url)
        assert parts.hostname is not None
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=10_000_000)
        return cls(reader, writer, parts.netloc)

    async def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status, and the reply's JSON."""
        return await self.request(path, body)

    async def request(self, path: str, body: Mapping[str, Any] | None, *, token: str = "") -> tuple[int, dict[str, Any]]:
        """The same; without a body it is a GET. `token` empty: nobody is named."""
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", f"Host: {self._host}"]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + data)
        async with asyncio.timeout(60):
            status, *fields = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            length = next(int(line.split(b":")[1]) for line in fields if line.lower().startswith(b"content-length:"))
            reply = await self._reader.readexactly(length)
        return int(status.split()[1]), json.loads(reply)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()
