"""Passing MCP clients on to a provider that knows one public client for all of them. Implements `access.relay.ClientRelay`.

For Entra: no registration there, a `resource` it refuses (AADSTS9010010), and scopes that need their prefix (AADSTS650053).
It holds no secret and keeps nothing: whoever uses it could do the same at the provider.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from mcp_gateway.access.relay import ClientRefused, RelayReply, check_challenge, read_redirects
from mcp_gateway.adapters.oidc.egress import Egress
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.adapters.oidc.http import Outbound, Resolve, system_resolve
from mcp_gateway.adapters.oidc.openid import OpenIdProvider
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json

MAX_AT_ONCE: Final = 16
# A stranger names the address: no host of theirs is allowed to be this machine or in this network.
NOBODYS_HOME: Final = ""
MAX_DOCUMENT_BYTES: Final = 10 * 1024
MAX_DOCUMENTS: Final = 500
DOCUMENT_SECONDS: Final = 300.0
MAX_FIELD_CHARS: Final = 16_384
_PASSED_ON: Final = ("redirect_uri", "state", "code_challenge", "code_challenge_method", "login_hint", "domain_hint")
_ANSWERED: Final = ("access_token", "token_type", "expires_in", "refresh_token", "scope")
_GRANTS: Final[Mapping[str, tuple[str, ...]]] = {
    "authorization_code": ("code", "redirect_uri", "code_verifier"),
    "refresh_token": ("refresh_token",),
}


class OpenIdRelay:
    """`client_id` is the public client registered at the provider for MCP clients."""

    def __init__(self, provider: OpenIdProvider, client_id: str, clock: Clock, *, resolve: Resolve = system_resolve) -> None:
        self._provider, self._client_id, self._clock, self._resolve = provider, client_id, clock, resolve
        self._scope = f"{_application_uri(provider)}/.default offline_access"
        self._running = 0
        self._documents: OrderedDict[str, tuple[tuple[str, ...], float]] = OrderedDict()

    def register(self, document: Mapping[str, Json]) -> Mapping[str, Json]:
        return {
            "client_id": self._client_id,
            "redirect_uris": [*read_redirects(document.get("redirect_uris"))],
            "grant_types": [*_GRANTS],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }

    async def authorize(self, parameters: Mapping[str, str]) -> str:
        check_challenge(parameters)
        await self._check_client(parameters.get("client_id", ""), parameters["redirect_uri"])
        async with self._place():
            metadata = await self._provider.metadata()
        self._provider.outbound.egress.check_url(metadata.authorization_endpoint)
        asked = {"response_type": "code", "client_id": self._client_id, "scope": self._scope}
        asked |= {name: parameters[name] for name in _PASSED_ON if name in parameters}
        return f"{metadata.authorization_endpoint}?{urlencode(asked, quote_via=quote)}"

    async def exchange(self, form: Mapping[str, str]) -> RelayReply:
        fields = _GRANTS.get(form.get("grant_type", ""))
        if fields is None:
            raise ClientRefused("unsupported_grant_type", "grant_type must be authorization_code or refresh_token.")
        missing = [name for name in fields if not 0 < len(form.get(name, "")) <= MAX_FIELD_CHARS]
        if missing:
            raise ClientRefused("invalid_request", f"{missing[0]} is missing.")
        passed = {name: form[name] for name in ("grant_type", *fields)} | {"client_id": self._client_id, "scope": self._scope}
        async with self._place():
            metadata = await self._provider.metadata()
            try:
                reply = await self._provider.outbound.post_form(metadata.token_endpoint, passed)
            except ProviderUnusable as fault:
                return _handed_on(fault)
        return RelayReply(status=200, document={name: reply.document[name] for name in _ANSWERED if name in reply.document})

    async def _check_client(self, client_id: str, redirect_uri: str) -> None:
        """The id every client is given, or the address of a client's own document, which must name the redirect URI."""
        if client_id == self._client_id:
            return
        if not client_id.startswith("https://") or urlsplit(client_id).path in ("", "/"):
            raise ClientRefused("invalid_client", "The client is not known here; it can register.")
        if not any(_same_redirect(redirect_uri, known) for known in await self._redirects_of(client_id)):
            raise ClientRefused("invalid_request", "The redirect URI does not stand in the client's document.")

    async def _redirects_of(self, client_id: str) -> tuple[str, ...]:
        known = self._documents.get(client_id)
        if known is not None and self._clock.monotonic() < known[1]:
            return known[0]
        outbound = Outbound(
            Egress(home=NOBODYS_HOME),
            resolve=self._resolve,
            proxy=self._provider.config.proxy,
            max_bytes=MAX_DOCUMENT_BYTES,
        )
        async with self._place():
            try:
                document = (await outbound.get(client_id)).document
            except ProviderUnusable as fault:
                # Not what was wrong: a stranger must not learn what can be reached from here.
                raise ClientRefused("invalid_client", "The client's document cannot be used.") from fault
        if document.get("client_id") != client_id:
            raise ClientRefused("invalid_client", "The client's document cannot be used.")
        redirects = read_redirects(document.get("redirect_uris"))
        self._documents[client_id] = (redirects, self._clock.monotonic() + DOCUMENT_SECONDS)
        if len(self._documents) > MAX_DOCUMENTS:
            self._documents.popitem(last=False)
        return redirects

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Strangers can make the gateway ask others: so many at once, and no more."""
        if self._running >= MAX_AT_ONCE:
            raise ProviderUnusable("timeout", "Too many clients are being passed on right now.")
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1


def _application_uri(provider: OpenIdProvider) -> str:
    """The application's identifier, before which a scope is looked for."""
    own = f"api://{provider.config.client_id}"
    named = [one for one in provider.config.audience if "://" in one]
    return own if own in named or not named else named[0]


def _same_redirect(asked: str, known: str) -> bool:
    """Exactly the same; on loopback the port may be any (RFC 8252, 7.3)."""
    if asked == known:
        return True
    left, right = urlsplit(asked), urlsplit(known)
    loopback = right.scheme == "http" and right.hostname in ("127.0.0.1", "::1", "localhost")
    same = (left.scheme, left.hostname, left.path, left.query) == (right.scheme, right.hostname, right.path, right.query)
    return loopback and same


def _handed_on(fault: ProviderUnusable) -> RelayReply:
    """What the provider says is wrong, for the client; anything else is the gateway's to say."""
    error = fault.data.get("error")
    if fault.kind != "status" or not isinstance(error, str):
        raise fault
    said: dict[str, Json] = {"error": error}
    if "error_description" in fault.data:
        said["error_description"] = fault.data["error_description"]
    return RelayReply(status=400, document=said)
