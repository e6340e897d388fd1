"""Which MCP servers stand behind the answers, and how they are used: one YAML file.

`docs/how-to/configure-servers.md` is the user's page. Reading collects every fault before it complains.
"""

from mcp_gateway.ask.configuration.errors import ConfigurationInvalid, ConfigurationUnreadable
from mcp_gateway.ask.configuration.file import ConfigurationFile
from mcp_gateway.ask.configuration.model import MCPConfig, MCPServerConfig, OrchestrationConfig
from mcp_gateway.ask.configuration.read import read_configuration
from mcp_gateway.core.configuration.faults import Fault

__all__ = [
    "ConfigurationFile",
    "ConfigurationInvalid",
    "ConfigurationUnreadable",
    "Fault",
    "MCPConfig",
    "MCPServerConfig",
    "OrchestrationConfig",
    "read_configuration",
]
