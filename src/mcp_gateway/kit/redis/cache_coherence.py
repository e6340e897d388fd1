"""Who holds copies, and when all of them have heard: the half of the shared level that makes an invalidation acknowledged.

Every replica is a member for a short time that it keeps renewing. It trusts its copies only while it is one, counted on its own
clock from before it asked. An invalidation is acknowledged when each member of that moment has said that it dropped its copies,
or its membership has run out; after the list of members was lost (restart, flush), also when everybody's from before must have.
Messages and replies come over one connection in the server's order, so what is read after an invalidation was heard is newer.
"""

import asyncio
import contextlib
import functools
import itertools
import secrets
from collections.abc import Sequence
from importlib.resources import files

import structlog

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.kit.cache.listeners import Listeners
from mcp_gateway.kit.cache.model import Acknowledgement
from mcp_gateway.kit.cache.ports import Invalidation
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.cache_keys import CacheKeys
from mcp_gateway.kit.redis.cache_messages import (
    Hello,
    Members,
    read_filled,
    read_heard,
    read_members,
    read_told,
    say_heard,
    say_hello,
    say_invalidation,
)
from mcp_gateway.kit.redis.cache_outbox import Outbox
from mcp_gateway.kit.redis.connection import ConnectionState, RedisConnection
from mcp_gateway.kit.redis.packing import Script
from mcp_gateway.kit.redis.wire import Reply

# Clocks of two machines may drift apart by so much of a membership before a copy could be trusted too long.
DRIFT_SHARE = 0.1
# Renewals per membership, so that one may be lost or late.
RENEWALS = 4

_log = structlog.get_logger(__name__)


