"""`Peers` of processes that share nothing but this object: one replica alone, or several in one process, for tests."""

import asyncio
import secrets

from mcp_gateway.adapters.peer_answers import Answering
from mcp_gateway.federation.peers import MAX_PAYLOAD_BYTES, Handler, PeerPayloadTooLarge, PeerSilent, PeerUnknown


class MemoryExchange:
    """Where replicas of one process find each other."""

    def __init__(self) -> None:
        self.replicas: dict[str, Answering] = {}


class MemoryPeers:
    def __init__(self, exchange: MemoryExchange | None = None) -> None:
        self.replica = secrets.token_hex(6)
        self._exchange = exchange or MemoryExchange()
        self._answering = self._exchange.replicas[self.replica] = Answering()

    async def ask(self, replica: str, kind: str, payload: bytes, *, timeout_seconds: float) -> bytes:
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise PeerPayloadTooLarge(limit=MAX_PAYLOAD_BYTES)
        there = self._exchange.replicas.get(replica)
        if there is None:
            raise PeerUnknown
        try:
            async with asyncio.timeout(timeout_seconds):
                answered = await there.outcome(kind, payload)
        except TimeoutError:
            raise PeerSilent(seconds=timeout_seconds) from None
        return answered.unwrap()

    def answer(self, kind: str, handler: Handler) -> None:
        self._answering.handlers[kind] = handler

    async def close(self) -> None:
        self._exchange.replicas.pop(self.replica, None)
