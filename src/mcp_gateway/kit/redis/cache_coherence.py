"""Who holds copies, and when all of them have heard: the half of the shared level that makes an invalidation acknowledged.

Every replica is a member for a short time that it keeps renewing. It trusts its copies only while it is one, counted on its own
clock from before it asked. An invalidation is acknowledged when each member of that moment has said that it dropped its copies,
or its membership has run out; after the list of members was lost (restart, flush), also when everybody's from before must have.
Messages and replies come over one connection in the server's order, so what is read after an invalidation was heard is newer.
"""

import asyncio
import contextlib
import functools
import json
import secrets
from collections.abc import Sequence
from importlib.resources import files

import structlog

from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.cache.model import Acknowledgement
from mcp_gateway.kit.cache.ports import CoherenceListener, Invalidation
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.cache_keys import CacheKeys
from mcp_gateway.kit.redis.cache_outbox import Outbox
from mcp_gateway.kit.redis.connection import ConnectionState, RedisConnection
from mcp_gateway.kit.redis.packing import Script, Word
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
        self._invalidate, self._member = load_script("cache_invalidate"), load_script("cache_member")
        self._listeners: dict[str, list[CoherenceListener]] = {}
        self._awaited: dict[str, _Awaited] = {}
        self._outbox = Outbox()
        self._renew_now = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Hear first, then become a member; while the store is down that happens as soon as it is back."""
        self._connection.on_state(self._state_changed)
        await self._connection.subscribe(self.keys.channel, self._heard_invalidation)
        await self._connection.subscribe(self.keys.reply_prefix + self.replica, self._heard_reply)
        await self._renew()
        self._renewing = asyncio.create_task(self._go_on_renewing(), name="cache-membership")

    async def close(self) -> None:
        """Leave, so that nobody waits for this replica."""
        if self._renewing is not None:
            self._renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewing
        self._lose_trust()
        self._connection.unsubscribe(self.keys.channel, self._heard_invalidation)
        self._connection.unsubscribe(self.keys.reply_prefix + self.replica, self._heard_reply)
        with contextlib.suppress(StoreUnavailable, StoreRefused):
            await self._connection.run(self._member, [self.keys.members], [self.replica, 0])

    def attach(self, cache: str, listener: CoherenceListener) -> None:
        self._listeners.setdefault(cache, []).append(listener)

    def detach(self, cache: str, listener: CoherenceListener) -> None:
        listeners = self._listeners.get(cache, [])
        if listener in listeners:
            listeners.remove(listener)

    async def invalidate(self, invalidation: Invalidation) -> Acknowledgement:
        """As `SharedLevel.invalidate`, without the event."""
        started = self._clock.monotonic()
        number, awaited = secrets.token_hex(8), _Awaited()
        self._awaited[number] = awaited
        try:
            reply = await self._connection.run(
                self._invalidate,
                [self.keys.members, *self.keys.ended_by(invalidation)],
                [self.keys.channel, self._message(invalidation, number)],
                timeout_seconds=self._membership_seconds,
            )
            heard, lapsed = await self._everybody(reply, awaited)
        except (StoreUnavailable, StoreRefused):
            self._outbox.add(invalidation)
            raise
        finally:
            del self._awaited[number]
        return Acknowledgement(latency_seconds=self._clock.monotonic() - started, replicas=heard, lapsed=lapsed)

    async def _everybody(self, reply: Reply, awaited: _Awaited) -> tuple[int, int]:
        """Wait until each member has acknowledged or run out; how many did which."""
        now = self._clock.monotonic()
        if not isinstance(reply, list) or not isinstance(reply[0], int):
            raise StoreRefused("The store answered an invalidation in an unknown way.")
        names, lasting = reply[1::2], reply[2::2]
        ends = {
            name.decode(): now + left / 1000
            for name, left in zip(names, lasting, strict=True)
            if isinstance(name, bytes) and isinstance(left, int)
        }
        while missing := ends.keys() - awaited.heard:
            left = max(ends[name] for name in missing) - self._clock.monotonic()
            if left <= 0:
                break
            awaited.changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await awaited.changed.wait()
        # Members from before the list was lost cannot be asked; they run out.
        grace = now + self._membership_seconds - reply[0] / 1000 - self._clock.monotonic()
        if grace > 0:
            await asyncio.sleep(grace)
        return len(awaited.heard), len(missing)

    def _message(self, invalidation: Invalidation, number: str) -> str:
        cache, tenant, keys, tags, _ = invalidation
        return json.dumps({"i": number, "f": self.replica, "c": cache, "n": tenant, "k": keys, "t": tags})

    def _heard_invalidation(self, message: bytes) -> None:
        try:
            told = json.loads(message)
            number, sender = str(told["i"]), str(told["f"])
            cache, tenant, keys, tags = str(told["c"]), str(told["n"]), _texts(told["k"]), _texts(told["t"])
        except (ValueError, KeyError, TypeError):
            # Not ours, so nobody knows what it was to end.
            _log.warning("cache_message_unreadable", size=len(message))
            self._empty()
            return
        for listener in tuple(self._listeners.get(cache, ())):
            listener.invalidated(tenant, keys, tags)
        if sender == self.replica:
            self._acknowledged(number, sender)
        else:
            with contextlib.suppress(StoreUnavailable):
                self._connection.post("PUBLISH", self.keys.reply_prefix + sender, f"A{number}{self.replica}")

    def _heard_reply(self, message: bytes) -> None:
        """`A`, an invalidation's number and a replica (16 letters each); or `F` and the place of a lease that has ended."""
        with contextlib.suppress(ValueError, TypeError):
            if message[:1] == b"A":
                text = message.decode()
                self._acknowledged(text[1:17], text[17:])
            elif message[:1] == b"F":
                cache, tenant, key = _texts(json.loads(message[1:]))
                for listener in tuple(self._listeners.get(cache, ())):
                    listener.filled(tenant, key)

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
        self._empty()

    def _empty(self) -> None:
        self.epoch += 1
        for listeners in self._listeners.values():
            for listener in tuple(listeners):
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
        if self._connection.state != "live":
            return
        asked, epoch = self._clock.monotonic(), self.epoch
        try:
            known = await self._connection.run(
                self._member, [self.keys.members], [self.replica, int(self._membership_seconds * 1000)]
            )
        except (StoreUnavailable, StoreRefused):
            return
        if epoch != self.epoch:
            return  # the line broke meanwhile
        if known == 0 and self.trusted_until:
            self._empty()  # a member that was forgotten: the store was flushed, or this process slept
        self.trusted_until = asked + self._membership_seconds * (1 - DRIFT_SHARE)

    def _send_outbox(self) -> None:
        """Before anything is read over this connection."""
        for invalidation in self._outbox.take():
            ended = self.keys.ended_by(invalidation)
            words: list[Word] = ["EVAL", self._invalidate.text, 1 + len(ended), self.keys.members, *ended, self.keys.channel]
            try:
                sent = self._connection.send(*words, self._message(invalidation, ""), timeout_seconds=self._membership_seconds)
            except StoreUnavailable:
                self._outbox.add(invalidation)
            else:
                sent.add_done_callback(functools.partial(self._after_late, invalidation))

    def _after_late(self, late: Invalidation, done: "asyncio.Future[Reply]") -> None:
        if done.cancelled() or done.exception() is not None:
            self._outbox.add(late)
        else:
            _log.info("cache_invalidated_late", cache=late.cache, keys=len(late.keys), tags=len(late.tags))


def _texts(value: object) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("not a list of texts")
    return value
