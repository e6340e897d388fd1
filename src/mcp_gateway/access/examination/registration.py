"""What has to be registered at a provider so that people and MCP clients get tokens for this gateway; nobody can look it up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mcp_gateway.access.configuration.providers import ProviderConfig
from mcp_gateway.access.examination.entra_faults import KNOWN
from mcp_gateway.access.examination.step import Step, ok, problem, unknown

MCP_PATH: Final = "/mcp"
UNKNOWN_ADDRESS: Final = "Run `mcp-gateway auth doctor --url https://GATEWAY`."


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderOffer:
    """What a provider's metadata says about getting tokens."""

    authorizes: bool
    challenges: bool
    registers_clients: bool
    accepts_client_documents: bool


def callback_path(provider: str) -> str:
    """Where a provider sends the browser back to, below the gateway's address."""
    return f"/login/{provider}/callback"


def registration_steps(config: ProviderConfig, offer: ProviderOffer | None, gateway_url: str) -> Sequence[Step]:
    """`gateway_url` is where people reach the gateway, "" when nobody said; `offer` None when there is no metadata."""
    return (_redirect(config, offer, gateway_url), _resource(config, gateway_url), _clients(config, offer))


def _redirect(config: ProviderConfig, offer: ProviderOffer | None, gateway_url: str) -> Step:
    if not config.login:
        return ok("page login", "The page offers no login at this provider: it has no client_id, or login: false.")
    if offer is not None and not offer.authorizes:
        return problem("page login", "The provider announces no place to log in at.", "Write login: false.", "access file")
    if not gateway_url:
        return unknown("page login", "The address of the gateway is not known here.", UNKNOWN_ADDRESS)
    address = f"{gateway_url}{callback_path(config.name)}"
    entra = "Authentication, Add a platform, Web: " if config.kind == "entra" else ""
    hint = (
        "" if offer is None or offer.challenges else " The provider does not announce PKCE with S256; the gateway uses it anyway."
    )
    said = f"Its redirect URI has to be registered exactly; a provider does not tell whether it is.{hint}"
    return unknown("page login", said, f"{entra}Register {address} as a redirect URI.", "provider", redirect_uri=address)


def _resource(config: ProviderConfig, gateway_url: str) -> Step:
    """MCP clients name the gateway's URL as the resource they want a token for (RFC 8707)."""
    if not gateway_url:
        return unknown("resource", "The address of the gateway is not known here.", UNKNOWN_ADDRESS)
    resource = f"{gateway_url}{MCP_PATH}"
    if config.login:
        said = "MCP clients log in at the gateway, which sends people here without the resource they name"
        return ok("resource", f"{said} ({resource}).", resource=resource)
    if config.kind == "entra":
        fault = KNOWN["9010010"]
        change = (
            f"Expose an API: add {resource} as an Application ID URI (its domain must be verified in the directory), and have "
        )
        change += f"clients ask for {resource}/gateway.ask or api://{config.client_id or 'CLIENT-ID'}/gateway.ask."
        return unknown(
            "resource", f"Without it Entra answers AADSTS9010010: {fault.meaning}", change, "provider", resource=resource
        )
    if resource not in config.audience:
        said = f"MCP clients ask for tokens for {resource}; `audience` does not name it."
        change = (
            "If the provider puts the resource into `aud`, add it to `audience`; if it puts something fixed there, all is well."
        )
        return unknown("resource", said, change, "access file", resource=resource)
    return ok("resource", f"Tokens for {resource} are accepted.", resource=resource)


def _clients(config: ProviderConfig, offer: ProviderOffer | None) -> Step:
    if config.login:
        return ok("clients", "MCP clients register at the gateway, or bring a client-ID metadata document; here none has to be.")
    if offer is None:
        return unknown("clients", "Not without metadata.")
    if offer.accepts_client_documents:
        return ok("clients", "MCP clients may come with a client-ID metadata document; none has to be registered.")
    if offer.registers_clients:
        return ok("clients", "MCP clients can register themselves.")
    said = "MCP clients cannot register themselves here."
    change = "Register a public client once, and give its id to people for their MCP client"
    change += ": Authentication, Mobile and desktop, http://localhost." if config.kind == "entra" else "."
    return unknown("clients", said, change, "provider")
