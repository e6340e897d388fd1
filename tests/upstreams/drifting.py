"""A server of 2026-07-28 that offers what it is told to offer: `POST /become` with `{"tools": [...], "says": "..."}` changes it.

Each tool answers a call with what the server `says`. `python -m tests.upstreams.drifting --port 9300`
"""

import argparse
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

MODERN = "2026-07-28"
Message = MutableMapping[str, Any]


class Drifting:
    """An ASGI application."""

    def __init__(self) -> None:
        self.tools: list[dict[str, Any]] = []
        self.says = "well"

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        told = json.loads(body) if body else {}
        if scope["path"] == "/become":
            self.tools, self.says = told["tools"], told.get("says", self.says)
            answer: dict[str, Any] = {}
        else:
            answer = {"jsonrpc": "2.0", "id": told.get("id"), "result": {"resultType": "complete", **self._answer(told)}}
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _answer(self, told: dict[str, Any]) -> dict[str, Any]:
        method = told.get("method")
        if method == "server/discover":
            return {
                "supportedVersions": [MODERN],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "drifting", "version": "1"},
                "ttlMs": 0,
                "cacheScope": "public",
            }
        if method == "tools/list":
            return {"tools": self.tools, "ttlMs": 0, "cacheScope": "public"}
        return {"content": [{"type": "text", "text": self.says}], "isError": False}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(Drifting(), host="127.0.0.1", port=parser.parse_args().port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main()
