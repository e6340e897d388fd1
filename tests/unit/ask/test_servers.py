"""Connections to the configured servers, and what a new configuration does to them."""

import asyncio
from dataclasses import replace

import pytest
from tests.live_servers import until
from tests.shop_servers import Shop

from mcp_gateway.ask.configuration import OrchestrationConfig
from mcp_gateway.ask.servers import Servers

pytestmark = pytest.mark.anyio


async def test_connecting_reports_each_failure_by_server_and_connects_the_rest() -> None:
    shop = Shop()
    shop.down.add("glossary")
    failures = await shop.servers.connect()
    assert list(failures) == ["glossary"]
    assert shop.servers.database.server.connected
    await shop.servers.close()


async def test_an_unchanged_server_keeps_its_connection_and_a_changed_one_gets_a_new() -> None:
    async with Shop(rival=True).open() as shop:
        glossary, rival, tables = shop.servers.members
        changed = replace(rival.config, priority=7)
        await shop.servers.replace(replace(shop.config, mcp_servers=(glossary.config, changed, tables.config)))
        new_glossary, new_rival, new_tables = shop.servers.members
        assert (new_glossary, new_tables) == (glossary, tables)
        assert new_rival.server is not rival.server
        assert new_rival.config.priority == 7


async def test_a_new_rule_for_copies_takes_effect_without_connecting_again() -> None:
    async with Shop().open() as shop:
        before = shop.servers.database
        await shop.servers.replace(replace(shop.config, orchestration=OrchestrationConfig(resources="ttl")))
        after = shop.servers.database
        assert after.server is before.server
        assert after.copies is not before.copies


async def test_a_server_that_is_left_out_stays_open_for_questions_under_way_and_is_closed_then() -> None:
    shop = Shop(rival=True)
    drained = asyncio.Event()

    async def drain(_: float) -> None:
        await drained.wait()

    shop.servers = Servers(shop.config, shop.make, shop.clock, sleep=drain)
    async with shop.open():
        glossary, rival, tables = shop.servers.members
        await shop.servers.replace(replace(shop.config, mcp_servers=(glossary.config, tables.config)))
        assert rival.server.connected
        drained.set()
        await until(lambda: not rival.server.connected)
        assert tables.server.connected


async def test_closing_also_closes_what_is_still_draining() -> None:
    async with Shop(rival=True).open() as shop:
        glossary, rival, tables = shop.servers.members
        await shop.servers.replace(replace(shop.config, mcp_servers=(glossary.config, tables.config)))
    assert not rival.server.connected
    assert not tables.server.connected
