"""What a refused client is told in headers: how to log in (RFC 6750, RFC 9728), and which scope it lacks.

The address of the metadata is made from the configured public URL, or else from the Host header, which was checked before;
forwarding headers are not believed.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

from mcp_gateway.access.errors import InsufficientScope
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.entrypoints.http.credentials import COOKIE, CredentialsUnclear

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
CHALLENGES: Final = "challenges"
# RFC 6750: what error_description and scope may hold.
_UNQUOTABLE: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_PORT: Final = re.compile(r":[0-9]{1,5}$")
HOST: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Challenges:
    """`endpoints` are the paths of MCP endpoints, each a protected resource of its own; everything else is the whole gateway.

    `login_port` and `endpoint_port` are set when MCP has a port of its own: people log in at the one, endpoints are at the other.
    `scope` is what a program had best ask for at first, so that it does not ask for all there is; empty says nothing.
    """

    public_url: str | None
    endpoints: Collection[str]
    login_port: int | None = None
    endpoint_port: int | None = None
    scope: str = ""

    def origin(self, scope: Scope) -> str:
        """Scheme, host and port this gateway is reached at, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        return f"{scope.get('scheme', 'http')}://{host if HOST.fullmatch(host) else 'localhost'}"

    def login_origin(self, scope: Scope) -> str:
        """Where people log in; the same unless MCP has a port of its own."""
        return self._at_port(scope, self.login_port)

    def endpoint_origin(self, scope: Scope) -> str:
        """Where MCP endpoints are; the same unless they have a port of their own."""
        return self._at_port(scope, self.endpoint_port)

    def resources(self, scope: Scope) -> frozenset[str]:
        """The exact URL of every endpoint, wherever it is reached."""
        origins = {self.origin(scope), self._at_port(scope, self.endpoint_port)}
        return frozenset(origin + endpoint for origin in origins for endpoint in ("", *self.endpoints))

    def _at_port(self, scope: Scope, port: int | None) -> str:
        origin = self.origin(scope)
        return origin if port is None or self.public_url else f"{_PORT.sub('', origin)}:{port}"

    def is_secure(self, scope: Scope) -> bool:
        """Whether browsers reach it by https, be it through a proxy that ends the encryption."""
        return self.public_url.startswith("https:") if self.public_url else scope.get("scheme") == "https"

    def cookie_name(self, scope: Scope, name: str = COOKIE) -> str:
        """With https the browser itself guards the name; without, the port keeps two gateways of one machine apart.

        It is the port people see: replicas behind one address have one name for it.
        """
        if self.is_secure(scope):
            return f"__Host-{name}"
        port = self.origin(scope).rpartition(":")[2]
        return f"{name}-{port if port.isdigit() else 80}"

    def resource(self, scope: Scope, endpoint: str) -> str:
        """The exact URL of an endpoint; empty names the gateway itself."""
        return self.origin(scope) + endpoint

    def www_authenticate(self, scope: Scope, error: GatewayError) -> str | None:
        """The header's value for a refusal; None when logging in would not help."""
        parts = [f'resource_metadata="{self.origin(scope)}{WELL_KNOWN}{self._endpoint(scope)}"']
        if isinstance(error, InsufficientScope):
            parts = ['error="insufficient_scope"', f'scope="{_quotable(str(error.data.get("scope", "")))}"', *parts]
        elif isinstance(error, CredentialsUnclear):
            parts = ['error="invalid_request"', f'error_description="{_quotable(error.message)}"', *parts]
        elif error.category != "unauthenticated":
            return None
        else:
            parts += [f'scope="{self.scope}"'] if self.scope else []
            if error.code != "UNAUTHENTICATED":
                parts = ['error="invalid_token"', f'error_description="{_quotable(error.message)}"', *parts]
        return "Bearer " + ", ".join(parts)

    def _endpoint(self, scope: Scope) -> str:
        path = scope["path"]
        if path in self.endpoints:
            return str(path)
        # The older transport has two addresses; the resource is the one a client was given.
        head, _, _ = path.rpartition("/messages/")
        return f"{head}/sse" if f"{head}/sse" in self.endpoints and "/messages/" in path else ""


def challenge_of(scope: Scope, error: GatewayError) -> str | None:
    """The WWW-Authenticate value for an error of this request."""
    challenges = scope.get("state", {}).get(CHALLENGES)
    if isinstance(challenges, Challenges):
        return challenges.www_authenticate(scope, error)
    return "Bearer" if error.category == "unauthenticated" else None


def _quotable(text: str) -> str:
    return _UNQUOTABLE.sub("'", text)
