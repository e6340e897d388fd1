"""What tests of the front for older clients stand on: an exchange with an ASGI application, and a server of 2026-07-28."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count

import orjson
from starlette.types import Message, Scope

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, error_message, object_at, render, result_message
from mcp_gateway.core.protocol.words import HTTP_STATUS_OF
from mcp_gateway.entrypoints.http.challenge import CHALLENGES, Challenges
from mcp_gateway.entrypoints.mcp.federated.endpoint import Sender
from mcp_gateway.entrypoints.mcp.federated.heads import Head
from mcp_gateway.entrypoints.mcp.federated.legacy import LegacyFront
from mcp_gateway.entrypoints.mcp.federated.legacy_messages import LegacyMessages
from mcp_gateway.entrypoints.mcp.federated.sessions_live import LiveSessions
from mcp_gateway.entrypoints.mcp.federated.sse_http import SseFront
from mcp_gateway.federation.client_sessions.memory import MemoryClientSessions
from mcp_gateway.federation.client_sessions.sessions import ClientSessions
from mcp_gateway.federation.model import Reply, Request
from mcp_gateway.federation.peers import Peers
from mcp_gateway.federation.views import View

ANNA = Caller(tenant="acme", subject="anna", issuer="https://id.example")
WAIT_SECONDS = 60.0
ALL = View(kind="all")
NO_HEADERS: Mapping[str, str] = {}
NOTHING: Mapping[str, object] = {}

Answering = Callable[[Request], Awaitable[Reply]]


class Event(dict[str, str]):
    """One server-sent event, field by field."""

    @property
    def json(self) -> JsonObject:
        value = orjson.loads(self["data"])
        assert isinstance(value, dict)
        return value


class Exchange:
    """One HTTP exchange with the front, under way."""

    def __init__(self, run: Callable[["Exchange"], Awaitable[None]]) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.complete = False
        self._moved = asyncio.Event()
        self._gone = asyncio.Event()
        self._read = 0
        self.task = asyncio.ensure_future(run(self))

    async def receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            assert not self.status, "a response begins once"
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            assert self.status, "a response begins with its head"
            assert not self.complete, "nothing follows the end of a response"
            self.body += message.get("body", b"")
            self.complete = not message.get("more_body", False)
        self._moved.set()

    def leave(self) -> None:
        """The client closes the connection."""
        self._gone.set()

    async def whole(self) -> "Exchange":
        async with asyncio.timeout(WAIT_SECONDS):
            await self.task
        assert self.complete
        return self

    async def event(self) -> Event:
        """The next event that is no comment."""
        while True:
            async with asyncio.timeout(WAIT_SECONDS):
                while (end := self.body.find(b"\n\n", self._read)) < 0:
                    self._moved.clear()
                    await self._moved.wait()
            text, self._read = self.body[self._read : end].decode(), end + 2
            fields = Event(line.split(": ", 1) for line in text.split("\n") if line and not line.startswith(":"))
            if fields:
                return fields

    async def events(self) -> list[Event]:
        """Every event up to the end of the response."""
        await self.whole()
        found = []
        while self.body.find(b"\n\n", self._read) >= 0:
            text_end = self.body.find(b"\n\n", self._read)
            if self.body[self._read : text_end].startswith(b":"):
                self._read = text_end + 2
                continue
            found.append(await self.event())
        return found

    @property
    def json(self) -> JsonObject:
        value = orjson.loads(self.body)
        assert isinstance(value, dict)
        return value


class World:
    """One replica's front over one server of 2026-07-28."""

    def __init__(self, server: Answering, *, sessions: ClientSessions | None = None, peers: Peers | None = None) -> None:
        self.clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        numbers = count(1)
        self.sessions = sessions or ClientSessions(MemoryClientSessions(self.clock), new_id=lambda: f"session-{next(numbers)}")
        self.live = LiveSessions("r1" if peers is None else peers.replica)
        self.sent: list[Request] = []
        self._arrived = asyncio.Event()
        self._server = server
        messages = LegacyMessages(send=self._send, sessions=self.sessions, live=self.live, peers=peers)
        self.front, self.sse = LegacyFront(messages), SseFront(messages)

    async def _send(self, view: View, request: Request) -> Reply:
        self.sent.append(request)
        self._arrived.set()
        return await self._server(request)

    async def arrived(self, number: int) -> Request:
        """The request of this number, as soon as it was sent."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.sent) < number:
                self._arrived.clear()
                await self._arrived.wait()
        return self.sent[number - 1]

    def ask(
        self,
        message: Json = None,
        *,
        session: str | None = None,
        caller: Caller = ANNA,
        method: str = "POST",
        view: View = ALL,
        path: str = "/mcp",
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Exchange:
        """Begin an exchange. A header with the value "" is left out."""
        assert message is None or isinstance(message, dict | list)
        given = {"accept": "application/json, text/event-stream", "content-type": "application/json", **headers}
        if session is not None:
            given["mcp-session-id"] = session
        pairs = [(name.encode(), value.encode()) for name, value in given.items() if value]
        scope: Scope = {"type": "http", "method": method, "headers": pairs, "state": {}}
        scope["state"][CHALLENGES] = Challenges(public_url="https://gateway.example", endpoints=("/mcp",))
        scope["path"], _, query = path.partition("?")
        scope["query_string"] = query.encode()
        front = self.front if path == "/mcp" else self.sse

        async def run(exchange: Exchange) -> None:
            await front(
                scope,
                exchange.receive,
                exchange.send,
                view=view,
                head=Head(scope),
                sender=Sender(caller, None),
                message=message,
            )

        return Exchange(run)

    async def open(self, revision: str = "2025-11-25", *, declared: Mapping[str, object] = NOTHING, **more: object) -> str:
        """A session; its id."""
        exchange = await self.ask(initialize(revision, **{**declared, **more})).whole()
        assert exchange.status == 200, exchange.body
        return exchange.headers["mcp-session-id"]

    async def call(self, session: str, tool: str, request_id: int = 7, **arguments: object) -> Exchange:
        return await self.ask(call(tool, request_id, **arguments), session=session).whole()


def initialize(revision: str = "2025-11-25", **capabilities: object) -> JsonObject:
    params: JsonObject = {
        "protocolVersion": revision,
        "capabilities": orjson.loads(orjson.dumps(capabilities)),
        "clientInfo": {"name": "older", "version": "1"},
    }
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


def call(tool: str, request_id: int = 7, **arguments: object) -> JsonObject:
    params: JsonObject = {"name": tool, "arguments": orjson.loads(orjson.dumps(arguments))}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}


def request(method: str, request_id: int = 7, **params: object) -> JsonObject:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": orjson.loads(orjson.dumps(params))}


def notification(method: str, **params: object) -> JsonObject:
    return {"jsonrpc": "2.0", "method": method, "params": orjson.loads(orjson.dumps(params))}


def text_result(request: Request, text: str) -> JsonObject:
    return result_message(request.id, {"resultType": "complete", "content": [{"type": "text", "text": text}]})


class ModernServer:
    """Keeps to revision 2026-07-28: it holds the requests it is sent to that, and what it answers too."""

    def __init__(self) -> None:
        self.changes: asyncio.Queue[JsonObject] = asyncio.Queue()
        self.listens: list[JsonObject] = []
        self.most_listening = self._listening = 0
        self.cancelled: list[str] = []
        self.release, self.acknowledges = asyncio.Event(), asyncio.Event()
        self.acknowledges.set()
        self.tools: dict[str, Answering] = {"echo": self._echo, "steps": self._steps, "hangs": self._hangs, "asks": self._asks}

    async def __call__(self, request: Request) -> Reply:
        assert request.body is None, "an older client's bytes are no request of 2026-07-28"
        assert not any(key.startswith("io.modelcontextprotocol/") for key in object_at(request.params, "_meta"))
        assert "task" not in request.params
        if request.method == "server/discover":
            return whole(result_message(request.id, DISCOVERED))
        if request.method == "tools/list":
            tools: list[JsonObject] = [{"name": name, "inputSchema": {"type": "object"}} for name in self.tools]
            listed: JsonObject = {"ttlMs": 60_000, "cacheScope": "private", "resultType": "complete", "tools": [*tools]}
            return whole(result_message(request.id, listed))
        if request.method == "resources/read":
            return failed(request, -32602, "Resource not found", {"uri": request.name})
        if request.method == "subscriptions/listen":
            return self._listen(request)
        answering = self.tools.get(request.name) if request.method == "tools/call" else None
        return failed(request, -32601, "Method not found") if answering is None else await answering(request)

    async def _echo(self, request: Request) -> Reply:
        return whole(text_result(request, str(object_at(request.params, "arguments").get("text"))))

    async def _steps(self, request: Request) -> Reply:
        token = object_at(request.params, "_meta").get("progressToken", 0)

        async def events() -> AsyncIterator[JsonObject]:
            for done in (1, 2):
                yield notification("notifications/progress", progressToken=token, progress=done)
            yield notification("notifications/message", level="info", data="half way")
            await self.release.wait()
            yield text_result(request, "done")

        return streamed(events(), self._closed(request))

    async def _hangs(self, request: Request) -> Reply:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(str(request.id))
            raise
        raise AssertionError

    async def _asks(self, request: Request) -> Reply:
        answers = object_at(request.params, "inputResponses")
        if request.params.get("requestState") == "s-1" and "who" in answers:
            return whole(text_result(request, f"hello {object_at(answers, 'who', 'content').get('name')}"))
        form: JsonObject = {"message": "Who?", "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}}
        return needed(request, "s-1", who={"method": "elicitation/create", "params": form})

    def _listen(self, request: Request) -> Reply:
        wanted = object_at(request.params, "notifications")
        self.listens.append(wanted)
        self._listening += 1
        self.most_listening = max(self.most_listening, self._listening)
        meta: JsonObject = {"io.modelcontextprotocol/subscriptionId": request.id}

        async def events() -> AsyncIterator[JsonObject]:
            await self.acknowledges.wait()
            yield notification("notifications/subscriptions/acknowledged", notifications=wanted, _meta=meta)
            while True:
                change = await self.changes.get()
                yield {**change, "params": {**object_at(change, "params"), "_meta": meta}}

        return streamed(events(), self._closed(request))

    def _closed(self, request: Request) -> Callable[[], Awaitable[None]]:
        async def close() -> None:
            self.cancelled.append(str(request.id))
            self._listening -= request.method == "subscriptions/listen"

        return close


DISCOVERED: JsonObject = {
    "resultType": "complete",
    "ttlMs": 1000,
    "cacheScope": "private",
    "supportedVersions": ["2026-07-28"],
    "capabilities": {
        "tools": {"listChanged": True},
        "resources": {"subscribe": True},
        "logging": {},
        "extensions": {"io.modelcontextprotocol/tasks": {}, "io.modelcontextprotocol/ui": {}},
    },
    "instructions": "Ask nicely.",
    "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "fixture", "version": "2"}},
}


def whole(message: JsonObject) -> Reply:
    error = object_at(message, "error").get("code")
    return Reply(status=HTTP_STATUS_OF.get(error, 200) if isinstance(error, int) else 200, body=render(message))


def failed(request: Request, code: int, words: str, data: JsonObject | None = None) -> Reply:
    return whole(error_message(request.id, code, words, data))


def needed(request: Request, state: str | None, **questions: JsonObject) -> Reply:
    result: JsonObject = {"resultType": "input_required"}
    if questions:
        result["inputRequests"] = {**questions}
    if state is not None:
        result["requestState"] = state
    return whole(result_message(request.id, result))


def streamed(messages: AsyncIterator[JsonObject], close: Callable[[], Awaitable[None]]) -> Reply:
    async def events() -> AsyncIterator[bytes]:
        async for message in messages:
            yield render(message)

    return Reply(events=events(), close=close)


def raising(error: GatewayError) -> Answering:
    async def server(_: Request) -> Reply:
        raise error

    return server


def texts(events: Sequence[Event]) -> list[str]:
    """What each event with data is: a method's name, or "answer"."""
    return [str(event.json.get("method", "answer")) for event in events if event.get("data")]
