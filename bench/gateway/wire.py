"""An HTTP connection that costs little, for what `wrk` cannot do: other methods than one call, streams, failures told apart."""

import asyncio
import json
from typing import Any, Self
from urllib.parse import urlsplit

MODERN = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
LARGEST = 64 * 1024 * 1024


class Broken(Exception):
    """The connection ended where an answer should be, or the answer is not HTTP as this client knows it."""


class Wire:
    """One kept connection of a client of 2026-07-28, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, url: str, token: str) -> None:
        self._reader, self._writer = reader, writer
        parts = urlsplit(url)
        self._path, self._host, self._token = parts.path, parts.netloc, token

    @classmethod
    async def open(cls, url: str, token: str = "") -> Self:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=LARGEST)
        return cls(reader, writer, url, token)

    def send(self, method: str, params: dict[str, Any] | None = None, *, id_: int = 1) -> None:
        """One request on its way; its answer is for `answer` or `events`."""
        meta = {f"{PREFIX}protocolVersion": MODERN, f"{PREFIX}clientCapabilities": {}}
        body = {"jsonrpc": "2.0", "id": id_, "method": method, "params": {**(params or {}), "_meta": meta}}
        data = json.dumps(body).encode()
        lines = [f"POST {self._path} HTTP/1.1", f"Host: {self._host}", "Content-Type: application/json"]
        lines += ["Accept: application/json, text/event-stream", f"MCP-Protocol-Version: {MODERN}", f"Mcp-Method: {method}"]
        name = (params or {}).get("name") or (params or {}).get("uri")
        lines += [f"Mcp-Name: {name}"] if name else []
        lines += [f"Authorization: Bearer {self._token}"] if self._token else []
        self._writer.write("\r\n".join([*lines, f"Content-Length: {len(data)}", "", ""]).encode() + data)

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of a whole answer. Raises `Broken`."""
        try:
            status, headers = await self._head()
            if "content-length" in headers:
                return status, await self._reader.readexactly(int(headers["content-length"]))
            return status, b"".join([chunk async for chunk in self._chunks()])
        except (OSError, EOFError, ValueError, IndexError) as error:
            raise Broken(str(error)) from error

    async def call(self, method: str, params: dict[str, Any] | None = None) -> tuple[int, bytes]:
        self.send(method, params)
        return await self.answer()

    async def first_event(self) -> bytes:
        """What comes first of a stream that stays open. Raises `Broken`."""
        try:
            status, _ = await self._head()
            if status != 200:
                raise Broken(f"answered with {status}")
            size = int(await self._reader.readline(), 16)
            return await self._reader.readexactly(size)
        except (OSError, EOFError, ValueError, IndexError) as error:
            raise Broken(str(error)) from error

    def close(self) -> None:
        self._writer.close()

    async def _head(self) -> tuple[int, dict[str, str]]:
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}

    async def _chunks(self) -> Any:
        while size := int(await self._reader.readline(), 16):
            yield await self._reader.readexactly(size)
            await self._reader.readline()
        await self._reader.readline()


def is_result(status: int, body: bytes) -> bool:
    """Whether a call was answered with what it asked for."""
    return status == 200 and b'"content"' in body and b'"isError":true' not in body
