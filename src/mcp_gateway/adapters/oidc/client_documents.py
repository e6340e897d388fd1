"""Programs' own documents, fetched from wherever a stranger says. Implements `access.oauth.clients.ClientDocuments`.

The same guard as for providers, and stricter: no address is anybody's home here, so neither this machine nor its network can be
reached, whatever a name resolves to.
"""

import re
from collections.abc import Mapping
from typing import Final

from mcp_gateway.access.oauth.clients import FetchedDocument
from mcp_gateway.adapters.oidc.egress import Egress
from mcp_gateway.adapters.oidc.http import Outbound, Resolve, system_resolve

NOBODYS_HOME: Final = ""
MAX_DOCUMENT_BYTES: Final = 10 * 1024
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=([0-9]{1,9})(?:$|[,\s])", re.IGNORECASE)


class HttpClientDocuments:
    """`resolve` gives the addresses of a name; they are judged, and connected to, as they were given."""

    def __init__(self, *, resolve: Resolve = system_resolve) -> None:
        self._outbound = Outbound(Egress(home=NOBODYS_HOME), resolve=resolve, max_bytes=MAX_DOCUMENT_BYTES)

    async def fetch(self, url: str) -> FetchedDocument:
        """Raises `ProviderUnusable`."""
        reply = await self._outbound.get(url)
        return FetchedDocument(document=reply.document, fresh_seconds=_fresh_seconds(reply.headers))


def _fresh_seconds(headers: Mapping[str, str]) -> float | None:
    found = _MAX_AGE.search(headers.get("cache-control", ""))
    return float(found[1]) if found else None
