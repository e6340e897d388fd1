"""Requests of one server's link over HTTP, with its credential."""

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.credentials import Presenter
from mcp_gateway.adapters.links.http_client import HttpClient, Outgoing
from mcp_gateway.federation.model import Client


class HttpSending:
    """A credential that was fetched and is refused is fetched anew once: what is refused for its credential was not done."""

    def __init__(self, client: HttpClient, presenter: Presenter) -> None:
        self._http, self._presenter = client, presenter

    @property
    def active(self) -> int:
        return self._http.active

    async def send(self, outgoing: Outgoing, client: Client) -> Answer:
        lines = self._presenter.fixed
        if lines is not None:
            return await self._http.send(outgoing, lines)
        lines = await self._presenter.lines(client)
        answer = await self._http.send(outgoing, lines)
        if answer.status == 401 and self._presenter.forget(client, lines):
            answer.leave()
            answer = await self._http.send(outgoing, await self._presenter.lines(client))
        return answer

    async def close(self) -> None:
        await self._http.close()
        await self._presenter.close()
