"""Real MCP servers for tests: one scripted low-level server, served over loopback HTTP, SSE, stdio or in memory.

`python -m tests.live_servers` is the stdio server.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import mcp_types as types
import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import NotificationOptions, Server
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourcesListChanged, ResourceUpdated
from mcp.shared.exceptions import MCPError
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.prompt_server import PromptServer

Context = ServerRequestContext[Any, Any]
Answer = Callable[[dict[str, Any]], Awaitable[types.CallToolResult]]


async def until(condition: Callable[[], bool], turns: int = 10_000) -> None:
    """Let the other tasks run until the condition holds."""
    for _ in range(turns):
        if condition():
            return
        await asyncio.sleep(0)
    raise TimeoutError


class Scripted:
    """A server whose resources and tools a test sets. Counts what it was asked."""

    def __init__(self, resources: dict[str, str] | None = None, *, ttl_ms: int = 0) -> None:
        self.resources = {"demo://greeting": "hello", **(resources or {})}
        self.ttl_ms = ttl_ms
        self.asked: list[str] = []
        self.tools: dict[str, Answer] = {"echo": echo, "fail": fail, "hang": hang, "plain": plain}
        # Set to an Event to make every reading wait for it.
        self.gate: asyncio.Event | None = None
        self.bus = InMemorySubscriptionBus()
        self._sessions: list[Any] = []

    @property
    def server(self) -> Server[Any]:
        return Server(
            "scripted",
            version="1",
            on_list_resources=self._list_resources,
            on_read_resource=self._read_resource,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_subscribe_resource=self._subscribe,
            on_unsubscribe_resource=self._unsubscribe,
            on_subscriptions_listen=ListenHandler(self.bus),
        )

    async def change(self, uri: str, text: str) -> None:
        """Set a resource's text and tell whoever watches."""
        self.resources[uri] = text
        await self.bus.publish(ResourceUpdated(uri=uri))
        await self.bus.publish(ResourcesListChanged())
        for session in self._sessions:
            await session.send_resource_updated(uri)

    async def _list_resources(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        self.asked.append("list")
        listed = [types.Resource(uri=uri, name=uri.split("://")[1], mime_type="application/json") for uri in self.resources]
        return types.ListResourcesResult(resources=listed, ttl_ms=self.ttl_ms)

    async def _read_resource(self, _: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(params.uri)
        self.asked.append(uri)
        if self.gate is not None:
            await self.gate.wait()
        if uri not in self.resources:
            raise MCPError(types.INVALID_PARAMS, "There is no such resource", {"uri": uri})
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, text=self.resources[uri])], ttl_ms=self.ttl_ms
        )

    async def _list_tools(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        self.asked.append("tools")
        return types.ListToolsResult(tools=[types.Tool(name=name, input_schema={"type": "object"}) for name in self.tools])

    async def _call_tool(self, _: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        self.asked.append(params.name)
        if params.name not in self.tools:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name}")
        return await self.tools[params.name](params.arguments or {})

    async def _subscribe(self, context: Context, _: types.SubscribeRequestParams) -> types.EmptyResult:
        self._sessions.append(context.session)
        return types.EmptyResult()

    async def _unsubscribe(self, _: Context, __: types.UnsubscribeRequestParams) -> types.EmptyResult:
        return types.EmptyResult()


async def echo(arguments: dict[str, Any]) -> types.CallToolResult:
    return types.CallToolResult(content=[], structured_content={"echo": arguments})


async def plain(_: dict[str, Any]) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text="just words")])


async def fail(_: dict[str, Any]) -> types.CallToolResult:
    error = {"code": "QUERY_FAILED", "message": "no such column: x", "hint": "Look again.", "data": {"kind": "unknown_column"}}
    return types.CallToolResult(content=[types.TextContent(text="failed")], structured_content={"error": error}, is_error=True)


async def hang(_: dict[str, Any]) -> types.CallToolResult:
    await asyncio.Event().wait()
    raise AssertionError


class LegacyOnly:
    """Refuses requests of 2026-07-28, as a server from before it does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (b"mcp-protocol-version", b"2026-07-28") in scope["headers"]:
            await JSONResponse({"error": "unknown protocol version"}, 400)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def http_app(scripted: Scripted, *, legacy_only: bool = False) -> ASGIApp:
    manager = StreamableHTTPSessionManager(app=scripted.server)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    app = Starlette(routes=[Route("/mcp", endpoint=StreamableHTTPASGIApp(manager))], lifespan=lifespan)
    return LegacyOnly(app) if legacy_only else app


def sse_app(scripted: Scripted) -> ASGIApp:
    transport = SseServerTransport("/messages/")

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        server = scripted.server
        options = server.create_initialization_options(NotificationOptions(resources_changed=True))
        async with transport.connect_sse(scope, receive, send) as (reader, writer):
            await server.run(reader, writer, options)

    class Door:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await stream(scope, receive, send)

    return Starlette(routes=[Route("/sse", endpoint=Door(), methods=["GET"]), Mount("/messages/", transport.handle_post_message)])


def answering(
    content: bytes, *, status: int = 200, content_type: str = "application/json", headers: dict[str, str] | None = None
) -> ASGIApp:
    """A program that gives every request the same answer and is no MCP server."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await Response(content, status, headers={"content-type": content_type, **(headers or {})})(scope, receive, send)

    return app


def free_port() -> int:
    """A port that nothing listens on, and that stays free for a moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(app: ASGIApp, *, port: int = 0, lifespan: bool = True) -> AsyncIterator[str]:
    """The application on a loopback port for as long as the block lasts; gives its base URL."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="on" if lifespan else "off", timeout_graceful_shutdown=1, ws="none"
    )
    server = PromptServer(config)
    with listener:
        # Not `serve`: its signal handlers belong to the test run.
        task = asyncio.create_task(server._serve(sockets=[listener]))
        try:
            async with asyncio.timeout(60):
                await server.ready.wait()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.end()
            await asyncio.wait({task}, timeout=5)


async def _main() -> None:
    scripted = Scripted({"demo://large": "x" * 200_000})

    async def quit_now(_: dict[str, Any]) -> types.CallToolResult:
        os._exit(0)

    async def change(arguments: dict[str, Any]) -> types.CallToolResult:
        await scripted.change(arguments["uri"], arguments["text"])
        return types.CallToolResult(content=[], structured_content={})

    scripted.tools |= {"change": change, "quit": quit_now}
    server = scripted.server
    async with stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options(NotificationOptions(resources_changed=True)))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main())
