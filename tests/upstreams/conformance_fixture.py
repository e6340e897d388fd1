"""The conformance fixture as a process: `python -m tests.upstreams.conformance_fixture --port 9000 --era legacy`.

Streamable HTTP at /mcp (the default), HTTP+SSE of 2024-11-05 at /sse, or stdio; one era or both. Loopback only.
"""

import argparse
import asyncio
import contextlib
import json
from typing import Any

import uvicorn
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import JSONRPCMessage
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.upstreams.conformance.fixtures import MODERN
from tests.upstreams.conformance.server import ConformanceServer

KEPT_EVENTS = 5_000


class Replay(EventStore):
    """The last few thousand events in memory, for clients that come back to a closed stream."""

    def __init__(self) -> None:
        self._events: dict[str, tuple[str, JSONRPCMessage | None]] = {}
        self._count = 0

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self._count += 1
        self._events[str(self._count)] = (stream_id, message)
        while len(self._events) > KEPT_EVENTS:
            del self._events[next(iter(self._events))]
        return str(self._count)

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        if last_event_id not in self._events:
            return None
        stream, _ = self._events[last_event_id]
        for key, (owner, message) in list(self._events.items()):
            if owner == stream and message is not None and int(key) > int(last_event_id):
                await send_callback(EventMessage(message, key))
        return stream


class OneEra:
    """Refuses the other era, as a server that never heard of it does."""

    def __init__(self, app: ASGIApp, era: str) -> None:
        self._app, self._era = app, era

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            asked = dict(scope["headers"]).get(b"mcp-protocol-version", b"").decode("latin-1")
            if (asked == MODERN) != (self._era == "modern"):
                await self._refusal(asked, await _body(receive))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, asked: str, body: bytes) -> Response:
        error: dict[str, Any] = {"code": -32600, "message": "Bad Request: Unsupported protocol version"}
        if self._era == "modern":
            data = {"supported": [MODERN], "requested": asked or "2025-03-26"}
            error = {"code": -32022, "message": "Unsupported protocol version", "data": data}
        with contextlib.suppress(ValueError, AttributeError):
            return JSONResponse({"jsonrpc": "2.0", "id": json.loads(body).get("id"), "error": error}, 400)
        return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 400)


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def http_app(server: ConformanceServer, era: str = "both") -> ASGIApp:
    app = server.streamable_http_app(event_store=Replay(), retry_interval=100)
    return app if era == "both" else OneEra(app, era)


def sse_app(server: ConformanceServer) -> ASGIApp:
    transport = SseServerTransport("/messages/")

    class Stream:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            async with transport.connect_sse(scope, receive, send) as (reader, writer):
                await server.run(reader, writer, server.create_initialization_options())

    return Starlette(
        routes=[Route("/sse", endpoint=Stream(), methods=["GET"]), Mount("/messages/", transport.handle_post_message)]
    )


async def _over_stdio(server: ConformanceServer) -> None:
    async with stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=["http", "sse", "stdio"], default="http")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--era", choices=["both", "legacy", "modern"], default="both")
    parser.add_argument("--page-size", type=int, default=0)
    parser.add_argument("--name", default="conformance-fixture")
    options = parser.parse_args()
    server = ConformanceServer(options.name, page_size=options.page_size)
    if options.transport == "stdio":
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_over_stdio(server))
        return
    app = sse_app(server) if options.transport == "sse" else http_app(server, options.era)
    # h11 strips the white space around header values, as the suite wants it; httptools does not.
    uvicorn.run(app, host="127.0.0.1", port=options.port, http="h11", log_level="warning", timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main()
