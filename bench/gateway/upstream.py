"""An MCP server that costs little, so that what stands before it is measured: raw ASGI, answers made by hand, both eras.

`/mcp` offers `echo` and `big`; `/many/N/mcp` is one of as many servers as anybody likes, each with twenty tools of its own.
Clients of the handshake eras get a session and plain JSON; with `--events` their calls are answered as an event stream, as many
servers do.
`python -m bench.gateway.upstream --port 9100 --era both`.
"""

import argparse
import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import orjson
import uvicorn
from starlette.types import Receive, Scope, Send

MODERN = "2026-07-28"
SESSION = (b"mcp-session-id", b"bench-session")
JSON = (b"content-type", b"application/json")
EVENTS = (b"content-type", b"text/event-stream")
INFO = {"name": "bench-upstream", "version": "1.0.0"}
CAPABILITIES = {"tools": {"listChanged": True}, "resources": {}, "prompts": {}}
TOOLS_OF_EACH = 20
# Long enough that no list is asked for again while a bench runs.
FRESH = {"ttlMs": 3_600_000, "cacheScope": "public"}
Message: TypeAlias = dict[str, Any]


def described(name: str, **properties: str) -> Message:
    fields = {key: {"type": kind} for key, kind in properties.items()}
    schema = {"type": "object", "properties": fields, "required": list(properties)}
    return {
        "name": name,
        "description": f"{name}: one tool of the bench, with a sentence about it.",
        "inputSchema": schema,
    }


ECHO_AND_BIG = [described("echo", text="string"), described("big", n="integer")]


class Upstream:
    """`era` "both", "modern" or "legacy": a server of one era refuses the other as one that never heard of it does."""

    def __init__(self, era: str = "both", *, events: bool = False) -> None:
        self._era, self._events = era, events
        self._methods: dict[str, Callable[[Message, list[Message]], Message]] = {
            "tools/call": _call,
            "tools/list": lambda _, tools: {"tools": tools},
            "server/discover": lambda _, __: {
                "supportedVersions": [MODERN, "2025-11-25"] if era == "both" else [MODERN],
                "capabilities": CAPABILITIES,
                "serverInfo": INFO,
                "_meta": {"io.modelcontextprotocol/serverInfo": INFO},
            },
            "initialize": lambda params, _: {
                "protocolVersion": params.get("protocolVersion", "2025-11-25"),
                "capabilities": CAPABILITIES,
                "serverInfo": INFO,
            },
            "resources/list": lambda _, __: {"resources": []},
            "resources/templates/list": lambda _, __: {"resourceTemplates": []},
            "prompts/list": lambda _, __: {"prompts": []},
            "ping": lambda _, __: {},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["method"] == "DELETE":
            await _answer(send, 204, b"")
            return
        if scope["method"] != "POST":
            await _answer(send, 405, b"")
            return
        message = orjson.loads(await _body(receive))
        modern = (b"mcp-protocol-version", MODERN.encode()) in scope["headers"]
        if self._era != "both" and modern != (self._era == "modern"):
            await _refuse(send, message, self._era)
        elif "id" not in message:
            await _answer(send, 202, b"")
        elif message["method"] == "subscriptions/listen":
            await _listen(send, receive, message)
        else:
            await self._reply(send, scope["path"], message, modern=modern)

    async def _reply(self, send: Send, path: str, message: Message, *, modern: bool) -> None:
        method = self._methods.get(message["method"])
        if method is None:
            error = {"code": -32601, "message": "Method not found"}
            await _answer(
                send, 404 if modern else 200, orjson.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}), JSON
            )
            return
        result = method(message.get("params") or {}, tools_at(path))
        if modern:
            result |= {"resultType": "complete"}
            if message["method"].endswith("/list") or message["method"] == "server/discover":
                result |= FRESH
        body = orjson.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result})
        if modern:
            await _answer(send, 200, body, JSON)
        elif self._events and message["method"] == "tools/call":
            await _answer(send, 200, b"event: message\ndata: " + body + b"\n\n", EVENTS, SESSION)
        else:
            await _answer(send, 200, body, JSON, SESSION)


def tools_at(path: str) -> list[Message]:
    if path.startswith("/many/"):
        number = path.split("/")[2]
        return [described(f"tool_{number}_{index}", text="string") for index in range(TOOLS_OF_EACH)]
    return ECHO_AND_BIG


def _call(params: Message, _: list[Message]) -> Message:
    given = params.get("arguments") or {}
    words = "x" * (1024 * int(given.get("n", 1))) if params.get("name") == "big" else given.get("text", "")
    return {"content": [{"type": "text", "text": words}], "isError": False}


async def _listen(send: Send, receive: Receive, message: Message) -> None:
    """Acknowledges, and says nothing until the client goes away."""
    meta = {"io.modelcontextprotocol/subscriptionId": message["id"]}
    granted = {"notifications": (message.get("params") or {}).get("notifications", {}), "_meta": meta}
    note = {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": granted}
    await send({"type": "http.response.start", "status": 200, "headers": [EVENTS]})
    event = b"event: message\ndata: " + orjson.dumps(note) + b"\n\n"
    await send({"type": "http.response.body", "body": event, "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, message: Message, era: str) -> None:
    error: Message = {"code": -32600, "message": "Bad Request: Unsupported protocol version"}
    if era == "modern":
        error = {"code": -32022, "message": "Unsupported protocol version", "data": {"supported": [MODERN], "requested": ""}}
    await _answer(send, 400, orjson.dumps({"jsonrpc": "2.0", "id": message.get("id"), "error": error}), JSON)


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def _live(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--era", choices=["both", "modern", "legacy"], default="both")
    parser.add_argument("--events", action="store_true")
    options = parser.parse_args()
    app = Upstream(options.era, events=options.events)
    server = uvicorn.Server(uvicorn.Config(app, port=options.port, log_level="error", backlog=4096, ws="none"))
    asyncio.run(server.serve())


if __name__ == "__main__":
    main()
