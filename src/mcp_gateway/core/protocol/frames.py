"""JSON-RPC messages as they travel: bytes to values and back without losing anything.

The fast reader rounds integers beyond 64 bits and refuses lone surrogates, so what could hold either goes the slow way.
"""

import json
from typing import Any, Final, TypeAlias

import orjson

from mcp_gateway.core.errors import Json

JsonObject: TypeAlias = dict[str, Json]
MessageId: TypeAlias = int | str

# Digits to ones: looking for a run of them so is twenty times as fast as a regular expression.
_DIGITS: Final = bytes(48 <= byte < 58 for byte in range(256))
_LONG_NUMBER: Final = b"\x01" * 19


def may_hold_long_number(body: bytes) -> bool:
    """Whether a document may hold an integer that the fast reader would round."""
    return _LONG_NUMBER in body.translate(_DIGITS)


def parse(body: bytes) -> Any:
    """The JSON value. Raises `ValueError`, and `RecursionError` for one nested absurdly."""
    if not may_hold_long_number(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    return json.loads(body)


def parse_object(body: bytes) -> JsonObject:
    """Raises `ValueError` for anything but a JSON object."""
    try:
        value = parse(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one error for whatever cannot be read
    return value


def render(value: Json) -> bytes:
    """Compact JSON on one line."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


def result_message(request_id: MessageId, result: JsonObject) -> JsonObject:
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def error_message(request_id: MessageId | None, code: int, message: str, data: Json = None) -> JsonObject:
    """`request_id` None: it could not be read."""
    error: JsonObject = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def object_at(value: Json, *path: str) -> JsonObject:
    """The object at a path of names; an empty one when there is none, or something else."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
