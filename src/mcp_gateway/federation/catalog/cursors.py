"""Where a page begins. A cursor names the last item before it, so a list that changed meanwhile repeats and skips nothing.

Nothing secret is in it and nothing is believed of it: whatever it says, the page holds what its reader may see.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.core.protocol.frames import parse, render
from mcp_gateway.federation.catalog.snapshot import Shown, Snapshot

MAX_CURSOR: Final = 8_192


class UnknownCursor(InvalidInput):
    """This cursor is none of this list."""

    code = "UNKNOWN_CURSOR"
    hint = "Begin the list anew, without a cursor."


def cursor_after(last: Shown, end: int) -> str:
    """`end`: how many items came up to this one."""
    return urlsafe_b64encode(render([end, last.server, last.key])).rstrip(b"=").decode()


def start_of(snapshot: Snapshot, cursor: str) -> int:
    """The number of the item the page begins with. Raises `UnknownCursor`."""
    end, server, key = _read(cursor)
    found = _place(snapshot, end, server, key)
    return min(end, len(snapshot)) if found is None else found + 1


def _place(snapshot: Snapshot, end: int, server: str, key: str) -> int | None:
    at = next(snapshot.items(end - 1), None)
    if at is not None and (at.server, at.key) == (server, key):
        return end - 1
    return next((place for place, one in enumerate(snapshot.items()) if (one.server, one.key) == (server, key)), None)


def _read(cursor: str) -> tuple[int, str, str]:
    if len(cursor) > MAX_CURSOR:
        raise UnknownCursor
    try:
        said = parse(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise UnknownCursor from error
    match said:
        case [int() as end, str() as server, str() as key] if end > 0:
            return end, server, key
    raise UnknownCursor
