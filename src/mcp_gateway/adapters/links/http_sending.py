"""Requests of one server's link over HTTP, with its credential, which is in no answer."""

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.credentials import Presenter
from mcp_gateway.adapters.links.discretion import discretion_of
from mcp_gateway.adapters.links.http_client import HttpClient, Outgoing
from mcp_gateway.federation.model import Client


class HttpSending:
    """A credential that was fetched and is refused is fetched anew once: what is refused for its credential was not done.

    `secrets` go to the server besides, in its address.
    """

    def __init__(self, client: HttpClient, presenter: Presenter, secrets: tuple[str, ...] = ()) -> None:
        self._http, self._presenter, self._secrets = client, presenter, secrets
        self._hidden = discretion_of(presenter.fixed or b"", secrets)

    @property
    def active(self) -> int:
        return self._http.active

    async def send(self, outgoing: Outgoing, client: Client) -> Answer:
        lines = self._presenter.fixed
        if lines is not None:
            answer = await self._http.send(outgoing, lines)
            return answer if self._hidden is None else self._hidden.of(answer)
        lines = await self._presenter.lines(client)
        answer = await self._http.send(outgoing, lines)
        if answer.status == 401 and self._presenter.forget(client, lines):
            answer.leave()
            lines = await self._presenter.lines(client)
            answer = await self._http.send(outgoing, lines)
        hidden = discretion_of(lines, self._secrets)
        return answer if hidden is None else hidden.of(answer)

    async def close(self) -> None:
        await self._http.close()
        await self._presenter.close()
