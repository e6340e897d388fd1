"""The gateway as the authorization server of MCP clients: metadata, authorize, decide, token, register, revoke.

A browser comes to authorize and decides; a program does the rest. Nothing here knows what is allowed: `access.oauth` does.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, RedirectResponse, Response

from mcp_gateway.access.access import Access
from mcp_gateway.access.oauth.desk import AnswerRefused, OAuthDesk, matching
from mcp_gateway.access.oauth.errors import ConsentOver, OAuthRefused
from mcp_gateway.access.oauth.requests import Place
from mcp_gateway.access.policy.roles import SCOPES
from mcp_gateway.access.sessions.errors import SessionEnded
from mcp_gateway.access.sessions.sessions import csrf_of
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.entrypoints.http.attempts import Attempts
from mcp_gateway.entrypoints.http.challenge import Challenges
from mcp_gateway.entrypoints.http.consent_page import CONSENT, hop_page, question_page, refusal_page, sign_in_page
from mcp_gateway.entrypoints.http.errors import correlation_id_of
from mcp_gateway.entrypoints.http.guards import Decided, Public
from mcp_gateway.entrypoints.http.identity import identity_of
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.entrypoints.http.waiting_cookie import end_waiting, keep_waiting, read_waiting
from mcp_gateway.kit.fastapi import Call, GuardedRoute

MAX_FIELDS: Final = 40
# From one address within a minute: registrations, and requests of programs that are refused.
MOST_ATTEMPTS: Final = 30
NOT_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
FILES: Final = {"consent.js": "text/javascript; charset=utf-8", "consent.css": "text/css; charset=utf-8"}


class Decision(BaseModel):
    """What somebody decided about the program they were shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    request: str = Field(min_length=1, max_length=200, description="The id of the request that was shown.")
    agree: bool


def oauth_routes(access: Access | None, challenges: Challenges, clock: Clock) -> APIRouter:
    """Everything below /oauth; nothing when programs log in elsewhere."""
    router = APIRouter(include_in_schema=False, route_class=GuardedRoute)
    if access is not None and access.oauth is not None:
        attempts = Attempts(clock, most=MOST_ATTEMPTS)
        _add_browser(router, _Browser(access, access.oauth, challenges, attempts))
        _add_programs(router, access.oauth, challenges, attempts)
        _add_files(router)
    return router


def _add_browser(router: APIRouter, browser: "_Browser") -> None:
    @router.get("/oauth/authorize")
    async def authorize(request: Request, _: Public) -> Response:
        return await browser.begin(request)

    @router.get(CONSENT)
    async def question(request: Request, _: Public) -> Response:
        return await browser.show(request)

    # patterns: allow write-not-idempotent: a question is decided once, and then gone
    @router.post(CONSENT)
    async def decide(body: Decision, request: Request, _: Decided) -> Response:
        return await browser.decide(request, body)


