"""A server that is there, answers in few words and never announces anything."""

from collections.abc import Callable

from mcp_gateway.core.protocol.frames import render, result_message
from mcp_gateway.core.protocol.revisions import MODERN
from mcp_gateway.federation.model import Change, Client, Reply, Request, UpstreamFacts
from mcp_gateway.federation.ports import Wanted, Watch


class StillWatch:
    """Stands until it is closed; `wanted` is what it was last asked to tell of."""

    def __init__(self) -> None:
        self.hears, self.wanted = True, Wanted()

    async def want(self, wanted: Wanted) -> None:
        self.wanted = wanted

    async def close(self) -> None:
        self.hears = False


class StillLink:
    """Implements `Link`: every result is empty."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.closed = False

    @property
    def name(self) -> str:
        return self._name

    async def facts(self, client: Client) -> UpstreamFacts:
        return UpstreamFacts(era="modern", revision=MODERN, supported=(MODERN,), capabilities={}, info={"name": self._name})

    async def send(self, request: Request) -> Reply:
        return Reply(body=render(result_message(request.id, {"resultType": "complete"})))

    async def watch(self, client: Client, on_change: Callable[[Change], None]) -> Watch:
        return StillWatch()

    async def close(self) -> None:
        self.closed = True
