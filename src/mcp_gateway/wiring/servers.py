"""Which MCP servers stand behind the answers: those of a configuration file, one by its URL, or the embedded pair."""

from collections.abc import Mapping
from typing import Any

from mcp.server.lowlevel.server import Server

from mcp_gateway.adapters.upstream.breaking import SERVER_POLICY, BreakingServer
from mcp_gateway.adapters.upstream.server import embedded_server, remote_server
from mcp_gateway.ask.configuration import ConfigurationFile, MCPConfig, MCPServerConfig, OrchestrationConfig
from mcp_gateway.ask.ports import UpstreamServer
from mcp_gateway.ask.servers import MakeServer
from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.settings import Settings, process_environment
from mcp_gateway.wiring.traffic import Traffic

TABLES, GLOSSARY = "tables", "glossary"
# In the same process nothing is slow to answer but a query.
EMBEDDED = {
    GLOSSARY: MCPServerConfig(key=GLOSSARY, name="Glossary", priority=1, domains=(), capabilities=("list_resources",)),
    TABLES: MCPServerConfig(
        key=TABLES, name="Tables", priority=10, domains=(), capabilities=("execute_query", "find_values", "list_resources")
    ),
}


def is_embedded(settings: Settings) -> bool:
    """Whether the tables and the glossary run in this process, because nothing else is configured."""
    return settings.mcp_config_path is None and settings.mcp_server_url is None


def configuration_file(settings: Settings) -> ConfigurationFile | None:
    """The configuration file, when there is one; `${VAR}` and overrides in it come from the environment."""
    if settings.mcp_config_path is None:
        return None
    return ConfigurationFile(settings.mcp_config_path, environment=process_environment())


def plain_configuration(settings: Settings, embedded: Mapping[str, Server[Any]]) -> MCPConfig:
    """The configuration without a file: one server by its URL, or the embedded ones."""
    rules = OrchestrationConfig(
        fail_fast=settings.require_multi_mcp, resources=settings.resource_copies, resource_cache_ttl=settings.resource_cache_ttl
    )
    if settings.mcp_server_url is None:
        members = tuple(config for key, config in EMBEDDED.items() if key in embedded)
        return MCPConfig(mcp_servers=members, orchestration=rules)
    only = MCPServerConfig(
        key="database_mcp",
        name="Database MCP",
        url=settings.mcp_server_url,
        priority=10,
        capabilities=("execute_query", "find_values", "list_resources"),
        transport="sse" if settings.mcp_server_url.rstrip("/").endswith("/sse") else "streamable_http",
        tool_timeout_seconds=settings.query_timeout_seconds + 5,
    )
    return MCPConfig(mcp_servers=(only,), orchestration=rules)


def server_maker(embedded: Mapping[str, Server[Any]], clock: Clock, traffic: Traffic | None = None) -> MakeServer:
    """Builds the connection to a configured server behind its circuit breaker; embedded ones are reached in memory.

    The circuit of a server on the network is shared with the other replicas; one in this process concerns nobody else.
    """

    def make(config: MCPServerConfig) -> UpstreamServer:
        server = embedded.get(config.key) if config.url == "" and config.command == "" else None
        inner = embedded_server(config, server, clock=clock) if server is not None else remote_server(config, clock=clock)
        name = f"mcp_{config.key}"
        if traffic is None:
            return BreakingServer(inner, CircuitBreaker(name, SERVER_POLICY, clock=clock))
        return BreakingServer(inner, traffic.breaker(name, SERVER_POLICY, shared=bool(config.url)))

    return make
