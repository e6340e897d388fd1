"""Who the caller is to this gateway, what the page may therefore offer, and sign-in links for others."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from mcp_gateway.access.access import Access
from mcp_gateway.access.errors import NotAllowed
from mcp_gateway.access.governor import Note
from mcp_gateway.access.policy.model import ACTIONS
from mcp_gateway.access.sessions.sessions import csrf_of
from mcp_gateway.access.sessions.tickets import LINK_SECONDS, login_link
from mcp_gateway.core.errors import Json, NotFound
from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.challenge import Challenges
from mcp_gateway.entrypoints.http.data_answers import MeAnswer, SignInLinkAnswer
from mcp_gateway.entrypoints.http.errors import correlation_id_of
from mcp_gateway.entrypoints.http.guards import LinkMade, MeRead
from mcp_gateway.entrypoints.http.identity import identity_of
from mcp_gateway.kit.fastapi import GuardedRoute


class LinkWanted(BaseModel):
    """For whom a sign-in link is made: always of the tenant of who asks for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str = Field(min_length=1, max_length=200, description="Who signs in with it.")
    roles: list[str] = Field(min_length=1, max_length=20, description="What they are to be; none that you are not yourself.")


def me_routes(access: Access | None, challenges: Challenges) -> APIRouter:
    """GET /me and POST /login/link."""
    router = APIRouter(prefix="/api", tags=["access"], route_class=GuardedRoute)

    @router.get("/me", summary="Who you are here, and what you may do")
    async def me(request: Request, call: MeRead) -> MeAnswer:
        return shape_caller(call.caller, access, session_id=identity_of(request.scope).session_id)

    @router.post("/login/link", summary="A one-time link that signs somebody of your tenant in at the page")
    async def link(body: LinkWanted, request: Request, call: LinkMade) -> SignInLinkAnswer:
        if access is None:
            raise NotFound("Nobody signs in here.")
        guest = invited(call.caller, body.subject, frozenset(body.roles))
        text = await login_link(access.tickets, challenges.origin(request.scope), guest)
        arguments: dict[str, Json] = {"subject": body.subject, "roles": [*sorted(body.roles)]}
        known_by = correlation_id_of(request)
        note = Note(action="make_sign_in_link", allowed=True, tool=body.subject, arguments=arguments, correlation_id=known_by)
        await access.governor.note(call.caller, note)
        return {"link": text, "seconds": int(LINK_SECONDS)}

    return router


def invited(caller: Caller, subject: str, roles: frozenset[str]) -> Caller:
    """Somebody of the caller's tenant. Raises `NotAllowed` for more than the caller has."""
    narrowed = any(scope.startswith("gateway.") for scope in caller.scopes or ())
    if narrowed or not ("admin" in caller.roles or roles <= caller.roles):
        raise NotAllowed("A link may give no role that you have not.")
    return Caller(tenant=caller.tenant, subject=subject, roles=roles, name=subject, credential=f"link by {caller.subject}")


def shape_caller(caller: Caller, access: Access | None, *, session_id: str) -> MeAnswer:
    """`csrf` is what changes asked for with the cookie must carry in X-CSRF-Token; None where no cookie was used."""
    decide = None if access is None else access.policy.decide
    return {
        "tenant": caller.tenant,
        "subject": caller.subject,
        "name": caller.name or caller.subject,
        "roles": sorted(caller.roles),
        "issuer": caller.issuer or None,
        "login": "none" if access is None else "session" if session_id else "token",
        "csrf": csrf_of(session_id) if session_id else None,
        "may": {action: True if decide is None else decide(caller, action).allowed for action in ACTIONS},
    }
