"""One request of an older client, from its first send to its answer: rounds of input, notifications on the way, cancellation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeAlias

import structlog

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, MessageId, error_message, object_at, parse_object, render
from mcp_gateway.core.protocol.words import GIVEN_UP_KEY, INTERNAL_ERROR, REFUSALS_KEY
from mcp_gateway.entrypoints.mcp.federated.back_channel import ClientRefused, ask
from mcp_gateway.entrypoints.mcp.federated.failures import FORBIDDEN, reply_of
from mcp_gateway.entrypoints.mcp.federated.legacy_words import REQUEST_CANCELLED, answer_in_older_words, answer_of
from mcp_gateway.entrypoints.mcp.federated.sessions_live import LiveSessions
from mcp_gateway.entrypoints.mcp.federated.sse_outlets import Outlet
from mcp_gateway.entrypoints.mcp.federated.walls import Wall
from mcp_gateway.federation.client_sessions.model import ClientSession
from mcp_gateway.federation.errors import UpstreamMisbehaved
from mcp_gateway.federation.model import Reply, Request
from mcp_gateway.federation.views import View

MAX_ROUNDS: Final = 16
# A server that wants nothing but another try is given a moment.
PAUSE_SECONDS: Final = 0.05
GIVE_UP_SECONDS: Final = 3.0
LONGEST_PAUSE_SECONDS: Final = 0.25
LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

SendModern: TypeAlias = Callable[[View, Request], Awaitable[Reply]]

log = structlog.get_logger(__name__)


class LegacyCall:
    """Run it once. `cancel` and `abandon` may be called at any time, from the same loop."""

    __slots__ = ("_cancelled", "_live", "_outlet", "_pieces", "_request", "_scope", "_send", "_session", "_view")

    def __init__(
        self, request: Request, *, view: View, session: ClientSession, send: SendModern, live: LiveSessions, outlet: Outlet
    ) -> None:
        self._request = request
        self._session = session
        self._view, self._send = view, send
        self._live = live
        self._outlet = outlet
        self._scope: asyncio.Timeout | None = None
        self._cancelled = False

    @property
    def request_id(self) -> MessageId:
        """The client's; two calls of a careless one may share it."""
        return self._request.id

    async def run(self) -> None:
        """Raises nothing that is the client's or a server's doing."""
        request, calls = self._request, self._live.at(self._session.key).calls
        calls.add(self)
        scope = self._scope = asyncio.timeout(None)
        try:
            async with scope:
                await self._carry()
        except TimeoutError:
            self._scope = None
            if not scope.expired():
                raise
            if self._cancelled:
                await self._outlet.answer(render(error_message(request.id, REQUEST_CANCELLED, "Request cancelled")))
        finally:
            self._scope = None
            calls.discard(self)
            self._live.tidy(self._session.key)

    def cancel(self) -> None:
        """The client wants no answer any more; the stream still ends with one."""
        self._cancelled = True
        self.abandon()

    def abandon(self) -> None:
        """Nobody is there to hear an answer."""
        scope, self._scope = self._scope, None
        if scope is not None:
            scope.reschedule(asyncio.get_running_loop().time())

    async def _carry(self) -> None:
        try:
            with Wall("request_fault", method=self._request.method):
                await self._unless_refused()
        except GatewayError as error:
            await self._fail(error)

    async def _unless_refused(self) -> None:
        try:
            await self._rounds()
        except ClientRefused as refusal:
            error: JsonObject = {"code": INTERNAL_ERROR, "message": "The client refused", **refusal.error}
            await self._outlet.answer(render({"jsonrpc": "2.0", "id": self._request.id, "error": error}))

    async def _rounds(self) -> None:
        first = request = self._request
        pause = PAUSE_SECONDS
        for _ in range(MAX_ROUNDS):
            wanted = await self._round(request)
            if wanted is None:
                return
            params: JsonObject = dict(first.params)
            questions = object_at(wanted, "inputRequests")
            if questions:
                params["inputResponses"] = await self._answers(wanted, questions)
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            if isinstance(wanted.get("requestState"), str):
                params["requestState"] = wanted["requestState"]
            request = replace(first, params=params)
        raise UpstreamMisbehaved("The server goes on asking for input.", rounds=MAX_ROUNDS)

    async def _answers(self, wanted: JsonObject, questions: JsonObject) -> JsonObject:
        """Raises as `ask` does; a server that keeps the call open meanwhile is told that there will be no answer."""
        waits = object_at(wanted, "_meta").get(REFUSALS_KEY) is True
        try:
            return await ask(self._live, self._session, self._outlet, questions, refusals=waits)
        except (GatewayError, ClientRefused, asyncio.CancelledError):
            if waits:
                await asyncio.shield(self._give_up(wanted))
            raise

    async def _give_up(self, wanted: JsonObject) -> None:
        params: JsonObject = {**self._request.params, "requestState": wanted.get("requestState"), "_meta": {GIVEN_UP_KEY: True}}
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                await (await self._send(self._view, replace(self._request, params=params))).close()
        except (GatewayError, TimeoutError) as error:
            log.info("call_not_given_up", reason=type(error).__name__)

    async def _round(self, request: Request) -> JsonObject | None:
        """Send it once and pass on what comes; the result that requires input, or None when it was answered."""
        reply = await self._send(self._view, request)
        try:
            if reply.body is not None:
                if reply.status == FORBIDDEN:
                    await self._outlet.forbid(answer_of(reply.body, request.method))
                    return None
                return await self._answer(reply.body)
            if reply.chunks is not None:
                await self._outlet.answer_in_pieces(answer_in_older_words(reply.chunks))
                return None
            return await self._relay(reply.events or _no_events())
        finally:
            await reply.close()

    async def _relay(self, events: AsyncIterator[bytes]) -> JsonObject | None:
        async for event in events:
            message = _object(event)
            method = message.get("method")
            if not isinstance(method, str):
                return await self._answer(event)
            if "id" not in message and self._wants(method, message):
                await self._outlet.notify(event)
        raise UpstreamMisbehaved("The server ended its stream without an answer.")

    async def _answer(self, body: bytes) -> JsonObject | None:
        if b"input_required" in body:
            result = object_at(_object(body), "result")
            if result.get("resultType") == "input_required":
                return result
        try:
            answer = answer_of(body, self._request.method)
        except ValueError:
            raise UpstreamMisbehaved("The server's answer is no JSON-RPC response.") from None
        await self._outlet.answer(answer)
        return None

    async def _fail(self, error: GatewayError) -> None:
        reply = reply_of(error, self._request)
        answer = answer_of(reply.body or b"", self._request.method)
        await (self._outlet.forbid(answer) if reply.status == FORBIDDEN else self._outlet.answer(answer))

    def _wants(self, method: str, message: JsonObject) -> bool:
        """A client that set a level hears nothing below it."""
        least = self._session.log_level
        if method != "notifications/message" or least is None:
            return True
        level = object_at(message, "params").get("level")
        return level not in LEVELS or LEVELS.index(level) >= LEVELS.index(least)


async def _no_events() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for event in nothing:
        yield event


def _object(event: bytes) -> JsonObject:
    try:
        return parse_object(event)
    except ValueError:
        raise UpstreamMisbehaved("The server sent what is no JSON-RPC message.") from None
