"""Real requests to an engine and through a gateway, in words that engines of this product and of the usual kind understand."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from mcp_gateway.adapters.deployment.health_page import look_at_health
from mcp_gateway.adapters.deployment.http import Fetched, Fetcher
from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.integration.ports import Attempt

PATHS = ("/api/chat", "/chat", "/v1/chat")
HEALTH_SECONDS = 3.0
ASK_SECONDS = 5.0
MAX_REPLY_BYTES = 1_000_000
TENANT_HEADER = "X-Tenant-ID"
_NOT_HERE = frozenset({404, 405, 501})
_REPLIES = ("reply", "response", "answer", "message", "text", "output", "data", "choices", "content", "result")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}", re.ASCII)
_TRACES = (b"Traceback (most recent call last)", b'File "/', b"at java.", b"goroutine 1 [")


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpEngineLine:
    """Implements `EngineLine`. `gateway` empty: none is configured."""

    engine: str
    gateway: str
    engine_fetcher: Fetcher
    gateway_fetcher: Fetcher

    async def health(self) -> Attempt:
        return await _healthy(self.engine_fetcher, self.engine)

    async def gateway_health(self) -> Attempt | None:
        return await _healthy(self.gateway_fetcher, self.gateway) if self.gateway else None

    async def ask(self, message: str, tenant: str | None) -> Attempt:
        return await _first_path(self.engine_fetcher, self.engine, _said(message), _tenant(tenant))

    async def ask_through_gateway(self, message: str, tenant: str | None) -> Attempt | None:
        return await _first_path(self.gateway_fetcher, self.gateway, _said(message), _tenant(tenant)) if self.gateway else None

    async def send_garbage(self, tenant: str | None) -> Attempt:
        headers = {**_tenant(tenant), "Content-Type": "application/json"}
        return await _first_path(self.engine_fetcher, self.engine, b'{"message": "cut of', headers)

    async def ask_for_nothing(self) -> Attempt:
        path = f"/diagnostics-{secrets.token_hex(6)}"
        return _attempt(await self.engine_fetcher.get(self.engine + path, seconds=HEALTH_SECONDS), path)


async def _healthy(fetcher: Fetcher, base: str) -> Attempt:
    page = await look_at_health(fetcher, base, seconds=HEALTH_SECONDS)
    return Attempt(outcome=page.outcome, milliseconds=page.milliseconds or 0.0, status=page.status, detail=page.detail)


async def _first_path(fetcher: Fetcher, base: str, body: "Json | bytes", headers: Mapping[str, str]) -> Attempt:
    """The first of the usual paths that is there; `path` is empty when none is."""
    found = None
    for path in PATHS:
        found = await fetcher.send(
            "POST", base + path, body=body, headers=headers, seconds=ASK_SECONDS, max_bytes=MAX_REPLY_BYTES
        )
        if found.outcome != "ok" or found.status not in _NOT_HERE:
            return _attempt(found, path)
    return Attempt(outcome="ok", milliseconds=0.0, detail="no such path") if found is None else _attempt(found, "")


def _attempt(found: Fetched, path: str) -> Attempt:
    document = found.document
    return Attempt(
        outcome=found.outcome,
        milliseconds=found.milliseconds,
        status=found.status,
        structured=document is not None,
        reply=200 <= found.status < 300 and document is not None and _has_reply(document),
        leaks=any(trace in found.body for trace in _TRACES),
        path=path,
        code=_code(document or {}),
        detail=found.detail,
    )


def _code(document: Mapping[str, Json]) -> str:
    """What an error of this product, or of another that names its errors, is called."""
    error = document.get("error")
    code = error.get("code") if isinstance(error, dict) else error
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _has_reply(document: Mapping[str, Json]) -> bool:
    return document.get("success") is not False and any(document.get(name) not in (None, "", [], {}) for name in _REPLIES)


def _said(message: str) -> Json:
    """Each engine reads the field it knows."""
    return {"message": message, "query": message, "messages": [{"role": "user", "content": message}]}


def _tenant(tenant: str | None) -> dict[str, str]:
    return {TENANT_HEADER: tenant} if tenant else {}
