"""From the words of revision 2026-07-28 to those of older ones: results, errors, the handshake. Bytes stay bytes where they can.

What an older revision does not know and ignores is left in place; taken away is only what every answer would carry for nothing.
"""

import re
from collections.abc import AsyncIterator
from typing import Final

from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.protocol.frames import JsonObject, MessageId, object_at, parse_object, render, result_message
from mcp_gateway.core.protocol.revisions import LATEST_LEGACY, LEGACY_REVISIONS
from mcp_gateway.core.protocol.words import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    LISTS,
    RESOURCE_NOT_FOUND_LEGACY,
    SERVER_INFO_KEY,
    TASKS_EXTENSION,
)
from mcp_gateway.entrypoints.mcp.federated.failures import reply_of
from mcp_gateway.federation.errors import NotExpressible
from mcp_gateway.federation.model import Request

# What the SDK answers a cancelled request with, because a stream of these revisions ends with an answer.
REQUEST_CANCELLED: Final = -32800
# Spoken of in every result of 2026-07-28, and unknown before.
MODERN_RESULT_KEYS: Final = ("resultType", "ttlMs", "cacheScope")
# Newer than the older revisions, or a part of the handshake: not to be sent on for one of their clients.
NOT_FOR_LEGACY: Final = frozenset({"server/discover", "subscriptions/listen", "initialize"})
# Parameters of newer revisions, and of tasks as 2025-11-25 tried them, which nobody here offers.
NEWER_PARAMS: Final = frozenset({"inputResponses", "requestState", "task"})

_PAIR: Final = rb'"(?:resultType":"complete"|ttlMs":\d{1,16}|cacheScope":"(?:public|private)")'
_HEAD: Final = re.compile(rb'(\{"jsonrpc":"2\.0","id":(?:-?\d{1,20}|"[^"\\]{0,200}"),"result":\{)((?:' + _PAIR + rb",?)*)")
_TAIL: Final = re.compile(rb"(?:," + _PAIR + rb")+\}\}\Z")
_HEAD_BYTES: Final = 512
_TAIL_BYTES: Final = 160
_ENDING_BYTES: Final = 2_048
_PART: Final = b',"resultType":"complete"'
_COMPLETE: Final = _PART + b"}}"
_BEGINNING: Final = b'{"jsonrpc":"2.0","id":'
_NEAR: Final = 250
_CACHEABLE: Final = frozenset({*LISTS, "resources/read"})


def answer_of(body: bytes, method: str) -> bytes:
    """The answer for an older client. Raises `ValueError` for what is no JSON object, and `NotExpressible`."""
    if body.endswith(_COMPLETE) and body.startswith(_BEGINNING) and body.find(b',"result":{', len(_BEGINNING), _NEAR) > 0:
        # As most servers write it; the same as below, sooner.
        whole = body[: -len(_COMPLETE)] + b"}}"
        if b'"resultType":' not in whole and method not in _CACHEABLE:
            return whole
    whole, plain = _without_head(body)
    if plain:
        whole = _without_tail(whole)
    if not plain or b'"resultType":' in whole:
        return render(_translated(parse_object(whole), method))
    return whole


