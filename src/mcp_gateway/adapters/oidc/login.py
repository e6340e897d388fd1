"""Logging in at a provider with a browser: authorization code, PKCE, state, nonce, and the issuer of the answer (RFC 9207).

The code is exchanged from here and the ID token that comes back is verified as if anybody had sent it. No token is kept: what
remains is who logged in. Implements `access.sessions.ports.LoginProvider`.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Final
from urllib.parse import quote, urlencode

from mcp_gateway.access.errors import LoginFailed
from mcp_gateway.access.sessions.ports import BegunLogin, FinishedLogin
from mcp_gateway.access.tokens.id_token import id_token_for
from mcp_gateway.access.tokens.model import VerifiedToken
from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.adapters.oidc.discovery import ProviderMetadata
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.adapters.oidc.openid import OpenIdProvider
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller

MAX_CODE_CHARS: Final = 4_096
MAX_WORDS: Final = 200


class OpenIdLogin:
    """`new_secret` makes texts nobody can guess, of at least 43 characters that need no escaping (RFC 7636)."""

    def __init__(self, provider: OpenIdProvider, clock: Clock, new_secret: Callable[[], str]) -> None:
        self.provider, self._clock, self._new_secret = provider, clock, new_secret
        self.name = provider.config.name
        self.title = "Microsoft Entra ID" if provider.authority is not None else self.name
        self.issuer = provider.config.issuer
        self.signs_in = provider.config.login
        self._verifier = TokenVerifier(provider.trusted_issuers(), clock)

    @property
    def registers_programs(self) -> bool:
        """As far as the provider has said by now."""
        return self.provider.keys.registers_programs

    async def begin_login(self, redirect_uri: str) -> BegunLogin:
        """Where to send the browser. Raises `ProviderUnusable`."""
        metadata = await self.provider.metadata()
        address = metadata.authorization_endpoint
        self.provider.outbound.egress.check_url(address)
        state, nonce, verifier = self._new_secret(), self._new_secret(), self._new_secret()
        asked = {
            "response_type": "code",
            "client_id": self.provider.config.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.provider.config.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        url = f"{address}{'&' if '?' in address else '?'}{urlencode(asked, quote_via=quote)}"
        return BegunLogin(url=url, state=state, kept=json.dumps({"nonce": nonce, "verifier": verifier}))

    async def finish_login(self, redirect_uri: str, kept: str, parameters: Mapping[str, str]) -> FinishedLogin:
        """Raises `LoginFailed`, `TokenRefused` for what is wrong with the ID token, and `ProviderUnusable`."""
        metadata = await self.provider.metadata()
        self._check_issuer(metadata, parameters.get("iss"))
        code = _code(parameters)
        nonce, verifier = _read_kept(kept)
        token = await self._exchange(metadata, redirect_uri, code, verifier)
        verified = await self._verifier.verify(token, id_token_for(self.provider.config.client_id, nonce))
        return FinishedLogin(caller=await self._caller(verified, token))

    def _check_issuer(self, metadata: ProviderMetadata, said: str | None) -> None:
        """An answer of another provider than the one asked must not be taken for its (mix-up)."""
        if said is None and not metadata.answers_with_issuer:
            return
        if said not in {metadata.issuer, *(trusted.issuer for trusted in self.provider.trusted_issuers())}:
            raise LoginFailed("The answer is of another provider than the one that was asked.", reason="issuer")

    async def _exchange(self, metadata: ProviderMetadata, redirect_uri: str, code: str, verifier: str) -> str:
        config = self.provider.config
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
        basic = None
        if config.client_secret and "client_secret_basic" in metadata.client_methods:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            basic = (quote(config.client_id, safe=""), quote(config.client_secret, safe=""))
        else:
            form["client_id"] = config.client_id
            if config.client_secret:
                form["client_secret"] = config.client_secret
        try:
            reply = await self.provider.outbound.post_form(metadata.token_endpoint, form, basic=basic)
        except ProviderUnusable as fault:
            if fault.kind != "status" or "error" not in fault.data:
                raise
            said = f"{fault.data['error']} {fault.data.get('error_description', '')}"
            raise LoginFailed(f"The provider does not finish the login: {_plain(said)}", reason="code") from fault
        token = reply.document.get("id_token")
        if not isinstance(token, str):
            raise LoginFailed("The provider does not say who logged in: it sends no ID token.", reason="id_token")
        return token

    async def _caller(self, verified: VerifiedToken, token: str) -> Caller:
        """As of an access token's claims; scopes do not narrow somebody who sits at the page."""
        trusted = verified.issuer
        named = trusted.claims.read(verified.claims)
        roles, attributes = named.roles, named.attributes
        if trusted.further_roles is not None:
            further = await trusted.further_roles.roles_of(verified.claims)
            roles, attributes = roles | further.roles, {**attributes, **further.attributes}
        return Caller(
            tenant=named.tenant,
            subject=f"{trusted.name}:{named.subject}",
            roles=roles,
            name=named.name,
            issuer=trusted.issuer,
            credential=blake2b(token.encode(), digest_size=8).hexdigest(),
            attributes=attributes,
        )


def _code(parameters: Mapping[str, str]) -> str:
    if "error" in parameters:
        said = f"{parameters['error']} {parameters.get('error_description', '')}"
        raise LoginFailed(f"The provider refused the login: {_plain(said)}", reason="refused")
    code = parameters.get("code", "")
    if not 0 < len(code) <= MAX_CODE_CHARS or not code.isascii() or not code.isprintable():
        raise LoginFailed("The provider's answer has no code.", reason="code")
    return code


def _read_kept(kept: str) -> tuple[str, str]:
    try:
        read = json.loads(kept)
        nonce, verifier = read["nonce"], read["verifier"]
    except (ValueError, TypeError, KeyError) as error:
        raise LoginFailed("This login was not begun here.", reason="state") from error
    if not isinstance(nonce, str) or not isinstance(verifier, str) or not nonce or not verifier:
        raise LoginFailed("This login was not begun here.", reason="state")
    return nonce, verifier


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def _plain(text: str) -> str:
    return "".join(one for one in text[:MAX_WORDS] if one.isprintable()).strip()
