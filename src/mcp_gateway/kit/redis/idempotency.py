"""Answers to keyed requests, shared by all replicas: `IdempotencyStore` in Redis or Valkey.

Key: `idempotency:{TENANT}:OPERATION:KEY` (hash); it always expires, by the server's clock.
"""

import json
from importlib.resources import files

from mcp_gateway.kit.errors import StoreRefused
from mcp_gateway.kit.keys import escape_part, tagged
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.packing import Script, Word
from mcp_gateway.kit.redis.wire import Reply
from mcp_gateway.kit.resilience.idempotency.model import Begun, BegunState, KeyedRequest, StoredAnswer

_STATES: dict[bytes, BegunState] = {
    b"started": "started", b"running": "running", b"done": "done", b"unkept": "unkept", b"mismatch": "mismatch",
}  # fmt: skip


class RedisIdempotencyStore:
    """Answers in the server of `connection`; give them a server or database whose memory policy does not evict."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._script = Script(files(__package__).joinpath("idempotency.lua").read_text(encoding="utf-8"))

    async def begin(self, request: KeyedRequest, token: str, lease_seconds: float) -> Begun:
        fingerprint = request.fingerprint.encode("utf-8", "surrogatepass")
        reply = await self._run("begin", request, token, lease_seconds, fingerprint)
        match reply:
            case [bytes(state), bytes(answer), int(milliseconds)] if state in _STATES:
                kept = _unpacked(answer) if state == b"done" else None
                return Begun(_STATES[state], kept, max(milliseconds, 0) / 1_000)
        raise StoreRefused("The idempotency script gave an unexpected answer.")

    async def renew(self, request: KeyedRequest, token: str, lease_seconds: float) -> bool:
        return await self._run("renew", request, token, lease_seconds) == 1

    async def finish(self, request: KeyedRequest, token: str, answer: StoredAnswer | None, keep_seconds: float) -> bool:
        state, packed = ("unkept", b"") if answer is None else ("done", _packed(answer))
        return await self._run("finish", request, token, keep_seconds, state, packed) == 1

    async def abandon(self, request: KeyedRequest, token: str) -> None:
        await self._run("abandon", request, token, 0)

    async def _run(self, operation: str, request: KeyedRequest, token: str, seconds: float, *more: Word) -> Reply:
        key = f"idempotency:{tagged(request.tenant)}:{escape_part(request.operation)}:{escape_part(request.key)}"
        return await self._connection.run(self._script, [key], [operation, token, max(int(seconds * 1_000), 1), *more])


def _packed(answer: StoredAnswer) -> bytes:
    """One line of JSON, then the body as it is."""
    return json.dumps([answer.status, answer.headers], separators=(",", ":")).encode() + b"\n" + answer.body


def _unpacked(packed: bytes) -> StoredAnswer:
    head, _, body = packed.partition(b"\n")
    try:
        status, headers = json.loads(head)
        return StoredAnswer(status=int(status), headers=tuple((str(name), str(value)) for name, value in headers), body=body)
    except (ValueError, TypeError) as error:
        raise StoreRefused("A kept answer cannot be read.") from error
