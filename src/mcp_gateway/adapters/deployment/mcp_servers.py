"""MCP servers asked for their tools, as the gateway would: reached or not, how many tools, and whether their schemas changed.

It speaks only as much of the protocol as that takes, over HTTP without a session where the server allows it. It calls no tool.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from mcp_gateway.adapters.deployment.http import Fetched, Fetcher
from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.signals.snapshot import Reading, Readings, reading
from mcp_gateway.diagnostics.verdict import BlindSpot

REVISION = "2025-11-25"
MAX_BYTES = 2_000_000
SECONDS = 2.5
MAX_SERVERS = 50
_ACCEPT = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": REVISION}
_HELLO: Json = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": REVISION,
        "capabilities": {},
        "clientInfo": {"name": "mcp-gateway-diagnostics", "version": "1"},
    },
}
_LIST: Json = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}


@dataclass(frozen=True, kw_only=True, slots=True)
class McpServersSource:
    """`servers`: address by name. All are asked at once."""

    servers: Mapping[str, str]
    fetcher: Fetcher
    seconds: float = SECONDS
    name: str = "mcp servers"

    async def read(self) -> Readings:
        asked = list(self.servers.items())[:MAX_SERVERS]
        found = await asyncio.gather(*(self._ask(name, url) for name, url in asked))
        return Readings(
            readings=tuple(one for readings, _ in found for one in readings),
            blind_spots=tuple(blind for _, blind in found if blind is not None),
        )

    async def _ask(self, server: str, url: str) -> tuple[list[Reading], BlindSpot | None]:
        begun = self.fetcher.clock.monotonic()
        hello = await self._send(url, _HELLO, {})
        tools: list[Json] | None = None
        last = hello
        if _result(hello) is not None:
            last = await self._send(url, _LIST, {"Mcp-Session-Id": hello.session} if hello.session else {})
            listed = (_result(last) or {}).get("tools")
            tools = listed if isinstance(listed, list) else None
        outcome = _outcome(last, answered=tools is not None)
        readings = [
            reading("mcp.up", float(outcome == "ok"), server=server),
            reading("mcp.probe_outcome", outcome, server=server),
            reading("mcp.probe_ms", round((self.fetcher.clock.monotonic() - begun) * 1000, 3), server=server),
        ]
        if tools is None:
            why = f"It did not list its tools: {last.detail or outcome}."
            return readings, BlindSpot(what=f"tools of the MCP server {server}", why=why)
        readings.append(reading("mcp.tools", float(len(tools)), server=server))
        readings.append(reading("mcp.tools_digest", digest_of(tools), server=server))
        return readings, None

    async def _send(self, url: str, message: Json, more: Mapping[str, str]) -> Fetched:
        return await self.fetcher.send(
            "POST", url, body=message, headers={**_ACCEPT, **more}, seconds=self.seconds / 2, max_bytes=MAX_BYTES
        )


def digest_of(tools: list[Json]) -> str:
    """The same for the same names and schemas, in whatever order they are listed."""
    told = [{"name": one.get("name"), "input": one.get("inputSchema")} for one in tools if isinstance(one, dict)]
    told.sort(key=lambda one: str(one["name"]))
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _result(found: Fetched) -> dict[str, Json] | None:
    document = found.document or _first_event(found)
    result = document.get("result") if document else None
    return result if isinstance(result, dict) else None


def _first_event(found: Fetched) -> dict[str, Json] | None:
    """The first message of an event stream that carries a result."""
    for line in found.body.splitlines():
        if line.startswith(b"data:"):
            try:
                message = json.loads(line[5:])
            except (ValueError, RecursionError):
                continue
            if isinstance(message, dict) and "result" in message:
                return message
    return None


def _outcome(found: Fetched, *, answered: bool) -> str:
    if found.outcome != "ok":
        return "garbage" if found.outcome == "too_large" else found.outcome
    if answered:
        return "ok"
    if found.status in {401, 403}:
        return "unauthorized"
    return "http_error" if found.status >= 400 else "garbage"
