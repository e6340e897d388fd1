"""Taking one large cached value out of the store; whoever needs it loads it anew. It is kept here until that has helped."""

import re
from dataclasses import dataclass, field

from mcp_gateway.adapters.remedies.lines import open_line
from mcp_gateway.core.errors import InvalidInput, NotFound
from mcp_gateway.diagnostics.actions.operating import Change, Outcome, Progress, Radius
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.kit.errors import StoreRefused
from mcp_gateway.kit.redis.connection import RedisConnection

CALL_SECONDS = 5.0
# What is kept meanwhile is held in this process, and takes the server's one thread as long as it is copied.
MOST_BYTES = 32_000_000
# Values of the kit's caches, or of the convention `cache:…`; never what the kit keeps its books in.
_CACHED = re.compile(r"cache:(?:\{[^{}]+\}:[0-9a-f]{1,16}:v:.+|[^{].*)", re.DOTALL)


class CachedValueGone(NotFound):
    """The value is not in the store any more."""

    code = "CACHED_VALUE_GONE"
    hint = "It expired, or was taken out already; diagnose again."


@dataclass(frozen=True, kw_only=True, slots=True)
class DropCachedValue:
    """`url`: of a user who may DUMP, UNLINK and RESTORE keys of caches. Kind `drop_cached_value`."""

    url: str = field(repr=False)

    async def radius(self, action: Action) -> Radius:
        key = _key(action)
        async with await self._line() as line:
            size = await _size(line, key)
        return Radius(keys=1, changes=(f"{key}: {size} bytes -> loaded anew by its next reader",))

    async def prepare(self, action: Action) -> Change:
        key = _key(action)
        async with await self._line() as line:
            await _size(line, key)
            kept, left = await line.call("DUMP", key), await line.call("PTTL", key)
        if not isinstance(kept, bytes) or not isinstance(left, int):
            raise CachedValueGone

        async def do(_: Progress) -> Outcome:
            async with await self._line() as line:
                taken = await line.call("UNLINK", key)
            return Outcome(said="The value was taken out." if taken else "The value was gone already.")

        async def undo() -> None:
            async with await self._line() as line:
                await _put_back(line, key, max(0, left), kept)

        return Change(do=do, undo=undo, way_back="none is needed: the next reader of the value loads it anew")

    async def _line(self) -> RedisConnection:
        return await open_line(self.url, call_seconds=CALL_SECONDS, most_reply_bytes=2 * MOST_BYTES)


async def _put_back(connection: RedisConnection, key: str, milliseconds: int, kept: bytes) -> None:
    """Not over a value that was written meanwhile."""
    try:
        await connection.call("RESTORE", key, milliseconds, kept)
    except StoreRefused as error:
        if error.kind != "BUSYKEY":
            raise


async def _size(connection: RedisConnection, key: str) -> int:
    size = await connection.call("MEMORY", "USAGE", key)
    if not isinstance(size, int):
        raise CachedValueGone
    if size > MOST_BYTES:
        raise InvalidInput(f"It holds {size} bytes, and no more than {MOST_BYTES} are kept for going back.", key=key[:200])
    return size


def _key(action: Action) -> str:
    key = action.target["key"]
    if not _CACHED.fullmatch(key):
        raise InvalidInput("Only cached values are taken out: whatever else there is belongs to somebody.", key=key[:200])
    return key
