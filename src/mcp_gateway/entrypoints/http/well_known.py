"""Protected resource metadata (RFC 9728): which resource an address is, and where to get tokens for it.

One document for the gateway and one for each MCP endpoint, since clients compare `resource` with the very URL they connect to.
"""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from mcp_gateway.access.access import Access
from mcp_gateway.core.errors import NotFound
from mcp_gateway.entrypoints.http.challenge import WELL_KNOWN, Challenges
from mcp_gateway.entrypoints.http.identity import for_everybody
from mcp_gateway.entrypoints.http.models import JsonObject

SCOPES: Final = ("gateway.read", "gateway.ask", "gateway.call", "gateway.operate", "gateway.admin")


def well_known_routes(challenges: Challenges, access: Access | None) -> APIRouter:
    """GET /.well-known/oauth-protected-resource, also followed by the path of an endpoint. For everybody, from anywhere."""
    router = APIRouter(include_in_schema=False)

    @router.get(WELL_KNOWN)
    @router.get(WELL_KNOWN + "/{endpoint:path}")
    async def metadata(request: Request, endpoint: str = "") -> Response:
        for_everybody(request.scope)
        path = f"/{endpoint}" if endpoint else ""
        if access is None or (path and path not in challenges.endpoints):
            raise NotFound("There is no protected resource of this name.")
        document = resource_document(challenges.resource(request.scope, path), access)
        # Read by programs in browsers of any site, without credentials (RFC 9728, section 3).
        return JSONResponse(document, headers={"Access-Control-Allow-Origin": "*"})

    return router


def resource_document(resource: str, access: Access) -> JsonObject:
    """The metadata of one resource; without a provider there is no authorization server to name."""
    document: JsonObject = {
        "resource": resource,
        "resource_name": "MCP Gateway",
        "bearer_methods_supported": ["header"],
        "scopes_supported": list(SCOPES),
    }
    issuers = list(dict.fromkeys(one.issuer for one in access.providers))
    return document | ({"authorization_servers": issuers} if issuers else {})
