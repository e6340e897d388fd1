"""Each server has one link for as long as it stays as it is."""

import asyncio
from dataclasses import replace

import pytest
from tests.upstreams.reaching import until
from tests.upstreams.still import StillLink

from mcp_gateway.adapters.links.links import Links
from mcp_gateway.registry.model import Server, ServerLimits

pytestmark = pytest.mark.anyio

UP = Server(name="up", url="http://127.0.0.1:1/")


class Known(StillLink):
    """A link of which is known how many calls are under way on it."""

    active = 0


class Opened:
    def __init__(self) -> None:
        self.made: list[Known] = []
        self.links = Links({"http": self.open})

    def open(self, server: Server) -> Known:
        self.made.append(Known(server.name))
        return self.made[-1]


async def test_an_unchanged_server_keeps_its_link() -> None:
    opened = Opened()
    first = opened.links.link(UP)
    assert opened.links.link(UP) is first
    assert opened.links.link(replace(UP)) is first
    assert opened.links.link(replace(UP, name="other")) is not first
    await opened.links.close()
    assert [link.closed for link in opened.made] == [True, True]


async def test_a_changed_server_gets_a_new_link_and_the_old_one_ends_with_its_last_call() -> None:
    opened = Opened()
    opened.links.link(UP)
    opened.made[0].active = 1
    changed = replace(UP, version=2)
    assert opened.links.link(changed) is opened.made[1]
    await asyncio.sleep(0)
    assert not opened.made[0].closed
    opened.made[0].active = 0
    await until(lambda: opened.made[0].closed)
    assert not opened.made[1].closed
    await opened.links.close()


async def test_a_call_that_does_not_end_is_not_waited_for_longer_than_it_may_take() -> None:
    opened = Opened()
    opened.links.link(replace(UP, limits=ServerLimits(timeout_seconds=0.05)))
    opened.made[0].active = 1
    opened.links.forget("up")
    opened.links.forget("up")
    await until(lambda: opened.made[0].closed)
    assert opened.links.link(UP) is opened.made[1]
    await opened.links.close()


async def test_closing_ends_links_on_their_way_out_too() -> None:
    opened = Opened()
    opened.links.link(UP)
    opened.made[0].active = 1
    opened.links.forget("up")
    await opened.links.close()
    assert opened.made[0].closed
