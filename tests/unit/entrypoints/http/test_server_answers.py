"""What is described of servers and tools is all that is told of them: what a description lacks, no client would get."""

from dataclasses import fields

from mcp_gateway.entrypoints.http.server_answers import RegisteredServerAnswer, ServerHealthAnswer
from mcp_gateway.entrypoints.http.tool_answers import NameAnswer, ServerCostAnswer, ToolCostAnswer
from mcp_gateway.federation.catalog.costs import ServerCost, ToolCost
from mcp_gateway.federation.catalog.model import Finding
from mcp_gateway.federation.health.history import Health
from mcp_gateway.registry.model import Command, Server
from mcp_gateway.registry.showing import shown_server


def test_what_is_told_of_servers_is_described_whole() -> None:
    shown = shown_server(Server(name="x", command=Command(program="/bin/true")), managing=True)
    assert RegisteredServerAnswer.__annotations__.keys() == {*shown, "changeable", "fault"}
    assert ServerHealthAnswer.__annotations__.keys() == Health(server="x").to_dict().keys()


def test_what_is_told_of_tools_names_and_costs_is_described_whole() -> None:
    assert NameAnswer.__annotations__.keys() == {one.name for one in fields(Finding)}
    assert ToolCostAnswer.__annotations__.keys() == set(ToolCost._fields)
    assert ServerCostAnswer.__annotations__.keys() == set(ServerCost._fields)
