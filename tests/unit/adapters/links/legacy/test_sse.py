"""HTTP+SSE of 2024-11-05: where messages are posted to, and what becomes of calls when the one stream breaks."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.upstreams.older import TEXT, answer_to, calling, event, parked_calls, words
from tests.upstreams.reaching import PATIENCE, addresses
from tests.upstreams.scripted_http import Asked, Wire, scripted

from mcp_gateway.adapters.links.links import Outward
from mcp_gateway.adapters.links.older import OlderEras
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.federation.errors import UpstreamLost, UpstreamMisbehaved, UpstreamRefused, UpstreamUnreachable
from mcp_gateway.federation.ports import Link
from mcp_gateway.registry.model import Server

pytestmark = pytest.mark.anyio


@dataclass
class SseServer:
    """`endpoint` makes what the server names, from its port; `on_call` answers a call, given the stream."""

    endpoint: Callable[[int], str] = lambda _: "/messages?session=1"
    posted: str = "202 Accepted"
    said: list[dict[str, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    streams: list[Wire] = field(default_factory=list)
    cuts_on_call: bool = False
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def script(self, wire: Wire) -> None:
        while True:
            asked = await wire.asked()
            self.asked.append(asked)
            if asked.method == "GET":
                wire.begin_stream()
                wire.chunk(f"event: endpoint\r\ndata: {self.endpoint(wire.upstream.port)}\r\n\r\n".encode())
                self.streams.append(wire)
                await wire.gone()
                self.left.set()
                return
            message = json.loads(asked.body)
            self.said.append(message)
            await self._answer(wire, message)
            await wire.writer.drain()

    async def _answer(self, wire: Wire, message: dict[str, Any]) -> None:
        called = message.get("method") == "tools/call"
        wire.answer(b"", status=self.posted if called else "202 Accepted")
        if called and self.cuts_on_call:
            self.streams[-1].cut()
        elif "id" in message and (not called or self.posted.startswith("2")):
            outcome: dict[str, Any] = TEXT
            if message["method"] == "initialize":
                outcome = {"protocolVersion": "2024-11-05", "capabilities": {}, "serverInfo": {"name": "sse", "version": "1"}}
            self.streams[-1].chunk(event(answer_to(message, outcome)))
            await self.streams[-1].writer.drain()

    @property
    def calls(self) -> int:
        return sum(message.get("method") == "tools/call" for message in self.said)


@asynccontextmanager
async def sse_link(server: SseServer) -> AsyncIterator[Link]:
    async with scripted(server.script) as upstream:
        clock, described = SystemClock(), Server(name="up", url=upstream.url, transport="sse", limits=PATIENCE)
        older = OlderEras(parked=parked_calls(), environment={}, clock=clock, random=random.random)
        link = older.sse(described, Outward(addresses(), clock=clock).sending(described))
        yield link
        await link.close()


ENDPOINTS: dict[str, Callable[[int], str]] = {
    "path": lambda _: "/messages?session=1",
    "relative": lambda _: "messages?session=1",
    "whole": lambda port: f"http://127.0.0.1:{port}/messages?session=1",
}


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=list(ENDPOINTS))
async def test_messages_are_posted_where_the_server_says(endpoint: Callable[[int], str]) -> None:
    server = SseServer(endpoint=endpoint)
    async with sse_link(server) as link:
        assert await words(await link.send(calling("work"))) == "done"
    assert {asked.target for asked in server.asked[1:]} == {"/messages?session=1"}


ELSEWHERE: dict[str, Callable[[int], str]] = {
    "host": lambda port: f"http://localhost:{port}/messages",
    "port": lambda port: f"http://127.0.0.1:{port + 1}/messages",
    "scheme": lambda port: f"https://127.0.0.1:{port}/messages",
    "no_scheme": lambda _: "//169.254.169.254/latest",
    "user": lambda port: f"http://a:b@127.0.0.1:{port}/messages",
    "file": lambda _: "file:///etc/passwd",
    "spaces": lambda _: "/messages HTTP/1.1",
}


@pytest.mark.parametrize("endpoint", ELSEWHERE.values(), ids=list(ELSEWHERE))
async def test_nothing_is_posted_to_another_origin(endpoint: Callable[[int], str]) -> None:
    server = SseServer(endpoint=endpoint)
    async with sse_link(server) as link:
        with pytest.raises(UpstreamMisbehaved, match="to post to"):
            await link.send(calling("work"))
        async with asyncio.timeout(20):
            await server.left.wait()
    assert server.said == []


async def test_a_stream_that_breaks_in_the_middle_of_a_call_loses_it_and_another_is_opened_for_the_next() -> None:
    server = SseServer(cuts_on_call=True)
    async with sse_link(server) as link:
        with pytest.raises(UpstreamLost):
            await link.send(calling("work"))
        server.cuts_on_call = False
        assert await words(await link.send(calling("work"))) == "done"
    assert (server.calls, len(server.streams)) == (2, 2)


async def test_a_session_the_server_forgot_is_opened_anew() -> None:
    server = SseServer()
    async with sse_link(server) as link:
        await link.send(calling("work"))
        server.posted = "404 Not Found"
        with pytest.raises(UpstreamMisbehaved, match="forgets"):
            await link.send(calling("work"))
        server.posted = "202 Accepted"
        assert await words(await link.send(calling("work"))) == "done"


async def test_a_posting_that_is_refused_is_told_as_such() -> None:
    server = SseServer()
    async with sse_link(server) as link:
        await link.send(calling("work"))
        for status, expected in (("401 Unauthorized", UpstreamRefused), ("500 Internal Server Error", UpstreamMisbehaved)):
            server.posted = status
            with pytest.raises(expected):
                await link.send(calling("work"))


async def test_a_link_that_was_closed_opens_nothing_more() -> None:
    server = SseServer()
    async with sse_link(server) as link:
        pass
    with pytest.raises(UpstreamUnreachable):
        await link.send(calling("work"))
    assert server.asked == []
