"""What clients read before they log in: which resource an address is and where to get tokens for it (RFC 9728), and, where that
is the gateway itself, how (RFC 8414).

One document for the gateway and one for each MCP endpoint, since clients compare `resource` with the very URL they connect to.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcp_gateway.access.access import Access
from mcp_gateway.core.errors import Json, NotFound
from mcp_gateway.entrypoints.http.challenge import WELL_KNOWN, Challenges
from mcp_gateway.entrypoints.http.identity import for_everybody
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.entrypoints.http.oauth import server_document
from mcp_gateway.kit.fastapi.problems import problem_response

AUTHORIZATION_SERVER: Final = "/.well-known/oauth-authorization-server"
SHARED: Final = {"Access-Control-Allow-Origin": "*"}
SCOPES: Final = ("gateway.read", "gateway.ask", "gateway.call", "gateway.operate", "gateway.admin")


def well_known_routes(challenges: Challenges, access: Access | None) -> list[Route]:
    """GET the metadata of the gateway, of each endpoint, and of the authorization server that the gateway is.

    For everybody, from anywhere: read by programs in browsers of any site, without credentials (RFC 9728, section 3).
    """

    async def metadata(request: Request) -> Response:
        for_everybody(request.scope)
        endpoint = request.path_params.get("endpoint", "")
        path = f"/{endpoint}" if endpoint else ""
        if access is None or (path and path not in challenges.endpoints):
            return problem_response(
                NotFound("There is no protected resource of this name."), instance=request.scope["path"][:200]
            )
        document = resource_document(challenges.resource(request.scope, path), challenges.login_origin(request.scope), access)
        return JSONResponse(document, headers=SHARED)

    async def server(request: Request) -> Response:
        for_everybody(request.scope)
        if access is None or access.oauth is None:
            return problem_response(NotFound("Programs do not log in here."), instance=AUTHORIZATION_SERVER)
        return JSONResponse(server_document(challenges.login_origin(request.scope)), headers=SHARED)

    places = (WELL_KNOWN, WELL_KNOWN + "/{endpoint:path}")
    return [*(Route(path, metadata, methods=["GET"]) for path in places), Route(AUTHORIZATION_SERVER, server, methods=["GET"])]


def resource_document(resource: str, origin: str, access: Access) -> JsonObject:
    """The metadata of one resource. Clients try the first authorization server, most of them no other."""
    document: JsonObject = {
        "resource": resource,
        "resource_name": "MCP Gateway",
        "bearer_methods_supported": ["header"],
        "scopes_supported": list(SCOPES),
    }
    issuers = authorization_servers(origin, access)
    return document | ({"authorization_servers": issuers} if issuers else {})


def authorization_servers(origin: str, access: Access) -> list[Json]:
    """The gateway itself, and providers whose clients can register there.

    A provider is also named when programs cannot get its tokens in any other way.
    """
    own = [] if access.oauth is None else [origin]
    named = [one.issuer for one in access.providers if one.registers_programs or access.oauth is None or not one.signs_in]
    return [*dict.fromkeys([*own, *named])]
