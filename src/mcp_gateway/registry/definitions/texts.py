"""Every text of a definition that a model may read, with where it stands."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject

# Deeper than anything honest; the reader takes no more either.
_DEPTH: Final = 100
# Links and code, not words: rules about what is said do not hold there.
_NOT_SAID: Final = frozenset({"$schema", "$id", "$ref", "pattern", "contentEncoding", "contentMediaType", "mimeType"})
# What is written here is a name, wherever it stands.
_NAMED_THINGS: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentRequired"})


class Text(NamedTuple):
    """`is_name`: a name, of which nobody expects more than letters of one script."""

    path: str
    text: str
    is_name: bool


def texts_of(item: JsonObject) -> Iterator[Text]:
    """In the order of the definition. Icons and their pictures are left out: no model reads them."""
    for key, value in item.items():
        if key in ("name", "uri", "uriTemplate"):
            if isinstance(value, str):
                yield Text(key, value, is_name=key == "name")
        elif key != "icons":
            yield Text("", key, is_name=True)
            yield from _walk(value, key, key, 0)


def _walk(value: Json, path: str, key: str, depth: int) -> Iterator[Text]:
    if depth > _DEPTH:
        yield Text(path, "\0", is_name=True)
    elif isinstance(value, str):
        if key not in _NOT_SAID:
            yield Text(path, value, is_name=False)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _walk(one, f"{path}.{number}", key, depth + 1)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield Text(path, name, is_name=key in _NAMED_THINGS)
            yield from _walk(one, f"{path}.{name[:80]}", name if key not in _NAMED_THINGS else "", depth + 1)
