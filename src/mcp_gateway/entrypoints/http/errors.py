"""The one translation of errors to HTTP: a category becomes a status, everything else of the error travels in the body.

    invalid 400 · unauthenticated 401 · forbidden 403 · not_found 404 · conflict 409 · too_large 413 · unprocessable 422
    rate_limited 429 · internal 500 · unavailable 503 · timeout 504

The body is the API's envelope with the members of RFC 9457 beside it; `application/problem+json` for a client that accepts that.
A body whose fields do not fit their types is 422, as FastAPI's users expect; a body that is no JSON at all is 400.
"""

from typing import ClassVar, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mcp_gateway.ask.errors import UnknownMode
from mcp_gateway.core.errors import Category, Forbidden, GatewayError, Internal, InvalidInput, Json, NotFound, TooLarge
from mcp_gateway.entrypoints.http.challenge import challenge_of
from mcp_gateway.entrypoints.http.replies import Replies
from mcp_gateway.kit.fastapi.problems import MEDIA_TYPE as PROBLEM_TYPE
from mcp_gateway.kit.fastapi.problems import STATUS, problem_details, problem_headers

log = structlog.get_logger(__name__)

VALIDATION_STATUS = 422
# A body of nothing but faults must not be answered with a longer one.
MOST_FAULTS_TOLD: Final = 20
MOST_CHARS_TOLD: Final = 200
PROBLEM_MEMBERS: Final = ("type", "title", "status", "detail", "instance", "violated-policies")


class MalformedJson(InvalidInput):
    """The body is not JSON."""

    code = "MALFORMED_JSON"
    hint = 'Send a JSON object such as {"query": "how many customers are there?"} with Content-Type: application/json.'


class InvalidFields(InvalidInput):
    """A field of the request does not fit."""

    code = "VALIDATION_ERROR"
    hint = "Correct the fields named in data.fields; /docs describes every one."


class WrongMethod(InvalidInput):
    """This address does not take this method."""

    code = "METHOD_NOT_ALLOWED"
    hint = "The Allow header names the methods it takes."


class ClientGone(GatewayError):
    """The client left before the answer was ready; the work was stopped."""

    code: ClassVar[str] = "CLIENT_GONE"
    category: ClassVar[Category] = "unavailable"


def error_reply(request: Request, replies: Replies, error: GatewayError, *, status: int | None = None) -> JSONResponse:
    """The response for an error; logs it once, without its data."""
    status = status or STATUS[error.category]
    log.log(40 if status >= 500 else 20, "request_refused", code=error.code, status=status, path=request.scope["path"][:200])
    envelope = replies.failure(error, correlation_id=correlation_id_of(request)).model_dump(mode="json")
    details = problem_details(error, instance=request.scope["path"][:200], status=status)
    body = {name: details[name] for name in PROBLEM_MEMBERS if name in details} | envelope
    wanted = PROBLEM_TYPE in request.headers.get("accept", "")
    media_type = PROBLEM_TYPE if wanted else "application/json"
    headers = problem_headers(error)
    challenge = challenge_of(request.scope, error)
    if challenge is not None:
        headers["WWW-Authenticate"] = challenge
    return JSONResponse(body, status_code=status, headers=headers, media_type=media_type)


def correlation_id_of(request: Request) -> str:
    """The id the middleware gave this request."""
    return str(request.scope.get("state", {}).get("correlation_id", ""))


def install_error_handlers(app: FastAPI, replies: Replies) -> None:
    """Give every kind of failure the one shape."""

    async def on_gateway_error(request: Request, error: Exception) -> JSONResponse:
        known = error if isinstance(error, GatewayError) else Internal()
        return error_reply(request, replies, known)

    async def on_invalid(request: Request, error: Exception) -> JSONResponse:
        fault = _validation_fault(error) if isinstance(error, RequestValidationError) else InvalidFields()
        return error_reply(request, replies, fault, status=400 if isinstance(fault, MalformedJson) else VALIDATION_STATUS)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            return error_reply(request, replies, Internal())
        reply = error_reply(request, replies, _http_fault(request, error), status=error.status_code)
        reply.headers.update(error.headers or {})
        return reply

    app.add_exception_handler(GatewayError, on_gateway_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


def _http_fault(request: Request, error: HTTPException) -> GatewayError:
    """Errors of the framework itself, in our words."""
    path, status = str(request.scope["path"]), error.status_code
    if status == 404:
        return NotFound(f"There is nothing at {path[:200]}.", hint="/docs lists the addresses.", path=path[:200])
    if status == 405:
        return WrongMethod(f"{path[:200]} does not take {request.method}.", method=request.method)
    if status == 413:
        return TooLarge("The request body is too large.", hint="Send less; a question is a few sentences.")
    if status == 403:
        return Forbidden(str(error.detail))
    if status == 400:
        # The framework's only 400 of its own: bytes that are no text, nesting or numbers beyond what can be read.
        return MalformedJson("The body cannot be read as JSON.")
    return InvalidInput(str(error.detail)) if status < 500 else Internal()


def _validation_fault(error: RequestValidationError) -> GatewayError:
    faults = error.errors()[:MOST_FAULTS_TOLD]
    if any(fault["type"] == "json_invalid" for fault in faults):
        return MalformedJson(f"The body is not JSON: {faults[0].get('ctx', {}).get('error', faults[0]['msg'])}.")
    if any(fault["loc"] == ("body",) for fault in faults):
        return MalformedJson("The body is not a JSON object.")
    if any(fault["loc"] == ("body", "mode") for fault in faults):
        return UnknownMode(modes=["single_mcp", "multi_mcp", "auto"])
    fields: list[Json] = [
        {
            "field": (".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0]))[:MOST_CHARS_TOLD],
            "problem": fault["msg"],
        }
        for fault in faults
    ]
    named = "; ".join(f"{field['field']}: {field['problem']}" for field in fields if isinstance(field, dict))
    return InvalidFields(f"The request does not fit: {named}.", fields=fields)
