"""What an older server asks of a client in the middle of a call, and what may be answered."""

from dataclasses import dataclass
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, MessageId, error_message, object_at, result_message
from mcp_gateway.core.protocol.words import INVALID_PARAMS, METHOD_NOT_FOUND

_NEEDS: Final = {"sampling/createMessage": "sampling", "roots/list": "roots", "elicitation/create": "elicitation"}
# URLElicitationRequiredError of 2025-11-25.
_PAGES_FIRST: Final = -32042
# Open at one time.
MAX_QUESTIONS: Final = 16
_ACTIONS: Final = ("accept", "decline", "cancel")


@dataclass(frozen=True, slots=True)
class Question:
    """`id` is the server's own. `request` is what the client gets to see: method and parameters."""

    id: MessageId
    method: str
    request: JsonObject


def question_of(message: JsonObject) -> Question | None:
    """None for a request that cannot be answered, having no id an answer could name."""
    number, method = message.get("id"), message.get("method")
    if not isinstance(number, int | str) or not isinstance(method, str):
        return None
    request: JsonObject = {"method": method}
    params = message.get("params")
    if isinstance(params, dict):
        # Its progress token would be a promise nobody keeps.
        meta = {name: value for name, value in object_at(params, "_meta").items() if name != "progressToken"}
        request["params"] = {**{k: v for k, v in params.items() if k != "_meta"}, **({"_meta": meta} if meta else {})}
    return Question(number, method, request)


def refusal_of(question: Question, capabilities: JsonObject) -> JsonObject | None:
    """The error for a server that asks what the client never said it could do; None when it did."""
    needed = _NEEDS.get(question.method)
    if needed is None or needed not in capabilities:
        return error_message(question.id, METHOD_NOT_FOUND, f"The client declares no {needed or question.method}.")
    if needed == "elicitation":
        mode = object_at(question.request, "params").get("mode", "form")
        declared = object_at(capabilities, "elicitation")
        # Before there were modes, declaring it meant forms.
        if mode not in declared and not (mode == "form" and "url" not in declared):
            return error_message(question.id, INVALID_PARAMS, "The client declares no elicitation of this mode.")
    return None


def pages_first(message: JsonObject, capabilities: JsonObject) -> JsonObject | None:
    """2025-11-25 has an error for "let the user visit these pages, then call again"; today that is a result that requires input.

    The questions in such an error, for a client that can show pages; None for any other response.
    """
    if object_at(message, "error").get("code") != _PAGES_FIRST or "url" not in object_at(capabilities, "elicitation"):
        return None
    pages = object_at(message, "error", "data").get("elicitations")
    shown = [page for page in pages if isinstance(page, dict)] if isinstance(pages, list) else []
    asked: JsonObject = {
        f"question-{number}": {"method": "elicitation/create", "params": page}
        for number, page in enumerate(shown[:MAX_QUESTIONS], 1)
    }
    return asked or None


def response_to(question: Question, given: Json) -> JsonObject | None:
    """The response for the server; None when what the client gave is no answer to the question.

    `{"error": …}` is how a client of an older era says no to what has no word for it.
    """
    if not isinstance(given, dict):
        return None
    error = given.get("error")
    if given.keys() == {"error"} and isinstance(error, dict) and isinstance(error.get("code"), int):
        return {"jsonrpc": "2.0", "id": question.id, "error": error}
    if question.method == "elicitation/create":
        fits = given.get("action") in _ACTIONS and isinstance(given.get("content", {}), dict | None)
    elif question.method == "roots/list":
        fits = isinstance(given.get("roots"), list)
    else:
        fits = "content" in given and isinstance(given.get("role"), str)
    if not fits:
        return None
    return result_message(question.id, {name: value for name, value in given.items() if name != "resultType"})