async def answer_in_older_words(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """As `answer_of`, for an answer too long to be held: as far as the newer words stand at its ends, where servers have them."""
    kept, begun, plain = b"", False, False
    try:
        async for piece in pieces:
            kept += piece
            if not begun and len(kept) >= _HEAD_BYTES:
                (kept, plain), begun = _without_head(kept), True
            if begun and len(kept) > _ENDING_BYTES:
                yield kept[:-_ENDING_BYTES]
                kept = kept[-_ENDING_BYTES:]
    except GatewayError:
        # It breaks off; what came of it is passed on.
        yield kept
        raise
    if not begun:
        kept, plain = _without_head(kept)
    # Only where the result is the last of the message do its end and that of the message stand together.
    yield _without_end(kept) if plain else kept


def _without_head(start: bytes) -> tuple[bytes, bool]:
    """The beginning of an answer, and whether it is written as most servers write it."""
    head = _HEAD.match(start)
    if head is None:
        return start, False
    return (start[: head.end(1)] + start[head.end() :] if head.group(2) else start), True


def _without_tail(end: bytes) -> bytes:
    """Without newer words that are the last of the result."""
    tail = _TAIL.search(end, max(0, len(end) - _TAIL_BYTES))
    return end if tail is None else end[: tail.start()] + b"}}"


def _without_end(end: bytes) -> bytes:
    """As `_without_tail`, also where other members of the result follow."""
    short = _without_tail(end)
    if short is not end:
        return short
    found = end.rfind(_PART)
    rest = end[found + len(_PART) :]
    try:
        # What follows are further members of the result, its end, and that of the message.
        parse_object(b'{"":0' + rest.removesuffix(b"}"))
    except ValueError:
        return end
    return end[:found] + rest if found >= 0 else end


def _translated(message: JsonObject, method: str) -> JsonObject:
    result = message.get("result")
    if isinstance(result, dict):
        kind = result.get("resultType", "complete")
        if kind != "complete":
            raise NotExpressible("The server answers in a way this client's revision has no words for.", kind=str(kind)[:100])
        for key in MODERN_RESULT_KEYS:
            result.pop(key, None)
    error = message.get("error")
    if isinstance(error, dict):
        message["error"] = legacy_error(error, method)
    return message


def legacy_error(error: JsonObject, method: str) -> JsonObject:
    """A resource that is not there had a code of its own until 2025-11-25 (SEP-2164)."""
    if method == "resources/read" and error.get("code") == INVALID_PARAMS and "uri" in object_at(error, "data"):
        return {**error, "code": RESOURCE_NOT_FOUND_LEGACY}
    return error


def negotiated(asked: Json) -> str:
    """The revision to speak with a client that asked for this one."""
    return asked if isinstance(asked, str) and asked in LEGACY_REVISIONS else LATEST_LEGACY


def declared_capabilities(capabilities: JsonObject) -> JsonObject:
    """What upstream servers may rely on: without tasks, which neither side could carry for an older client."""
    kept: JsonObject = {name: value for name, value in capabilities.items() if name not in ("tasks", "extensions")}
    extensions = {name: value for name, value in object_at(capabilities, "extensions").items() if name != TASKS_EXTENSION}
    if extensions:
        kept["extensions"] = extensions
    return kept


def initialize_result(discovered: JsonObject, revision: str, capabilities: JsonObject) -> JsonObject:
    """The handshake's answer from the result of `server/discover`. Extensions are told to a client that declared them."""
    offered = object_at(discovered, "capabilities")
    told: JsonObject = {name: value for name, value in offered.items() if name not in ("extensions", "tasks")}
    known = object_at(capabilities, "extensions")
    extensions: JsonObject = {name: value for name, value in object_at(offered, "extensions").items() if name in known}
    if extensions:
        told["extensions"] = extensions
    info = object_at(discovered, "_meta", SERVER_INFO_KEY) or object_at(discovered, "serverInfo")
    result: JsonObject = {
        "protocolVersion": revision,
        "capabilities": told,
        "serverInfo": {"name": "mcp-gateway", "version": "0", **info},
    }
    instructions = discovered.get("instructions")
    if isinstance(instructions, str) and instructions:
        result["instructions"] = instructions
    return result


def empty_answer(request_id: MessageId) -> bytes:
    return render(result_message(request_id, {}))


def failure(error: GatewayError, request: Request) -> bytes:
    """Our error as the answer to a request; for a tool call a result, so that the model behind the client can read it."""
    return answer_of(reply_of(error, request).body or b"", request.method)


def code_of(error: GatewayError) -> int:
    if error.category in ("invalid", "not_found", "too_large"):
        return INVALID_PARAMS
    return INTERNAL_ERROR if error.category in ("internal", "unavailable", "timeout") else INVALID_REQUEST
