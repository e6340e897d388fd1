"""Where MCP clients get tokens of a provider that registers none of them: metadata (RFC 8414), registration (RFC 7591), and two
endpoints that pass them on. For everybody: whoever comes here has no token yet.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, JsonValue
from starlette.responses import JSONResponse, RedirectResponse, Response

from mcp_gateway.access.relay import ClientRefused, ClientRelay
from mcp_gateway.access.sessions.ports import LoginProvider
from mcp_gateway.core.errors import NotFound
from mcp_gateway.entrypoints.http.challenge import Challenges
from mcp_gateway.entrypoints.http.guards import Public
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.kit.fastapi import GuardedRoute

METADATA: Final = "/.well-known/oauth-authorization-server"
MAX_FIELDS: Final = 30
# Read by clients in browsers of any site, which send no cookie along.
_SHARED: Final = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store", "Pragma": "no-cache"}


class Registration(BaseModel):
    """What a client says of itself (RFC 7591); the rest of it changes nothing here."""

    model_config = ConfigDict(frozen=True)

    redirect_uris: JsonValue = None


def relay_issuer(origin: str, provider: str) -> str:
    """What the gateway calls itself as the place to log in at, for clients of one provider."""
    return f"{origin}/login/{provider}"


def client_routes(challenges: Challenges, providers: Mapping[str, LoginProvider]) -> APIRouter:
    """GET the metadata and /login/{provider}/authorize, POST /login/{provider}/register and /token; none without relays."""
    router = APIRouter(include_in_schema=False, route_class=GuardedRoute)
    relays = {name: one.relay for name, one in providers.items() if one.relay is not None}
    if not relays:
        return router

    def relay_of(provider: str) -> ClientRelay:
        if provider not in relays:
            raise NotFound("There is no such provider.")
        return relays[provider]

    @router.get(METADATA + "/login/{provider}")
    async def metadata(provider: str, request: Request, _: Public) -> Response:
        relay_of(provider)
        return JSONResponse(server_document(relay_issuer(challenges.origin(request.scope), provider)), headers=_SHARED)

    @router.post("/login/{provider}/register")
    async def register(provider: str, body: Registration, _: Public) -> Response:
        try:
            return JSONResponse(dict(relay_of(provider).register(body.model_dump())), 201, headers=_SHARED)
        except ClientRefused as refusal:
            return _refused(refusal)

    @router.get("/login/{provider}/authorize")
    async def authorize(provider: str, request: Request, _: Public) -> Response:
        try:
            parameters = _once(request.scope["query_string"].decode("latin-1"))
            return RedirectResponse(await relay_of(provider).authorize(parameters), 302)
        except ClientRefused as refusal:
            return _refused(refusal)

    @router.post("/login/{provider}/token")
    async def token(provider: str, request: Request, _: Public) -> Response:
        try:
            form = _once((await request.body()).decode("latin-1"))
            reply = await relay_of(provider).exchange(form)
        except ClientRefused as refusal:
            return _refused(refusal)
        return JSONResponse(dict(reply.document), reply.status, headers=_SHARED)

    return router


def server_document(issuer: str) -> JsonObject:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "registration_endpoint": f"{issuer}/register",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "client_id_metadata_document_supported": True,
    }


def _once(text: str) -> dict[str, str]:
    """The fields of a query or form. Raises `ClientRefused` for one that stands twice (RFC 6749, 3.1)."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise ClientRefused("invalid_request", "The request's fields cannot be read.") from error
    fields = dict(pairs)
    # `resource` may: it is left out anyway.
    if len([name for name, _ in pairs if name != "resource"]) != len([name for name in fields if name != "resource"]):
        raise ClientRefused("invalid_request", "A field stands twice.")
    return fields


def _refused(refusal: ClientRefused) -> Response:
    shape: JsonObject = {"error": refusal.error, "error_description": refusal.message}
    return JSONResponse(shape, 401 if refusal.error == "invalid_client" else 400, headers=_SHARED)
