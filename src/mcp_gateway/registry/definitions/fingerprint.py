"""A definition's fingerprint: equal for two texts of JSON that say the same.

Order of keys, of `required`, `enum` and of lists of types, and the form of numbers (1, 1.0, 1e0) do not count. All members count,
known or not, as a client may show any of them to a model; only what a server says anew each time is left out, and that only
where it looks like what it is said to be: a text in its place would be shown to models without anybody having seen it.
"""

import json
import re
from hashlib import blake2b
from typing import Final

import orjson

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.core.protocol.words import (
    CAPABILITIES_KEY,
    INFO_KEY,
    LOG_LEVEL_KEY,
    SERVER_INFO_KEY,
    SUBSCRIPTION_KEY,
    VERSION_KEY,
)

_SIZE: Final = 16
# Sets written as lists: programs that hold them as sets write them in a new order each time.
_UNORDERED: Final = frozenset({"required", "enum", "type"})
_MAYBE_FLOAT: Final = re.compile(rb"\d(?:\.0|[eE])")
# Of one message, whatever it is about. Every other key is the definition's, those the protocol reserves for later included.
_OF_MESSAGES: Final = frozenset(
    {VERSION_KEY, INFO_KEY, CAPABILITIES_KEY, LOG_LEVEL_KEY, SERVER_INFO_KEY, SUBSCRIPTION_KEY, "progressToken"}
)
_OF_TRACES: Final = frozenset({"traceparent", "tracestate", "baggage"})
_NO_PROSE: Final = re.compile(r"[!-~]{0,512}")
# Of a resource: its content changes, and that is what it is for.
_SIZE_OF_CONTENT: Final = "size"
_LAST_MODIFIED: Final = "lastModified"
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d([Tt ][\d:.]{2,24}([Zz]|[+-]\d\d:?\d\d)?)?", re.ASCII)


def canonical(item: JsonObject) -> bytes:
    """The JSON the fingerprint is taken of."""
    said = lasting(item)
    try:
        plain = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return _slow(said)
    if _MAYBE_FLOAT.search(plain) is None and b'"required"' not in plain and b'"enum"' not in plain and b'"type":[' not in plain:
        return plain
    try:
        return orjson.dumps(_settled(said), option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return _slow(said)


def fingerprint(item: JsonObject) -> str:
    """32 hexadecimal digits."""
    return blake2b(canonical(item), digest_size=_SIZE).hexdigest()


def lasting(item: JsonObject) -> JsonObject:
    """Without what a server says anew each time; the same object where there is nothing of the kind."""
    kept = item
    size = item.get(_SIZE_OF_CONTENT)
    if "uri" in item and isinstance(size, int | float):
        kept = {key: value for key, value in item.items() if key != _SIZE_OF_CONTENT}
    meta = kept.get("_meta")
    if isinstance(meta, dict):
        kept = {**kept, "_meta": {key: value for key, value in meta.items() if _lasts(key, value)}}
        if not kept["_meta"]:
            del kept["_meta"]
    annotations = kept.get("annotations")
    if isinstance(annotations, dict) and _is_moment(annotations.get(_LAST_MODIFIED)):
        kept = {**kept, "annotations": {key: value for key, value in annotations.items() if key != _LAST_MODIFIED}}
    return kept


def _lasts(key: str, value: Json) -> bool:
    if key in _OF_TRACES:
        return not isinstance(value, str) or _NO_PROSE.fullmatch(value) is None
    return key not in _OF_MESSAGES


def _is_moment(value: Json) -> bool:
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None


def _slow(said: JsonObject) -> bytes:
    """For integers beyond 64 bits and lone surrogates."""
    return json.dumps(_settled(said), sort_keys=True, separators=(",", ":")).encode()


def _settled(value: Json, key: str = "") -> Json:
    if isinstance(value, dict):
        return {name: _settled(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        if key in _UNORDERED and all(isinstance(one, str) for one in value):
            return [*sorted(str(one) for one in value)]
        return [_settled(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
