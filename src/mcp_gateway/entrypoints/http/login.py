"""Signing in at the page: by the one-time link from the terminal, by a token, or at a provider; and signing out.

What a browser is given is a session cookie that no script can read and no other site can make it send. Each sign-in makes a new
session and ends the one the browser had.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Final, Literal, TypedDict

import structlog
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, RedirectResponse, Response

from mcp_gateway.access.access import Access
from mcp_gateway.access.errors import NotAllowed
from mcp_gateway.access.governor import Note
from mcp_gateway.access.sessions.errors import LoginLinkRefused, SessionEnded
from mcp_gateway.access.sessions.ports import LoginProvider
from mcp_gateway.access.sessions.tickets import LINK_SECONDS
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Forbidden, GatewayError, NotFound, Unauthenticated
from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.attempts import Attempts
from mcp_gateway.entrypoints.http.challenge import Challenges
from mcp_gateway.entrypoints.http.data_answers import LoginOptionsAnswer
from mcp_gateway.entrypoints.http.errors import correlation_id_of
from mcp_gateway.entrypoints.http.guards import Public, SignedOut
from mcp_gateway.entrypoints.http.identity import identity_of
from mcp_gateway.entrypoints.http.page import PageFile, serve_file
from mcp_gateway.entrypoints.http.waiting_cookie import after_sign_in
from mcp_gateway.kit.fastapi import Call, GuardedRoute

# Where a browser says itself how it came here (Fetch Metadata): typed, opened from a terminal, or from our own page.
OWN_WAY: Final = ("", "none", "same-origin")
STATE_COOKIE: Final = "mcp-gateway-login"
PROVIDER: Final = "provider"

log = structlog.get_logger(__name__)


class CrossSiteLogin(Forbidden):
    """Another site tried to sign this browser in."""

    code = "CROSS_SITE_LOGIN"
    hint = "Paste the link from the terminal into the address bar."


class _Cookie(TypedDict):
    key: str
    path: str
    httponly: bool
    samesite: Literal["strict"]
    secure: bool


class TokenLogin(BaseModel):
    """A token to sign in with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: str = Field(min_length=1, max_length=20_000, description="A token of this gateway or of a provider it trusts.")


def login_routes(access: Access | None, challenges: Challenges, *, index: PageFile | None, clock: Clock) -> APIRouter:
    """GET and POST /login, GET /login/options, /login/{provider} and /login/{provider}/callback, POST /logout."""
    router = APIRouter(include_in_schema=False, route_class=GuardedRoute)

    @router.get("/login/options")
    async def options(_: Public) -> LoginOptionsAnswer:
        return login_options(access)

    if access is not None:
        _add_sign_in(router, _SignIn(access, challenges, clock), index)
        _add_providers(router, _SignIn(access, challenges, clock), access, page=index is not None)
    return router


def login_options(access: Access | None) -> LoginOptionsAnswer:
    """How people can sign in here; the page's card is drawn from it."""
    providers = [] if access is None else [one for one in access.providers if one.signs_in]
    return {
        "login": "none" if access is None else "required",
        "providers": [{"name": one.name, "title": one.title, "href": f"/login/{one.name}"} for one in providers],
    }


def _add_sign_in(router: APIRouter, signing: "_SignIn", index: PageFile | None) -> None:
    @router.get("/login")
    async def by_link(request: Request, _: Public, code: Annotated[str, Query()] = "") -> Response:
        try:
            if code:
                return await signing.by_link(request, code)
        except GatewayError as error:
            if index is None or not _wants_page(request) or error.category == "unavailable":
                raise
            log.info("login_refused", code=error.code)
            page = serve_file(request, index)
            page.status_code = 401 if error.category == "unauthenticated" else 403
            return page
        return serve_file(request, index) if index is not None else JSONResponse({"hint": LoginLinkRefused.hint}, 404)

    @router.post("/login")
    async def by_token(body: TokenLogin, request: Request, _: Public) -> Response:
        return await signing.by_token(request, body.token.strip())

    @router.post("/logout")
    async def sign_out(request: Request, call: SignedOut) -> Response:
        return await signing.sign_out(request, call)


def _add_providers(router: APIRouter, signing: "_SignIn", access: Access, *, page: bool) -> None:
    known = {one.name: one for one in access.providers if one.signs_in}

    @router.get("/login/{provider}")
    async def begin(provider: str, request: Request, _: Public) -> Response:
        return await of_known(provider, request, signing.begin)

    @router.get("/login/{provider}/callback")
    async def finish(provider: str, request: Request, _: Public) -> Response:
        return await of_known(provider, request, signing.finish)

    async def of_known(name: str, request: Request, step: Callable[[Request, LoginProvider], Awaitable[Response]]) -> Response:
        """Whoever came by browser is shown the sign-in card again, not an error's JSON."""
        if name not in known:
            raise NotFound("There is no such provider.")
        try:
            return await step(request, known[name])
        except GatewayError as error:
            if not (page and _wants_page(request)):
                raise
            log.info("login_refused", code=error.code, provider=name, reason=error.data.get("reason"))
            return RedirectResponse("/login?failed", 303)


