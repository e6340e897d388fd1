"""Refusing an HTTP request of an older client: a JSON-RPC error without an id, under the status these revisions want."""

from typing import Final

from starlette.types import Send

from mcp_gateway.core.errors import Category, GatewayError
from mcp_gateway.core.protocol.frames import error_message, render
from mcp_gateway.core.protocol.words import INVALID_REQUEST
from mcp_gateway.entrypoints.mcp.federated.legacy_words import code_of

_STATUS: Final[dict[Category, int]] = {
    "invalid": 400, "unauthenticated": 401, "forbidden": 403, "not_found": 404, "conflict": 409, "too_large": 413,
    "unprocessable": 422, "rate_limited": 429, "internal": 500, "unavailable": 503, "timeout": 504,
}  # fmt: skip


class Refused(Exception):
    """The request is answered with this status and message, and nothing of it is done."""

    def __init__(self, status: int, message: str, code: int = INVALID_REQUEST) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


async def refuse(send: Send, refusal: Refused) -> None:
    body = render(error_message(None, refusal.code, refusal.message))
    await _answer(send, refusal.status, body, ((b"allow", b"GET, POST, DELETE"),) if refusal.status == 405 else ())


async def refuse_error(send: Send, error: GatewayError) -> None:
    body = render(error_message(None, code_of(error), error.message, {"error": error.to_dict()}))
    wait = error.retry_after_seconds
    await _answer(send, _STATUS[error.category], body, ((b"retry-after", b"%d" % (wait + 1)),) if wait is not None else ())


async def nothing_more(send: Send, status: int, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    """An answer without a body."""
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0"), *headers]})
    await send({"type": "http.response.body", "body": b""})


async def _answer(send: Send, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
