"""An MCP server of the rig: one tool that checks its arguments. `POST /flags {"renamed": true}` renames a field of the tool.

`python -m bench.faults.mcp_server PORT`.
"""

import sys
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

VERSION = "2025-11-25"


class ToolServer:
    """Stateless JSON-RPC over HTTP, the older era."""

    def __init__(self) -> None:
        self._field = "order"

    def app(self) -> Starlette:
        routes = [
            Route("/mcp", self.answer, methods=["POST"]),
            Route("/flags", self.set_flags, methods=["POST"]),
            Route("/health", self.health),
        ]
        return Starlette(routes=routes)

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "healthy"})

    async def set_flags(self, request: Request) -> Response:
        self._field = "order_id" if (await request.json()).get("renamed") else "order"
        return JSONResponse({"ok": True})

    async def answer(self, request: Request) -> Response:
        message = await request.json()
        if "id" not in message:
            return Response(status_code=202)
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        method, params = message.get("method"), message.get("params") or {}
        if method == "initialize":
            info = {"name": "rig", "version": "1.0.0"}
            body["result"] = {"protocolVersion": VERSION, "capabilities": {"tools": {}}, "serverInfo": info}
        elif method == "tools/list":
            schema = {"type": "object", "properties": {self._field: {"type": "string"}}, "required": [self._field]}
            body["result"] = {"tools": [{"name": "track", "description": "Where an order is.", "inputSchema": schema}]}
        elif method == "tools/call" and self._field in (params.get("arguments") or {}):
            body["result"] = {"content": [{"type": "text", "text": "On its way."}], "isError": False}
        else:
            words = f"Invalid params: {self._field} is required" if method == "tools/call" else "Method not found"
            body["error"] = {"code": -32602 if method == "tools/call" else -32601, "message": words}
        return JSONResponse(body)


if __name__ == "__main__":
    uvicorn.run(ToolServer().app(), port=int(sys.argv[1]), log_level="error", access_log=False, timeout_graceful_shutdown=1)
