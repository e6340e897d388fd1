"""ID tokens: who logged in at the page, told by the provider to this gateway alone (OpenID Connect Core, 3.1.3.7).

They come straight from the provider's token endpoint, in answer to a login begun here, and are never accepted to call with.
"""

import hmac
from collections.abc import Mapping

from mcp_gateway.access.tokens.envelope import Envelope
from mcp_gateway.access.tokens.model import TrustedIssuer
from mcp_gateway.access.tokens.refusals import refused
from mcp_gateway.access.tokens.verify import Purpose
from mcp_gateway.core.errors import Json


def id_token_for(client_id: str, nonce: str) -> Purpose:
    """Judges a token as the answer to one login: for this client and nobody else, with the nonce the login began with."""

    def judge(envelope: Envelope, _issuer: TrustedIssuer) -> None:
        claims = envelope.claims
        kind = envelope.header.get("typ", "JWT")
        if not isinstance(kind, str) or kind.lower() != "jwt":
            raise refused("header", claim="typ")
        _check_audience(claims, client_id)
        said = claims.get("nonce")
        if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
            raise refused("claims", claim="nonce")
        if "iat" not in claims:
            raise refused("claims", claim="iat")

    return judge


def _check_audience(claims: Mapping[str, Json], client_id: str) -> None:
    """The client alone: a token for several is also in the hands of others, unless `azp` says it was made for this one."""
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if client_id not in named:
        raise refused("audience")
    made_for = claims.get("azp")
    if (len(named) > 1 or made_for is not None) and made_for != client_id:
        raise refused("audience", claim="azp")
