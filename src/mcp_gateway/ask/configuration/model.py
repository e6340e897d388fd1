"""The configuration as values. `read.py` makes them from YAML; for servers in the same process they are made by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Transport: TypeAlias = Literal["streamable_http", "sse", "stdio"]
ProtocolChoice: TypeAlias = Literal["auto", "modern", "legacy"]
ResourceRule: TypeAlias = Literal["fresh", "ttl", "coherent"]

# The capability that makes a server the one whose database is asked.
RUNS_QUERIES = "execute_query"

DEFAULT_TTL_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class MCPServerConfig:
    """One server. `key` names it in the file, in answers, errors and logs; `name` is the title shown to people.

    `priority` is 1 to 999, 1 most trusted, different for each server. No `domains` means it may speak about everything.
    `timeout_seconds` bounds each listing and reading, `tool_timeout_seconds` each tool call (a query may run longer),
    `connect_timeout_seconds` one try to connect, and `retry_for_seconds` a call with all its tries.
    `command`, `args`, `env` and `cwd` are for stdio alone, `url` and `headers` for the others.
    """

    key: str
    name: str
    priority: int
    url: str = field(default="", repr=False)
    domains: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    transport: Transport = "streamable_http"
    protocol: ProtocolChoice = "auto"
    timeout_seconds: float = 5.0
    connect_timeout_seconds: float = 5.0
    tool_timeout_seconds: float = 35.0
    max_retries: int = 3
    retry_for_seconds: float = 15.0
    max_response_bytes: int = 16 * 1024 * 1024
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: str = ""
    args: tuple[str, ...] = field(default=(), repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = None

    @property
    def runs_queries(self) -> bool:
        return RUNS_QUERIES in self.capabilities


@dataclass(frozen=True, kw_only=True, slots=True)
class OrchestrationConfig:
    """`resources`: fetch anew for each question, use a copy for `resource_cache_ttl` seconds, or while the server vouches for it.

    `fail_fast` makes mode auto as strict as multi_mcp: any missing server fails the question.
    `enable_logging` False silences the orchestration's own log lines; `log_level` is the least severe one written.
    """

    fail_fast: bool = False
    enable_logging: bool = True
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    resources: ResourceRule = "coherent"
    resource_cache_ttl: float = DEFAULT_TTL_SECONDS


@dataclass(frozen=True, kw_only=True, slots=True)
class MCPConfig:
    """The whole file; `mcp_servers` are sorted by priority, most trusted first."""

    mcp_servers: tuple[MCPServerConfig, ...]
    orchestration: OrchestrationConfig = field(default_factory=OrchestrationConfig)

    def server(self, key: str) -> MCPServerConfig | None:
        return next((server for server in self.mcp_servers if server.key == key), None)

    @property
    def database(self) -> MCPServerConfig | None:
        """The most trusted server that runs queries; None when there is none."""
        return next((server for server in self.mcp_servers if server.runs_queries), None)
