"""What of a session another replica holds: an answer for a call that waits there, a stream that broke off there, an SSE pipe.

The ids this front gives out begin with the replica's name, so nobody has to be searched for.
"""

from typing import Final

from mcp_gateway.access.sessions.model import caller_document, read_caller
from mcp_gateway.core.errors import Json, Unavailable
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, parse_object, render
from mcp_gateway.entrypoints.mcp.federated.sessions_live import LiveSessions
from mcp_gateway.federation.peers import Peers

ANSWER: Final = "mcp_answer"
EVENTS: Final = "mcp_events"
MESSAGE: Final = "mcp_message"
TIMEOUT_SECONDS: Final = 5.0
# How long a replica waits for another event before it says that there is none.
POLL_SECONDS: Final = 10.0
MAX_NAME_CHARS: Final = 64
MAX_POLLED_BYTES: Final = 1024 * 1024


class HeldElsewhere(Unavailable):
    """This belongs to a call that another replica of the gateway serves."""

    code = "HELD_ELSEWHERE"
    hint = "Let the balancer send a client to one replica, or set REDIS_URL so that replicas can reach each other."


class Polled:
    """Events of a stream that is read from afar. `events` None: it can no longer be taken up."""

    __slots__ = ("ended", "events")

    def __init__(self, events: list[tuple[int, bytes]] | None, *, ended: bool) -> None:
        self.events, self.ended = events, ended


class Elsewhere:
    """`peers` None: there is one replica, as far as anybody knows."""

    def __init__(self, live: LiveSessions, peers: Peers | None) -> None:
        self._live, self._peers = live, peers
        if peers is not None:
            peers.answer(ANSWER, self._take_answer)
            peers.answer(EVENTS, self._tell_events)
            peers.answer(MESSAGE, self._take_message)

    def replica_of(self, given_id: str) -> str:
        """The other replica that gave out this id; "" when it was this one, or nobody."""
        replica, dash, _ = given_id.partition("-")
        named = dash and len(replica) <= MAX_NAME_CHARS and replica.isalnum() and replica.isascii()
        return replica if named and replica != self._live.replica else ""

    async def answer(self, replica: str, key: str, message: JsonObject) -> None:
        """Hand over a client's answer. Raises `HeldElsewhere`, and what `Peers.ask` does."""
        await self._ask(replica, ANSWER, {"session": key, "message": message})

    async def message(self, replica: str, key: str, caller: Caller, message: JsonObject) -> bool:
        """Hand over a message for an SSE pipe; false when there is none any more. Raises as `answer`."""
        asked: JsonObject = {"session": key, "message": message, "caller": caller_document(caller)}
        return (await self._ask(replica, MESSAGE, asked)).get("taken") is True

    async def events(self, replica: str, key: str, stream: str, after: int) -> Polled:
        """What came on a stream since that event. Raises as `answer`."""
        asked: JsonObject = {"session": key, "stream": stream, "after": after}
        told = await self._ask(replica, EVENTS, asked, POLL_SECONDS + TIMEOUT_SECONDS)
        rows = told.get("events")
        if not isinstance(rows, list):
            return Polled(None, ended=True)
        return Polled([_event(row) for row in rows], ended=told.get("ended") is True)

    async def _ask(self, replica: str, kind: str, asked: JsonObject, seconds: float = TIMEOUT_SECONDS) -> JsonObject:
        if self._peers is None:
            raise HeldElsewhere
        return parse_object(await self._peers.ask(replica, kind, render(asked), timeout_seconds=seconds))

    async def _take_answer(self, payload: bytes) -> bytes:
        asked = parse_object(payload)
        message = asked.get("message")
        taken = isinstance(message, dict) and self._live.take_answer(str(asked.get("session")), message)
        return render({"taken": taken})

    async def _take_message(self, payload: bytes) -> bytes:
        asked = parse_object(payload)
        live, message = self._live.find(str(asked.get("session"))), asked.get("message")
        if live is None or live.pipe is None or not isinstance(message, dict):
            return render({"taken": False})
        return render({"taken": await live.pipe.take(read_caller(asked.get("caller")), message)})

    async def _tell_events(self, payload: bytes) -> bytes:
        asked = parse_object(payload)
        live, after = self._live.find(str(asked.get("session"))), asked.get("after")
        stream = live.streams.get(str(asked.get("stream"))) if live is not None else None
        if stream is None or not isinstance(after, int) or stream.after(after) is None:
            return render({"events": None})
        stream.attach()
        try:
            await stream.wait(after, POLL_SECONDS)
        finally:
            stream.detach()
        rows: list[Json] = []
        held = 0
        for number, event in stream.after(after) or ():
            held += len(event)
            if rows and held > MAX_POLLED_BYTES:
                return render({"events": rows, "ended": False})
            rows.append([number, event.decode("utf-8", "replace")])
        return render({"events": rows, "ended": stream.ended})


def _event(row: Json) -> tuple[int, bytes]:
    """Raises `HeldElsewhere` for what no replica of ours says."""
    if not isinstance(row, list) or len(row) != 2 or not isinstance(row[0], int) or not isinstance(row[1], str):
        raise HeldElsewhere
    return row[0], row[1].encode()
