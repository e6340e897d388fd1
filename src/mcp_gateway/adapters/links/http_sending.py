"""Requests of one server's link over HTTP, with its credential, which is in no answer."""

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.credentials import Presented, Presenter
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
        presented = self._presenter.fixed
        if presented is not None:
            return _discreet(await self._http.send(outgoing, presented.lines), presented)
        presented = await self._presenter.presented(client)
        answer = await self._http.send(outgoing, presented.lines)
        if answer.status == 401 and self._presenter.forget(client, presented):
            answer.leave()
            presented = await self._presenter.presented(client)
            answer = await self._http.send(outgoing, presented.lines)
        return _discreet(answer, presented)

    async def close(self) -> None:
        await self._http.close()
        await self._presenter.close()


def _discreet(answer: Answer, presented: Presented) -> Answer:
    return answer if presented.hidden is None else presented.hidden.of(answer)
