"""A browser's own note that a program waits for a decision in it. Sealed by access; where a sign-in goes on to depends on it."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from mcp_gateway.access.oauth.consents import WAITING_SECONDS
from mcp_gateway.entrypoints.http.challenge import Challenges
from mcp_gateway.entrypoints.http.consent_page import CONSENT

NAME: Final = "mcp-gateway-asked"


def read_waiting(request: Request, challenges: Challenges) -> str:
    """Empty when no program waits."""
    return request.cookies.get(_name(request, challenges), "")


def keep_waiting(reply: Response, request: Request, challenges: Challenges, sealed: str) -> None:
    """Lax: the browser comes back to it from a login provider."""
    reply.set_cookie(
        *(_name(request, challenges), sealed), max_age=int(WAITING_SECONDS), path="/", httponly=True, samesite="lax",
        secure=challenges.is_secure(request.scope),
    )  # fmt: skip


def end_waiting(reply: Response, request: Request, challenges: Challenges) -> None:
    reply.delete_cookie(
        _name(request, challenges), path="/", httponly=True, samesite="lax", secure=challenges.is_secure(request.scope)
    )


def after_sign_in(request: Request, challenges: Challenges) -> str:
    """Where a browser goes when somebody has signed in: to the decision that waits in it, or to the page."""
    return CONSENT if read_waiting(request, challenges) else "/"


def _name(request: Request, challenges: Challenges) -> str:
    return challenges.cookie_name(request.scope, NAME)
