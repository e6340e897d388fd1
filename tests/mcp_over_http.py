"""Plain clients of an MCP endpoint: bytes over HTTP, nothing hidden by an SDK. One of 2026-07-28 and one of a handshake era."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2

MODERN = "2026-07-28"
OLDER = "2025-11-25"
META = "io.modelcontextprotocol/"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer: the JSON-RPC messages in the order they came, the response last. Empty: it was none."""

    status: int
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def response(self) -> dict[str, Any]:
        return self.messages[-1] if self.messages else {}

    @property
    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = self.response.get("result") or {}
        return found

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.response.get("error") or {}
        return found

    @property
    def words(self) -> str:
        """The first text of a tool's result."""
        return next((block["text"] for block in self.result.get("content", ()) if block.get("type") == "text"), "")

    @property
    def code(self) -> str:
        """The gateway's own code of what went wrong, as a tool's result or as a protocol error; "" for none."""
        for place in (self.result.get("structuredContent"), self.error.get("data")):
            if isinstance(place, dict) and isinstance(place.get("error"), dict):
                return str(place["error"].get("code", ""))
        return ""


def read(answer: httpx2.Response) -> Said:
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        # Only these end a line of a stream; a text may hold others.
        lines = answer.text.replace("\r\n", "\n").split("\n")
        return Said(
            status=answer.status_code,
            messages=[json.loads(line[5:]) for line in lines if line[:5] == "data:" and line[5:].strip()],
        )
    try:
        found = answer.json()
    except ValueError:
        return Said(status=answer.status_code)
    return Said(status=answer.status_code, messages=[found] if isinstance(found, dict) else found)


class ModernClient:
    """Every request stands alone."""

    def __init__(self, url: str, token: str = "", *, capabilities: Mapping[str, Any] | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url, self._capabilities = url, dict(capabilities or {})
        self.http = httpx2.Client(headers=headers, timeout=PATIENCE_SECONDS)
        self._ids = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def request(self, method: str, params: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None) -> Said:
        message, known = self.message(method, params)
        return read(self.http.post(self._url, json=message, headers={**known, **(headers or {})}))

    def call(self, tool: str, arguments: Mapping[str, Any] | None = None) -> Said:
        return self.request("tools/call", {"name": tool, "arguments": dict(arguments or {})})

    def tools(self) -> list[str]:
        return [tool["name"] for tool in self.request("tools/list").result.get("tools", ())]

    def message(self, method: str, params: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, str]]:
        """A request, and the headers that belong to it."""
        given = dict(params or {})
        about = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": self._capabilities}
        about[f"{META}clientInfo"] = {"name": "plain", "version": "1"}
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": MODERN, "Mcp-Method": method}
        name = given.get("name") or given.get("uri")
        if isinstance(name, str):
            headers["Mcp-Name"] = name
        meta = {**about, **given.pop("_meta", {})}
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": {**given, "_meta": meta}}, headers


class OlderClient(ModernClient):
    """Opens a session with a handshake."""

    def __init__(
        self, url: str, token: str = "", *, revision: str = OLDER, capabilities: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(url, token, capabilities=capabilities)
        self._revision, self._session = revision, ""
        info = {"name": "plain", "version": "1"}
        hello = {"protocolVersion": revision, "capabilities": self._capabilities, "clientInfo": info}
        answer = self.http.post(
            url,
            json={"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello},
            headers={"Accept": "application/json, text/event-stream"},
        )
        self.welcome = read(answer)
        self._session = answer.headers.get("mcp-session-id", "")
        _, headers = self.message("", None)
        self.http.post(url, json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers)

    def message(self, method: str, params: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, str]]:
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": self._revision}
        if self._session:
            headers["Mcp-Session-Id"] = self._session
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": dict(params or {})}, headers
