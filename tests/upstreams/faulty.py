"""A server that misbehaves on the wire, by name: a call of the tool `lies_longer` is answered as that function here does it.

Everything but `tools/call` is answered rightly, as a server of 2026-07-28 does; `well` is a tool that works, and `calls` tells
how often each tool was asked for, so a repeated call is seen. It writes bytes on sockets: no HTTP library would let it lie so.
`python -m tests.upstreams.faulty --port 9200 [--tools more]`
"""

import argparse
import asyncio
import contextlib
import gzip
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

MODERN = "2026-07-28"
GIGABYTE = 1024 * 1024 * 1024
PIECE = b"x" * 65_536
FOREVER = 3_600


@dataclass
class Asked:
    """One `tools/call`, and the wire its answer goes on."""

    id: Any
    arguments: dict[str, Any]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def result(self) -> bytes:
        return answer_to(self.id, {"content": [{"type": "text", "text": "well"}], "isError": False})

    async def head(self, *lines: str, status: str = "200 OK") -> None:
        self.writer.write("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode())
        await self.writer.drain()

    async def body(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def json(self, data: bytes, *lines: str) -> None:
        """A proper answer."""
        await self.head("content-type: application/json", f"content-length: {len(data)}", *lines)
        await self.body(data)

    async def events(self) -> None:
        await self.head("content-type: text/event-stream", "transfer-encoding: chunked")

    async def chunk(self, data: bytes) -> None:
        await self.body(b"%x\r\n%b\r\n" % (len(data), data))


Fault: TypeAlias = Callable[[Asked], Awaitable[None]]
FAULTS: dict[str, Fault] = {}


def fault(misbehave: Fault) -> Fault:
    FAULTS[getattr(misbehave, "__name__", "")] = misbehave
    return misbehave


def answer_to(id_: Any, result: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id_, "result": {"resultType": "complete", **result}}).encode()


@fault
async def well(asked: Asked) -> None:
    await asked.json(asked.result)


@fault
async def slow(asked: Asked) -> None:
    """Works, after as long as it is told."""
    await asyncio.sleep(float(asked.arguments.get("seconds", 1)))
    await asked.json(asked.result)


@fault
async def hangs(_: Asked) -> None:
    await asyncio.sleep(FOREVER)


@fault
async def hangs_after_head(asked: Asked) -> None:
    await asked.head("content-type: application/json", "content-length: 5000")
    await asyncio.sleep(FOREVER)


@fault
async def drips(asked: Asked) -> None:
    """A byte now and then: never silent, never done."""
    await asked.head("content-type: application/json", "content-length: 100000")
    for byte in asked.result * 100:
        await asked.body(bytes([byte]))
        await asyncio.sleep(0.1)


@fault
async def drips_head(asked: Asked) -> None:
    await asked.body(b"HTTP/1.1 200 OK\r\n")
    for number in range(FOREVER):
        await asked.body(b"x-%d: y\r\n" % number)
        await asyncio.sleep(0.1)


@fault
async def lies_longer(asked: Asked) -> None:
    """Says more is coming than comes."""
    await asked.head("content-type: application/json", f"content-length: {len(asked.result) + 100}")
    await asked.body(asked.result)
    asked.writer.close()


@fault
async def lies_shorter(asked: Asked) -> None:
    """Says less is coming than comes: the rest would be taken for the next answer, by somebody careless."""
    forged = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"forged!"'
    await asked.head("content-type: application/json", f"content-length: {len(asked.result)}")
    await asked.body(asked.result + forged)


@fault
async def two_lengths(asked: Asked) -> None:
    await asked.head("content-type: application/json", "content-length: 5", f"content-length: {len(asked.result)}")
    await asked.body(asked.result)


@fault
async def length_and_chunks(asked: Asked) -> None:
    await asked.head("content-type: application/json", "content-length: 5", "transfer-encoding: chunked")
    await asked.chunk(asked.result)
    await asked.body(b"0\r\n\r\n")


@fault
async def wrong_type(asked: Asked) -> None:
    page = b"<html><body>Welcome to the intranet</body></html>"
    await asked.head("content-type: text/html", f"content-length: {len(page)}")
    await asked.body(page)


@fault
async def no_json(asked: Asked) -> None:
    await asked.json(b'{"jsonrpc": "2.0", "id": 1, "result": {')


@fault
async def no_response(asked: Asked) -> None:
    """JSON, and no JSON-RPC."""
    await asked.json(b'{"hello": "world"}')


@fault
async def another_id(asked: Asked) -> None:
    await asked.json(answer_to("somebody else's", {"content": []}))


@fault
async def empty(asked: Asked) -> None:
    await asked.json(b"")


@fault
async def accepted_only(asked: Asked) -> None:
    await asked.head("content-length: 0", status="202 Accepted")


@fault
async def huge(asked: Asked) -> None:
    """A gigabyte, announced."""
    await asked.head("content-type: application/json", f"content-length: {GIGABYTE}")
    await _pour(asked, asked.body)


@fault
async def huge_chunks(asked: Asked) -> None:
    """A gigabyte, not announced."""
    await asked.head("content-type: application/json", "transfer-encoding: chunked")
    await _pour(asked, asked.chunk)


@fault
async def huge_event(asked: Asked) -> None:
    """One event that does not end."""
    await asked.events()
    await _pour(asked, asked.chunk, before=b"data: ")


@fault
async def endless_events(asked: Asked) -> None:
    """Progress, for ever, as fast as it is read."""
    await asked.events()
    note = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}}
    event = b"event: message\ndata: " + json.dumps(note).encode() + b"\n\n"
    while True:
        await asked.chunk(event * 50)
        await asyncio.sleep(0.01)


