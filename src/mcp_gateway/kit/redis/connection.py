"""One multiplexed connection to Redis or Valkey, shared by every part of the kit in this process and event loop.

Commands of one loop turn leave in one write, replies and pushes arrive in the server's order, every wait is bounded, and a lost
connection is made again in the background for ever. Speaks RESP3. Not a pool, not a cluster client, not safe to share between
loops or across a fork. A command that passed its deadline may still run on the server.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from typing import Literal, Self, TypeAlias

import structlog

from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.address import Address, read_address
from mcp_gateway.kit.redis.handshake import greet
from mcp_gateway.kit.redis.packing import Script, Word, pack
from mcp_gateway.kit.redis.subscriptions import Listener, Subscriptions
from mcp_gateway.kit.redis.wire import Receiver, Reply, Wire

ConnectionState: TypeAlias = Literal["live", "silent", "down"]

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5
# What the server's list of clients calls us.
CLIENT_NAME = "mcp-gateway"
# A line on which nothing has come for so long after a missed deadline is given up and made anew.
GIVE_UP_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class RedisConnection:
    """`state` is `live`; `silent` after a deadline passed with no byte since (calls fail at once until one comes); or `down`."""

    def __init__(
        self,
        address: Address,
        *,
        timeout_seconds: float,
        connect_timeout_seconds: float,
        max_pending: int,
        client_name: str = CLIENT_NAME,
        max_reply_bytes: int | None = None,
    ) -> None:
        """Use `open`. Nothing is connected yet."""
        self._address = address
        self._client_name, self._max_reply_bytes = client_name, max_reply_bytes
        self._timeout_seconds = timeout_seconds
        self._connect_timeout_seconds = connect_timeout_seconds
        self._max_pending = max_pending
        self._loop = asyncio.get_running_loop()
        self._wire: Wire | None = None
        self._lost = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._give_up: asyncio.TimerHandle | None = None
        self._state_listeners: list[Callable[[ConnectionState], None]] = []
        self._subscriptions = Subscriptions()
        self.state: ConnectionState = "down"
        self.server_run_id = ""

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        timeout_seconds: float = 0.02,
        connect_timeout_seconds: float = 1.0,
        max_pending: int = 10_000,
        tolerate_down: bool = False,
        client_name: str = CLIENT_NAME,
        max_reply_bytes: int | None = None,
    ) -> Self:
        """Connect, waiting at most `connect_timeout_seconds`. `timeout_seconds` is a call's default deadline.

        `client_name`: what the server's list of clients calls this line. `max_reply_bytes`: the line is dropped on a longer
        reply, for servers that are not trusted; None is no bound.
        Raises `InvalidStoreUrl`; and `StoreUnavailable` when nobody answers, unless `tolerate_down`: then it goes on trying.
        """
        return await cls._open_at(
            read_address(url),
            timeout_seconds=timeout_seconds,
            connect_timeout_seconds=connect_timeout_seconds,
            max_pending=max_pending,
            tolerate_down=tolerate_down,
            client_name=client_name,
            max_reply_bytes=max_reply_bytes,
        )

    async def open_another(self, *, timeout_seconds: float) -> Self:
        """A line of its own to the same store, for what is long and would hold up this one. A store that is down is tolerated."""
        return await self._open_at(
            self._address,
            timeout_seconds=timeout_seconds,
            connect_timeout_seconds=self._connect_timeout_seconds,
            max_pending=self._max_pending,
            tolerate_down=True,
            client_name=self._client_name,
            max_reply_bytes=self._max_reply_bytes,
        )

    @classmethod
    async def _open_at(
        cls,
        address: Address,
        *,
        timeout_seconds: float,
        connect_timeout_seconds: float,
        max_pending: int,
        tolerate_down: bool,
        client_name: str,
        max_reply_bytes: int | None,
    ) -> Self:
        connection = cls(
            address,
            timeout_seconds=timeout_seconds,
            connect_timeout_seconds=connect_timeout_seconds,
            max_pending=max_pending,
            client_name=client_name,
            max_reply_bytes=max_reply_bytes,
        )
        try:
            await connection._connect()
        except StoreUnavailable:
            if not tolerate_down:
                raise
        connection._keeper = asyncio.create_task(connection._keep_connected(), name="redis-connection")
        return connection

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def shown_address(self) -> str:
        """Host, port and database, without the password."""
        return self._address.shown

    def send(self, *words: Word, timeout_seconds: float | None = None) -> "asyncio.Future[Reply]":
        """Queue one command. Raises `StoreUnavailable` at once when not live; the future may hold that or `StoreRefused`."""
        return self._live_wire().send(pack(*words), timeout_seconds or self._timeout_seconds)

    def submit(self, packed: bytes, deadline: float, receiver: Receiver) -> None:
        """As `send`, for bytes already in the protocol's form, a deadline of the loop's time, and a receiver that is no future.

        They leave at once, and with them what waits to be sent.
        """
        self._live_wire().submit(packed, deadline, receiver)

    def post(self, *words: Word) -> None:
        """Queue a command whose reply nobody needs. Raises `StoreUnavailable` when the store is not live."""
        self._live_wire().post(pack(*words), self._timeout_seconds)

    async def call(self, *words: Word, timeout_seconds: float | None = None) -> Reply:
        """One command and its reply. Raises `StoreUnavailable` or `StoreRefused`."""
        return await self.send(*words, timeout_seconds=timeout_seconds)

    async def run(
        self, script: Script, keys: Sequence[Word], arguments: Sequence[Word], *, timeout_seconds: float | None = None
    ) -> Reply:
        """Run a script by its SHA-1; a server that has forgotten it gets the text, which costs one more round trip."""
        try:
            return await self.send("EVALSHA", script.sha, len(keys), *keys, *arguments, timeout_seconds=timeout_seconds)
        except StoreRefused as refusal:
            if refusal.kind != "NOSCRIPT":
                raise
        return await self.send("EVAL", script.text, len(keys), *keys, *arguments, timeout_seconds=timeout_seconds)

    async def subscribe(self, channel: str, listener: Listener) -> None:
        """Hear a channel's messages on this same connection from when this returns; again after a reconnect.

        While the store is down it is noted and carried out on the next connection. `listener` must not block.
        """
        wire = self._wire
        if self._subscriptions.add(channel, listener) and wire is not None:
            try:
                await wire.send_for_push(pack("SUBSCRIBE", channel), self._connect_timeout_seconds)
            except StoreRefused as error:
                raise StoreUnavailable(f"The store does not let us hear a channel: {error.message}.") from error

    def unsubscribe(self, channel: str, listener: Listener) -> None:
        """Stop hearing; unknown channels and listeners are ignored."""
        wire = self._wire
        if self._subscriptions.remove(channel, listener) and wire is not None:
            with contextlib.suppress(StoreUnavailable):  # then the line is about to end, and its subscriptions with it
                leaving = wire.send_for_push(pack("UNSUBSCRIBE", channel), self._connect_timeout_seconds)
                leaving.add_done_callback(lambda done: done.cancelled() or done.exception())

    def on_state(self, listener: Callable[[ConnectionState], None]) -> None:
        """Call `listener` with each new state: `down` before any caller learns of its lost reply, `live` after resubscribing."""
        self._state_listeners.append(listener)

    async def ping(self) -> float:
        """Seconds for one round trip. Raises `StoreUnavailable`."""
        start = self._loop.time()
        await self.call("PING")
        return self._loop.time() - start

    async def close(self) -> None:
        """End the background task and the socket; what is still waiting fails."""
        try:
            await end_tasks(self._keeper)
        finally:
            # Also when whoever closes it is out of time: else the line stays until somebody collects it.
            if self._wire is not None:
                await self._wire.close()

    def _live_wire(self) -> Wire:
        if self.state != "live" or self._wire is None:
            raise StoreUnavailable("The store does not answer." if self.state == "silent" else "The store is not connected.")
        return self._wire

    async def _keep_connected(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            if self._wire is not None:
                await self._lost.wait()
                pause = FIRST_PAUSE_SECONDS
            try:
                await self._connect()
            except StoreUnavailable as error:
                _log.debug("store_connect_failed", store=self._address.shown, reason=error.message)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  (spreads replicas, guards nothing)
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    async def _connect(self) -> None:
        """Raises `StoreUnavailable`: refused, unreachable, wrong password, or no greeting in time."""
        self._lost.clear()
        wire = Wire(
            max_pending=self._max_pending,
            max_reply_bytes=self._max_reply_bytes,
            on_push=self._subscriptions.deliver,
            on_silence=self._went_silent,
            on_sound=self._sounds_again,
            on_lost=lambda: self._went_down(wire),
        )
        try:
            async with asyncio.timeout(self._connect_timeout_seconds):
                await self._dial(wire)
                self.server_run_id = await greet(
                    wire, self._address, self._subscriptions, self._connect_timeout_seconds, client_name=self._client_name
                )
        except (OSError, TimeoutError, StoreRefused) as error:
            await wire.close()
            reason = error.message if isinstance(error, StoreRefused) else "nobody answers"
            raise StoreUnavailable(f"No connection to the store at {self._address.shown}: {reason}.") from error
        except (StoreUnavailable, asyncio.CancelledError):
            await wire.close()
            raise
        self._wire = wire
        self._enter("live")

    async def _dial(self, wire: Wire) -> None:
        address = self._address
        if address.path:
            await self._loop.create_unix_connection(lambda: wire, address.path)
        else:
            await self._loop.create_connection(lambda: wire, address.host, address.port, ssl=address.tls)

    def _went_silent(self) -> None:
        if self.state == "live" and self._wire is not None:
            self._give_up = self._loop.call_later(GIVE_UP_SECONDS, self._wire.abort)
            self._enter("silent")

    def _sounds_again(self) -> None:
        if self._give_up is not None:
            self._give_up.cancel()
        if self.state == "silent":
            self._enter("live")

    def _went_down(self, wire: Wire) -> None:
        if self._wire is not wire:
            return
        if self._give_up is not None:
            self._give_up.cancel()
        self._wire = None
        self._lost.set()
        self._enter("down")

    def _enter(self, state: ConnectionState) -> None:
        if state == self.state:
            return
        self.state = state
        _log.info("store_connection", state=state, store=self._address.shown)
        for listener in self._state_listeners:
            listener(state)
