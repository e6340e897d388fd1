"""HTTP/1.1 to one upstream, over kept connections to addresses that were checked.

A request is sent once. It is sent again, on a new connection, only when a kept connection turned out to be closed and either
nothing of the request had been handed to the system, or the request merely reads. A server that closes a connection it kept
cannot be told from one that ran the call and broke down before it answered; so a call that acts is never repeated after it was
written, and travels only on connections the server has surely not grown tired of (`_SURE_SECONDS`).
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from mcp_gateway.adapters.links.addresses import Addresses, place_of
from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.connecting import Dialler
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_connection import Bounds, Connection, Unanswered
from mcp_gateway.federation.errors import UpstreamUnreachable
from mcp_gateway.registry.model import ServerLimits

# No server in use closes an idle connection sooner than after five seconds, unless it says so or was seen to.
_SURE_SECONDS: Final = 4.0
# For so long after it was seen to close one sooner, it is taken to do so again.
_CAREFUL_SECONDS: Final = 60.0
_IDLE_SECONDS: Final = 55.0
# So that a changed address of the name counts in the end.
_LIFE_SECONDS: Final = 300.0
_MAX_STANDING: Final = 4_096
# A stream that stands may be silent for this long.
STANDING_IDLE_SECONDS: Final = 900.0


class Outgoing(NamedTuple):
    """Made for each call, hence a tuple: a frozen dataclass takes several times as long to make.

    `head` are header lines, each with its CRLF; those of the connection itself are added. `target` None: the server's own URL.
    `reads`: it may be repeated without harm. `standing`: its answer is a stream without an end, beyond the calls at once.
    `seconds` None: the server's timeout.
    """

    head: bytes
    body: bytes | None = None
    method: bytes = b"POST"
    target: str | None = None
    reads: bool = False
    standing: bool = False
    seconds: float | None = None


class HttpClient:
    """All requests to one server. `secret`: they carry a credential. `trust` is asked for with each new TLS connection."""

    def __init__(
        self,
        url: str,
        *,
        faults: Faults,
        limits: ServerLimits,
        addresses: Addresses,
        trust: Callable[[], ssl.SSLContext],
        secret: bool = False,
    ) -> None:
        self._faults, self._limits = faults, limits
        self.place = place_of(url, faults)
        self._egress = addresses.egress
        self._rules = self._egress()
        self._dialler = Dialler(self.place, addresses=addresses, faults=faults, trust=trust, secret=secret)
        self._for_calls = Bounds(seconds=limits.timeout_seconds, max_bytes=limits.max_answer_bytes)
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._active = self._standing = 0
        self._sure_seconds, self._careful_until = _SURE_SECONDS, 0.0
        self._reaper: asyncio.TimerHandle | None = None
        self._closed = False
        fixed = f"HTTP/1.1\r\nHost: {self.place.authority}\r\nUser-Agent: mcp-gateway\r\nAccept-Encoding: identity\r\n"
        self._fixed = fixed.encode("ascii")
        self._post = b"POST %b %b" % (self.place.target.encode("ascii"), self._fixed)

    async def send(self, outgoing: Outgoing, credential: bytes = b"") -> Answer:
        """The answer, as soon as its head is there and it is known whether it is short. Raises `federation/errors.py`.

        `credential` are further header lines.
        """
        loop = asyncio.get_running_loop()
        bounds = self._bounds(outgoing)
        deadline = loop.time() + bounds.seconds
        message = self._message(outgoing, credential)
        fresh = False
        while True:
            connection, kept = await self._connection(outgoing, bounds, fresh=fresh)
            answer = connection.ask(message, bounds, deadline)
            try:
                return await answer
            except asyncio.CancelledError:
                connection.leave()
                raise
            except Unanswered as error:
                if not kept or (error.sent and not outgoing.reads):
                    raise self._faults.lost("it closed the connection without an answer") from error
                self._forget_idle()
                fresh = True

    async def close(self) -> None:
        """Ends everything under way."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
        self._forget_idle()
        for connection in list(self._busy):
            connection.close()

    @property
    def active(self) -> int:
        """How many requests are under way, standing streams left out."""
        return self._active

    # -- what connections tell ---------------------------------------------------------------------------------------------

    def ended(self, connection: Connection, *, reusable: bool) -> None:
        self._busy.discard(connection)
        self._freed(standing=connection.standing)
        if reusable and not self._closed:
            if connection.keep_seconds is not None:
                self._sure_seconds = min(self._sure_seconds, max(0.0, connection.keep_seconds - 1.0))
                self._careful_until = connection.loop.time() + _CAREFUL_SECONDS
            self._idle.append(connection)
            if self._reaper is None:
                self._reaper = connection.loop.call_later(_IDLE_SECONDS / 4, self._reap)
        else:
            connection.close()

    def lost(self, connection: Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
            self._note_closed(connection)

    def _note_closed(self, connection: Connection) -> None:
        """It shows how long this server keeps one. A restart looks the same, so we are not careful for ever."""
        now = connection.loop.time()
        self._sure_seconds = min(self._sure_seconds, (now - connection.idle_since) * 0.75)
        self._careful_until = now + _CAREFUL_SECONDS

    # -- connections -------------------------------------------------------------------------------------------------------

    async def _connection(self, outgoing: Outgoing, bounds: Bounds, *, fresh: bool) -> tuple[Connection, bool]:
        """A connection and whether it was kept. Takes the place that `ended` gives back."""
        self._check_open()
        if outgoing.standing:
            self._stand()
        elif self._active >= self._limits.calls_at_once:
            await self._wait_for_place()
        else:
            self._active += 1
        connection = None if fresh else self._kept(reads=outgoing.reads)
        kept = connection is not None
        if connection is None:
            try:
                connection = await self._dialled(bounds)
            except BaseException:
                self._freed(standing=outgoing.standing)
                raise
        self._busy.add(connection)
        return connection, kept

    async def _dialled(self, bounds: Bounds) -> Connection:
        connection = await self._dialler.open(self, seconds=min(self._limits.connect_seconds, bounds.seconds))
        try:
            self._check_open()
        except UpstreamUnreachable:
            connection.close()
            raise
        return connection

    def _check_open(self) -> None:
        if self._closed:
            raise self._faults.unreachable("its link was closed")

    def _kept(self, *, reads: bool) -> Connection | None:
        """The one used last, if the server surely still keeps it. One that reads may find it closed without harm."""
        if self._egress() is not self._rules:
            # Where they lead may no longer be allowed.
            self._rules = self._egress()
            self._forget_idle()
        while self._idle:
            connection = self._idle[-1]
            now = connection.loop.time()
            rested = now - connection.idle_since
            if self._careful_until < now:
                self._sure_seconds = _SURE_SECONDS
            if rested > _IDLE_SECONDS or now - connection.connected_at > _LIFE_SECONDS:
                self._idle.pop().close()
            elif not connection.usable():
                self._note_closed(connection)
                self._idle.pop().close()
            elif rested >= self._sure_seconds and not reads:
                return None
            else:
                return self._idle.pop()
        return None

    def _stand(self) -> None:
        if self._standing >= _MAX_STANDING:
            raise self._faults.unreachable("too many streams are open to it")
        self._standing += 1

    async def _wait_for_place(self) -> None:
        """The place is handed over by `_freed`, so it is counted all the time."""
        if len(self._waiting) >= 4 * self._limits.calls_at_once:
            raise self._faults.unreachable("too many calls wait for it", retry_after_seconds=1.0)
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self._limits.connect_seconds):
                await place
        except TimeoutError as error:
            self._leave_queue(place)
            raise self._faults.unreachable("all its connections are busy", retry_after_seconds=1.0) from error
        except asyncio.CancelledError:
            self._leave_queue(place)
            raise

    def _leave_queue(self, place: "asyncio.Future[None]") -> None:
        if place.done() and not place.cancelled():
            self._freed(standing=False)
        elif place in self._waiting:
            self._waiting.remove(place)

    def _freed(self, *, standing: bool) -> None:
        if standing:
            self._standing -= 1
            return
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._active -= 1

    def _forget_idle(self) -> None:
        """What closed one of them has most likely closed them all."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _reap(self) -> None:
        self._reaper = None
        now = asyncio.get_running_loop().time()
        stale = [connection for connection in self._idle if now - connection.idle_since > _IDLE_SECONDS]
        self._idle = [connection for connection in self._idle if connection not in stale]
        for connection in stale:
            connection.close()
        if self._idle:
            self._reaper = asyncio.get_running_loop().call_later(_IDLE_SECONDS / 4, self._reap)

    def _bounds(self, outgoing: Outgoing) -> Bounds:
        if outgoing.seconds is None and not outgoing.standing:
            return self._for_calls
        return Bounds(
            seconds=self._limits.timeout_seconds if outgoing.seconds is None else outgoing.seconds,
            max_bytes=self._limits.max_answer_bytes,
            idle_seconds=STANDING_IDLE_SECONDS if outgoing.standing else None,
        )

    def _message(self, outgoing: Outgoing, credential: bytes) -> bytes:
        if outgoing.method == b"POST" and outgoing.target is None:
            start = self._post
        else:
            target = self.place.target if outgoing.target is None else outgoing.target
            start = b"%b %b %b" % (outgoing.method, target.encode("ascii"), self._fixed)
        if outgoing.body is None:
            return b"%b%b%b\r\n" % (start, outgoing.head, credential)
        body = outgoing.body
        return b"%b%b%bContent-Length: %d\r\n\r\n%b" % (start, outgoing.head, credential, len(body), body)
