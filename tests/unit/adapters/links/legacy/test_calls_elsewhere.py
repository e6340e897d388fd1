"""A client that comes back with its answer to another replica than the one its call waits at."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.unit.adapters.links.legacy.test_waiting_calls import YES, AskingServer, form
from tests.upstreams.older import ABLE, KEY, answer_to, calling, event, messages, older_server, result, session_link, words
from tests.upstreams.reaching import until
from tests.upstreams.scripted_http import Asked, Wire

from mcp_gateway.adapters.links.legacy.elsewhere import CallsElsewhere
from mcp_gateway.adapters.links.legacy.parked import ParkedCalls
from mcp_gateway.adapters.links.legacy.states import StateSeal
from mcp_gateway.adapters.peers_memory import MemoryExchange, MemoryPeers
from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.errors import StaleRequestState, UpstreamTimedOut
from mcp_gateway.federation.model import Client, Reply
from mcp_gateway.federation.ports import Link
from mcp_gateway.registry.model import ServerLimits

pytestmark = pytest.mark.anyio


async def back(link: Link, asked: dict[str, Any], answer: Any, client: Client = ABLE) -> Reply:
    """The same call again, with this answer."""
    return await link.send(
        calling("work", None, client, inputResponses={"question-1": answer}, requestState=asked["requestState"])
    )


class Replica:
    def __init__(self, exchange: MemoryExchange) -> None:
        self.peers = MemoryPeers(exchange)
        self.parked = ParkedCalls(StateSeal(KEY, self.peers.replica), random_bytes=secrets.token_bytes)
        self.parked.elsewhere = CallsElsewhere(self.parked, self.peers)


class World:
    """Two replicas before one server. `first` and `second` are their links to it."""

    first: Link
    second: Link

    def __init__(self) -> None:
        exchange = MemoryExchange()
        self.replicas = Replica(exchange), Replica(exchange)
        self.open = AsyncExitStack()

    async def before(self, act: Any, limits: ServerLimits | None = None) -> None:
        self.server = await self.open.enter_async_context(older_server(act))
        limits = limits or ServerLimits()
        one, other = self.replicas
        self.first = await self.open.enter_async_context(session_link(self.server.url, parked=one.parked, limits=limits))
        self.second = await self.open.enter_async_context(session_link(self.server.url, parked=other.parked, limits=limits))

    async def before_asking(self) -> None:
        asking = AskingServer(form())
        await self.before(asking.act)
        asking.server = self.server


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    async with made.open:
        yield made


async def test_the_answer_reaches_the_call_where_it_waits(world: World) -> None:
    await world.before_asking()
    asked = await result(await world.first.send(calling("work", None, ABLE)))
    assert json.loads(await words(await back(world.second, asked, YES))) == [YES]
    assert len(world.server.told("tools/call")) == 1


async def test_an_answer_that_makes_no_sense_may_be_given_again_anywhere(world: World) -> None:
    await world.before_asking()
    asked = await result(await world.first.send(calling("work", None, ABLE)))
    again = await result(await back(world.second, asked, 1))
    assert again["resultType"] == "input_required"
    assert json.loads(await words(await back(world.second, again, YES))) == [YES]


async def test_a_stranger_finds_nothing_there_either(world: World) -> None:
    await world.before_asking()
    asked = await result(await world.first.send(calling("work", None, ABLE)))
    stranger = Client(caller=Caller(tenant="other", subject="local"), capabilities=ABLE.capabilities)
    with pytest.raises(StaleRequestState):
        await back(world.second, asked, YES, stranger)
    assert json.loads(await words(await back(world.second, asked, YES))) == [YES]


async def test_an_answer_counts_once_whichever_way_it_comes(world: World) -> None:
    await world.before_asking()
    asked = await result(await world.first.send(calling("work", None, ABLE)))
    await back(world.second, asked, YES)
    for link in (world.first, world.second):
        with pytest.raises(StaleRequestState):
            await back(link, asked, YES)


async def test_a_call_of_a_replica_that_is_gone_is_over(world: World) -> None:
    await world.before_asking()
    asked = await result(await world.first.send(calling("work", None, ABLE)))
    await world.replicas[0].peers.close()
    with pytest.raises(StaleRequestState):
        await back(world.second, asked, YES)


async def test_what_the_server_says_on_the_way_comes_too(world: World) -> None:
    async def reporting(wire: Wire, _: Asked, message: dict[str, Any]) -> None:
        wire.begin_stream()
        wire.chunk(event(json.dumps({"jsonrpc": "2.0", "id": "s1", **form()}).encode()))
        await until(lambda: any("method" not in one for one in world.server.said))
        token = message["params"]["_meta"]["progressToken"]
        params = {"progressToken": token, "progress": 1}
        wire.chunk(event(json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}).encode()))
        wire.chunk(event(answer_to(message, {"content": []})))
        wire.chunk(b"")

    await world.before(reporting)
    meta = {"progressToken": "p"}
    asked = await result(await world.first.send(calling("work", None, ABLE, _meta=meta)))
    retry = calling("work", None, ABLE, _meta=meta, inputResponses={"question-1": YES}, requestState=asked["requestState"])
    told = await messages(await world.second.send(retry))
    assert [one.get("method") for one in told] == ["notifications/progress", None]
    assert told[0]["params"] == {"progressToken": "p", "progress": 1}


async def goes_silent(wire: Wire, _: Asked, message: dict[str, Any]) -> None:
    wire.begin_stream()
    wire.chunk(event(json.dumps({"jsonrpc": "2.0", "id": "s1", **form()}).encode()))
    await wire.gone()


async def test_a_server_that_goes_silent_is_told_as_it_would_be_here(world: World) -> None:
    await world.before(goes_silent, ServerLimits(timeout_seconds=0.5))
    asked = await result(await world.first.send(calling("work", None, ABLE)))
    with pytest.raises(UpstreamTimedOut):
        await back(world.second, asked, YES)


async def test_a_client_that_goes_away_ends_the_call_where_it_waits(world: World) -> None:
    await world.before(goes_silent)
    asked = await result(await world.first.send(calling("work", None, ABLE)))
    waiting = asyncio.ensure_future(back(world.second, asked, YES))
    await until(lambda: any("method" not in one for one in world.server.said))
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await until(lambda: bool(world.server.told("notifications/cancelled")))
