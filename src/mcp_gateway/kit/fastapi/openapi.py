"""The guards in the OpenAPI description: the limits of each operation, its headers, and the errors it may answer with.

Limits are those in force when the description is first asked for, and what any tenant gets, never a tenant's own rule.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from mcp_gateway.kit.fastapi.guard import Guard
from mcp_gateway.kit.fastapi.passage import Face
from mcp_gateway.kit.fastapi.problems import MEDIA_TYPE
from mcp_gateway.kit.fastapi.route import find_guard

Description = dict[str, Any]

_TEXT: Final = {"type": "string"}
_LIMIT_HEADERS: Final[Description] = {
    "RateLimit-Policy": {"description": "Every limit: its name, quota `q` and window `w` in seconds", "schema": _TEXT},
    "RateLimit": {"description": "What remains `r` of the limit closest to its end, back in `t` seconds", "schema": _TEXT},
}
_RETRY_AFTER: Final[Description] = {
    "Retry-After": {"description": "Seconds until it makes sense to try again", "schema": {"type": "integer"}}
}
_PROBLEM: Final[Description] = {
    "type": "object",
    "description": "RFC 9457 problem details",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The kind of problem"},
        "title": {"type": "string", "description": "The same for every problem of the kind"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong this time"},
        "instance": {"type": "string", "description": "The path that was asked for"},
        "code": {"type": "string", "description": "Stable name of the error"},
        "hint": {"type": "string", "description": "What to do"},
        "retryable": {"type": "boolean"},
        "retry_after_seconds": {"type": "number"},
        "violated-policies": {"type": "array", "items": _TEXT, "description": "The limits that were reached"},
        "data": {"type": "object", "description": "Facts about the error"},
    },
}


_WORDS: Final = {
    400: "The request cannot be understood",
    401: "Nobody is logged in",
    403: "This is not allowed",
    404: "There is no such thing, or it may not be seen",
    409: "Something else is in this place, or the same request is still running",
    413: "More than is taken",
}


# For `responses=` of a route that answers with an `EventRelay`.
EVENTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-sent events; one called `error` ends a stream that failed",
        "content": {
            "text/event-stream": {"schema": {"type": "object", "properties": {"event": _TEXT, "data": _TEXT, "id": _TEXT}}}
        },
    }
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of a route: problems it may answer with beside those that `describe_guards` knows of."""
    return {status: _problem(_WORDS[status], {}) for status in statuses}


def describe_guards(app: FastAPI, face: Face | Callable[[], Face]) -> None:
    """Have `app.openapi()` show what the guards do."""
    plain = app.openapi

    def openapi() -> Description:
        known = app.openapi_schema
        description: Description = plain()
        if known is None:
            _extend(description, app, face if isinstance(face, Face) else face())
        return description

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way of extending the description


def _extend(description: Description, app: FastAPI, face: Face) -> None:
    found = False
    for path, methods, guard in _guarded(app):
        for method in methods:
            operation = description.get("paths", {}).get(path, {}).get(method.lower())
            if operation is not None:
                _describe(operation, guard, face)
                found = True
    if found:
        description.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM


def _guarded(app: FastAPI) -> Iterator[tuple[str, set[str], Guard]]:
    for context in iter_route_contexts(app.routes):
        if context.endpoint is None or context.path_format is None:
            continue
        found = find_guard(context.endpoint)
        if found is not None:
            yield context.path_format, context.methods or set(), found[1]


def _describe(operation: Description, guard: Guard, face: Face) -> None:
    responses = operation.setdefault("responses", {})
    if guard.idempotency is not None:
        _describe_key(operation, responses, required=guard.idempotency == "required")
    if guard.idempotency is not None or guard.deadline_seconds is not None or "requestBody" in operation:
        responses.setdefault("400", _problem("A header or the body cannot be read", {}))
    if guard.deadline_seconds is not None:
        responses.setdefault("504", _problem(f"Not done within {guard.deadline_seconds:g} s, or the caller's deadline", {}))
    if guard.idempotency is None and "422" in responses:  # FastAPI describes its own shape, which is not sent here
        responses["422"] = _problem("The parameters do not fit", {})
    operation["x-operation"] = guard.operation
    if face.limiter is None:
        return
    operation["x-rate-limits"] = [
        {"name": rule.name, "limit": rule.limit, "window_seconds": rule.window_seconds, "scope": rule.scope}
        for rule in face.limiter.rules.rules_for("", guard.operation)
        if rule.shown and not rule.shadow and rule.enabled
    ]
    for status, response in responses.items():
        if status.startswith("2"):
            response.setdefault("headers", {}).update(_LIMIT_HEADERS)
    responses.setdefault("429", _problem("A limit is reached", {**_LIMIT_HEADERS, **_RETRY_AFTER}))
    responses.setdefault("503", _problem("More is asked than can be answered, or a needed part is away", _RETRY_AFTER))


def _describe_key(operation: Description, responses: Description, *, required: bool) -> None:
    header = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": required,
        "description": "The same with every repetition of one request; the answer is then that of the first",
        "schema": {"type": "string", "maxLength": 257},
    }
    operation.setdefault("parameters", []).append(header)
    responses.setdefault("409", _problem("A request with this key is still running", _RETRY_AFTER))
    # 422 is also what FastAPI answers to parameters that do not fit; one description serves both.
    responses["422"] = _problem("The key was used for another request, or the parameters do not fit", {})


def _problem(words: str, headers: Description) -> Description:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": words, "headers": headers, "content": content}
