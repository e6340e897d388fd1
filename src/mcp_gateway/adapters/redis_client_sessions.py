"""Sessions of older clients that every replica can serve: `ClientSessionStore` in Redis or Valkey.

`mreg:session:mcp:KEY` is a hash that ends by the server's clock: `s` what the client declared, `o` where its owner's sessions
are counted, `l` the log level, and `u:URI` for each subscription. `mreg:session:mcp:of:…` and `mreg:session:mcp:all` are sorted
sets of keys by the time they end. On the channel `mreg:session:mcp:changed` every replica hears `KEY NOTE`.
"""

import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import TooLarge
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object, render
from mcp_gateway.federation.client_sessions.errors import ClientSessionsAway, TooManyClientSessions, TooManySessionsOfCaller
from mcp_gateway.federation.client_sessions.memory import IDLE_SECONDS, MAX_SESSIONS, MAX_SESSIONS_OF_ONE
from mcp_gateway.federation.client_sessions.model import ClientSession
from mcp_gateway.federation.client_sessions.ports import SessionListener
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.connection import ConnectionState, RedisConnection
from mcp_gateway.kit.redis.packing import Script, Word
from mcp_gateway.kit.redis.wire import Reply

PREFIX: Final = "mreg:session:mcp:"
ALL: Final = f"{PREFIX}all"
CHANNEL: Final = f"{PREFIX}changed"
TIMEOUT_SECONDS: Final = 0.5
# A copy of what the store said is used for so long at most, and dropped as soon as anybody changes the session.
COPY_SECONDS: Final = 1.0
MAX_COPIES: Final = 20_000
# The time without use is counted anew once in so many parts of it, not with each request.
IDLE_PARTS: Final = 20

_NOW: Final = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
ADD: Final = Script(
    _NOW
    + """
for i = 2, 3 do redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now) end
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[3]) then return 1 end
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[4]) then return 2 end
redis.call('HSET', KEYS[1], 's', ARGV[1], 'o', KEYS[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
for i = 2, 3 do redis.call('ZADD', KEYS[i], now + ARGV[2], KEYS[1]) redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
return 0
"""
)
FIND: Final = Script("return redis.call('HGETALL', KEYS[1])")
TOUCH: Final = Script(
    _NOW
    + """
if redis.call('PEXPIRE', KEYS[1], ARGV[1]) == 0 then return 0 end
for _, set in ipairs({redis.call('HGET', KEYS[1], 'o'), KEYS[2]}) do
  redis.call('ZADD', set, now + ARGV[1], KEYS[1])
  redis.call('PEXPIRE', set, ARGV[1])
end
return 1
"""
)
SET: Final = Script("""
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
""")
SUBSCRIBE: Final = Script("""
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('HEXISTS', KEYS[1], ARGV[3]) == 1 then return 1 end
if redis.call('HLEN', KEYS[1]) - 2 - redis.call('HEXISTS', KEYS[1], 'l') >= tonumber(ARGV[4]) then return 2 end
redis.call('HSET', KEYS[1], ARGV[3], '')
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
""")
UNSUBSCRIBE: Final = Script("""
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('HDEL', KEYS[1], ARGV[3]) == 1 then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
return 1
""")
REMOVE: Final = Script("""
local owner = redis.call('HGET', KEYS[1], 'o')
if owner then redis.call('ZREM', owner, KEYS[1]) end
redis.call('ZREM', KEYS[2], KEYS[1])
local found = redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return found
""")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Copy:
    """`extended` is when the store was last told that the session is in use; all by the monotonic clock."""

    session: ClientSession
    read: float
    extended: float
    used: float


