"""Sessions all replicas share: `SessionStore` in Redis or Valkey.

Keys are those of `access.sessions`; each ends by the server's clock. `mreg:session:of:…` is the set of an owner's keys. On the
channel `mreg:session:ended` every replica hears which key was taken away.
"""

from collections.abc import Awaitable
from typing import Final, TypeVar

from mcp_gateway.access.sessions.errors import SessionsAway
from mcp_gateway.access.sessions.ports import EndListener
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.connection import ConnectionState, RedisConnection
from mcp_gateway.kit.redis.packing import Script, Word
from mcp_gateway.kit.redis.wire import Reply

CHANNEL: Final = "mreg:session:ended"
# An owner's set lives a little longer than the longest login, which settings hold to thirty days.
OWNER_SECONDS: Final = 31 * 24 * 3_600
TIMEOUT_SECONDS: Final = 0.5

PUT: Final = Script("""
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if #KEYS > 1 then
  for _, key in ipairs(redis.call('SRANDMEMBER', KEYS[2], 8)) do
    if redis.call('EXISTS', key) == 0 then redis.call('SREM', KEYS[2], key) end
  end
  redis.call('SADD', KEYS[2], KEYS[1])
  redis.call('EXPIRE', KEYS[2], ARGV[3])
end
return 1
""")
REMOVE_ALL: Final = Script("""
local found = 0
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  found = found + redis.call('DEL', key)
  redis.call('PUBLISH', ARGV[1], key)
end
redis.call('DEL', KEYS[1])
return found
""")

T = TypeVar("T")


class RedisSessionStore:
    """Over the connection the kit shares. Give it a server or database whose memory policy does not evict."""

    def __init__(self, connection: RedisConnection, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Use `open`. Nothing is listened to yet."""
        self._connection = connection
        self._timeout_seconds = timeout_seconds
        self._listeners: list[EndListener] = []

    @classmethod
    async def open(cls, connection: RedisConnection, *, timeout_seconds: float = TIMEOUT_SECONDS) -> "RedisSessionStore":
        """Listens to the channel of ended sessions from when this returns, or as soon as the store is there.

        Raises `SessionsAway` when the store is there and does not let us listen.
        """
        store = cls(connection, timeout_seconds=timeout_seconds)
        connection.on_state(store._connection_is)
        try:
            await connection.subscribe(CHANNEL, store._ended)
        except StoreUnavailable as error:
            # Late is not refused: a store that answers after all has let us listen.
            if isinstance(error.__cause__, StoreRefused):
                raise SessionsAway from error
        return store

    def close(self) -> None:
        """Stop listening; the connection stays."""
        self._connection.unsubscribe(CHANNEL, self._ended)

    async def put(self, key: str, text: str, *, ttl_seconds: float, owner: str = "") -> None:
        keys: list[Word] = [key, owner] if owner else [key]
        await _answered(
            self._connection.run(
                PUT, keys, [text, _milliseconds(ttl_seconds), OWNER_SECONDS], timeout_seconds=self._timeout_seconds
            )
        )

    async def get(self, key: str) -> str | None:
        return _text(await self._call("GET", key))

    async def take(self, key: str) -> str | None:
        return _text(await self._call("GETDEL", key))

    async def extend(self, key: str, ttl_seconds: float) -> bool:
        return await self._call("PEXPIRE", key, _milliseconds(ttl_seconds)) == 1

    async def remove(self, key: str) -> bool:
        found = await self._call("DEL", key) == 1
        await self._call("PUBLISH", CHANNEL, key)
        return found

    async def remove_all(self, owner: str) -> int:
        reply = await _answered(self._connection.run(REMOVE_ALL, [owner], [CHANNEL], timeout_seconds=self._timeout_seconds))
        return reply if isinstance(reply, int) else 0

    def on_end(self, listener: EndListener) -> None:
        self._listeners.append(listener)

    async def _call(self, *words: Word) -> Reply:
        try:
            return await self._connection.call(*words, timeout_seconds=self._timeout_seconds)
        except (StoreUnavailable, StoreRefused) as error:
            raise SessionsAway from error

    def _ended(self, message: bytes) -> None:
        key = message.decode("utf-8", "replace")
        for listener in self._listeners:
            listener(key)

    def _connection_is(self, state: ConnectionState) -> None:
        """Whoever is not connected hears of no end: what was copied is no longer trusted."""
        if state != "silent":
            for listener in self._listeners:
                listener(None)


async def _answered(reply: Awaitable[T]) -> T:
    try:
        return await reply
    except (StoreUnavailable, StoreRefused) as error:
        raise SessionsAway from error


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1_000))


def _text(reply: Reply) -> str | None:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else None
