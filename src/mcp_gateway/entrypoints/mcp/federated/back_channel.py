"""Questions to the client in the middle of a call: elicitation, sampling, roots, as requests of older revisions.

A result that requires input (2026-07-28) names what is wanted; each becomes a request with an id of its own on the call's stream,
and the client posts the answers.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from mcp_gateway.core.errors import Json, TimedOut
from mcp_gateway.core.protocol.frames import JsonObject, object_at, render
from mcp_gateway.entrypoints.mcp.federated.sessions_live import LiveSessions
from mcp_gateway.entrypoints.mcp.federated.sse_outlets import Outlet
from mcp_gateway.federation.client_sessions.model import ClientSession
from mcp_gateway.federation.errors import NotExpressible, UpstreamMisbehaved

MAX_QUESTIONS: Final = 16
ANSWER_SECONDS: Final = 300.0
# The capability a client declares when it takes such a request.
CAPABILITY_OF: Final[Mapping[str, str]] = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}


class ClientRefused(Exception):
    """The client answered a question with an error; `error` is its JSON-RPC error."""

    def __init__(self, error: JsonObject) -> None:
        super().__init__("the client refused")
        self.error = error


class ClientSilent(TimedOut):
    """The client did not answer what it was asked."""

    code = "CLIENT_SILENT"
    hint = "Make the call again, and answer within the time."
    retryable = False


async def ask(
    live: LiveSessions, session: ClientSession, outlet: Outlet, wanted: JsonObject, *, refusals: bool = False
) -> JsonObject:
    """The answers, by the same keys; `refusals`: the client's errors among them, as they are.

    Raises `NotExpressible`, `UpstreamMisbehaved`, `ClientSilent` and `ClientRefused`.
    """
    if len(wanted) > MAX_QUESTIONS:
        raise UpstreamMisbehaved("The server asks too much at once.", questions=len(wanted), most=MAX_QUESTIONS)
    for question in wanted.values():
        _check(session, question if isinstance(question, dict) else {})
    here = live.at(session.key)
    asked: dict[str, tuple[str, asyncio.Future[JsonObject]]] = {}
    try:
        for key, question in wanted.items():
            question_id = live.new_id()
            future: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
            here.questions[question_id] = future
            asked[key] = (question_id, future)
            await outlet.notify(_message(question_id, question if isinstance(question, dict) else {}))
        methods = {key: object_at(wanted, key).get("method") for key in wanted}
        return await _answers(asked, methods, refusals=refusals)
    except TimeoutError:
        await _withdraw(outlet, asked, "no answer in time")
        raise ClientSilent(seconds=ANSWER_SECONDS) from None
    except ClientRefused:
        await _withdraw(outlet, asked, "another answer was refused")
        raise
    finally:
        for question_id, _ in asked.values():
            here.questions.pop(question_id, None)


async def _answers(
    asked: Mapping[str, tuple[str, asyncio.Future[JsonObject]]], methods: Mapping[str, Json], *, refusals: bool
) -> JsonObject:
    """Raises `TimeoutError`, and `ClientRefused` as soon as one is refused."""
    answers: JsonObject = {}
    left = {future: key for key, (_, future) in asked.items()}
    async with asyncio.timeout(ANSWER_SECONDS):
        while left:
            done, _ = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            for future in done:
                message = future.result()
                key = left.pop(future)
                answers[key] = {"error": message["error"]} if refusals and "error" in message else _result(methods[key], message)
    return answers


def _result(method: Json, message: JsonObject) -> JsonObject:
    """A form that could not be shown was not filled in. Raises `ClientRefused` for what has no such word."""
    result = message.get("result")
    if isinstance(result, dict):
        return result
    if method == "elicitation/create":
        return {"action": "cancel"}
    raise ClientRefused(object_at(message, "error"))


async def _withdraw(outlet: Outlet, asked: Mapping[str, tuple[str, asyncio.Future[JsonObject]]], reason: str) -> None:
    for question_id, future in asked.values():
        if not future.done():
            params: JsonObject = {"requestId": question_id, "reason": reason}
            await outlet.notify(render({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}))


def _check(session: ClientSession, question: JsonObject) -> None:
    method = question.get("method")
    capability = CAPABILITY_OF.get(method) if isinstance(method, str) else None
    if capability is None:
        raise NotExpressible("The server asks something a client of this revision does not know.", method=str(method)[:100])
    declared = session.capabilities.get(capability)
    if not isinstance(declared, dict):
        raise NotExpressible(f"The server needs the client capability {capability!r}, which was not declared.", needs=capability)
    mode = object_at(question, "params").get("mode", "form")
    if capability == "elicitation" and mode != "form" and mode not in declared:
        raise NotExpressible("The server wants to send the user to a page, which this client cannot.", needs="elicitation.url")


def _message(question_id: str, question: JsonObject) -> bytes:
    message: JsonObject = {"jsonrpc": "2.0", "id": question_id, "method": question.get("method")}
    if isinstance(question.get("params"), dict):
        message["params"] = question["params"]
    return render(message)