def _add_programs(router: APIRouter, desk: OAuthDesk, challenges: Challenges, attempts: Attempts) -> None:
    # Where programs look that were started again and have not read the metadata anew (MCP of 2025-03-26).
    @router.post("/token")
    @router.post("/oauth/token")
    async def token(request: Request, _: Public) -> Response:
        try:
            form = read_fields(await request.body())
            given = await desk.exchange.give(form, place_of(challenges, request), correlation_id_of(request))
        except OAuthRefused as refusal:
            return _refused(refusal)
        document = {
            "access_token": given.access,
            "token_type": "Bearer",
            "expires_in": given.expires_in,
            "scope": " ".join(sorted(given.scopes)),
            "refresh_token": given.refresh,
        }
        return JSONResponse(document, headers=NOT_KEPT)

    @router.post("/oauth/revoke")
    async def revoke(request: Request, _: Public) -> Response:
        try:
            await desk.exchange.revoke(read_fields(await request.body()), correlation_id_of(request))
        except OAuthRefused as refusal:
            return _refused(refusal)
        return Response(headers=NOT_KEPT)

    @router.post("/oauth/register")
    async def register(request: Request, _: Public) -> Response:
        address = _address(request)
        attempts.check(address)
        attempts.failed(address)
        try:
            client = desk.clients.register(_object(await request.body()))
        except OAuthRefused as refusal:
            return _refused(refusal)
        document: JsonObject = {
            "client_id": client.client_id,
            "client_name": client.name,
            "redirect_uris": [*client.redirect_uris],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
        return JSONResponse(document, 201, headers=NOT_KEPT)


def _add_files(router: APIRouter) -> None:
    for name, media_type in FILES.items():
        content = (files("mcp_gateway.entrypoints.http") / "consent" / name).read_bytes()
        router.add_api_route(f"/oauth/{name}", _file(content, media_type), methods=["GET"])


def _file(content: bytes, media_type: str) -> Callable[[Call], Awaitable[Response]]:
    async def endpoint(_: Public) -> Response:
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return endpoint


class _Browser:
    """What the steps of a browser share."""

    def __init__(self, access: Access, desk: OAuthDesk, challenges: Challenges, attempts: Attempts) -> None:
        self._access, self._desk, self._challenges, self._attempts = access, desk, challenges, attempts

    async def begin(self, request: Request) -> Response:
        """Checks the request and leaves it with the browser; nobody is asked anything yet."""
        address = _address(request)
        self._attempts.check(address)
        try:
            parameters = read_fields(request.scope["query_string"])
            sealed = await self._desk.begin(parameters, place_of(self._challenges, request))
        except AnswerRefused as refusal:
            self._attempts.failed(address)
            if refusal.goes_by_itself:
                return RedirectResponse(refusal.address, 302)
            return refusal_page(refusal.message, refusal.hint, back=refusal.address)
        except OAuthRefused as refusal:
            self._attempts.failed(address)
            return refusal_page(refusal.message, refusal.hint)
        reply = hop_page()
        keep_waiting(reply, request, self._challenges, sealed)
        return reply

    async def show(self, request: Request) -> Response:
        """Who are you, may it? Or on at once, where this login has agreed to the same before."""
        identity, sealed = identity_of(request.scope), read_waiting(request, self._challenges)
        if not sealed:
            over = ConsentOver()
            return refusal_page(over.message, over.hint, status=409)
        if identity.caller is None or not identity.session_id:
            # Coming back from a provider, the browser holds back the cookie of the login once.
            return sign_in_page(self._access.providers) if "here" in request.query_params else hop_page()
        try:
            question = await self._desk.question(sealed, identity.caller)
        except (ConsentOver, OAuthRefused) as over:
            return refusal_page(over.message, over.hint, status=409)
        if await self._desk.is_settled(question, identity.session_id):
            return await self._agreed(request, sealed, question.waiting.request_id, RedirectResponse("/", 303))
        return question_page(question, identity.caller, csrf_of(identity.session_id))

    async def decide(self, request: Request, body: Decision) -> Response:
        """The page's own login decides, with its X-CSRF-Token, about the very request it was shown."""
        identity, sealed = identity_of(request.scope), read_waiting(request, self._challenges)
        if identity.caller is None or not identity.session_id:
            raise SessionEnded("Only somebody who is signed in at the page decides.")
        if body.agree:
            return await self._agreed(request, sealed, body.request, None)
        question = matching(await self._desk.question(sealed, identity.caller), body.request)
        location = await self._desk.decline(question, identity.caller, correlation_id_of(request))
        return self._done(request, JSONResponse({"location": location}))

    async def _agreed(self, request: Request, sealed: str, request_id: str, reply: Response | None) -> Response:
        session_id = identity_of(request.scope).session_id
        session = await self._access.sessions.find(session_id)
        if session is None:
            raise SessionEnded
        question = matching(await self._desk.question(sealed, session.caller), request_id)
        location = await self._desk.agree(question, session_id, session, correlation_id_of(request))
        if reply is None:
            reply = JSONResponse({"location": location})
        else:
            reply.headers["location"] = location
        return self._done(request, reply)

    def _done(self, request: Request, reply: Response) -> Response:
        end_waiting(reply, request, self._challenges)
        return reply


def server_document(issuer: str) -> JsonObject:
    """The metadata of the authorization server (RFC 8414)."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "registration_endpoint": f"{issuer}/oauth/register",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": [*SCOPES],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "client_id_metadata_document_supported": True,
        "authorization_response_iss_parameter_supported": True,
    }


def place_of(challenges: Challenges, request: Request) -> Place:
    """This gateway as the request reached it."""
    return Place(issuer=challenges.login_origin(request.scope), resources=challenges.resources(request.scope))


def read_fields(text: bytes) -> Mapping[str, str]:
    """A query or a form, each field once (RFC 6749, 3.1). Raises `OAuthRefused`."""
    try:
        pairs = parse_qsl(text.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise OAuthRefused("invalid_request", "The fields of the request cannot be read.") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise OAuthRefused("invalid_request", "A field of the request stands twice.")
    return fields


def _object(body: bytes) -> Mapping[str, Json]:
    try:
        document: Json = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OAuthRefused("invalid_client_metadata", "The registration is not JSON.") from error
    if not isinstance(document, dict):
        raise OAuthRefused("invalid_client_metadata", "The registration is no JSON object.")
    return document


def _refused(refusal: OAuthRefused) -> Response:
    return JSONResponse({"error": refusal.error, "error_description": refusal.message}, 400, headers=NOT_KEPT)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
