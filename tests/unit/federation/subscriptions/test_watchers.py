"""One watch over each server for all who want to be told: when it is opened, widened, opened again and given up."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.federation.subscriptions.world import GATEWAY, ToldLink, World
from tests.upstreams.reaching import until

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.errors import AddressRefused, NotExpressible, UpstreamUnreachable
from mcp_gateway.federation.model import Change, Client
from mcp_gateway.federation.ports import Wanted
from mcp_gateway.federation.subscriptions import lookout as module
from mcp_gateway.federation.subscriptions.watchers import Wish

pytestmark = pytest.mark.anyio
ANN = Client(caller=Caller(tenant="acme", subject="ann"))
TOOLS, PROMPTS = Wanted(lists=frozenset({"tools"})), Wanted(lists=frozenset({"prompts"}))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of milliseconds."""
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 0.002)
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.001)


def wants(link: ToldLink) -> list[Wanted]:
    return [watch.wanted for watch in link.watches]


async def agreed(world: World, *wishes: Wish) -> None:
    await world.watchers.ready(wishes, timeout_seconds=5.0)


async def test_what_is_wanted_of_a_server_is_wanted_together_and_in_the_gateways_name(world: World) -> None:
    shop = world.links["shop"]
    await agreed(world, world.watchers.want("shop", ANN, TOOLS), world.watchers.want("shop", ANN, Wanted(uris=frozenset({"a"}))))
    await agreed(world, world.watchers.want("shop", ANN, PROMPTS))
    assert wants(shop) == [Wanted(lists=frozenset({"tools", "prompts"}), uris=frozenset({"a"}))]
    assert shop.watches[0].client is GATEWAY


async def test_what_nobody_wants_any_more_is_given_up_after_a_while(world: World) -> None:
    shop = world.links["shop"]
    tools, prompts = world.watchers.want("shop", ANN, TOOLS), world.watchers.want("shop", ANN, PROMPTS)
    await agreed(world, tools, prompts)
    prompts.close()
    prompts.close()
    await until(lambda: wants(shop) == [TOOLS])
    tools.close()
    await until(lambda: not shop.watches)
    assert len(world.watchers) == 0


async def test_two_who_want_the_same_are_told_until_both_have_gone(world: World) -> None:
    shop = world.links["shop"]
    one, other = world.watchers.want("shop", ANN, TOOLS), world.watchers.want("shop", ANN, TOOLS)
    await agreed(world, one, other)
    one.close()
    third = world.watchers.want("shop", ANN, PROMPTS)
    await agreed(world, third)
    third.close()
    await until(lambda: wants(shop) == [TOOLS])
    other.close()
    await until(lambda: not shop.watches)


async def test_a_server_that_is_away_is_tried_again_and_told_as_lost_when_it_is_there(world: World) -> None:
    shop, told = world.links["shop"], list[Change]()
    world.bus.subscribe(told.append)
    shop.fault = UpstreamUnreachable(server="shop")
    await agreed(world, world.watchers.want("shop", ANN, TOOLS))
    assert world.watchers.state_of("shop", ANN) == "down"
    shop.fault = None
    await until(lambda: world.watchers.state_of("shop", ANN) == "live")
    assert told == [Change(server="shop", kind="lost")]
    assert list(world.watchers.heard()) == [("shop", TOOLS.lists)]


@pytest.mark.parametrize("fault", [NotExpressible(server="shop"), AddressRefused(server="shop")])
async def test_a_server_that_cannot_tell_is_left_alone(world: World, fault: GatewayError) -> None:
    world.links["shop"].fault = fault
    await agreed(world, world.watchers.want("shop", ANN, TOOLS))
    assert world.watchers.state_of("shop", ANN) == "cannot"
    await agreed(world, world.watchers.want("shop", ANN, PROMPTS))
    assert list(world.watchers.heard()) == []


async def test_a_server_that_became_another_one_is_watched_anew_and_told_as_lost(world: World) -> None:
    before, told = world.links["shop"], list[Change]()
    await agreed(world, world.watchers.want("shop", ANN, TOOLS))
    world.bus.subscribe(told.append)
    world.watchers.relink()
    assert told == []
    after = world.links["shop"] = ToldLink("shop")
    world.watchers.relink()
    await until(lambda: wants(after) == [TOOLS])
    assert before.watches == []
    assert told == [Change(server="shop", kind="lost")]


async def test_a_server_that_was_switched_off_is_watched_again_when_it_is_back(world: World) -> None:
    shop = world.links.pop("shop")
    await agreed(world, world.watchers.want("shop", ANN, TOOLS))
    assert shop.watches == []
    world.links["shop"] = shop
    world.watchers.relink()
    await until(lambda: wants(shop) == [TOOLS])


async def test_an_interrupted_watch_vouches_for_nothing(world: World) -> None:
    shop = world.links["shop"]
    await agreed(world, world.watchers.want("shop", ANN, TOOLS))
    assert list(world.watchers.heard()) == [("shop", TOOLS.lists)]
    shop.watches[0].hears = False
    assert list(world.watchers.heard()) == []


async def test_servers_that_know_each_caller_are_watched_for_each_and_vouch_for_nobody_else(world: World) -> None:
    world.personal.add("shop")
    bob = Client(caller=Caller(tenant="acme", subject="bob"))
    await agreed(world, *(world.watchers.want("shop", client, TOOLS) for client in (ANN, bob, ANN)))
    assert [watch.client for watch in world.links["shop"].watches] == [ANN, bob]
    assert list(world.watchers.heard()) == []
