"""An HTTP upstream that says byte for byte what a test tells it to: good answers, and all the bad ones."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived. Header names are lower case; `lines` are all of them in order."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    lines: tuple[str, ...] = ()


@dataclass
class Wire:
    """One connection, as seen from the upstream. `number` counts them from one."""

    upstream: "ScriptedUpstream"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    async def asked(self) -> Asked:
        """The next request, whole. Raises `EOFError` when there is none any more."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = first.split(" ")
        request = Asked(method, target, headers, body, tuple(lines))
        self.upstream.asked.append(request)
        return request

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    def answer(self, body: bytes, *, status: str = "200 OK", kind: str = "application/json", more: str = "") -> None:
        head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
        self.writer.write(head.encode() + body)

    def begin_stream(self) -> None:
        self.say(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        """An empty one is the last."""
        self.say(b"%x\r\n%b\r\n" % (len(data), data))

    def cut(self) -> None:
        """Ends the connection without any more ado."""
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Returns when the other side has closed."""
        while await self.reader.read(65536):
            pass


Script: TypeAlias = Callable[[Wire], Awaitable[None]]


@dataclass
class ScriptedUpstream:
    """`asked` are the requests of all connections; `left` is set once somebody closed a connection."""

    script: Script
    port: int = 0
    connections: int = 0
    asked: list[Asked] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self.script(Wire(self, reader, writer, self.connections))
        except (EOFError, OSError):
            self.left.set()
        except asyncio.CancelledError:
            # The streams of asyncio would tell it as a fault of theirs.
            pass
        finally:
            writer.transport.abort()
            self.tasks.discard(task)


async def _nobody(_wire: Wire) -> None:
    raise AssertionError("no script")


@asynccontextmanager
async def scripted(
    script: Script = _nobody, *, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[ScriptedUpstream]:
    """Runs `script` for each connection on a free port of loopback."""
    upstream = ScriptedUpstream(script)
    server = await asyncio.start_server(upstream.serve, host, 0, ssl=context, limit=2**20)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        for task in tuple(upstream.tasks):
            task.cancel()
        await asyncio.gather(*upstream.tasks, return_exceptions=True)
        await server.wait_closed()


def repeating(one: Callable[[Wire, Asked], Awaitable[None]]) -> Script:
    """The same for each request of a connection."""

    async def script(wire: Wire) -> None:
        while True:
            await one(wire, await wire.asked())
            await wire.writer.drain()

    return script
