"""A client's answer for a call that waits at another replica: handed over there, and what comes of it handed back.

It is handed over once. What the server says on the way arrives together with its response, not bit by bit.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Final

import structlog

from mcp_gateway.access.sessions.errors import SessionUnreadable
from mcp_gateway.access.sessions.model import caller_document, read_caller
from mcp_gateway.adapters.links.legacy.parked import ParkedCalls
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object, render
from mcp_gateway.core.tasks import begin_task
from mcp_gateway.federation.errors import (
    StaleRequestState,
    UpstreamAnswerTooLarge,
    UpstreamLost,
    UpstreamMisbehaved,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from mcp_gateway.federation.model import Client, Reply, Request
from mcp_gateway.federation.peers import PeerRefused, Peers, PeerUnknown

RESUME: Final = "call_resume"
GIVE_UP: Final = "call_give_up"
GIVE_UP_SECONDS: Final = 5.0
# What the way between replicas takes, beyond what the server may.
MARGIN_SECONDS: Final = 5.0

_ERRORS: Final[dict[str, type[GatewayError]]] = {
    one.code: one
    for one in (
        StaleRequestState,
        UpstreamAnswerTooLarge,
        UpstreamLost,
        UpstreamMisbehaved,
        UpstreamTimedOut,
        UpstreamUnreachable,
    )
}

_log = structlog.get_logger(__name__)


class CallsElsewhere:
    """Both halves: asks other replicas, and answers for the calls that wait here."""

    def __init__(self, parked: ParkedCalls, peers: Peers) -> None:
        self._parked, self._peers = parked, peers
        self._under_way: dict[str, asyncio.Task[bytes]] = {}
        self._giving_up: set[asyncio.Task[None]] = set()
        peers.answer(RESUME, self._resume_here)
        peers.answer(GIVE_UP, self._give_up_here)

    async def resume(self, replica: str, state: str, request: Request, server: str, *, seconds: float) -> Reply:
        """Raises `StaleRequestState` when that replica or the call is gone, and what `Peers.ask` raises."""
        token = secrets.token_hex(16)
        head: JsonObject = {"token": token, "state": state, "server": server, "request": _document(request)}
        try:
            packed = await self._peers.ask(replica, RESUME, render(head), timeout_seconds=seconds + MARGIN_SECONDS)
            status, messages = _unpack(packed)
        except PeerUnknown as error:
            raise StaleRequestState(server=server) from error
        except PeerRefused as error:
            raise _same_error(error, server) from error
        except ValueError as error:
            raise UpstreamLost(server=server) from error
        except asyncio.CancelledError:
            self._tell_to_give_up(replica, token)
            raise
        if len(messages) == 1:
            return Reply(status=status, body=messages[0])
        return Reply(status=status, events=_each(messages))

    async def close(self) -> None:
        for task in (*self._under_way.values(), *self._giving_up):
            task.cancel()

    def _tell_to_give_up(self, replica: str, token: str) -> None:
        begin_task(self._tell(replica, token), self._giving_up, name="call-given-up")

    async def _tell(self, replica: str, token: str) -> None:
        try:
            await self._peers.ask(replica, GIVE_UP, token.encode(), timeout_seconds=GIVE_UP_SECONDS)
        except GatewayError as error:
            _log.info("call_not_given_up", code=error.code)

    async def _resume_here(self, payload: bytes) -> bytes:
        """Raises `StaleRequestState`, also for a state that belongs to another caller, server or name."""
        head = parse_object(payload)
        token, state, server = str(head.get("token")), str(head.get("state")), str(head.get("server"))
        try:
            request = _request(object_at(head, "request"))
        except SessionUnreadable as error:
            raise StaleRequestState(server=server) from error
        task = self._under_way[token] = asyncio.create_task(self._carried_out(state, request, server), name="call-resumed")
        try:
            return await task
        except asyncio.CancelledError:
            if task.cancelled() and not _being_cancelled():
                raise StaleRequestState(server=server) from None  # the client gave it up
            raise
        finally:
            task.cancel()
            del self._under_way[token]

    async def _carried_out(self, state: str, request: Request, server: str) -> bytes:
        reply = await self._parked.take(state, request, server).answer(request)
        try:
            return _pack(reply.status, [message async for message in _messages(reply)])
        finally:
            await reply.close()

    async def _give_up_here(self, payload: bytes) -> bytes:
        task = self._under_way.get(payload.decode("ascii", "replace"))
        if task is not None:
            task.cancel()
        return b""


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _messages(reply: Reply) -> AsyncIterator[bytes]:
    if reply.events is not None:
        async for message in reply.events:
            yield message
    elif reply.body is not None:
        yield reply.body


async def _each(messages: Sequence[bytes]) -> AsyncIterator[bytes]:
    for message in messages:
        yield message


def _pack(status: int, messages: Sequence[bytes]) -> bytes:
    return b"\n".join([render({"status": status, "lengths": [len(one) for one in messages]}), b"".join(messages)])


def _unpack(packed: bytes) -> tuple[int, list[bytes]]:
    """Raises `ValueError`."""
    line, _, rest = packed.partition(b"\n")
    messages: list[bytes] = []
    match parse_object(line):
        case {"status": int(status), "lengths": list(lengths)}:
            for length in lengths:
                if not isinstance(length, int) or not 0 <= length <= len(rest):
                    raise ValueError("not an answer of a replica")
                messages.append(rest[:length])
                rest = rest[length:]
            return status, messages
    raise ValueError("not an answer of a replica")


def _document(request: Request) -> JsonObject:
    """All of it but what proves who asked, which stays here."""
    client = request.client
    return {
        "id": request.id,
        "method": request.method,
        "params": request.params,
        "caller": caller_document(client.caller),
        "revision": client.revision,
        "info": client.info,
        "capabilities": client.capabilities,
        "log_level": client.log_level,
        "session": client.session,
    }


def _request(document: JsonObject) -> Request:
    """Raises `SessionUnreadable`, also for what is none of ours."""
    info, level = document.get("info"), document.get("log_level")
    match document:
        case {
            "id": int() | str() as request_id,
            "method": str(method),
            "params": dict(params),
            "revision": str(revision),
            "capabilities": dict(capabilities),
            "session": str(session),
        }:
            client = Client(
                caller=read_caller(document.get("caller")),
                revision=revision,
                info=info if isinstance(info, dict) else None,
                capabilities=capabilities,
                log_level=level if isinstance(level, str) else None,
                session=session,
            )
            return Request(id=request_id, method=method, params=params, client=client)
    raise SessionUnreadable


def _same_error(refused: PeerRefused, server: str) -> GatewayError:
    """As if it had happened here."""
    known = _ERRORS.get(str(refused.error.get("code")))
    return refused if known is None else known(str(refused.error.get("message", "")) or None, server=server)
