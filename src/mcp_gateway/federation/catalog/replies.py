"""Answers the gateway gives itself, as bytes."""

from collections.abc import Sequence

from mcp_gateway.core.protocol.frames import JsonObject, MessageId, render, result_message
from mcp_gateway.core.protocol.words import HTTP_STATUS_OF
from mcp_gateway.federation.catalog.cursors import cursor_after
from mcp_gateway.federation.catalog.model import Finding, Missing, Scope
from mcp_gateway.federation.catalog.snapshot import Page
from mcp_gateway.federation.model import Reply

MISSING_KEY = "dev.mcp-gateway/missing"
TOKENS_KEY = "dev.mcp-gateway/tokens"
WHOLE_TOKENS_KEY = "dev.mcp-gateway/tokens-of-all"
RENAMED_KEY = "dev.mcp-gateway/renamed"
MAX_TOLD = 100


def list_reply(request_id: MessageId, items_key: str, page: Page, *, ttl_ms: int, scope: Scope, meta: JsonObject) -> Reply:
    """The page's bytes are copied once and not looked at."""
    tail: JsonObject = {"resultType": "complete", "ttlMs": ttl_ms, "cacheScope": scope}
    if page.last is not None:
        tail["nextCursor"] = cursor_after(page.last, page.end)
    if meta:
        tail["_meta"] = meta
    head = b'{"jsonrpc":"2.0","id":%b,"result":{%b:' % (render(request_id), render(items_key))
    return Reply(body=b"".join((head, page.body, b",", render(tail)[1:], b"}")))


def result_reply(request_id: MessageId, result: JsonObject) -> Reply:
    return Reply(body=render(result_message(request_id, result)))


def error_reply(request_id: MessageId, error: JsonObject) -> Reply:
    """An upstream's own error, passed on."""
    code = error.get("code")
    status = HTTP_STATUS_OF.get(code, 200) if isinstance(code, int) else 200
    return Reply(status=status, body=render({"jsonrpc": "2.0", "id": request_id, "error": error}))


def told_missing(missing: Sequence[Missing]) -> list[JsonObject]:
    return [{"server": one.server, "code": one.code, "since": one.since} for one in missing]


def told_renamed(findings: Sequence[Finding]) -> list[JsonObject]:
    """Who has a name that was taken is not told: the caller may not be one who sees that server."""
    return [{"server": one.server, "name": one.name, "listed": one.listed, "code": one.code} for one in findings[:MAX_TOLD]]
