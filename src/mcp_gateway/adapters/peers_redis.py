"""`Peers` over pub/sub of Redis or Valkey: each replica hears the channel `mreg:peer:{replica}`.

The store only carries: every message is sealed (AES-GCM) with a key only replicas hold, and says from whom to whom it is, what
for, and until when it counts; a question is taken once. Whoever reads or writes the store learns nothing and answers for nobody.
"""

import asyncio
import heapq
import secrets
from dataclasses import dataclass
from typing import Final

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mcp_gateway.adapters.peer_answers import Answering, Outcome
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, parse_object, render
from mcp_gateway.core.tasks import begin_task, end_tasks
from mcp_gateway.federation.peers import (
    LONGEST_SECONDS,
    MAX_PAYLOAD_BYTES,
    Handler,
    PeerPayloadTooLarge,
    PeersAway,
    PeerSilent,
    PeerUnknown,
)
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.connection import ConnectionState, RedisConnection

PREFIX: Final = "mreg:peer:"
SEND_SECONDS: Final = 2.0
MAX_ANSWERING: Final = 1_024
# Clocks of replicas may differ by so much.
CLOCK_SECONDS: Final = 30.0
# Questions remembered so that none is taken twice; a flood beyond is refused, not forgotten.
MAX_SEEN: Final = 100_000
_NONCE_BYTES: Final = 12

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Message:
    """`kind` "" is an answer to the question `number`. `until` is the time (Unix, in seconds) after which it counts no more."""

    sender: str
    number: str
    kind: str
    until: float
    payload: bytes


