"""`Mcp-Param-*`: the arguments a tool wants repeated in headers, so that whoever stands in between can route without reading.

Revision 2026-07-28, Streamable HTTP, "Custom headers": properties of the input schema marked with `x-mcp-header`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.core.protocol.header_values import decode_value, encode_value

_MARK: Final = "x-mcp-header"
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_TYPES: Final = frozenset({"string", "integer", "boolean"})
# A schema deeper than this marks nothing.
_MAX_DEPTH: Final = 16

# Where in the arguments a value stands, and the name of the header that repeats it.
Marked: TypeAlias = tuple[tuple[tuple[str, ...], bytes], ...]


def marked_in(definition: JsonObject) -> Marked:
    """What this tool wants repeated. Only properties reached through `properties` alone count; a name given twice, for none."""
    found = tuple(_marked(object_at(definition, "inputSchema"), (), 0))
    names = [name.lower() for _, name in found]
    return found if len(set(names)) == len(names) else ()


def _marked(schema: JsonObject, path: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], bytes]]:
    if depth > _MAX_DEPTH:
        return
    for name, inner in object_at(schema, "properties").items():
        if isinstance(inner, dict):
            mark = inner.get(_MARK)
            if isinstance(mark, str) and _TOKEN.fullmatch(mark) and inner.get("type") in _TYPES:
                yield (*path, name), b"mcp-param-" + mark.encode("ascii")
            yield from _marked(inner, (*path, name), depth + 1)


def parameter_headers(marked: Marked, arguments: JsonObject) -> Iterator[tuple[bytes, bytes]]:
    """The headers for these arguments; absent, null and structured ones have none."""
    for path, name in marked:
        text = _text(_at(arguments, path))
        if text is not None:
            yield name, encode_value(text)


def disagreement(marked: Marked, arguments: JsonObject, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Where headers and arguments do not say the same, which is refused: whoever routed by the one was misled by the other.

    `headers` are those of the client, names in lower case. None: they agree.
    """
    sent: dict[bytes, list[bytes]] = {}
    for header, repeated in headers:
        sent.setdefault(header, []).append(repeated)
    for path, name in marked:
        shown, given = name.decode("ascii"), sent.get(name.lower(), [])
        value = _at(arguments, path)
        text = _text(value)
        if len(given) > 1:
            return f"{shown} header appears more than once"
        if text is None and given:
            return f"{shown} header has no argument {'.'.join(path)!r} to repeat"
        if text is not None and not given:
            return f"{shown} header is missing for the argument {'.'.join(path)!r}"
        if text is not None and not _same(value, text, decode_value(given[0])):
            return f"{shown} header does not match the argument {'.'.join(path)!r}"
    return None


def _same(value: Json, text: str, told: str | None) -> bool:
    """Numbers are compared as numbers: 42 is 42.0."""
    if told == text:
        return True
    if told is None or isinstance(value, bool) or not isinstance(value, int | float) or not _DECIMAL.fullmatch(told):
        return False
    whole, _, fraction = told.partition(".")
    try:
        return not fraction.strip("0") and int(whole) == value
    except ValueError:
        return False


def _at(arguments: JsonObject, path: tuple[str, ...]) -> Json:
    node: Json = arguments
    for name in path:
        node = node.get(name) if isinstance(node, dict) else None
    return node


def _text(value: Json) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, int | float | str):
        return None
    try:
        return str(value)
    except ValueError:
        # An integer of more digits than the interpreter writes.
        return None
