"""From an item of a server's list to something that can be kept; what cannot be is never offered."""

from dataclasses import dataclass
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, render
from mcp_gateway.registry.definitions.fingerprint import fingerprint
from mcp_gateway.registry.definitions.model import NAMED_BY, Kind

# In UTF-8: what databases take into an index.
MAX_NAME_BYTES: Final = 2_000
MAX_BODY: Final = 512 * 1024
INSTRUCTIONS: Final = "instructions"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One item as a server lists it now."""

    kind: Kind
    name: str
    item: JsonObject
    fingerprint: str


class Unreadable(ValueError):
    """The item has no usable name, is too long or nested too deep; its words say which."""


def read_item(kind: Kind, item: Json) -> Seen:
    """Raises `Unreadable`."""
    if not isinstance(item, dict):
        raise Unreadable("not an object")
    name = item.get(NAMED_BY[kind])
    if not isinstance(name, str) or not name:
        raise Unreadable(f"has no {NAMED_BY[kind]}")
    if "\0" in name or not 0 < _bytes_of(name) <= MAX_NAME_BYTES:
        raise Unreadable("its name is too long or cannot be written down")
    try:
        return Seen(kind=kind, name=name, item=item, fingerprint=fingerprint(item))
    except RecursionError:
        raise Unreadable("nested too deep") from None


def body_of(seen: Seen) -> bytes:
    """Raises `Unreadable`."""
    try:
        body = render(seen.item)
    except RecursionError:
        raise Unreadable("nested too deep") from None
    if len(body) > MAX_BODY:
        raise Unreadable(f"longer than {MAX_BODY} bytes")
    return body


def instructions_item(text: str) -> JsonObject:
    """A server's instructions, as one thing among those it offers."""
    return {"name": INSTRUCTIONS, "text": text}


def _bytes_of(name: str) -> int:
    """0 for what is no text."""
    try:
        return len(name.encode())
    except UnicodeEncodeError:
        return 0
