"""Many servers asked what they are at once. One that does not answer is waited for once, and looked after in the background."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from mcp_gateway.core.errors import code_of
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.federation.catalog.model import SLOW, Missing
from mcp_gateway.federation.catalog.ports import Surroundings
from mcp_gateway.federation.catalog.shelf import AWAY_SECONDS, PATIENCE_SECONDS, identity_of
from mcp_gateway.federation.model import Client, UpstreamFacts
from mcp_gateway.registry.model import Server

MAX_AWAY: Final = 10_000
_Place: TypeAlias = tuple[str, int, str]


class _Failure(NamedTuple):
    """`seen` is monotonic; `since` seconds since 1970, of the first time."""

    code: str
    seen: float
    since: float


class Asking:
    """What servers said is kept by their links, not here; that they failed is."""

    def __init__(self, around: Surroundings) -> None:
        self._around, self._clock = around, around.clock
        self._failed: dict[_Place, _Failure] = {}
        self._under_way: dict[_Place, asyncio.Task[UpstreamFacts]] = {}

    async def facts(self, servers: Sequence[Server], client: Client) -> tuple[dict[str, UpstreamFacts], list[Missing]]:
        """By the servers' names, in their order, and who is missing. Waits two seconds at most."""
        identity = identity_of(client)
        places = {one.name: (one.name, one.version, identity) for one in servers}
        asked = {one.name: task for one in servers if (task := self._ask(one, client, places[one.name])) is not None}
        patient = [task for name, task in asked.items() if places[name] not in self._failed]
        if patient:
            await asyncio.wait(patient, timeout=PATIENCE_SECONDS)
        said: dict[str, UpstreamFacts] = {}
        missing: list[Missing] = []
        for name, place in places.items():
            task = asked.get(name)
            if task is not None and task.done() and not task.cancelled() and task.exception() is None:
                said[name] = task.result()
            else:
                missing.append(self._missing(place))
        return said, missing

    async def close(self) -> None:
        """Ends what is under way."""
        await end_tasks(*self._under_way.values())

    def _ask(self, server: Server, client: Client, place: _Place) -> "asyncio.Task[UpstreamFacts] | None":
        """None for one that failed a moment ago."""
        under_way = self._under_way.get(place)
        if under_way is not None:
            return under_way
        failed = self._failed.get(place)
        if failed is not None and self._clock.monotonic() < failed.seen + AWAY_SECONDS:
            return None
        task = asyncio.create_task(self._fetch(server, client), name=f"facts of {server.name}")
        self._under_way[place] = task
        task.add_done_callback(lambda ended: self._landed(place, ended))
        return task

    async def _fetch(self, server: Server, client: Client) -> UpstreamFacts:
        return await self._around.links.link(server).facts(client)

    def _landed(self, place: _Place, ended: "asyncio.Task[UpstreamFacts]") -> None:
        self._under_way.pop(place, None)
        if ended.cancelled():
            return
        error = ended.exception()
        if error is None:
            self._failed.pop(place, None)
        else:
            self._note(place, code_of(error))

    def _missing(self, place: _Place) -> Missing:
        if place not in self._failed:
            self._note(place, SLOW)
        failed = self._failed[place]
        return Missing(server=place[0], code=failed.code, since=failed.since)

    def _note(self, place: _Place, code: str) -> None:
        before = self._failed.pop(place, None)
        since = before.since if before is not None else self._clock.timestamp()
        self._failed[place] = _Failure(code, self._clock.monotonic(), since)
        if len(self._failed) > MAX_AWAY:
            del self._failed[next(iter(self._failed))]
