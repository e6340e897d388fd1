"""A client that costs little: the processors it shares with what it measures should be busy with the measured."""

import asyncio
import json
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

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status, and the reply's JSON."""
        data = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        self._writer.write(head.encode() + data)
        async with asyncio.timeout(60):
            status, *lines = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:"))
            reply = await self._reader.readexactly(length)
        return int(status.split()[1]), json.loads(reply)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()
