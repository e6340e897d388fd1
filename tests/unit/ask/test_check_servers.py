"""Trying out configured servers: what is measured, and what is found unfit."""

from dataclasses import replace
from typing import Any

import pytest
from mcp.server.lowlevel.server import Server
from mcp.types import ReadResourceRequestParams, ReadResourceResult
from tests.live_servers import Context, Scripted, free_port
from tests.shop_servers import Shop, no_values

from mcp_gateway.adapters.upstream import embedded_server, remote_server
from mcp_gateway.ask.check_servers import ServerCheck, check_servers, notes_on
from mcp_gateway.ask.configuration import MCPConfig, MCPServerConfig
from mcp_gateway.ask.ports import InspectedServer
from mcp_gateway.core.clock import SystemClock

pytestmark = pytest.mark.anyio


async def check(shop: Shop) -> dict[str, ServerCheck]:
    def make(config: MCPServerConfig) -> InspectedServer:
        return embedded_server(config, shop.scripted[config.key].server)

    return {one.server: one for one in await check_servers(shop.config, make, SystemClock())}


async def test_a_server_that_is_fit_is_counted_and_timed() -> None:
    shop = Shop()
    shop.tables.tools["execute_query"] = no_values
    glossary, tables = (await check(shop)).values()
    assert glossary.usable
    assert tables.usable
    assert (tables.resources, tables.tools, tables.protocol) == (4, 6, "2026-07-28")
    assert tables.connect_ms is not None
    assert tables.latency_ms is not None
    assert shop.tables.asked.count("tables://schema") == 1


async def test_a_server_that_cannot_do_what_its_capabilities_say_is_unfit() -> None:
    shop = Shop()
    shop.tables.resources.pop("tables://schema")
    found = (await check(shop))["tables"]
    assert not found.usable
    assert [fault.split(",")[0] for fault in found.faults] == [
        "It has no tool execute_query",
        "It offers no resource tables://schema",
    ]


async def test_values_that_cannot_be_searched_are_a_note_not_a_fault() -> None:
    shop = Shop()
    shop.tables.tools = {"execute_query": no_values}
    found = (await check(shop))["tables"]
    assert found.usable
    assert "It has no tool find_values" in found.notes[0]


async def test_a_resource_that_cannot_be_read_is_named() -> None:
    shop = Shop()
    shop.glossary = Listing({"glossary://entities": "{}"})
    found = (await check(shop))["glossary"]
    assert found.faults[0].startswith("The MCP server glossary refused resources/read demo://gone")


class Listing(Scripted):
    """Lists a resource that it does not have."""

    @property
    def server(self) -> Server[Any]:
        self.resources["demo://gone"] = ""
        server = super().server

        async def read(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
            self.resources.pop("demo://gone", None)
            return await self._read_resource(context, params)

        server.add_request_handler("resources/read", ReadResourceRequestParams, read)
        return server


async def test_a_server_that_is_down_is_a_fault_with_its_remedy() -> None:
    config = MCPServerConfig(key="away", name="Away", priority=1, url=f"http://127.0.0.1:{free_port()}/mcp", max_retries=0)
    (found,) = await check_servers(MCPConfig(mcp_servers=(config,)), remote_server, SystemClock())
    assert not found.usable
    assert found.connect_ms is None
    assert "connection refused" in found.faults[0]


def test_what_may_surprise_in_a_configuration_is_noted() -> None:
    config = Shop().config
    assert notes_on(config) == ()
    everyone = tuple(replace(server, capabilities=("execute_query",)) for server in config.mcp_servers)
    assert "glossary is asked" in notes_on(MCPConfig(mcp_servers=everyone))[0]
    assert "questions cannot be answered" in notes_on(MCPConfig(mcp_servers=config.mcp_servers[:1]))[0]
