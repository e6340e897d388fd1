"""Taking one large cached value out of the store; whoever needs it loads it anew. It is kept here until that has helped."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from mcp_gateway.adapters.remedies.lines import open_line
from mcp_gateway.core.errors import InvalidInput, NotFound
from mcp_gateway.diagnostics.actions.operating import Change, Outcome, Progress, Radius
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.kit.errors import StoreRefused
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.wire import Reply

CALL_SECONDS = 5.0
# What is kept meanwhile is held in this process, and takes the server's one thread as long as it is copied.
MOST_BYTES = 32_000_000
# Values of the kit's caches, or of the convention `cache:…`; never what the kit keeps its books in.
_CACHED = re.compile(r"cache:(?:\{[^{}]+\}:[0-9a-f]{1,16}:v:.+|[^{].*)", re.DOTALL)

_TAKE_OUT = (
    "local value, ends = redis.call('DUMP', KEYS[1]), redis.call('PEXPIRETIME', KEYS[1])\n"
    "redis.call('UNLINK', KEYS[1])\n"
    "return {value, ends}"
)


class CachedValueGone(NotFound):
    """The value is not in the store any more."""

    code = "CACHED_VALUE_GONE"
    hint = "It expired, or was taken out already; diagnose again."


@dataclass(frozen=True, kw_only=True, slots=True)
class DropCachedValue:
    """`url`: of a user who may run scripts on keys of caches, DUMP, UNLINK and RESTORE them. Kind `drop_cached_value`."""

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
            kept = _kept(await line.call("DUMP", key), await line.call("PEXPIRETIME", key))
        if kept is None:
            raise CachedValueGone

        async def do(_: Progress) -> Outcome:
            nonlocal kept
            async with await self._line() as line:
                taken = await line.call("EVAL", _TAKE_OUT, 1, key)
            # As it was when it went: its writer may have stored another since it was looked at.
            kept = _kept(*taken) if isinstance(taken, list) and len(taken) == 2 else None
            return Outcome(said="The value was taken out." if kept else "The value was gone already.")

        async def undo() -> None:
            if kept is not None:
                async with await self._line() as line:
                    await _put_back(line, key, kept)

        return Change(do=do, undo=undo, way_back="none is needed: the next reader of the value loads it anew")

    async def _line(self) -> RedisConnection:
        return await open_line(self.url, call_seconds=CALL_SECONDS, most_reply_bytes=2 * MOST_BYTES)


class Kept(NamedTuple):
    """A value in the store's own form, and when it expires, in milliseconds since 1970; 0: never."""

    value: bytes
    ends: int


def _kept(value: Reply, ends: Reply) -> Kept | None:
    return Kept(value, max(0, ends)) if isinstance(value, bytes) and isinstance(ends, int) else None


async def _put_back(connection: RedisConnection, key: str, kept: Kept) -> None:
    """Not over a value that was written meanwhile, and for no longer than it had to live."""
    try:
        await connection.call("RESTORE", key, kept.ends, kept.value, *(["ABSTTL"] if kept.ends else []))
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
