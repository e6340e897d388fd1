"""One socket to the server: bytes out in batches, replies in by order, deadlines kept. Knows no handshake and no reconnecting."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias, cast

import hiredis

from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.bounds import ReplyBounds

Reply: TypeAlias = "bool | int | float | bytes | list[Reply] | dict[Reply, Reply] | StoreRefused | None"

# What would make more bytes wait to be sent is refused. A server that reads nothing is found out by its deadlines.
MAX_UNSENT_BYTES = 16_000_000
# A timer this late was held up by our own loop; replies that wait in the socket get one more turn to arrive.
LATE_SECONDS = 0.002

_NOTHING = object()
_CONFIRMATIONS = (b"subscribe", b"unsubscribe")


class Ending(NamedTuple):
    """How a line ended. `why` goes into the error's data."""

    message: str
    why: str


LOST = Ending("The connection to the store was lost.", "lost")
GARBAGE = Ending("What answers there does not speak the store's protocol.", "garbage")
LATE = Ending("The store did not answer in time.", "late")
TOO_LARGE = Ending("The store answers with more than is read here.", "too_large")


class Receiver(Protocol):
    """Where a reply goes: a future, or whoever shares one call among many. Told once, unless `done`."""

    def done(self) -> bool: ...

    def set_result(self, reply: Reply, /) -> None: ...

    def set_exception(self, error: StoreRefused | StoreUnavailable, /) -> None: ...


class Waiting(NamedTuple):
    """A command whose reply is due. `future` is None when nobody wants the reply.

    `pushed`: success is told by a push and only failure by a reply.
    """

    sent: float
    deadline: float
    future: "Receiver | None"
    pushed: bool = False


class Wire(asyncio.Protocol):
    """Replies come in the order of the commands (RESP3), pushes between them; both are handed on in that order."""

    def __init__(
        self,
        *,
        max_pending: int,
        max_reply_bytes: int | None = None,
        on_push: Callable[[list[Reply]], None],
        on_silence: Callable[[], None],
        on_sound: Callable[[], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(replyError=StoreRefused, notEnoughData=_NOTHING)
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._room = MAX_UNSENT_BYTES
        self._waiting: deque[Waiting] = deque()
        self._max_pending = max_pending
        self._bounds = None if max_reply_bytes is None else ReplyBounds(max_bytes=max_reply_bytes)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._lenient = False
        self._on_push, self._on_silence, self._on_sound, self._on_lost = on_push, on_silence, on_sound, on_lost
        self._heard = 0.0
        self._closed = asyncio.Event()
        self._ending = LOST
        self.silent_since: float | None = None

    def send(self, packed: bytes, timeout_seconds: float) -> "asyncio.Future[Reply]":
        """Raises `StoreUnavailable` when the queue is full; the future gets one when the deadline passes or the line breaks."""
        future: asyncio.Future[Reply] = self._loop.create_future()
        now = self._loop.time()
        self._enqueue(packed, Waiting(now, now + timeout_seconds, future))
        return future

    def submit(self, packed: bytes, deadline: float, receiver: Receiver) -> None:
        """As `send`, but the receiver is told, by a deadline of the loop's time, and the bytes leave at once."""
        self._enqueue(packed, Waiting(self._loop.time(), deadline, receiver), at_once=True)

    def post(self, packed: bytes, timeout_seconds: float) -> None:
        """As `send`, but nobody hears the reply."""
        now = self._loop.time()
        self._enqueue(packed, Waiting(now, now + timeout_seconds, None))

    def send_for_push(self, packed: bytes, timeout_seconds: float) -> "asyncio.Future[Reply]":
        """As `send`, for SUBSCRIBE or UNSUBSCRIBE of one channel: done when the server has confirmed it."""
        future: asyncio.Future[Reply] = self._loop.create_future()
        now = self._loop.time()
        self._enqueue(packed, Waiting(now, now + timeout_seconds, future, pushed=True))
        return future

    def abort(self) -> None:
        """Drop the line; what waits fails within this loop turn."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Drop the line and wait until it is gone."""
        if self._transport is not None:
            self._transport.abort()
            await self._closed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        if self.silent_since is not None:
            self.silent_since = None
            self._on_sound()
        if self._bounds is not None and not self._bounds.allow(data):
            self._ending = TOO_LARGE
            self.abort()
            return
        reader, waiting = self._reader, self._waiting
        reader.feed(data)
        try:
            while (reply := reader.gets()) is not _NOTHING:
                if type(reply) is hiredis.PushNotification:
                    if reply[0] in _CONFIRMATIONS and waiting and waiting[0].pushed:
                        _confirm(waiting.popleft())
                    self._on_push(reply)
                    continue
                future = waiting.popleft().future
                if future is not None and not future.done():
                    _settle(future, reply)
        except (hiredis.ProtocolError, IndexError, TypeError):
            # Not the protocol we speak, a reply nobody asked for, or a map whose keys are lists.
            self._ending = GARBAGE
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._on_lost()
        self._fail(list(self._waiting), self._ending)
        self._waiting.clear()
        self._closed.set()

    def _enqueue(self, packed: bytes, entry: Waiting, *, at_once: bool = False) -> None:
        if len(self._waiting) >= self._max_pending:
            raise StoreUnavailable("Too many commands wait for the store.", pending=len(self._waiting))
        self._write(packed, at_once=at_once)
        self._waiting.append(entry)
        if self._timer is None or entry.deadline < self._timer_due:
            self._arm(entry.deadline)

    def _write(self, packed: bytes, *, at_once: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            raise StoreUnavailable(self._ending.message, why=self._ending.why)
        if len(packed) > self._room:
            self._room = MAX_UNSENT_BYTES - self._transport.get_write_buffer_size() - sum(map(len, self._unsent))
            if len(packed) > self._room:
                raise StoreUnavailable("Too many bytes wait to be sent to the store.", size=len(packed))
        self._room -= len(packed)
        if not self._unsent and not at_once:
            self._loop.call_soon(self._flush)
        self._unsent.append(packed)
        if at_once:
            self._flush()

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport is None or not unsent:
            return
        self._transport.write(b"".join(unsent))
        self._room = MAX_UNSENT_BYTES - self._transport.get_write_buffer_size()

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._loop.call_at(due, self._expire)

    def _expire(self) -> None:
        now = self._loop.time()
        if now - self._timer_due > LATE_SECONDS and not self._lenient:
            self._lenient = True  # once: a loop that is late every time must not make anybody wait for ever
            self._arm(now + LATE_SECONDS / 2)
            return
        self._timer, self._lenient = None, False
        late = [entry for entry in self._waiting if entry.deadline <= now]
        if self.silent_since is None and any(self._heard < entry.sent for entry in late):
            self.silent_since = now
            self._on_silence()
        self._fail(late, LATE)
        due = min((entry.deadline for entry in self._waiting if entry.deadline > now), default=None)
        if due is not None:
            self._arm(due)

    @staticmethod
    def _fail(entries: list[Waiting], ending: Ending) -> None:
        for entry in entries:
            if entry.future is not None and not entry.future.done():
                entry.future.set_exception(StoreUnavailable(ending.message, why=ending.why))


def _confirm(entry: Waiting) -> None:
    if entry.future is not None and not entry.future.done():
        entry.future.set_result(None)


def _settle(future: Receiver, reply: Reply) -> None:
    if isinstance(reply, StoreRefused):
        future.set_exception(reply)
    else:
        future.set_result(reply)
