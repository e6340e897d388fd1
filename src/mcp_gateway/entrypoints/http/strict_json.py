"""One reading of every JSON body: a name twice in an object, or twice but for its case, is refused.

Parsers disagree on which of the two counts, so what was authorised need not be what is carried out (GHSA-4gph-2hhr-5mwg). Bodies
that are no JSON at all go on to their route, which says so in its own words.
"""

import asyncio
import json
import re
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_gateway.core.errors import GatewayError, InvalidInput
from mcp_gateway.core.protocol.frames import error_message, may_hold_long_number, render
from mcp_gateway.core.protocol.words import INVALID_REQUEST
from mcp_gateway.entrypoints.http.errors import error_reply
from mcp_gateway.entrypoints.http.replies import Replies

METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
BODY_SECONDS: Final = 30.0
# No name of an object; one that is empty is told as such.
TOO_DEEP: Final = "\0too deep"
_TOO_DEEP_MESSAGE: Final = "The body is nested so deep that it may be read in two ways."
_MAX_DEPTH: Final = 64
_PARTED: Final = re.compile(rb'"[ \t\r\n]+:')


class AmbiguousJson(InvalidInput):
    """A name stands twice in one object of the body, so it could be read in two ways."""

    code = "AMBIGUOUS_JSON"
    hint = "Send each name once; names that differ in case only count as the same."


class BodyTooSlow(InvalidInput):
    """The request's body did not arrive in time."""

    code = "BODY_TOO_SLOW"
    hint = "Send the request again, on a better line or with less in it."
    retryable = True


class StrictJson:
    """Stands behind the limit on bodies: it holds a body whole, and waits for it `seconds` at most."""

    def __init__(self, app: ASGIApp, *, replies: Replies, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._replies = replies
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in METHODS_WITH_BODY:
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await _whole(receive)
        except TimeoutError:
            slow = error_reply(Request(scope), self._replies, BodyTooSlow(limit_seconds=self._seconds), status=408)
            await slow(scope, receive, send)
            return
        if body is None:
            return
        fault = find_ambiguity(body)
        if fault is not None:
            ambiguous = AmbiguousJson(name=fault[:100]) if fault != TOO_DEEP else AmbiguousJson(_TOO_DEEP_MESSAGE)
            refusal = in_json_rpc(ambiguous) if speaks_json_rpc(scope) else error_reply(Request(scope), self._replies, ambiguous)
            await refusal(scope, receive, send)
            return
        whole: Message = {"type": "http.request", "body": body, "more_body": False}
        await self._app(scope, given_again(whole, receive), send)


def speaks_json_rpc(scope: Scope) -> bool:
    """Whether an MCP client is at the other end."""
    path: str = scope["path"]
    return path.endswith("/mcp") or "/messages/" in path


def in_json_rpc(error: GatewayError) -> Response:
    """What an MCP client is told of a body whose id cannot be relied on."""
    message = error_message(None, INVALID_REQUEST, error.message, {"error": error.to_dict()})
    return Response(render(message), 400, media_type="application/json")


class _Twice(Exception):
    def __init__(self, name: str) -> None:
        self.name = name


def _only_once(pairs: list[tuple[str, Any]]) -> None:
    if len({name.casefold() for name, _ in pairs}) == len(pairs):
        return
    seen = set()
    for name, _ in pairs:
        if name.casefold() in seen:
            raise _Twice(name)
        seen.add(name.casefold())


# Numbers are passed over: one too long for Python must not keep the names from being looked at.
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_only_once, parse_int=len, parse_float=len)


def find_ambiguity(body: bytes) -> str | None:
    """The first name found twice, in any object of the document. None for a body that is clear, or no JSON.

    `TOO_DEEP` for one nested so deep that its names cannot be looked at: another reader may still get to its end.
    """
    if not body:
        return None
    try:
        _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except _Twice as twice:
        return twice.name
    except RecursionError:
        # Without a colon, in whatever encoding, there is no name.
        return TOO_DEEP if b":" in body else None
    except ValueError:
        return None
    return None


def clear_value(body: bytes) -> Any:
    """The value of a document of which it is certain that it can be read in one way only. Quicker than `find_ambiguity`.

    None where that is not certain, or the document is no JSON; it is for `find_ambiguity` to say.
    """
    if b"\\" in body or may_hold_long_number(body):
        return None
    try:
        if _comes_back(body):
            return orjson.loads(body)
        # Without escapes each quote begins or ends a text, and without blanks before colons each name ends with a quote and a
        # colon. A text that begins with a colon looks like one name more.
        if _PARTED.search(body) is not None:
            return None
        value = orjson.loads(body)
        names = _distinct_names(value, 0)
    except (orjson.JSONDecodeError, _Twice):
        return None
    # A name that stood twice is once in the value.
    return value if names == body.count(b'":') else None


def _comes_back(body: bytes) -> bool:
    """Whether it is written just as it would be from what is read of it, its case set aside: then nothing was left out.

    So it is with what most programs send: ASCII without blanks. Raises `orjson.JSONDecodeError`.
    """
    if not body.isascii() or body.count(b"{") + body.count(b"[") > _MAX_DEPTH:
        return False
    lowered = body.lower()
    return orjson.dumps(orjson.loads(lowered)) == lowered


def _distinct_names(value: Any, depth: int) -> int:
    """How many names the objects of this value have. Raises `_Twice` for two that differ in case only."""
    if depth > _MAX_DEPTH:
        raise _Twice("")
    if isinstance(value, dict):
        count = len(value)
        if count > 1 and len({name.casefold() for name in value}) != count:
            raise _Twice("")
        for inner in value.values():
            if isinstance(inner, dict | list):
                count += _distinct_names(inner, depth + 1)
        return count
    count = 0
    for inner in value if isinstance(value, list) else ():
        if isinstance(inner, dict | list):
            count += _distinct_names(inner, depth + 1)
    return count


async def _whole(receive: Receive) -> bytes | None:
    """None when the client went away, or the limit on bodies says so."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def given_again(message: Message, receive: Receive) -> Receive:
    """The same, with a message that was received already before everything else."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return message

    return receive_again
