"""A definition's fingerprint: equal for two texts of JSON that say the same.

Order of keys, of `required`, `enum` and of lists of types, and the form of numbers (1, 1.0, 1e0) do not count. All members count,
known or not, as a client may show any of them to a model; only what a server says anew each time is left out.
"""

import json
import re
from hashlib import blake2b
from typing import Final

import orjson

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.core.protocol.words import APPS_EXTENSION

_SIZE: Final = 16
# Sets written as lists: programs that hold them as sets write them in a new order each time.
_UNORDERED: Final = frozenset({"required", "enum", "type"})
_MAYBE_FLOAT: Final = re.compile(rb"\d(?:\.0|[eE])")
_PROTOCOL: Final = "io.modelcontextprotocol/"
_PASSING_META: Final = frozenset({"traceparent", "tracestate", "baggage", "progressToken"})
# Of a resource: its content changes, and that is what it is for.
_PASSING: Final = frozenset({"size"})
_LAST_MODIFIED: Final = "lastModified"


def canonical(item: JsonObject) -> bytes:
    """The JSON the fingerprint is taken of."""
    said = _lasting(item)
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


def _lasting(item: JsonObject) -> JsonObject:
    kept = item if _PASSING.isdisjoint(item) else {key: value for key, value in item.items() if key not in _PASSING}
    meta = kept.get("_meta")
    if isinstance(meta, dict):
        kept = {**kept, "_meta": {key: value for key, value in meta.items() if _lasts(key)}}
        if not kept["_meta"]:
            del kept["_meta"]
    annotations = kept.get("annotations")
    if isinstance(annotations, dict) and _LAST_MODIFIED in annotations:
        kept = {**kept, "annotations": {key: value for key, value in annotations.items() if key != _LAST_MODIFIED}}
    return kept


def _lasts(key: str) -> bool:
    return key not in _PASSING_META and (not key.startswith(_PROTOCOL) or key == APPS_EXTENSION)


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
