"""Servers to be tried out one by one, as `validate` does; nothing else of the gateway is made."""

from dataclasses import replace

from mcp_gateway.adapters.upstream.server import remote_server
from mcp_gateway.ask.check_servers import MakeInspected
from mcp_gateway.ask.configuration import MCPServerConfig
from mcp_gateway.ask.ports import InspectedServer
from mcp_gateway.core.clock import Clock


def inspected_server_maker(clock: Clock) -> MakeInspected:
    """Builds connections that try once: whoever checks wants to hear of the first failure."""

    def make(config: MCPServerConfig) -> InspectedServer:
        return remote_server(replace(config, max_retries=0), clock=clock)

    return make
