"""How a link's requests leave it: over HTTP with a credential, or into an ASGI application of this process."""

from typing import Protocol

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.http_client import Outgoing
from mcp_gateway.federation.model import Client


class Sending(Protocol):
    async def send(self, outgoing: Outgoing, client: Client) -> Answer:
        """With the credential that is due for this client. Waits for the head of the answer.

        Raises `UpstreamUnreachable` where the server certainly never saw the request, else the other errors of
        `federation/errors.py`.
        """
        ...

    @property
    def active(self) -> int:
        """How many requests are under way, standing streams left out."""
        ...

    async def close(self) -> None:
        """Ends everything under way."""
        ...