@fault
async def events_without_end(asked: Asked) -> None:
    """A stream that closes before the answer came."""
    await asked.events()
    await asked.chunk(b": nothing to say\n\n")
    await asked.body(b"0\r\n\r\n")


@fault
async def events_cut(asked: Asked) -> None:
    """A stream that breaks in the middle of the answer."""
    await asked.events()
    await asked.chunk(b"data: " + asked.result[:20])
    asked.writer.close()


@fault
async def half_closed(asked: Asked) -> None:
    """Half an answer, then nothing more is sent, and the connection stays."""
    await asked.head("content-type: application/json", f"content-length: {len(asked.result)}")
    await asked.body(asked.result[:10])
    asked.writer.write_eof()
    await asyncio.sleep(FOREVER)


@fault
async def closes(asked: Asked) -> None:
    """The request was read, and nothing comes of it."""
    asked.writer.close()


@fault
async def resets(asked: Asked) -> None:
    asked.writer.transport.abort()


@fault
async def redirects(asked: Asked) -> None:
    await asked.head("location: http://169.254.169.254/latest/meta-data/", "content-length: 0", status="307 Temporary Redirect")


@fault
async def bomb(asked: Asked) -> None:
    """A few kilobytes that unpack to twenty megabytes."""
    data = gzip.compress(b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"' + b"x" * 20_000_000 + b'"}]}}')
    await asked.json(data, "content-encoding: gzip")


@fault
async def giant_head(asked: Asked) -> None:
    await asked.body(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-more: ")
    await _pour(asked, asked.body)


@fault
async def many_heads(asked: Asked) -> None:
    await asked.body(b"HTTP/1.1 200 OK\r\n")
    await _pour(asked, asked.body, piece=b"x-more: y\r\n" * 5_000)


@fault
async def bad_chunks(asked: Asked) -> None:
    await asked.head("content-type: application/json", "transfer-encoding: chunked")
    await asked.body(b"zz\r\n" + asked.result + b"\r\n0\r\n\r\n")


@fault
async def no_http(asked: Asked) -> None:
    await asked.body(b"220 mail.example.com ESMTP ready\r\n")


@fault
async def breaks(asked: Asked) -> None:
    page = b"<html><h1>502 Bad Gateway</h1></html>"
    await asked.head("content-type: text/html", f"content-length: {len(page)}", status="502 Bad Gateway")
    await asked.body(page)


@fault
async def interim_for_ever(asked: Asked) -> None:
    """Status 103, again and again."""
    while True:
        await asked.body(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
        await asyncio.sleep(0.01)


async def _pour(asked: Asked, send: Callable[[bytes], Awaitable[None]], *, before: bytes = b"", piece: bytes = PIECE) -> None:
    if before:
        await send(before)
    for _ in range(GIGABYTE // len(piece)):
        await send(piece)
        if asked.writer.is_closing():
            return


@dataclass
class Faulty:
    """`more`: it offers another set of tools than it usually does, as after an update."""

    more: bool = False
    calls: Counter[str] = field(default_factory=Counter)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while not writer.is_closing():
                await self._one(reader, writer)
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = next((int(line.partition(":")[2]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
        message = json.loads(await reader.readexactly(length) or b"{}")
        asked = Asked(message.get("id"), (message.get("params") or {}).get("arguments") or {}, reader, writer)
        name = str((message.get("params") or {}).get("name", ""))
        if f"mcp-protocol-version: {MODERN}" not in head:
            await _refuse(asked)
        elif message.get("method") != "tools/call":
            await asked.json(self._answer(message))
        elif name == "calls":
            words = json.dumps(self.calls)
            await asked.json(answer_to(asked.id, {"content": [{"type": "text", "text": words}], "structuredContent": self.calls}))
        else:
            self.calls[name] += 1
            await FAULTS.get(name, well)(asked)

    def _answer(self, message: dict[str, Any]) -> bytes:
        about = {"name": "faulty", "version": "1"}
        kept = {"ttlMs": 0, "cacheScope": "private"}
        match message.get("method"):
            case "server/discover":
                result = {"supportedVersions": [MODERN], "capabilities": {"tools": {}}, "serverInfo": about, **kept}
                return answer_to(message["id"], {**result, "_meta": {"io.modelcontextprotocol/serverInfo": about}})
            case "tools/list":
                return answer_to(message["id"], {"tools": self._tools(), **kept})
            case _:
                error = {"code": -32601, "message": "Method not found"}
                return json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "error": error}).encode()

    def _tools(self) -> list[dict[str, Any]]:
        names = ["well", "calls", "new_tool"] if self.more else [*FAULTS, "calls"]
        return [{"name": name, "description": f"It is {name}.", "inputSchema": {"type": "object"}} for name in names]


async def _refuse(asked: Asked) -> None:
    data = {"supported": [MODERN], "requested": "2025-03-26"}
    error = {"code": -32022, "message": "Unsupported protocol version", "data": data}
    body = json.dumps({"jsonrpc": "2.0", "id": asked.id, "error": error}).encode()
    await asked.head("content-type: application/json", f"content-length: {len(body)}", status="400 Bad Request")
    await asked.body(body)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tools", choices=["usual", "more"], default="usual")
    options = parser.parse_args()
    faulty = Faulty(more=options.tools == "more")
    server = await asyncio.start_server(faulty.serve, "127.0.0.1", options.port, limit=1_048_576)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
