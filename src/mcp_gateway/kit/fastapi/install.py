"""Putting the kit's face onto an application: the middleware, the error responses, the description."""

from collections.abc import Callable

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mcp_gateway.core.errors import Forbidden, GatewayError, Internal, InvalidInput, Json, NotFound, TooLarge, Unprocessable
from mcp_gateway.kit.fastapi.middleware import KitMiddleware
from mcp_gateway.kit.fastapi.openapi import describe_guards
from mcp_gateway.kit.fastapi.passage import Face
from mcp_gateway.kit.fastapi.problems import problem_response

log = structlog.get_logger(__name__)

_BY_STATUS: dict[int, type[GatewayError]] = {403: Forbidden, 404: NotFound, 413: TooLarge}


class InvalidRequest(Unprocessable):
    """A field of the request does not fit."""

    code = "INVALID_REQUEST"
    hint = "Correct the fields named in data.fields."


def install(app: FastAPI, face: Face | Callable[[], Face]) -> None:
    """Add the one middleware, answer every error as problem details, and show limits and errors in the OpenAPI description.

    `face` may be a function, for a face that is made in the lifespan. Call it before the first request.
    """
    app.add_middleware(KitMiddleware, face=face)
    install_problems(app)
    describe_guards(app, face)


def install_problems(app: FastAPI) -> None:
    """Errors of ours, of validation, of the framework, and faults nobody expected: all in the one form, none with its inside."""
    app.add_exception_handler(GatewayError, _on_gateway_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)


async def _on_gateway_error(request: Request, error: Exception) -> Response:
    return _reply(request, error if isinstance(error, GatewayError) else Internal())


async def _on_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        return _reply(request, InvalidRequest())
    fields: list[Json] = [
        {"field": ".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0]), "problem": fault["msg"]}
        for fault in error.errors()
    ]
    return _reply(request, InvalidRequest(fields=fields))


async def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return _reply(request, Internal())
    kind = _BY_STATUS.get(error.status_code, InvalidInput if error.status_code < 500 else Internal)
    words = str(error.detail) if error.status_code < 500 else None
    reply = _reply(request, kind(words), status=error.status_code)
    reply.headers.update(error.headers or {})
    return reply


async def _on_fault(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.url.path[:200], exc_info=error)
    return _reply(request, Internal())


def _reply(request: Request, error: GatewayError, *, status: int | None = None) -> Response:
    path = request.url.path[:200]
    reply = problem_response(error, instance=path, status=status)
    # Turning load away is this gateway at work, not a fault of it.
    level = 40 if reply.status_code >= 500 and error.retry_after_seconds is None else 20
    log.log(level, "request_refused", code=error.code, status=reply.status_code, path=path)
    return reply
