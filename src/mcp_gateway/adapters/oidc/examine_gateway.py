"""Whether a running gateway tells clients about its providers: the protected-resource metadata (RFC 9728) of its MCP endpoint."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from mcp_gateway.access.examination.registration import MCP_PATH
from mcp_gateway.access.examination.step import Step, ok, problem
from mcp_gateway.adapters.oidc.egress import Egress
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.adapters.oidc.http import Outbound

METADATA: Final = "/.well-known/oauth-protected-resource"


async def examine_gateway(url: str, issuers: Sequence[str]) -> tuple[Step, ...]:
    """`url` is the gateway's address without a path, as people reach it; inner addresses are allowed, as it is one's own."""
    outbound = Outbound(Egress(home=urlsplit(url).hostname or "", allow_private=True))
    try:
        reply = await outbound.get(f"{url}{METADATA}{MCP_PATH}")
    except ProviderUnusable as fault:
        return (_unreachable(fault),)
    resource, named = reply.document.get("resource"), reply.document.get("authorization_servers")
    steps = [_resource(str(resource)[:300], f"{url}{MCP_PATH}")]
    told = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    missing = [one for one in issuers if one not in told]
    if missing:
        said = f"Clients are not told to log in at {', '.join(missing)}."
        steps.append(problem("gateway providers", said, "Restart the gateway: providers are read at its start.", "gateway"))
    else:
        steps.append(ok("gateway providers", f"Clients are told to log in at {', '.join(told[:10]) or 'nobody'}."))
    return tuple(steps)


def _unreachable(fault: ProviderUnusable) -> Step:
    change = "Start the gateway with this access file, and check the address given with --url."
    return problem("gateway", fault.message, change, "gateway", **fault.data)


def _resource(resource: str, wanted: str) -> Step:
    if resource == wanted:
        return ok("gateway", f"It calls itself {resource}.")
    change = f"Set PUBLIC_URL to {wanted.removesuffix(MCP_PATH)}: strict clients refuse a gateway that calls itself otherwise."
    return problem("gateway", f"It calls itself {resource}, but is reached at {wanted}.", change, "gateway")