def load_script(name: str) -> Script:
    return Script(files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8"))


class _Awaited:
    """The replicas that have acknowledged one invalidation so far."""

    __slots__ = ("changed", "heard")

    def __init__(self) -> None:
        self.heard: set[str] = set()
        self.changed = asyncio.Event()

    def add(self, replica: str) -> None:
        self.heard.add(replica)
        self.changed.set()


class Coherence:
    """One per process and namespace. `trusted_until` and `epoch` as in `SharedLevel`."""

    def __init__(self, connection: RedisConnection, *, namespace: str, membership_seconds: float, clock: Clock) -> None:
        self.replica = secrets.token_hex(8)
        self.trusted_until = 0.0
        self.epoch = 0
        self._connection, self._clock = connection, clock
        self._namespace, self._membership_seconds = namespace, membership_seconds
        self.keys = CacheKeys(namespace, connection.server_run_id)
        self._member = load_script("cache_member")
        self.listeners = Listeners()
        self._numbers = itertools.count()
        self._awaited: dict[str, _Awaited] = {}
        self._outbox = Outbox()
        # The connections so far, and the last one on which this replica heard its own voice.
        self._line, self._proven = 0, -1
        self._unproven_renewals = 0
        self._renew_now = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Hear first, then become a member; while the store is down that happens as soon as it is back."""
        self._connection.on_state(self._state_changed)
        await self._subscribe()
        await self._renew()
        self._renewing = asyncio.create_task(self._go_on_renewing(), name="cache-membership")

    async def close(self) -> None:
        """Leave, so that nobody waits for this replica."""
        await end_tasks(self._renewing)
        self._lose_trust()
        self._unsubscribe()
        with contextlib.suppress(StoreUnavailable, StoreRefused):
            await self._connection.run(self._member, [self.keys.members], [self.replica, 0])

    async def _subscribe(self) -> None:
        """What fails is noted, and done on the next connection; until it is heard, nothing is trusted."""
        with contextlib.suppress(StoreUnavailable):
            await self._connection.subscribe(self.keys.channel, self._heard_invalidation)
        with contextlib.suppress(StoreUnavailable):
            await self._connection.subscribe(self.keys.reply_prefix + self.replica, self._heard_reply)

    def _unsubscribe(self) -> None:
        self._connection.unsubscribe(self.keys.channel, self._heard_invalidation)
        self._connection.unsubscribe(self.keys.reply_prefix + self.replica, self._heard_reply)

    async def invalidate(self, invalidation: Invalidation) -> Acknowledgement:
        """As `SharedLevel.invalidate`, without the event."""
        started = self._clock.monotonic()
        number, awaited = f"{next(self._numbers):016x}", _Awaited()
        self._awaited[number] = awaited
        try:
            sent = self._send(invalidation, number)
            sent.append(self._connection.send("HGETALL", self.keys.members, timeout_seconds=self._membership_seconds))
            sent.append(self._connection.send("TIME", timeout_seconds=self._membership_seconds))
            _, _, members, time = await _in_order(sent)
            heard, lapsed = await self._everybody(read_members(members, time), awaited)
        except (StoreUnavailable, StoreRefused):
            self._outbox.add(invalidation)
            raise
        finally:
            del self._awaited[number]
        return Acknowledgement(latency_seconds=self._clock.monotonic() - started, replicas=heard, lapsed=lapsed)

    def _send(self, invalidation: Invalidation, number: str) -> "list[asyncio.Future[Reply]]":
        """End first, then tell: who hears it reads nothing old. Who is a member is asked last, so nobody is left out."""
        send, seconds = self._connection.send, self._membership_seconds
        return [
            send("UNLINK", *self.keys.ended_by(invalidation), timeout_seconds=seconds),
            send("PUBLISH", self.keys.channel, say_invalidation(invalidation, number, self.replica), timeout_seconds=seconds),
        ]

    async def _everybody(self, members: Members, awaited: _Awaited) -> tuple[int, int]:
        """Wait until each member has acknowledged or run out; how many did which."""
        now = self._clock.monotonic()
        while missing := members.lasting.keys() - awaited.heard:
            left = now + max(members.lasting[name] for name in missing) - self._clock.monotonic()
            if left <= 0:
                break
            awaited.changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await awaited.changed.wait()
        if members.age is None:
            await self._renew()  # begins the list anew
        # Members from before the list was lost cannot be asked; they run out.
        grace = now + self._membership_seconds - (members.age or 0.0) - self._clock.monotonic()
        if grace > 0:
            await asyncio.sleep(grace)
        return len(awaited.heard), len(missing)

    def _heard_invalidation(self, message: bytes) -> None:
        try:
            told = read_told(message)
        except ValueError:
            # Not ours, so nobody knows what it was to end.
            _log.warning("cache_message_unreadable", size=len(message))
            self._empty()
            return
        if isinstance(told, Hello):
            self._heard_itself(told)
            return
        for listener in self.listeners.of(told.cache):
            listener.invalidated(told.tenant, told.keys, told.tags)
        if told.sender == self.replica:
            self._acknowledged(told.number, told.sender)
        elif told.number:
            with contextlib.suppress(StoreUnavailable):
                self._connection.post("PUBLISH", self.keys.reply_prefix + told.sender, say_heard(told.number, self.replica))

    def _heard_itself(self, hello: Hello) -> None:
        """The channel is heard on this line from now on; before, something may have been missed."""
        if hello == (self.replica, self._line) and self._proven != self._line:
            self._proven = self._line
            self._empty()

    def _heard_reply(self, message: bytes) -> None:
        with contextlib.suppress(ValueError):
            if message[:1] == b"A":
                self._acknowledged(*read_heard(message))
            elif message[:1] == b"F":
                place = read_filled(message)
                for listener in self.listeners.of(place.cache):
                    listener.filled(place.tenant, place.key)

    def _acknowledged(self, number: str, replica: str) -> None:
        awaited = self._awaited.get(number)
        if awaited is not None:
            awaited.add(replica)

    def _state_changed(self, state: ConnectionState) -> None:
        if state == "down":
            self._lose_trust()
        elif state == "live":
            self.keys = CacheKeys(self._namespace, self._connection.server_run_id)
            self._send_outbox()
            self._renew_now.set()

    def _lose_trust(self) -> None:
        self.trusted_until = 0.0
        self._line += 1
        self._empty()

    def _empty(self) -> None:
        self.epoch += 1
        for listener in self.listeners:
            listener.emptied()

    async def _go_on_renewing(self) -> None:
        while True:
            self._renew_now.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._membership_seconds / RENEWALS):
                    await self._renew_now.wait()
            self._send_outbox()
            await self._renew()

    async def _renew(self) -> None:
        """Go on being a member, on a line where this replica has heard itself: nobody waits for the deaf, who trust nothing."""
        if self._connection.state != "live":
            return
        line = self._line
        try:
            if self._proven != line:
                await self._say_hello(line)
            asked = self._clock.monotonic()
            if self._proven != line or line != self._line:
                await self._listen_anew()
                return
            known = await self._connection.run(
                self._member, [self.keys.members], [self.replica, int(self._membership_seconds * 1000)]
            )
        except (StoreUnavailable, StoreRefused):
            return
        if line != self._line:
            return  # it broke meanwhile
        self._unproven_renewals = 0
        if known == 0 and self.trusted_until:
            self._empty()  # a member that was forgotten: the store was flushed, or this process slept
        self.trusted_until = asked + self._membership_seconds * (1 - DRIFT_SHARE)

    async def _say_hello(self, line: int) -> None:
        """What one says oneself is heard at the latest before the answer to the next command."""
        hello = self._connection.send("PUBLISH", self.keys.channel, say_hello(Hello(self.replica, line)))
        await asyncio.gather(hello, self._connection.send("PING"))

    async def _listen_anew(self) -> None:
        self._unproven_renewals += 1
        if self._unproven_renewals % RENEWALS == 0:
            _log.error("cache_channel_unheard", channel=self.keys.channel, store=self._connection.shown_address)
            self._unsubscribe()
            await self._subscribe()

    def _send_outbox(self) -> None:
        """Before anything is read over this connection."""
        for invalidation in self._outbox.take():
            try:
                sent = asyncio.gather(*self._send(invalidation, ""))
            except StoreUnavailable:
                self._outbox.add(invalidation)
            else:
                sent.add_done_callback(functools.partial(self._after_late, invalidation))

    def _after_late(self, late: Invalidation, done: "asyncio.Future[list[Reply]]") -> None:
        if done.cancelled() or done.exception() is not None:
            self._outbox.add(late)
        else:
            _log.info("cache_invalidated_late", cache=late.cache, keys=len(late.keys), tags=len(late.tags))


async def _in_order(sent: "Sequence[asyncio.Future[Reply]]") -> list[Reply]:
    """Replies to commands of one connection: when the last is there all are. Raises the first error; leaner than `gather`."""
    with contextlib.suppress(StoreUnavailable, StoreRefused):
        await sent[-1]
    errors = [one.exception() for one in sent if one.done()]
    for error in errors:
        if error is not None:
            raise error
    return [await one for one in sent]
