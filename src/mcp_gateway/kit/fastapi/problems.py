"""Errors as RFC 9457 problem details (July 2023): any `GatewayError` becomes one `application/problem+json` response.

`type` is a URN made from the error's code, or one of the two types of draft-ietf-httpapi-ratelimit-headers-11 for a limit that
was reached and a part that sheds load; `title` is the same for every error of a code, `detail` is this error's own message.
Beyond the RFC's members there are those of `GatewayError.to_dict`, `violated-policies` for a limit, and `correlation_id`.
"""

import json
import math
from typing import Final

from starlette.responses import Response

from mcp_gateway.core.errors import Category, GatewayError, Json

MEDIA_TYPE: Final = "application/problem+json"
STATUS: Final[dict[Category, int]] = {
    "invalid": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "unprocessable": 422,
    "rate_limited": 429,
    "internal": 500,
    "unavailable": 503,
    "timeout": 504,
}
QUOTA_EXCEEDED: Final = "https://iana.org/assignments/http-problem-types#quota-exceeded"
REDUCED_CAPACITY: Final = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
# A limit names the policies it broke in its data under this name.
POLICIES: Final = "violated_policies"


def problem_type(error: GatewayError) -> str:
    """The URI that names this kind of problem; it need not lead anywhere."""
    if error.category == "rate_limited":
        return QUOTA_EXCEEDED
    if error.category == "unavailable" and error.retry_after_seconds is not None:
        return REDUCED_CAPACITY
    return f"urn:problem-type:{error.code.lower().replace('_', '-')}"


def problem_details(
    error: GatewayError, *, instance: str = "", correlation_id: str = "", status: int | None = None
) -> dict[str, Json]:
    """The members of the problem object; `instance` is the path that was asked for. `status` None follows the category."""
    title = (type(error).__doc__ or error.code).strip().splitlines()[0].rstrip(".")
    shape: dict[str, Json] = {
        "type": problem_type(error),
        "title": title,
        "status": status or STATUS[error.category],
        "detail": error.message,
    }
    if instance:
        shape["instance"] = instance
    shape |= {name: value for name, value in error.to_dict().items() if name != "message" and value != math.inf}
    policies = error.data.get(POLICIES)
    if policies is not None:
        shape["violated-policies"] = policies
    if correlation_id:
        shape["correlation_id"] = correlation_id
    return shape


def problem_headers(error: GatewayError) -> dict[str, str]:
    """`Retry-After` in whole seconds, never earlier than the error says; `WWW-Authenticate` where nobody is logged in."""
    headers: dict[str, str] = {}
    if error.retry_after_seconds is not None and math.isfinite(error.retry_after_seconds):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
    if error.category == "unauthenticated":
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def problem_response(error: GatewayError, *, instance: str = "", correlation_id: str = "", status: int | None = None) -> Response:
    """The whole response."""
    details = problem_details(error, instance=instance, correlation_id=correlation_id, status=status)
    return Response(
        json.dumps(details, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"),
        status_code=status or STATUS[error.category],
        headers=problem_headers(error),
        media_type=MEDIA_TYPE,
    )
