"""What one `tools/call` costs this process: through a link, through its HTTP client alone, and through other clients.

The upstream is a process of its own that answers at once, so what is counted is processor time of the caller: building the
request, the way out and back, and judging the answer. "bare" writes fixed bytes and waits for any; nothing can be cheaper.
All take turns in one run; told are medians of the rounds. aiohttp is measured where it is installed.

`python -m bench.gateway.clients [--rounds N] [--calls N]`
"""

import argparse
import asyncio
import importlib
import multiprocessing
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing.connection import Connection
from statistics import median
from types import ModuleType
from typing import Any, TypeAlias

import httpx2
import uvloop
from bench.figures import print_table

from mcp_gateway.adapters.egress import LOOPBACK, Egress
from mcp_gateway.adapters.links.addresses import Addresses
from mcp_gateway.adapters.links.http_client import Outgoing
from mcp_gateway.adapters.links.links import Outward
from mcp_gateway.adapters.links.modern import ModernLink
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.federation.envelope import body_of, headers_of
from mcp_gateway.federation.model import Client, Request
from mcp_gateway.registry.model import Credential, Server

ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"hello, world"}]}}'
REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)

Call: TypeAlias = Callable[[], Awaitable[None]]


class Upstream(asyncio.Protocol):
    """Answers each piece that arrives; a request here always arrives in one."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(REPLY)


class Bare(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self._answered.set_result(data)

    async def call(self, message: bytes) -> None:
        self._answered: asyncio.Future[bytes] = self._loop.create_future()
        self._transport.write(message)
        await self._answered


def serve(ready: Connection) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=5_000)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    upstream = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    upstream.start()
    try:
        port = ours.recv()
        for connections in (1, 16):
            show(uvloop.run(measure(port, connections, options.rounds, options.calls)), connections)
    finally:
        upstream.terminate()
        upstream.join()
    return 0


def show(found: Mapping[str, tuple[float, float]], connections: int) -> None:
    link, link_rate = found["link"]
    rows = [
        [name, f"{micros:.1f}", f"{micros / link:.2f}", f"{rate:,.0f}", f"{rate / link_rate:.2f}"]
        for name, (micros, rate) in found.items()
    ]
    print_table(
        f"`tools/call`, {connections} at once; asked of the link: at most 60 us",
        ["client", "us of this process a call", "x link", "calls/s", "x link"],
        rows,
    )


async def measure(port: int, connections: int, rounds: int, calls: int) -> Mapping[str, tuple[float, float]]:
    """Microseconds of processor time a call, and calls a second, by client."""
    found: dict[str, list[tuple[float, float]]] = {}
    async with opened(port) as clients:
        for call in clients.values():
            await spend(call, connections, calls // 10)
        for _ in range(rounds):
            for name, call in clients.items():
                found.setdefault(name, []).append(await spend(call, connections, calls))
    return {name: (median(one[0] for one in some), median(one[1] for one in some)) for name, some in found.items()}


async def spend(call: Call, connections: int, calls: int) -> tuple[float, float]:
    async def some() -> None:
        for _ in range(calls // connections):
            await call()

    began, spent = time.perf_counter(), time.process_time()
    await asyncio.gather(*(some() for _ in range(connections)))
    done = calls // connections * connections
    return (time.process_time() - spent) / done * 1e6, done / (time.perf_counter() - began)


@asynccontextmanager
async def opened(port: int) -> AsyncIterator[Mapping[str, Call]]:
    url = f"http://127.0.0.1:{port}/mcp"
    clock, egress = SystemClock(), Egress(allow=LOOPBACK)
    outward = Outward(Addresses(lambda: egress, clock=clock), clock=clock)
    server = Server(name="upstream", url=url, credential=Credential(kind="bearer", secret="for-the-upstream-alone"))  # noqa: S106
    link = ModernLink(server, outward.sending(server), clock=clock, definition_of=lambda _: None)
    alone = outward.sending(server)
    client = Client(caller=LOCAL_CALLER, info={"name": "bench", "version": "1"})
    made = Request(id=1, method="tools/call", params={"name": "echo", "arguments": {"text": "hello, world"}}, client=client)
    request = Request(id=1, method="tools/call", params=made.params, client=client, body=body_of(made), headers=())
    headers = headers_of(request)
    outgoing = Outgoing(head=b"".join(b"%b: %b\r\n" % header for header in headers), body=request.body)

    async def through_link() -> None:
        assert (await link.send(request)).body == ANSWER

    async def through_http() -> None:
        assert (await alone.send(outgoing, client)).body == ANSWER

    async with AsyncExitStack() as stack:
        stack.push_async_callback(link.close)
        stack.push_async_callback(alone.close)
        texts = {name.decode(): value.decode() for name, value in headers} | {"authorization": "Bearer for-the-upstream-alone"}
        texts["content-type"] = "application/json"
        others: dict[str, Call] = {
            "bare": await bare(stack, port, outgoing),
            "link": through_link,
            "its HTTP client": through_http,
        }
        if aiohttp := installed("aiohttp"):
            others["aiohttp"] = await with_aiohttp(stack, aiohttp, url, request.body or b"", texts)
        others["httpx2"] = await with_httpx(stack, url, request.body or b"", texts)
        yield others


async def bare(stack: AsyncExitStack, port: int, outgoing: Outgoing) -> Call:
    loop = asyncio.get_running_loop()
    message = b"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n%b\r\n%b" % (outgoing.head, outgoing.body or b"")
    kept: list[Bare] = []

    async def call() -> None:
        if kept:
            connection = kept.pop()
        else:
            transport, connection = await loop.create_connection(Bare, "127.0.0.1", port)
            stack.callback(transport.close)
        await connection.call(message)
        kept.append(connection)

    return call


async def with_aiohttp(stack: AsyncExitStack, aiohttp: ModuleType, url: str, body: bytes, headers: Mapping[str, str]) -> Call:
    connector = aiohttp.TCPConnector(limit=64)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, auto_decompress=False))

    async def call() -> None:
        async with session.post(url, data=body, headers=headers) as answer:
            assert await answer.read() == ANSWER

    return call


async def with_httpx(stack: AsyncExitStack, url: str, body: bytes, headers: Mapping[str, str]) -> Call:
    client = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))

    async def call() -> None:
        assert (await client.post(url, content=body, headers=headers)).content == ANSWER

    return call


def installed(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


if __name__ == "__main__":
    sys.exit(main())