class RedisPeers:
    """Over the connection the kit shares."""

    def __init__(self, connection: RedisConnection, *, key: bytes, clock: Clock) -> None:
        """`key` are 32 bytes of this installation. Use `open`."""
        self.replica = secrets.token_hex(6)
        self._connection, self._clock = connection, clock
        self._cipher = AESGCM(key)
        self._answering = Answering()
        self._asked: dict[str, asyncio.Future[bytes]] = {}
        self._seen = _Seen()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, connection: RedisConnection, *, key: bytes, clock: Clock) -> "RedisPeers":
        """Can be asked from when this returns, or as soon as the store is there."""
        peers = cls(connection, key=key, clock=clock)
        connection.on_state(peers._connection_is)
        try:
            await connection.subscribe(PREFIX + peers.replica, peers._heard)
        except StoreUnavailable:
            _log.warning("peers_away", store=connection.shown_address)
        return peers

    async def close(self) -> None:
        """Questions under way end; those asked fail."""
        self._connection.unsubscribe(PREFIX + self.replica, self._heard)
        await end_tasks(*self._tasks)
        self._fail_all()

    def answer(self, kind: str, handler: Handler) -> None:
        self._answering.handlers[kind] = handler

    async def ask(self, replica: str, kind: str, payload: bytes, *, timeout_seconds: float) -> bytes:
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise PeerPayloadTooLarge(limit=MAX_PAYLOAD_BYTES)
        timeout_seconds = min(timeout_seconds, LONGEST_SECONDS)
        if replica == self.replica:
            return await self._ask_here(kind, payload, timeout_seconds)
        if not replica.isalnum() or len(replica) > 64:
            raise PeerUnknown
        number, answer = secrets.token_hex(16), asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # heard, even if sending failed first
        self._asked[number] = answer
        until = self._clock.timestamp() + timeout_seconds
        question = _Message(sender=self.replica, number=number, kind=kind, until=until, payload=payload)
        try:
            async with asyncio.timeout(timeout_seconds):
                if not await self._send(replica, question):
                    raise PeerUnknown
                return Outcome.from_bytes(await answer).unwrap()
        except TimeoutError:
            raise PeerSilent(seconds=timeout_seconds) from None
        finally:
            del self._asked[number]

    async def _ask_here(self, kind: str, payload: bytes, timeout_seconds: float) -> bytes:
        try:
            async with asyncio.timeout(timeout_seconds):
                return (await self._answering.outcome(kind, payload)).unwrap()
        except TimeoutError:
            raise PeerSilent(seconds=timeout_seconds) from None

    async def _send(self, replica: str, message: _Message) -> bool:
        """Whether somebody heard it. Raises `PeersAway` when it certainly did not leave, and `PeerSilent`."""
        try:
            sent = self._connection.send("PUBLISH", PREFIX + replica, self._seal(replica, message), timeout_seconds=SEND_SECONDS)
        except StoreUnavailable as error:
            raise PeersAway from error
        try:
            return await sent != 0
        except StoreRefused as error:
            raise PeersAway("The store does not let replicas speak to each other.") from error
        except StoreUnavailable as error:
            raise PeerSilent from error

    def _heard(self, sealed: bytes) -> None:
        try:
            message = self._unseal(sealed)
        except ValueError:
            _log.warning("peer_message_not_ours", size=len(sealed))
            return
        if not message.kind:
            waiting = self._asked.get(message.number)
            if waiting is not None and not waiting.done():
                waiting.set_result(message.payload)
        elif not self._seen.first_time(message.number, message.until + CLOCK_SECONDS, self._clock.timestamp()):
            _log.warning("peer_question_again", kind=message.kind)
        else:
            begin_task(self._answer(message), self._tasks, name="peer-answer")

    async def _answer(self, question: _Message) -> None:
        left = question.until + CLOCK_SECONDS - self._clock.timestamp()
        try:
            async with asyncio.timeout(left):
                outcome = await self._outcome(question)
            answer = _Message(
                sender=self.replica, number=question.number, kind="", until=question.until, payload=outcome.to_bytes()
            )
            await self._send(question.sender, answer)
        except TimeoutError:
            return  # nobody waits any more
        except GatewayError as error:
            _log.warning("peer_answer_not_sent", kind=question.kind, code=error.code)

    async def _outcome(self, question: _Message) -> Outcome:
        if len(self._tasks) <= MAX_ANSWERING:
            return await self._answering.outcome(question.kind, question.payload)
        _log.warning("peer_question_refused", kind=question.kind, under_way=len(self._tasks))
        return Outcome(error=PeersAway("That replica of the gateway has too many questions to answer.").to_dict())

    def _connection_is(self, state: ConnectionState) -> None:
        """What was answered meanwhile would not be heard."""
        if state == "down":
            self._fail_all()

    def _fail_all(self) -> None:
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(PeerSilent())

    def _seal(self, recipient: str, message: _Message) -> bytes:
        head: JsonObject = {"v": 1, "by": message.sender, "n": message.number, "k": message.kind, "t": message.until}
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, render(head) + b"\n" + message.payload, recipient.encode())

    def _unseal(self, sealed: bytes) -> _Message:
        """Raises `ValueError`: not sealed by a replica, not for this one, or too late."""
        try:
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self.replica.encode())
        except InvalidTag as error:
            raise ValueError("not sealed for this replica") from error
        head, _, payload = opened.partition(b"\n")
        match parse_object(head):
            case {"v": 1, "by": str(sender), "n": str(number), "k": str(kind), "t": int() | float() as until}:
                if until + CLOCK_SECONDS < self._clock.timestamp():
                    raise ValueError("too late")
                return _Message(sender=sender, number=number, kind=kind, until=until, payload=payload)
        raise ValueError("not a message of a replica")


class _Seen:
    """The numbers of questions that still count."""

    def __init__(self) -> None:
        self._numbers: set[str] = set()
        self._ends: list[tuple[float, str]] = []

    def first_time(self, number: str, until: float, now: float) -> bool:
        while self._ends and self._ends[0][0] < now:
            self._numbers.discard(heapq.heappop(self._ends)[1])
        if number in self._numbers or len(self._numbers) >= MAX_SEEN:
            return False
        self._numbers.add(number)
        heapq.heappush(self._ends, (until, number))
        return True
