"""What a test needs to reach a server of an older era the way the gateway does, and a server that says what the test wants."""

import asyncio
import json
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import uvicorn
from starlette.types import ASGIApp
from tests.prompt_server import PromptServer
from tests.upstreams.reaching import CLIENT, PATIENCE, addresses
from tests.upstreams.scripted_http import Asked, ScriptedUpstream, Wire, scripted

from mcp_gateway.adapters.links.eras import AnyEraLink
from mcp_gateway.adapters.links.legacy.opening import over_http, over_stdio
from mcp_gateway.adapters.links.legacy.parked import ParkedCalls
from mcp_gateway.adapters.links.legacy.states import StateSeal
from mcp_gateway.adapters.links.links import Outward
from mcp_gateway.adapters.links.modern import ModernLink
from mcp_gateway.adapters.links.older import OlderEras
from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.core.protocol.frames import JsonObject, parse_object
from mcp_gateway.federation.model import Client, Reply, Request
from mcp_gateway.federation.ports import Link
from mcp_gateway.registry.model import Command, Server, ServerLimits

KEY = b"known to everybody, it is a test"
ABLE = Client(
    caller=LOCAL_CALLER,
    info={"name": "tests", "version": "1"},
    capabilities={"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}},
)


def parked_calls(*, seconds: float = 300.0, per_caller: int = 64) -> ParkedCalls:
    return ParkedCalls(StateSeal(KEY), random_bytes=secrets.token_bytes, seconds=seconds, per_caller=per_caller)


@asynccontextmanager
async def session_link(
    url: str, *, limits: ServerLimits = PATIENCE, parked: ParkedCalls | None = None, clock: Clock | None = None
) -> AsyncIterator[Link]:
    """A link over Streamable HTTP of an older era."""
    clock, server = clock or SystemClock(), Server(name="up", url=url, limits=limits)
    sending = Outward(addresses(), clock=clock).sending(server)
    link = over_http(server, sending, parked=parked_calls() if parked is None else parked, clock=clock)
    try:
        yield link
    finally:
        await link.close()
        await sending.close()


@asynccontextmanager
async def program_link(
    command: Command, *, limits: ServerLimits = PATIENCE, clock: Clock | None = None, environment: dict[str, str] | None = None
) -> AsyncIterator[Link]:
    """A link over stdio."""
    server = Server(name="up", transport="stdio", command=command, limits=limits)
    link = over_stdio(
        server,
        command,
        environment=environment or {},
        parked=parked_calls(),
        clock=clock or SystemClock(),
        random=random.random,
    )
    try:
        yield link
    finally:
        await link.close()


@asynccontextmanager
async def any_era_link(url: str, *, limits: ServerLimits = PATIENCE, clock: Clock | None = None) -> AsyncIterator[AnyEraLink]:
    clock, server = clock or SystemClock(), Server(name="up", url=url, limits=limits)
    sending = Outward(addresses(), clock=clock).sending(server)
    older = OlderEras(parked=parked_calls(), environment={}, clock=clock, random=random.random)
    link = older.any_era(server, sending, ModernLink(server, sending, clock=clock, definition_of=lambda _: None))
    try:
        yield link
    finally:
        await older.close()
        await link.close()


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """The origin the application is served at."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="on", timeout_graceful_shutdown=1)
    server = PromptServer(config)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(30):
            await server.ready.wait()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.end()
        await task


def asking(method: str, client: Client = CLIENT, /, **params: Any) -> Request:
    return Request(id=7, method=method, params=params, client=client)


def calling(tool: str, arguments: JsonObject | None = None, client: Client = CLIENT, /, **more: Any) -> Request:
    return asking("tools/call", client, name=tool, arguments=arguments or {}, **more)


async def messages(reply: Reply) -> list[JsonObject]:
    """All of a reply, the response last."""
    if reply.body is not None:
        return [parse_object(reply.body)]
    assert reply.events is not None
    return [parse_object(event) async for event in reply.events]


async def result(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = (await messages(reply))[-1]
    assert "result" in message, message
    outcome: dict[str, Any] = message["result"]
    return outcome


async def words(reply: Reply) -> str:
    """The text a tool answered with."""
    return str((await result(reply))["content"][0]["text"])


async def error(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = (await messages(reply))[-1]
    wrong: dict[str, Any] = message["error"]
    return wrong


Act: TypeAlias = Callable[[Wire, Asked, dict[str, Any]], Awaitable[None]]


@dataclass
class OlderServer:
    """Sessions of 2025-11-25 over a wire of the test's own. `act` answers what is no part of the handshake.

    `said` are all messages in order, `ended` the sessions that were deleted; a session that is not in `known` is forgotten.
    """

    act: Act
    capabilities: JsonObject = field(default_factory=lambda: {"tools": {}, "logging": {}, "resources": {"subscribe": True}})
    said: list[dict[str, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    ended: list[str] = field(default_factory=list)
    opened: int = 0
    offers_stream: bool = False
    upstream: ScriptedUpstream | None = None

    @property
    def url(self) -> str:
        assert self.upstream is not None
        return self.upstream.url

    def told(self, method: str) -> list[dict[str, Any]]:
        return [message for message in self.said if message.get("method") == method]

    async def script(self, wire: Wire) -> None:
        while True:
            await self._answer(wire, await wire.asked())
            await wire.writer.drain()

    async def _answer(self, wire: Wire, asked: Asked) -> None:
        self.asked.append(asked)
        session = asked.headers.get("mcp-session-id", "")
        if asked.method == "DELETE":
            self.ended.append(session)
            self.known.discard(session)
            return wire.answer(b"")
        if asked.method == "GET":
            return await self._stream(wire, asked)
        message = json.loads(asked.body)
        self.said.append(message)
        if message.get("method") == "initialize":
            return self._initialize(wire, message)
        if session not in self.known:
            return wire.answer(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"gone"}}', status="404 Not Found")
        if "id" not in message or "method" not in message:
            return wire.answer(b"", status="202 Accepted")
        await self.act(wire, asked, message)
        return None

    async def _stream(self, wire: Wire, asked: Asked) -> None:
        if "last-event-id" in asked.headers:
            await self.act(wire, asked, {})
        elif not self.offers_stream:
            wire.answer(b"", status="405 Method Not Allowed")
        else:
            wire.begin_stream()
            await wire.gone()

    def _initialize(self, wire: Wire, message: dict[str, Any]) -> None:
        self.opened += 1
        session = f"session-{self.opened}"
        self.known.add(session)
        outcome = {
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": self.capabilities,
            "serverInfo": {"name": "older", "version": "1"},
        }
        wire.answer(answer_to(message, outcome), more=f"mcp-session-id: {session}\r\n")


@asynccontextmanager
async def older_server(act: Act, **settings: Any) -> AsyncIterator[OlderServer]:
    server = OlderServer(act, **settings)
    async with scripted(server.script) as upstream:
        server.upstream = upstream
        yield server


def answer_to(message: dict[str, Any], outcome: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": outcome}).encode()


def event(data: bytes, event_id: str | None = None) -> bytes:
    return (f"id: {event_id}\n".encode() if event_id else b"") + b"data: " + data + b"\n\n"


TEXT = {"content": [{"type": "text", "text": "done"}]}


async def does_it(wire: Wire, _: Asked, message: dict[str, Any]) -> None:
    wire.answer(answer_to(message, TEXT))
