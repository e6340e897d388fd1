"""Watches that stand though nobody listens: over whom, and what is vouched for meanwhile."""

from collections.abc import AsyncIterator, Collection

import pytest
from tests.unit.federation.subscriptions.world import GATEWAY, World
from tests.upstreams.reaching import until

from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.model import UpstreamFacts
from mcp_gateway.federation.subscriptions import lookout
from mcp_gateway.federation.subscriptions import standing as module
from mcp_gateway.federation.subscriptions.refresher import ListKind
from mcp_gateway.federation.subscriptions.standing import StandingWatches

pytestmark = pytest.mark.anyio


class Standing(World):
    def __init__(self) -> None:
        super().__init__()
        self.vouched: list[tuple[str, frozenset[str]]] = []
        self.standing = StandingWatches(self.watchers, self, gateway=GATEWAY, clock=SystemClock())

    def vouch(self, server: str, kinds: Collection[ListKind], until: float, identity: str = "") -> None:
        self.vouched.append((server, frozenset(kinds)))

    def lists(self, server: str) -> list[frozenset[str]]:
        return [watch.wanted.lists for watch in self.links[server].watches]


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Standing]:
    monkeypatch.setattr(lookout, "LINGER_SECONDS", 0.001)
    monkeypatch.setattr(module, "VOUCH_SECONDS", 0.001)
    made = Standing()
    yield made
    made.standing.close()
    await made.close()


def says(**lists: bool) -> UpstreamFacts:
    capabilities: JsonObject = {name: {"listChanged": told} for name, told in lists.items()}
    return UpstreamFacts(era="modern", revision="2026-07-28", supported=(), capabilities=capabilities, info={})


async def test_a_server_that_announces_changes_is_watched_for_these(world: Standing) -> None:
    world.standing.learn("shop", says(tools=True, prompts=False, resources=True))
    world.standing.learn("files", says(tools=False))
    await until(lambda: world.lists("shop") == [{"tools", "resources"}])
    world.standing.learn("shop", says(tools=True))
    await until(lambda: world.lists("shop") == [{"tools"}])
    assert world.lists("files") == []


async def test_copies_are_vouched_for_while_a_change_would_be_heard_and_no_longer(world: Standing) -> None:
    world.standing.learn("shop", says(tools=True, resources=True))
    await until(lambda: world.lists("shop") != [])
    world.standing.start()
    await until(lambda: ("shop", frozenset({"tools", "resources", "templates"})) in world.vouched)
    world.links["shop"].watches[0].hears = False
    await until(lambda: not list(world.watchers.heard()))
    world.vouched.clear()
    world.links["shop"].watches[0].hears = True
    await until(lambda: bool(world.vouched))


async def test_what_a_server_does_not_announce_is_not_vouched_for_though_somebody_listens(world: Standing) -> None:
    world.standing.learn("shop", says(tools=True))
    await world.listen(toolsListChanged=True, promptsListChanged=True)
    world.standing.start()
    await until(lambda: bool(world.vouched))
    assert set(world.vouched) == {("shop", frozenset({"tools"}))}


async def test_no_more_than_so_many_stand_and_others_take_the_place_of_those_that_went(
    world: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_STANDING", 1)
    world.standing.learn("shop", says(tools=True))
    world.standing.learn("files", says(tools=True))
    await until(lambda: world.lists("shop") != [])
    assert world.lists("files") == []
    world.standing.keep_only(["files"])
    world.standing.learn("files", says(tools=True))
    await until(lambda: world.lists("files") != [] and world.lists("shop") == [])
