"""A database server and two glossaries as scripted MCP servers, reached in memory: small enough to see through in a test."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from mcp.types import CallToolResult
from tests.live_servers import Scripted

from mcp_gateway.adapters.upstream import embedded_server
from mcp_gateway.ask.configuration import MCPConfig, MCPServerConfig, OrchestrationConfig
from mcp_gateway.ask.gather import ResourceGatherer
from mcp_gateway.ask.ports import UpstreamServer
from mcp_gateway.ask.servers import Servers
from mcp_gateway.core import schema_documents, vocabulary_documents
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import MCPConnectionError
from mcp_gateway.core.schema import Column, DatabaseSchema, ForeignKey, Table
from mcp_gateway.core.vocabulary import Entity, Metric, Period, Term, Vocabulary

SCHEMA = DatabaseSchema(
    dialect="duckdb",
    version="1",
    tables=(
        Table(
            name="products",
            columns=(Column(name="id", type="INTEGER", kind="integer"), Column(name="name", type="VARCHAR", kind="text")),
            primary_key=("id",),
        ),
        Table(
            name="sales",
            columns=(
                Column(name="product_id", type="INTEGER", kind="integer"),
                Column(name="amount", type="DOUBLE", kind="number"),
            ),
            foreign_keys=(ForeignKey(columns=("product_id",), target_table="products", target_columns=("id",)),),
        ),
    ),
)
WAND = Entity(
    kind="product", label="Magic Wand Pro", table="products", column="id", value=123, aliases=("abracadabra", "magic wand")
)
OTHER_WAND = Entity(
    kind="product", label="Wand for cooks", table="products", column="id", value=9, aliases=("Abracadabra", "spoon")
)
TURNOVER = Metric(
    name="revenue",
    aliases=("turnover", "chiffre d'affaires"),
    table="sales",
    expression={"default": "SUM(sales.amount)", "duckdb": "SUM(sales.amount)::DOUBLE"},
)
CLIENT = Term(aliases=("client", "clients"), table="customers")
ACTIVE = Term(aliases=("active customer",), table="customers", condition={"default": "customers.active"})
LATELY = Period(aliases=("lately",), start={"default": "CURRENT_DATE - 30"}, end={"default": "CURRENT_DATE + 1"})
WORDS = Vocabulary(entities=(WAND,), metrics=(TURNOVER,), terms=(CLIENT, ACTIVE), periods=(LATELY,))
RIVAL_WORDS = Vocabulary(entities=(OTHER_WAND,), terms=(Term(aliases=("turnover",), table="sales", column="amount"),))


def documents(schema: DatabaseSchema | None = None, words: Vocabulary | None = None, version: str = "1") -> dict[str, str]:
    """The texts of the resources by URI."""
    found: dict[str, Any] = {}
    if schema is not None:
        found |= schema_documents.to_documents(schema)
    if words is not None:
        found |= vocabulary_documents.to_documents(words, version)
    return {uri: json.dumps(document) for uri, document in found.items()}


async def no_values(_: dict[str, Any]) -> CallToolResult:
    return CallToolResult(content=[], structured_content={"matches": [], "complete": True})


class Shop:
    """`tables` runs queries at priority 10; `glossary` (1) and `rival` (5) explain words."""

    def __init__(self, rule: OrchestrationConfig | None = None, *, ttl_ms: int = 0, rival: bool = False) -> None:
        self.clock = FixedClock(datetime(2026, 6, 15, 12, tzinfo=UTC))
        self.tables = Scripted(documents(SCHEMA), ttl_ms=ttl_ms)
        self.tables.tools["find_values"] = no_values
        self.glossary = Scripted(documents(words=WORDS), ttl_ms=ttl_ms)
        self.rival = Scripted(documents(words=RIVAL_WORDS), ttl_ms=ttl_ms)
        self.down: set[str] = set()
        configs = [
            MCPServerConfig(key="glossary", name="Glossary", priority=1, domains=("products", "aliases", "metrics")),
            MCPServerConfig(key="tables", name="Tables", priority=10, capabilities=("execute_query",)),
        ]
        if rival:
            configs.insert(1, MCPServerConfig(key="rival", name="Rival", priority=5))
        # The machine may be busy; how fast it is, is not the question.
        configs = [replace(config, timeout_seconds=60.0, connect_timeout_seconds=60.0) for config in configs]
        self.config = MCPConfig(mcp_servers=tuple(configs), orchestration=rule or OrchestrationConfig(resources="fresh"))
        self.servers = Servers(self.config, self.make, self.clock)
        self.gatherer = ResourceGatherer(self.servers, self.clock)

    @property
    def scripted(self) -> Mapping[str, Scripted]:
        return {"tables": self.tables, "glossary": self.glossary, "rival": self.rival}

    def make(self, config: MCPServerConfig) -> UpstreamServer:
        server = embedded_server(config, self.scripted[config.key].server, clock=self.clock)
        return Switched(server, self.down)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Shop"]:
        try:
            await self.servers.connect()
            yield self
        finally:
            await self.servers.close()


@dataclass
class Switched:
    """A server that cannot be reached while its name is in `down`."""

    inner: UpstreamServer
    down: set[str]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def _check(self) -> None:
        if self.inner.name in self.down:
            raise MCPConnectionError(f"The MCP server {self.inner.name} cannot be used.", server=self.inner.name)

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def connected(self) -> bool:
        return self.inner.connected and self.inner.name not in self.down

    async def connect(self) -> None:
        self._check()
        await self.inner.connect()

    async def list_resources(self) -> Any:
        self._check()
        return await self.inner.list_resources()

    async def read_resource(self, uri: str) -> Any:
        self._check()
        return await self.inner.read_resource(uri)

    async def call_tool(self, name: str, arguments: Any) -> Any:
        self._check()
        return await self.inner.call_tool(name, arguments)