class RedisClientSessions:
    """Over the connection the kit shares. Limits hold over all replicas. Give it a server whose memory policy does not evict."""

    def __init__(
        self,
        connection: RedisConnection,
        *,
        clock: Clock,
        timeout_seconds: float = TIMEOUT_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        max_sessions: int = MAX_SESSIONS,
        max_of_one: int = MAX_SESSIONS_OF_ONE,
    ) -> None:
        """Changes by other replicas are listened to from the first use on."""
        self._connection, self._timeout_seconds = connection, timeout_seconds
        self._monotonic = clock.monotonic
        self._idle_seconds = idle_seconds
        self._max_sessions, self._max_of_one = max_sessions, max_of_one
        self._copies: dict[str, _Copy] = {}
        self._changes = 0
        self._listening = False
        self._listeners: list[SessionListener] = []

    async def listen(self) -> None:
        """Hear of changes by other replicas from when this returns, as soon as the store is there."""
        if not self._listening:
            self._listening = True
            self._connection.on_state(self._connection_is)
            await _answered(self._connection.subscribe(CHANNEL, self._changed))

    def close(self) -> None:
        """Stop listening; the connection stays."""
        self._connection.unsubscribe(CHANNEL, self._changed)

    async def add(self, session: ClientSession) -> None:
        keys: list[Word] = [PREFIX + session.key, _owner_key(session), ALL]
        reply = await self._run(ADD, keys, [_written(session), self._idle_ms, self._max_of_one, self._max_sessions])
        if reply == 1:
            raise TooManySessionsOfCaller(limit=self._max_of_one)
        if reply == 2:
            raise TooManyClientSessions(limit=self._max_sessions)

    async def find(self, key: str) -> ClientSession | None:
        now = self._monotonic()
        copy = self._copies.get(key)
        if copy is None or now - copy.read >= COPY_SECONDS:
            try:
                copy = await self._look(key, copy, now)
            except ClientSessionsAway:
                return self._as_last_seen(key, copy, now)
            if copy is None:
                return None
        if now - copy.extended >= self._idle_seconds / IDLE_PARTS:
            await self._extend(key, copy, now)
        return copy.session

    async def replace(self, session: ClientSession) -> bool:
        return await self._change(SET, session.key, "s", _written(session)) == 1

    async def set_log_level(self, key: str, level: str) -> bool:
        return await self._change(SET, key, "l", level) == 1

    async def subscribe(self, key: str, uri: str, *, most: int) -> bool:
        reply = await self._change(SUBSCRIBE, key, f"u:{uri}", most)
        if reply == 2:
            raise TooLarge("This session has as many subscriptions as one may.", limit=most)
        return reply == 1

    async def unsubscribe(self, key: str, uri: str) -> bool:
        return await self._change(UNSUBSCRIBE, key, f"u:{uri}") == 1

    async def remove(self, key: str) -> bool:
        self._look_again(key)
        self._copies.pop(key, None)
        return await self._run(REMOVE, [PREFIX + key, ALL], [CHANNEL, f"{key} "]) == 1

    async def announce(self, key: str, note: str) -> None:
        await _answered(self._connection.call("PUBLISH", CHANNEL, f"{key} {note}", timeout_seconds=self._timeout_seconds))

    def on_change(self, listener: SessionListener) -> None:
        self._listeners.append(listener)

    @property
    def _idle_ms(self) -> int:
        return max(1, int(self._idle_seconds * 1_000))

    def _as_last_seen(self, key: str, copy: _Copy | None, now: float) -> ClientSession:
        """While the store is away a session goes on in the replicas that know it: whose it is does not change.

        That it was ended elsewhere is learned when the store is back. Raises `ClientSessionsAway`.
        """
        if copy is None or now - copy.used >= self._idle_seconds:
            raise ClientSessionsAway
        self._copies[key] = replace(copy, used=now)
        return copy.session

    async def _extend(self, key: str, copy: _Copy, now: float) -> None:
        try:
            await self._run(TOUCH, [PREFIX + key, ALL], [self._idle_ms])
        except ClientSessionsAway:
            return
        if key in self._copies:
            self._copies[key] = replace(copy, extended=now)

    async def _look(self, key: str, copy: _Copy | None, now: float) -> _Copy | None:
        changes = self._changes
        session = _read(key, await self._run(FIND, [PREFIX + key], []))
        if session is None:
            self._copies.pop(key, None)
            return None
        fresh = _Copy(session, now, copy.extended if copy is not None else float("-inf"), now)
        # What changed while the store was asked must not be kept as it was.
        if changes == self._changes:
            if len(self._copies) >= MAX_COPIES:
                self._copies.clear()
            self._copies[key] = fresh
        return fresh

    async def _change(self, script: Script, key: str, *words: Word) -> Reply:
        self._look_again(key)
        try:
            return await self._run(script, [PREFIX + key], [CHANNEL, f"{key} ", *words])
        finally:
            self._look_again(key)

    async def _run(self, script: Script, keys: list[Word], words: list[Word]) -> Reply:
        await self.listen()
        return await _answered(self._connection.run(script, keys, words, timeout_seconds=self._timeout_seconds))

    def _look_again(self, key: str) -> None:
        """What is copied of it counts only while the store is away."""
        self._changes += 1
        copy = self._copies.get(key)
        if copy is not None:
            self._copies[key] = replace(copy, read=float("-inf"))

    def _changed(self, message: bytes) -> None:
        key, _, note = message.decode("utf-8", "replace").partition(" ")
        if not note:
            self._look_again(key)
        self._tell(key, note)

    def _connection_is(self, state: ConnectionState) -> None:
        """Whoever is not connected hears of no change: what was copied is asked for again, as soon as somebody answers."""
        if state != "silent":
            self._changes += 1
            self._copies = {key: replace(copy, read=float("-inf")) for key, copy in self._copies.items()}
            self._tell(None, "")

    def _tell(self, key: str | None, note: str) -> None:
        for listener in self._listeners:
            listener(key, note)


async def _answered(reply: Awaitable[T]) -> T:
    try:
        return await reply
    except (StoreUnavailable, StoreRefused) as error:
        raise ClientSessionsAway from error


def _owner_key(session: ClientSession) -> str:
    return f"{PREFIX}of:{hashlib.blake2b(session.owner.encode('utf-8', 'surrogatepass'), digest_size=18).hexdigest()}"


def _written(session: ClientSession) -> bytes:
    return render(
        {
            "endpoint": session.endpoint,
            "tenant": session.tenant,
            "issuer": session.issuer,
            "subject": session.subject,
            "revision": session.revision,
            "info": session.info,
            "capabilities": session.capabilities,
        }
    )


def _read(key: str, reply: Reply) -> ClientSession | None:
    """None for no session, and for what is not in our form."""
    fields = _fields(reply)
    try:
        kept = parse_object(fields["s"])
    except (KeyError, ValueError):
        return None
    level = fields.get("l")
    info: JsonObject | None = object_at(kept, "info") if isinstance(kept.get("info"), dict) else None
    return ClientSession(
        key=key,
        endpoint=str(kept.get("endpoint")),
        tenant=str(kept.get("tenant")),
        issuer=str(kept.get("issuer")),
        subject=str(kept.get("subject")),
        revision=str(kept.get("revision")),
        info=info,
        capabilities=object_at(kept, "capabilities"),
        log_level=level.decode() if level is not None else None,
        subscriptions=frozenset(name[2:] for name in fields if name.startswith("u:")),
    )


def _fields(reply: Reply) -> dict[str, bytes]:
    rows = reply if isinstance(reply, list) else []
    words = [word for word in rows if isinstance(word, bytes)]
    return {name.decode("utf-8", "replace"): value for name, value in zip(words[::2], words[1::2], strict=False)}
