"""Small real HTTP servers on loopback that answer as a test tells them to, and addresses where things are otherwise."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

Answer = web.StreamResponse
Handler = Callable[[web.Request], Awaitable[Answer]]


def json_page(document: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Handler:
    async def answer(_: web.Request) -> Answer:
        return web.json_response(document, status=status, headers=headers)

    return answer


def text_page(text: str, *, status: int = 200, content_type: str = "text/plain") -> Handler:
    async def answer(_: web.Request) -> Answer:
        return web.Response(text=text, status=status, content_type=content_type)

    return answer


async def hang(_: web.Request) -> Answer:
    """Takes the request and answers nothing, until the test ends."""
    await asyncio.Event().wait()
    raise AssertionError


async def endless(request: web.Request) -> Answer:
    """More than anybody should read: 100 MB, as long as somebody takes it."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(1_600):
        await answer.write(b"x" * 65_536)
    return answer


@asynccontextmanager
async def serving(pages: Mapping[str, Handler]) -> AsyncIterator[str]:
    """`pages`: path to what answers there, whatever the method. Yields the address."""
    app = web.Application(client_max_size=1_000_000)
    for path, handler in pages.items():
        app.router.add_route("*", path, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw(answer: bytes) -> AsyncIterator[int]:
    """Whoever connects gets these bytes, and the line is closed. Yields the port."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1_000)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def interim_for_ever() -> AsyncIterator[tuple[int, list[int]]]:
    """Whoever connects gets `100 Continue` for as long as somebody takes it, at most 100 MB. Yields the port and bytes sent."""
    sent = [0]

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1_000)
        piece = b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000
        with contextlib.suppress(ConnectionError):
            while sent[0] < 100_000_000:
                writer.write(piece)
                await writer.drain()
                sent[0] += len(piece)
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], sent


def closed_port() -> int:
    """Where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
