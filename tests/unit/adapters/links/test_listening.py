"""A standing subscription with a modern server."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs
from tests.upstreams.reaching import CLIENT, modern_link, until
from tests.upstreams.scripted_http import ScriptedUpstream, Wire, scripted

from mcp_gateway.adapters.links import listening
from mcp_gateway.adapters.links.modern import ModernLink
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.errors import NotExpressible, UpstreamUnreachable
from mcp_gateway.federation.model import Change
from mcp_gateway.federation.ports import Wanted
from mcp_gateway.registry.model import ServerLimits

pytestmark = pytest.mark.anyio

SHORT = ServerLimits(timeout_seconds=0.2)
TOOLS = Wanted(lists=frozenset({"tools"}))


@dataclass
class Announcer:
    """An upstream that acknowledges every subscription and lets the test say the rest."""

    streams: list[Wire] = field(default_factory=list)
    wanted: list[JsonObject] = field(default_factory=list)
    closed: int = 0
    refuse: bool = False

    async def script(self, wire: Wire) -> None:
        asked = await wire.asked()
        message = json.loads(asked.body)
        assert message["method"] == "subscriptions/listen"
        if self.refuse:
            wire.answer(b"busy", status="503 Busy", kind="text/plain")
            return
        self.wanted.append(message["params"]["notifications"])
        wire.begin_stream()
        note(wire, "notifications/subscriptions/acknowledged", notifications=message["params"]["notifications"])
        self.streams.append(wire)
        await wire.gone()
        self.closed += 1


def note(wire: Wire, method: str, **params: object) -> None:
    wire.chunk(b"data: " + json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode() + b"\n\n")


@dataclass
class World:
    upstream: ScriptedUpstream
    announcer: Announcer
    link: ModernLink
    heard: list[Change] = field(default_factory=list)

    async def kinds(self, count: int) -> list[str]:
        await until(lambda: len(self.heard) >= count)
        return [change.kind for change in self.heard]


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(listening, "_FIRST_PAUSE_SECONDS", 0.01)
    announcer = Announcer()
    async with scripted(announcer.script) as upstream:
        link = modern_link(upstream.url)
        yield World(upstream, announcer, link)
        await link.close()


async def test_changes_are_told_as_they_come(world: World) -> None:
    watch = await world.link.watch(CLIENT, world.heard.append)
    await watch.want(Wanted(lists=frozenset({"tools", "prompts", "resources"}), uris=frozenset({"a:1"})))
    assert world.announcer.wanted == [
        {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True, "resourceSubscriptions": ["a:1"]}
    ]
    (wire,) = world.announcer.streams
    for method in ("tools/list_changed", "prompts/list_changed", "resources/list_changed", "tasks/status"):
        note(wire, f"notifications/{method}")
    note(wire, "notifications/resources/updated", uri="a:1", more="kept")
    assert await world.kinds(5) == ["tools", "prompts", "resources", "other", "resource"]
    last = world.heard[-1]
    assert (last.server, last.uri, last.message["params"]) == ("up", "a:1", {"uri": "a:1", "more": "kept"})
    await watch.close()
    await until(lambda: world.announcer.closed == 1)


async def test_an_interruption_is_told_and_the_stream_opened_again(world: World) -> None:
    watch = await world.link.watch(CLIENT, world.heard.append)
    await watch.want(TOOLS)
    world.announcer.streams[0].cut()
    await until(lambda: len(world.announcer.streams) == 2)
    note(world.announcer.streams[1], "notifications/tools/list_changed")
    assert await world.kinds(3) == ["lost", "lost", "tools"]
    await watch.close()


async def test_a_stream_the_server_ends_is_opened_again_too(world: World) -> None:
    watch = await world.link.watch(CLIENT, world.heard.append)
    await watch.want(TOOLS)
    world.announcer.streams[0].chunk(b'data: {"jsonrpc":"2.0","id":"watch-1","result":{}}\n\n')
    await until(lambda: len(world.announcer.streams) == 2)
    assert "lost" in await world.kinds(1)
    await watch.close()


async def test_a_server_that_is_away_is_tried_until_it_is_back(world: World) -> None:
    watch = await world.link.watch(CLIENT, world.heard.append)
    await watch.want(TOOLS)
    world.announcer.refuse = True
    world.announcer.streams[0].cut()
    await until(lambda: len(world.upstream.asked) >= 4)
    world.announcer.refuse = False
    await until(lambda: len(world.announcer.streams) == 2)
    assert await world.kinds(2) == ["lost", "lost"]
    await watch.close()


async def test_a_new_wish_opens_a_new_stream_and_ends_the_old_one(world: World) -> None:
    watch = await world.link.watch(CLIENT, world.heard.append)
    await watch.want(TOOLS)
    await watch.want(TOOLS)
    assert len(world.announcer.streams) == 1
    await watch.want(Wanted(uris=frozenset({"b:2", "a:1"})))
    await until(lambda: world.announcer.closed == 1)
    assert world.announcer.wanted[1] == {"resourceSubscriptions": ["a:1", "b:2"]}
    note(world.announcer.streams[1], "notifications/resources/updated", uri="b:2")
    assert await world.kinds(1) == ["resource"]
    await watch.want(Wanted())
    await until(lambda: world.announcer.closed == 2)
    assert len(world.announcer.streams) == 2
    await watch.close()


async def test_a_listener_that_fails_does_not_end_the_stream(world: World) -> None:
    def fails_first(change: Change) -> None:
        world.heard.append(change)
        if len(world.heard) == 1:
            raise RuntimeError

    watch = await world.link.watch(CLIENT, fails_first)
    await watch.want(TOOLS)
    for _ in range(2):
        note(world.announcer.streams[0], "notifications/tools/list_changed")
    with capture_logs() as logs:
        assert await world.kinds(2) == ["tools", "tools"]
    assert [entry["event"] for entry in logs] == ["change_not_taken"]
    assert len(world.announcer.streams) == 1
    await watch.close()


async def test_wishes_at_once_leave_one_stream(world: World) -> None:
    watch = await world.link.watch(CLIENT, world.heard.append)
    await asyncio.gather(*(watch.want(Wanted(uris=frozenset({f"a:{at}"}))) for at in range(5)))
    await until(lambda: world.announcer.closed == 4)
    await watch.close()
    await until(lambda: world.announcer.closed == 5)


async def test_a_watch_closed_while_it_opens_leaves_nothing_open(world: World) -> None:
    watch = await world.link.watch(CLIENT, world.heard.append)
    wanting = asyncio.create_task(watch.want(TOOLS))
    await until(lambda: bool(world.upstream.asked))
    await watch.close()
    await wanting
    await until(lambda: world.announcer.closed == 1)


async def test_closing_the_link_ends_its_watches(world: World) -> None:
    watch = await world.link.watch(CLIENT, world.heard.append)
    await watch.want(TOOLS)
    await world.link.close()
    await until(lambda: world.announcer.closed == 1)
    assert world.heard == []


async def test_a_server_that_cannot_be_reached_is_told_at_once(world: World) -> None:
    world.announcer.refuse = True
    watch = await world.link.watch(CLIENT, world.heard.append)
    with pytest.raises(UpstreamUnreachable):
        await watch.want(TOOLS)
    world.announcer.refuse = False
    await watch.want(TOOLS)
    assert len(world.announcer.streams) == 1
    await watch.close()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"jsonrpc":"2.0","id":"watch-1","error":{"code":-32601,"message":"x"}}', NotExpressible),
        (b'{"jsonrpc":"2.0","id":"watch-1","error":{"code":-32602,"message":"x"}}', UpstreamUnreachable),
        (b'{"jsonrpc":"2.0","id":"watch-1","result":{}}', UpstreamUnreachable),
    ],
)
async def test_a_server_without_subscriptions_is_told_as_one(body: bytes, error: type[GatewayError]) -> None:
    async def none(wire: Wire) -> None:
        await wire.asked()
        wire.answer(body)

    async with scripted(none) as upstream:
        link = modern_link(upstream.url)
        watch = await link.watch(CLIENT, lambda _: None)
        with pytest.raises(error):
            await watch.want(TOOLS)
        await link.close()


async def test_a_subscription_nobody_acknowledges_is_not_waited_for_for_ever() -> None:
    async def silent(wire: Wire) -> None:
        await wire.asked()
        wire.begin_stream()
        await wire.gone()
        wire.upstream.left.set()

    async with scripted(silent) as upstream:
        link = modern_link(upstream.url, limits=SHORT)
        watch = await link.watch(CLIENT, lambda _: None)
        with pytest.raises(UpstreamUnreachable):
            await watch.want(TOOLS)
        await asyncio.wait_for(upstream.left.wait(), 20)
        await link.close()
