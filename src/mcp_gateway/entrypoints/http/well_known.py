"""Protected resource metadata (RFC 9728): which resource an address is, and where to get tokens for it.

One document for the gateway and one for each MCP endpoint, since clients compare `resource` with the very URL they connect to.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcp_gateway.access.access import Access
from mcp_gateway.core.errors import NotFound
from mcp_gateway.entrypoints.http.challenge import WELL_KNOWN, Challenges
from mcp_gateway.entrypoints.http.client_routes import relay_issuer
from mcp_gateway.entrypoints.http.identity import for_everybody
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.kit.fastapi.problems import problem_response

SCOPES: Final = ("gateway.read", "gateway.ask", "gateway.call", "gateway.operate", "gateway.admin")


def well_known_routes(challenges: Challenges, access: Access | None) -> list[Route]:
    """GET /.well-known/oauth-protected-resource, also followed by the path of an endpoint. For everybody, from anywhere."""

    async def metadata(request: Request) -> Response:
        for_everybody(request.scope)
        endpoint = request.path_params.get("endpoint", "")
        path = f"/{endpoint}" if endpoint else ""
        if access is None or (path and path not in challenges.endpoints):
            return problem_response(
                NotFound("There is no protected resource of this name."), instance=request.scope["path"][:200]
            )
        document = resource_document(challenges.resource(request.scope, path), challenges.origin(request.scope), access)
        # Read by programs in browsers of any site, without credentials (RFC 9728, section 3).
        return JSONResponse(document, headers={"Access-Control-Allow-Origin": "*"})

    return [Route(path, metadata, methods=["GET"]) for path in (WELL_KNOWN, WELL_KNOWN + "/{endpoint:path}")]


def resource_document(resource: str, origin: str, access: Access) -> JsonObject:
    """The metadata of one resource; without a provider there is no authorization server to name.

    One that MCP clients cannot use themselves is named by the place here that passes them on to it.
    """
    document: JsonObject = {
        "resource": resource,
        "resource_name": "MCP Gateway",
        "bearer_methods_supported": ["header"],
        "scopes_supported": list(SCOPES),
    }
    issuers = list(dict.fromkeys(one.issuer if one.relay is None else relay_issuer(origin, one.name) for one in access.providers))
    return document | ({"authorization_servers": issuers} if issuers else {})