class _SignIn:
    """What the ways in share."""

    def __init__(self, access: Access, challenges: Challenges, clock: Clock) -> None:
        self._access, self._challenges, self._clock = access, challenges, clock
        self._attempts = Attempts(clock)

    async def by_link(self, request: Request, code: str) -> Response:
        """Raises `LoginLinkRefused`, `CrossSiteLogin`, `TooManyAttempts`."""
        if request.headers.get("sec-fetch-site", "") not in OWN_WAY:
            raise CrossSiteLogin
        self._attempts.check(_address(request))
        try:
            caller = await self._access.tickets.accept(code)
        except LoginLinkRefused as error:
            await self._failed(request, error)
            raise
        return await self._signed_in(request, caller, RedirectResponse(after_sign_in(request, self._challenges), 303), how="link")

    async def by_token(self, request: Request, token: str) -> Response:
        """Raises `TokenRefused`, `TooManyAttempts`; `NotAllowed` for a program, which could then agree to its own requests."""
        self._attempts.check(_address(request))
        try:
            caller = await self._access.authenticate(token)
        except Unauthenticated as error:
            await self._failed(request, error)
            raise
        if await self._access.tokens.is_of_program(caller):
            raise NotAllowed("A token that a program was given signs nobody in at the page.")
        ends_at = self._access.authenticate.ends_at(token)
        lasts = timedelta(seconds=0 if ends_at is None else ends_at - self._clock.timestamp())
        return await self._signed_in(request, caller, JSONResponse({"signed_in": True}), how="token", lasts=lasts)

    async def begin(self, request: Request, provider: LoginProvider) -> Response:
        """To the provider; its answer is only taken from this very browser."""
        begun = await provider.begin_login(self._redirect_uri(request, provider))
        ticket = await self._access.tickets.give(f"{PROVIDER}:{provider.name}", f"{begun.state} {begun.kept}")
        reply = RedirectResponse(begun.url, 303)
        reply.set_cookie(
            *(STATE_COOKIE, ticket), max_age=int(LINK_SECONDS), path="/login", httponly=True, samesite="lax",
            secure=self._challenges.is_secure(request.scope),
        )  # fmt: skip
        return reply

    async def finish(self, request: Request, provider: LoginProvider) -> Response:
        """Raises `LoginLinkRefused` for an answer that this browser did not ask for, or asked for too long ago."""
        self._attempts.check(_address(request))
        kept = await self._access.tickets.take(f"{PROVIDER}:{provider.name}", request.cookies.get(STATE_COOKIE, ""))
        state, _, rest = (kept or "").partition(" ")
        parameters = dict(request.query_params)
        if not state or parameters.get("state") != state:
            error = LoginLinkRefused("This sign-in was not begun in this browser, or took too long.", hint="Begin it again.")
            await self._failed(request, error)
            raise error
        done = await provider.finish_login(self._redirect_uri(request, provider), rest, parameters)
        lasts = None if done.expires_at is None else done.expires_at - self._clock.now()
        reply = RedirectResponse(after_sign_in(request, self._challenges), 303)
        reply.delete_cookie(STATE_COOKIE, path="/login")
        return await self._signed_in(request, done.caller, reply, how=provider.name, lasts=lasts)

    async def sign_out(self, request: Request, call: Call) -> Response:
        """Ends the session of the cookie; a token sent along is not touched. Raises `SessionEnded` without a cookie."""
        session_id = identity_of(request.scope).session_id
        if not session_id:
            raise SessionEnded("There is no session to end.")
        await self._access.sessions.revoke(session_id)
        await self._note(request, call.caller, "sign_out")
        reply = JSONResponse({"signed_out": True}, headers={"Clear-Site-Data": '"cache"'})
        reply.delete_cookie(**self._cookie(request))
        return reply

    async def _signed_in(
        self, request: Request, caller: Caller, reply: Response, *, how: str, lasts: timedelta | None = None
    ) -> Response:
        await self._note(request, caller, "sign_in", how)
        before = identity_of(request.scope).session_id
        if before:
            await self._access.sessions.revoke(before)
        opened = await self._access.sessions.create(caller, lasts)
        seconds = int((opened.session.expires_at - opened.session.created_at).total_seconds())
        reply.set_cookie(value=opened.session_id, max_age=max(seconds, 0), **self._cookie(request))
        log.info("signed_in", how=how, tenant=caller.tenant, subject=caller.subject)
        return reply

    async def _failed(self, request: Request, error: GatewayError) -> None:
        """Counted, and written down."""
        self._attempts.failed(_address(request))
        await self._access.governor.note_refused_login(error, correlation_id=correlation_id_of(request))

    async def _note(self, request: Request, caller: Caller, action: str, how: str = "") -> None:
        note = Note(action=action, allowed=True, reason=how, correlation_id=correlation_id_of(request))
        await self._access.governor.note(caller, note)

    def _cookie(self, request: Request) -> _Cookie:
        return {
            "key": self._challenges.cookie_name(request.scope),
            "path": "/",
            "httponly": True,
            "samesite": "strict",
            "secure": self._challenges.is_secure(request.scope),
        }

    def _redirect_uri(self, request: Request, provider: LoginProvider) -> str:
        return f"{self._challenges.origin(request.scope)}/login/{provider.name}/callback"


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
