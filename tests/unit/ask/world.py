"""A small shop behind a real tables server, and the real pipeline before it with drafters that say what they are told."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import duckdb

from mcp_gateway.adapters.memory import MemoryConversations
from mcp_gateway.adapters.upstream import McpServer, embedded_server
from mcp_gateway.ask.answer import AnswerQuestion, AskLimits
from mcp_gateway.ask.configuration import MCPServerConfig
from mcp_gateway.ask.model import Answer, Draft, DraftRequest, Question, Reading, Resolution, Step
from mcp_gateway.ask.narrowing import Narrowing
from mcp_gateway.ask.ports import ConversationStore, Drafter, Gathered, ResourceContent, ResourceListing
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Term, Vocabulary
from mcp_gateway.entrypoints.mcp.tables import build_tables_server
from mcp_gateway.wiring.data import open_tables

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SHOP = """
CREATE TABLE customers (
  customer_id INTEGER PRIMARY KEY, customer_name VARCHAR, country VARCHAR, birth_date DATE,
  referred_by INTEGER REFERENCES customers (customer_id)
);
CREATE TABLE products (product_id INTEGER PRIMARY KEY, product_name VARCHAR, price DECIMAL(10, 2), color VARCHAR);
CREATE TABLE sales (
  sale_id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (customer_id),
  product_id INTEGER REFERENCES products (product_id), sale_date DATE, amount DECIMAL(10, 2), quantity INTEGER
);
CREATE TABLE "order" ("group" INTEGER, "where" VARCHAR);
INSERT INTO customers VALUES (1, 'Anna', 'Germany', '1980-05-01', NULL);
INSERT INTO customers VALUES (2, 'Ben', 'France', NULL, 1), (3, 'Cleo', 'Germany', '1999-01-31', 1);
INSERT INTO products VALUES (1, 'Lamp', 20, 'red'), (2, 'Magic Wand Pro', 120, 'black'), (3, 'Tent', 1500, NULL);
INSERT INTO "order" VALUES (1, 'first'), (2, 'second');
"""
SALES = ", ".join(
    f"({n}, {1 + n % 3}, {1 + n % 2}, '{date(2026, 1, 1) + timedelta(days=n)}', {10 * n}, {1 + n % 5})" for n in range(40)
)
STATEMENTS = (*(part for part in SHOP.split(";") if part.strip()), f"INSERT INTO sales VALUES {SALES}")
WORDS = Vocabulary(terms=(Term(aliases=("turnover", "takings"), table="sales", column="amount"),))


class Scripted:
    """A drafter with an answer for each question it knows. `asked` are the requests it got."""

    def __init__(self, answers: Mapping[str, str | Draft], name: str = "engine") -> None:
        self._answers = answers
        self._name = name
        self.asked: list[DraftRequest] = []

    @property
    def name(self) -> str:
        return self._name

    async def draft(self, request: DraftRequest) -> Draft:
        self.asked.append(request)
        known = self._answers.get(request.question)
        if isinstance(known, Draft):
            return known
        if known is None:
            return Draft(source=self.name, readings=(), confident=False, reason="I know nothing about that.")
        return sure(known, source=self.name)


def sure(*sqls: str, source: str = "engine", description: str = "What was asked for.") -> Draft:
    """A confident draft with these readings."""
    readings = tuple(Reading(sql=sql, description=description, confidence=0.9 - 0.1 * index) for index, sql in enumerate(sqls))
    return Draft(source=source, readings=readings, confident=True)


class Words:
    """Gathers one fixed schema and resolves what it was given."""

    def __init__(self, gathered: Gathered, resolution: Resolution | None = None) -> None:
        self.gathered = gathered
        self.resolution = resolution or Resolution()

    async def gather(self, mode: Literal["single_mcp", "multi_mcp", "auto"]) -> Gathered:
        del mode
        return self.gathered

    async def resolve(self, question: str, gathered: Gathered) -> Resolution:
        del question, gathered
        return self.resolution


class ToolOnly:
    """An upstream server whose tool does what it is told; nothing else of it is used while answering."""

    name = "tables"
    connected = True

    def __init__(self, call: Callable[[str, Mapping[str, Json]], dict[str, Json]]) -> None:
        self._call = call
        self.calls: list[tuple[str, Mapping[str, Json]]] = []

    async def connect(self) -> None: ...

    async def close(self) -> None: ...

    async def list_resources(self) -> ResourceListing:
        return ResourceListing(resources=())

    async def read_resource(self, uri: str) -> ResourceContent:
        raise AssertionError(uri)

    async def call_tool(self, name: str, arguments: Mapping[str, Json]) -> dict[str, Json]:
        self.calls.append((name, arguments))
        return self._call(name, arguments)

    async def watch_resources(self, uris: Sequence[str], on_change: Callable[[str], None], on_end: Callable[[], None]) -> bool:
        del uris, on_change, on_end
        return False


@dataclass
class World:
    """`steps` collects what the listener of the last question heard."""

    schema: DatabaseSchema
    database: McpServer | ToolOnly
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    vocabulary: Vocabulary = WORDS
    resolution: Resolution = field(default_factory=Resolution)
    missing: tuple[str, ...] = ()
    limits: AskLimits = field(default_factory=AskLimits)
    conversations: ConversationStore | None = None
    narrowing: Narrowing | None = None
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.conversations = self.conversations or MemoryConversations(self.clock, ttl_seconds=600, max_turns=5)

    def pipeline(self, engine: Drafter, model: Drafter | None = None) -> AnswerQuestion:
        gathered = Gathered(
            schema=self.schema,
            database=self.database,
            mode="multi_mcp",
            vocabulary=self.vocabulary,
            servers_used=("tables", "glossary"),
            missing_servers=self.missing,
        )
        words = Words(gathered, self.resolution)
        assert self.conversations is not None
        return AnswerQuestion(
            gatherer=words,
            resolver=words,
            engine=engine,
            model=model,
            conversations=self.conversations,
            clock=self.clock,
            new_id=lambda: "new-session",
            limits=self.limits,
            narrowing=self.narrowing,
        )

    async def ask(
        self,
        text: str,
        answers: Mapping[str, str | Draft] | None = None,
        *,
        caller: Caller = LOCAL_CALLER,
        enable_recovery: bool = True,
        max_rows: int = 1000,
        session_id: str | None = None,
    ) -> Answer:
        """Ask with an engine that knows only `answers`."""
        question = Question(text=text, enable_recovery=enable_recovery, max_rows=max_rows, session_id=session_id)
        return await self.pipeline(Scripted(answers or {}))(caller, question, self._hear)

    async def _hear(self, step: Step) -> None:
        self.steps.append(step)


@asynccontextmanager
async def open_world(folder: Path) -> AsyncIterator[World]:
    """The shop on disk behind a real tables server in memory."""
    path = folder / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        for statement in STATEMENTS:
            connection.execute(statement)
    async with open_world_at(f"duckdb:///{path}") as world:
        yield world


@asynccontextmanager
async def open_world_at(url: str) -> AsyncIterator[World]:
    """The same over a database that holds the shop already."""
    clock = FixedClock(NOW)
    config = MCPServerConfig(key="tables", name="Tables", priority=10, capabilities=("execute_query", "find_values"))
    async with open_tables(url, clock=clock) as tables:
        server = embedded_server(config, build_tables_server(tables).server)
        await server.connect()
        try:
            yield World(schema=await tables.read_schema(), database=server, clock=clock)
        finally:
            await server.close()
