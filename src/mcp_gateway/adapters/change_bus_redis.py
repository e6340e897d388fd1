"""`ChangeBus` of several replicas, over pub/sub of Redis or Valkey.

This replica hears its own changes at once and without the store. The store hands a message to whoever is connected and forgets
it, so: a replica that lost its connection hears "lost" of everything when it goes and again when it is back; a replica whose
message may not have left tells the others "lost" of that server as soon as it can. Messages carry a code only replicas can make.
"""

import asyncio
import hmac
import secrets
from collections.abc import Callable, Collection
from hashlib import blake2b
from typing import Final

import structlog

from mcp_gateway.adapters.change_bus_memory import MemoryChangeBus
from mcp_gateway.core.protocol.frames import parse_object, render
from mcp_gateway.federation.model import Change, ChangeKind
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.connection import ConnectionState, RedisConnection
from mcp_gateway.kit.redis.wire import Reply

CHANNEL: Final = "mreg:changes"
TIMEOUT_SECONDS: Final = 2.0
# A longer announcement is told as "lost": what it said can be asked for.
MAX_MESSAGE_BYTES: Final = 64 * 1024
# Servers whose changes did not leave; of more than that, everything is lost.
MAX_OWED: Final = 1_000
_CODE_BYTES: Final = 16
_KINDS: Final[dict[str, ChangeKind]] = {
    "tools": "tools",
    "prompts": "prompts",
    "resources": "resources",
    "resource": "resource",
    "other": "other",
    "lost": "lost",
}  # fmt: skip

_log = structlog.get_logger(__name__)


class RedisChangeBus:
    """Over the connection the kit shares. `key` is of this installation."""

    def __init__(self, connection: RedisConnection, *, key: bytes, channel: str = CHANNEL) -> None:
        """Use `open`. Nothing is heard from elsewhere yet."""
        self._connection, self._key, self._channel = connection, key, channel
        self._here = MemoryChangeBus()
        self._replica = secrets.token_hex(8)
        # The servers whose changes the others may have missed, each with the identity it was about.
        self._owed: dict[tuple[str, str], None] = {}
        self._was_down = connection.state == "down"

    @classmethod
    async def open(cls, connection: RedisConnection, *, key: bytes, channel: str = CHANNEL) -> "RedisChangeBus":
        """Hears the others from when this returns, or as soon as the store is there."""
        bus = cls(connection, key=key, channel=channel)
        connection.on_state(bus._connection_is)
        try:
            await connection.subscribe(channel, bus._heard)
        except StoreUnavailable:
            _log.warning("changes_not_heard", store=connection.shown_address)
        return bus

    def close(self) -> None:
        """Stop hearing the others; the connection stays."""
        self._connection.unsubscribe(self._channel, self._heard)

    def subscribe(self, listener: Callable[[Change], None], servers: Collection[str] | None = None) -> Callable[[], None]:
        return self._here.subscribe(listener, servers)

    def tell(self, change: Change) -> None:
        self._here.tell(change)
        self._send(change)

    async def publish(self, change: Change) -> None:
        self._here.tell(change)
        sent = self._send(change)
        if sent is not None:
            await asyncio.wait({sent}, timeout=TIMEOUT_SECONDS)

    def _send(self, change: Change) -> "asyncio.Future[Reply] | None":
        body = _body(change, self._replica)
        if len(body) > MAX_MESSAGE_BYTES:
            change = Change(server=change.server, kind="lost", identity=change.identity)
            body = _body(change, self._replica)
        try:
            sent = self._connection.send("PUBLISH", self._channel, self._code(body) + body, timeout_seconds=TIMEOUT_SECONDS)
        except StoreUnavailable:
            self._owe(change)
            return None
        sent.add_done_callback(lambda done: self._left(done, change))
        return sent

    def _left(self, sent: "asyncio.Future[Reply]", change: Change) -> None:
        if sent.cancelled() or sent.exception() is not None:
            self._owe(change)
            if isinstance(None if sent.cancelled() else sent.exception(), StoreRefused):
                _log.warning("change_refused_by_store", server=change.server)

    def _owe(self, change: Change) -> None:
        if len(self._owed) >= MAX_OWED:
            self._owed = {("", ""): None}
        elif ("", "") not in self._owed:
            self._owed[change.server, change.identity] = None

    def _connection_is(self, state: ConnectionState) -> None:
        """A silent line loses nothing: what was said comes when it speaks again, or the line is given up."""
        if state == "down":
            self._was_down = True
            self._here.tell(Change(server="", kind="lost"))
        elif state == "live":
            owed, self._owed = self._owed, {}
            for server, identity in owed:
                self._send(Change(server=server, kind="lost", identity=identity))
            if self._was_down:
                self._was_down = False
                self._here.tell(Change(server="", kind="lost"))

    def _heard(self, message: bytes) -> None:
        code, body = message[:_CODE_BYTES], message[_CODE_BYTES:]
        if not hmac.compare_digest(code, self._code(body)):
            _log.warning("change_not_ours", size=len(message))
            return
        try:
            sender, change = _read(body)
        except ValueError:
            # Of a replica of another version, so nobody here knows what it was to say.
            _log.warning("change_unreadable", size=len(message))
            self._here.tell(Change(server="", kind="lost"))
            return
        if sender != self._replica:
            self._here.tell(change)

    def _code(self, body: bytes) -> bytes:
        return blake2b(body, key=self._key, person=b"change-bus", digest_size=_CODE_BYTES).digest()


def _body(change: Change, sender: str) -> bytes:
    return render(
        {"by": sender, "s": change.server, "k": change.kind, "u": change.uri, "i": change.identity, "m": change.message}
    )


def _read(body: bytes) -> tuple[str, Change]:
    """Who sent it, and what. Raises `ValueError`."""
    match parse_object(body):
        case {"by": str(sender), "s": str(server), "k": str(kind), "u": str(uri), "i": str(identity), "m": dict(message)}:
            if kind in _KINDS:
                return sender, Change(server=server, kind=_KINDS[kind], uri=uri, identity=identity, message=message)
    raise ValueError("not a change")
