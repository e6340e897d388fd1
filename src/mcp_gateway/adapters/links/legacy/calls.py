"""A client's request at an older server, from its sending to its response, over as many rounds as the server needs answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.legacy.asking import MAX_QUESTIONS, Question, pages_first, question_of, refusal_of, response_to
from mcp_gateway.adapters.links.legacy.exchange import Exchange
from mcp_gateway.adapters.links.legacy.parked import ParkedCalls
from mcp_gateway.adapters.links.legacy.session import Session
from mcp_gateway.adapters.links.legacy.translate import INTERACTIVE, response_of, wants_log, with_subscription, with_token
from mcp_gateway.core.protocol.frames import JsonObject, error_message, object_at, render, result_message
from mcp_gateway.core.protocol.revisions import MODERN
from mcp_gateway.core.protocol.words import GIVEN_UP_KEY, HTTP_STATUS_OF, INVALID_REQUEST, REFUSALS_KEY
from mcp_gateway.federation.model import Reply, Request

# Questions asked at once come one after the other; so long are further ones waited for.
_GATHER_SECONDS: Final = 0.01
_TOO_MANY: Final = "Too many questions are open already."
_NO_PLACE: Final = "A client can be asked only while it calls a tool, reads a resource or gets a prompt."


@dataclass(frozen=True, slots=True)
class _Last:
    """The response of this round."""

    message: JsonObject


def _as_it_is(message: JsonObject) -> JsonObject:
    return message


class Call:
    """`release` is called once, when the call no longer needs its session."""

    def __init__(
        self,
        session: Session,
        exchange: Exchange,
        *,
        parked: ParkedCalls,
        faults: Faults,
        seconds: float,
        release: Callable[[], None],
        seen: Callable[[JsonObject], JsonObject] = _as_it_is,
    ) -> None:
        """`seen` makes of the response what the client is to see."""
        self._session, self._exchange, self._parked, self._faults = session, exchange, parked, faults
        self._seconds, self._release, self._seen = seconds, release, seen
        self._request: Request
        # None: it stands, and may be silent for long.
        self._deadline: float | None = None
        self._questions: dict[str, Question] = {}
        self._asked = 0
        self._over = False
        self._resting = False

    async def reply(self, request: Request) -> Reply:
        """Up to the first part of this round. Raises `federation/errors.py`, and what the channel does."""
        self._request, self._resting = request, False
        self._deadline = asyncio.get_running_loop().time() + self._seconds
        first = await self._guarded()
        if isinstance(first, _Last):
            return whole(first.message)
        if request.method == "subscriptions/listen":
            self._deadline = None
        return Reply(events=self._events(first), close=self.close)

    async def answer(self, request: Request) -> Reply:
        """Hands the client's answers to the server and goes on; asks again for those that are missing or make no sense."""
        self._request = request
        if object_at(request.params, "_meta").get(GIVEN_UP_KEY) is True:
            await self.give_up("the client gives no answer")
            return whole(error_message(request.id, INVALID_REQUEST, "The call was given up."))
        try:
            await self._hand_over(object_at(request.params, "inputResponses"))
        except BaseException:
            await asyncio.shield(self.give_up("its client's answer was lost"))
            raise
        if self._questions:
            return whole(self._park())
        return await self.reply(request)

    async def _hand_over(self, given: JsonObject) -> None:
        answers = [(key, response_to(self._questions[key], given[key])) for key in tuple(self._questions) if key in given]
        for key, response in answers:
            if response is not None:
                del self._questions[key]
                await self._session.peer.answer(response)

    async def close(self) -> None:
        """The client has gone; a call that waits for its answers goes on waiting."""
        if not self._over and not self._resting:
            await self.give_up("the client has gone")

    async def give_up(self, reason: str) -> None:
        if not self._over:
            self._over = True
            try:
                await self._session.peer.cancel(self._exchange, reason)
            finally:
                self._release()

    async def _events(self, first: JsonObject) -> AsyncIterator[bytes]:
        yield render(first)
        while not isinstance(part := await self._guarded(), _Last):
            yield render(part)
        yield render(part.message)

    async def _guarded(self) -> JsonObject | _Last:
        """The next thing the client is to see. Whatever goes wrong ends the call at the server too."""
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._visible()
        except TimeoutError as error:
            await self.give_up("it took too long")
            raise self._faults.timed_out(self._seconds) from error
        except BaseException:
            await asyncio.shield(self.give_up("the client has gone"))
            raise

    async def _visible(self) -> JsonObject | _Last:
        while True:
            message = await self._exchange.next()
            if "method" not in message:
                return self._final(message)
            if "id" not in message:
                if (event := self._event(message)) is not None:
                    return event
            elif await self._question(message):
                await self._gather()
                if self._questions:
                    return _Last(self._park())

    def _final(self, message: JsonObject) -> _Last:
        self._over = True
        self._session.peer.done(self._exchange)
        self._release()
        request = self._request
        if self._session.modern:
            return _Last({**message, "id": request.id})
        if request.client.revision == MODERN and request.method in INTERACTIVE:
            asked = pages_first(message, request.client.capabilities)
            if asked is not None:
                # There is no state: the call is over, and comes back as a new one.
                return _Last(result_message(request.id, {"resultType": "input_required", "inputRequests": asked}))
        return _Last(self._seen(response_of(message, request.id, request.method, request.params)))

    def _event(self, message: JsonObject) -> JsonObject | None:
        """The notification as the client is to see it, if at all."""
        method = message["method"]
        if method == "notifications/progress":
            token = object_at(self._request.params, "_meta").get("progressToken")
            return None if token is None else with_token(message, token)
        if self._session.modern:
            return with_subscription(message, self._request.id)
        if method == "notifications/message":
            return message if wants_log(self._request.client, message) else None
        if method == "notifications/cancelled":
            self._withdrawn(message)
            return None
        # It ends a question this revision no longer has an id for.
        hidden = method == "notifications/elicitation/complete" and self._request.client.revision == MODERN
        return None if hidden else message

    def _withdrawn(self, message: JsonObject) -> None:
        number = object_at(message, "params").get("requestId")
        for key, question in tuple(self._questions.items()):
            if question.id == number:
                del self._questions[key]

    async def _question(self, message: JsonObject) -> bool:
        """Whether the client is to be asked; if not, the server has been told why."""
        question = question_of(message)
        if question is None:
            return False
        if len(self._questions) >= MAX_QUESTIONS:
            refusal: JsonObject | None = error_message(question.id, INVALID_REQUEST, _TOO_MANY)
        elif self._session.modern or self._request.method not in INTERACTIVE:
            refusal = error_message(question.id, INVALID_REQUEST, _NO_PLACE)
        else:
            refusal = refusal_of(question, self._request.client.capabilities)
        if refusal is not None:
            await self._session.peer.answer(refusal)
            return False
        self._asked += 1
        self._questions[f"question-{self._asked}"] = question
        return True

    async def _gather(self) -> None:
        """Takes in further questions that came together with the first one, up to whatever else the server says."""
        until = asyncio.get_running_loop().time() + _GATHER_SECONDS
        while await self._more(until):
            message = await self._exchange.peek()
            if "method" not in message or not await self._taken(message):
                return

    async def _more(self, until: float) -> bool:
        """Whether another message is there, or comes in time."""
        if not self._exchange.waiting():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._exchange.peek()
        return self._exchange.waiting()

    async def _taken(self, message: JsonObject) -> bool:
        if "id" in message:
            await self._exchange.next()
            await self._question(message)
            return True
        if message["method"] == "notifications/cancelled":
            await self._exchange.next()
            self._withdrawn(message)
            return True
        return False

    def _park(self) -> JsonObject:
        self._resting = True
        state = self._parked.park(self, self._request, self._faults.server)
        questions: JsonObject = {key: question.request for key, question in self._questions.items()}
        result: JsonObject = {"resultType": "input_required", "inputRequests": questions, "requestState": state}
        if self._request.client.revision != MODERN:
            result["_meta"] = {REFUSALS_KEY: True}
        return result_message(self._request.id, result)


def whole(message: JsonObject) -> Reply:
    """A reply of one response."""
    code = object_at(message, "error").get("code")
    status = HTTP_STATUS_OF.get(code, 200) if isinstance(code, int) else 200
    return Reply(status=status, body=render(message))
