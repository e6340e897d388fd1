"""A server that answers everybody differently, and the token endpoint that says who is who.

At /token a token of the gateway is exchanged (RFC 8693) for one that names its subject. Whatever is asked at /mcp is answered
with that name in it: the tools' names, what resources say, the results of calls, notifications. So an answer that went to the
wrong caller shows. In the handshake eras a session is of one caller; one used by another is counted as a `theft`.
`python -m tests.upstreams.identities --port 9300 --era modern`
"""

import argparse
import asyncio
import base64
import itertools
import json
from collections import Counter
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

MODERN = "2026-07-28"
# Kept for a minute by whoever asked, and by nobody else.
PRIVATE = {"ttlMs": 60_000, "cacheScope": "private"}
CAPABILITIES = {"tools": {"listChanged": True}, "resources": {"subscribe": True}}
INFO = {"name": "identities", "version": "1"}
META = "io.modelcontextprotocol/"


class Identities:
    def __init__(self, era: str) -> None:
        self._era = era
        self._numbers = itertools.count(1)
        self._owners: dict[str, str] = {}
        self._listening: dict[str, list[asyncio.Queue[dict[str, Any]]]] = {}
        self._counts: Counter[str] = Counter()

    async def token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        claims = form["subject_token"][0].split(".")[1]
        subject = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
        self._counts["exchanges"] += 1
        kind = "urn:ietf:params:oauth:token-type:access_token"
        return JSONResponse(
            {
                "access_token": f"as {subject}".replace(" ", "-"),
                "issued_token_type": kind,
                "token_type": "Bearer",
                "expires_in": 600,
            }
        )

    async def counts(self, _: Request) -> Response:
        return JSONResponse(self._counts)

    async def mcp(self, request: Request) -> Response:
        who = request.headers.get("authorization", "").removeprefix("Bearer ").removeprefix("as-")
        modern = request.headers.get("mcp-protocol-version") == MODERN
        if not who:
            return JSONResponse({"error": "who are you?"}, 401)
        if request.method == "DELETE":
            return Response(status_code=204)
        if request.method == "GET":
            return self._stream(who, None)
        message = await request.json()
        if modern != (self._era == "modern"):
            return _refusal(message, self._era)
        if not modern and not self._is_theirs(request, who, message):
            return JSONResponse({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Session not found"}}, 404)
        if "id" not in message:
            return Response(status_code=202)
        if message["method"] == "subscriptions/listen":
            return self._stream(who, message)
        return self._answer(who, message, modern=modern)

    def _is_theirs(self, request: Request, who: str, message: dict[str, Any]) -> bool:
        if message.get("method") in ("initialize", "server/discover"):
            return True
        owner = self._owners.get(request.headers.get("mcp-session-id", ""))
        self._counts["thefts"] += owner is not None and owner != who
        return owner == who

    def _answer(self, who: str, message: dict[str, Any], *, modern: bool) -> Response:
        params, headers = message.get("params") or {}, {}
        self._counts[message["method"]] += 1
        match message["method"]:
            case "server/discover" if modern:
                result: dict[str, Any] = {
                    "supportedVersions": [MODERN],
                    "capabilities": CAPABILITIES,
                    "serverInfo": INFO,
                    **PRIVATE,
                }
            case "initialize":
                session = f"session-{next(self._numbers)}"
                self._owners[session] = who
                headers["mcp-session-id"] = session
                result = {"protocolVersion": params["protocolVersion"], "capabilities": CAPABILITIES, "serverInfo": INFO}
            case "tools/list":
                names = [f"only_{who}", "whoami", "announce"]
                result = {"tools": [{"name": name, "description": "-", "inputSchema": {"type": "object"}} for name in names]}
            case "resources/list":
                result = {"resources": [{"uri": "who://me", "name": f"page of {who}"}]}
            case "resources/read":
                result = {"contents": [{"uri": "who://me", "text": f"page of {who}"}]}
            case "resources/templates/list":
                result = {"resourceTemplates": []}
            case "tools/call":
                if params["name"] == "announce":
                    self._announce(who)
                result = {"content": [{"type": "text", "text": who}], "isError": False}
            case "resources/subscribe" | "resources/unsubscribe" | "ping":
                result = {}
            case _:
                error = {"code": -32601, "message": "Method not found"}
                return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "error": error}, 404 if modern else 200)
        if modern:
            result = {"resultType": "complete", **result, "_meta": {f"{META}serverInfo": INFO}}
            if message["method"].endswith("/list") or message["method"] == "resources/read":
                result |= PRIVATE
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": result}, headers=headers)

    def _announce(self, who: str) -> None:
        """To the streams of this caller alone; the address says whose it is."""
        for queue in self._listening.get(who, ()):
            queue.put_nowait({"method": "notifications/resources/updated", "params": {"uri": f"who://{who}"}})
            queue.put_nowait({"method": "notifications/tools/list_changed", "params": {}})

    def _stream(self, who: str, message: dict[str, Any] | None) -> Response:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        tagged = {} if message is None else {"_meta": {f"{META}subscriptionId": message["id"]}}
        if message is not None:
            granted = {"notifications": (message.get("params") or {}).get("notifications", {})}
            queue.put_nowait({"method": "notifications/subscriptions/acknowledged", "params": granted})
        self._listening.setdefault(who, []).append(queue)

        async def told() -> Any:
            try:
                yield ": here\n\n"
                while True:
                    note = await queue.get()
                    params = {**note["params"], **tagged}
                    body = json.dumps({"jsonrpc": "2.0", "method": note["method"], "params": params})
                    yield f"event: message\ndata: {body}\n\n"
            finally:
                self._listening[who].remove(queue)

        return StreamingResponse(told(), media_type="text/event-stream")


def _refusal(message: dict[str, Any], era: str) -> Response:
    error: dict[str, Any] = {"code": -32600, "message": "Bad Request: Unsupported protocol version"}
    if era == "modern":
        error = {"code": -32022, "message": "Unsupported protocol version", "data": {"supported": [MODERN], "requested": ""}}
    return JSONResponse({"jsonrpc": "2.0", "id": message.get("id"), "error": error}, 400)


def app(era: str) -> ASGIApp:
    identities = Identities(era)
    return Starlette(
        routes=[
            Route("/token", identities.token, methods=["POST"]),
            Route("/counts", identities.counts),
            Route("/mcp", identities.mcp, methods=["GET", "POST", "DELETE"]),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--era", choices=["modern", "legacy"], default="modern")
    options = parser.parse_args()
    uvicorn.run(app(options.era), host="127.0.0.1", port=options.port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
