"""Our errors as replies of 2026-07-28.

What goes wrong with a tool is its result, so that the model behind the client can read it and do better. What is not offered, or
not to this caller, is an unknown name in the protocol's own words.
"""

from mcp_gateway.access.errors import InsufficientScope, NotAllowed
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.protocol.frames import JsonObject, error_message, render, result_message
from mcp_gateway.core.protocol.words import (
    HEADER_MISMATCH,
    HTTP_STATUS_OF,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_CAPABILITY,
)
from mcp_gateway.federation.errors import CapabilityMissing, HeadersDisagree, StaleRequestState, UnknownMethod, UnknownName
from mcp_gateway.federation.model import Reply, Request

FORBIDDEN = 403


def reply_of(error: GatewayError, request: Request) -> Reply:
    """The answer to a request that ended in an error of ours."""
    if isinstance(error, NotAllowed | UnknownName):
        return _unknown(request)
    if isinstance(error, UnknownMethod):
        return _error(request, METHOD_NOT_FOUND, "Method not found", {"method": request.method[:200]})
    if isinstance(error, CapabilityMissing):
        return _error(request, MISSING_CAPABILITY, error.message, dict(error.data))
    if isinstance(error, HeadersDisagree):
        return _error(request, HEADER_MISMATCH, error.message, {"error": error.to_dict()})
    if isinstance(error, InsufficientScope):
        return _error(request, INVALID_PARAMS, error.message, {"error": error.to_dict()}, status=FORBIDDEN)
    # No tool failed where a state is not one of ours: the client must not take it for an answer.
    if request.method == "tools/call" and not isinstance(error, StaleRequestState):
        return _tool_error(error, request)
    code = INVALID_PARAMS if error.category in ("invalid", "not_found") else INTERNAL_ERROR
    return _error(request, code, error.message, {"error": error.to_dict()})


def _unknown(request: Request) -> Reply:
    name = request.name
    if request.method == "resources/read":
        return _error(request, INVALID_PARAMS, "Resource not found", {"uri": name})
    kind = {"tools/call": "tool", "prompts/get": "prompt"}.get(request.method, "name")
    return _error(request, INVALID_PARAMS, f"Unknown {kind}: {name[:200]}", {kind: name[:200]})


def _tool_error(error: GatewayError, request: Request) -> Reply:
    shape: JsonObject = {"error": error.to_dict()}
    text: JsonObject = {"type": "text", "text": render(shape).decode()}
    result: JsonObject = {"resultType": "complete", "content": [text], "structuredContent": shape, "isError": True}
    return Reply(body=render(result_message(request.id, result)))


def _error(request: Request, code: int, message: str, data: Json, *, status: int | None = None) -> Reply:
    body = render(error_message(request.id, code, message, data))
    return Reply(status=HTTP_STATUS_OF.get(code, 200) if status is None else status, body=body)
