"""What a client asks to be told of, read strictly."""

from dataclasses import dataclass
from typing import Final

from mcp_gateway.core.errors import InvalidInput, Json, TooLarge
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.subscriptions.messages import LIST_FILTERS, URI_FILTER

MAX_URIS: Final = 1_000
MAX_URI_CHARS: Final = 2_048
MAX_EXTENSIONS: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """`lists` of "tools", "prompts", "resources". `extensions` are the keys this gateway does not know, as they came."""

    lists: frozenset[str]
    uris: tuple[str, ...]
    extensions: JsonObject


def read_filter(params: JsonObject) -> Filter:
    """From the parameters of `subscriptions/listen`. Raises `InvalidInput` and `TooLarge`."""
    asked = params.get("notifications")
    if not isinstance(asked, dict):
        raise InvalidInput("`notifications` must be an object.")
    known = {*LIST_FILTERS.values(), URI_FILTER}
    return Filter(
        lists=frozenset(kind for kind, key in LIST_FILTERS.items() if _flag(key, asked.get(key))),
        uris=_uris(asked.get(URI_FILTER)),
        extensions=_extensions({key: value for key, value in asked.items() if key not in known}),
    )


def _flag(key: str, value: Json) -> bool:
    if value is not None and not isinstance(value, bool):
        raise InvalidInput(f"`{key}` must be true or false.")
    return value is True


def _uris(value: Json) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidInput(f"`{URI_FILTER}` must be a list of URIs.")
    if len(value) > MAX_URIS:
        raise TooLarge(f"One stream tells of {MAX_URIS} resources at most.", limit=MAX_URIS)
    uris = [uri for uri in value if isinstance(uri, str)]
    if len(uris) != len(value):
        raise InvalidInput(f"`{URI_FILTER}` must be a list of URIs.")
    if any(len(uri) > MAX_URI_CHARS for uri in uris):
        raise TooLarge(f"A URI here has {MAX_URI_CHARS} characters at most.", limit=MAX_URI_CHARS)
    return tuple(dict.fromkeys(uris))


def _extensions(found: JsonObject) -> JsonObject:
    if len(found) > MAX_EXTENSIONS:
        raise TooLarge(f"A filter has {MAX_EXTENSIONS} keys of extensions at most.", limit=MAX_EXTENSIONS)
    return found
