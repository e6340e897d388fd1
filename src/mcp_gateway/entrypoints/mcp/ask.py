"""The gateway itself as an MCP server: a question in, a checked answer out.

Clients that can show an MCP App (extension io.modelcontextprotocol/ui, 2026-01-26) get a view with table and chart; the others
get the same answer as text and structured content.
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pydantic import Field

from mcp_gateway.ask.model import Answer, Question, Step
from mcp_gateway.core.correlation import CORRELATION_ID
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.schema_documents import table_document
from mcp_gateway.entrypoints.http.models import QueryResult
from mcp_gateway.entrypoints.http.shaping import STARTED, shape_answer
from mcp_gateway.entrypoints.mcp.ask_text import answer_text
from mcp_gateway.entrypoints.mcp.changes import ChangeFeed
from mcp_gateway.entrypoints.mcp.offer import Arguments, Call, OfferedTool, ToolOutput, offer_tool
from mcp_gateway.entrypoints.mcp.server import FIXED_TTL_MS, Identity, McpFace
from mcp_gateway.entrypoints.mcp.tables_shapes import MAX_SQL, DescribeTable, ListTables, TableOutput, TablesOutput
from mcp_gateway.entrypoints.mcp.views import view_of
from mcp_gateway.gateway import AskQuestion, Gateway, RunSql
from mcp_gateway.tables.errors import UnknownTable

VIEW_URI = "ui://mcp-gateway/answer.html"
VIEW_META = {"ui": {"resourceUri": VIEW_URI}}

IDENTITY = Identity(
    name="mcp-gateway",
    title="MCP Gateway",
    description="Ask a database questions in plain words and get checked answers.",
    instructions=(
        "Give `ask` the user's question about their data in the user's own words: it knows the schema, the business words and "
        "the stored values, writes and checks the SQL, runs it read-only, and says how it understood the question. When it is "
        "unsure it runs nothing and returns readings: show them and let the user choose. Pass the returned session_id with a "
        "follow-up question. Use execute_query for SQL of your own."
    ),
)
_STEP_WORDS = {
    "gather": "reading schema and business words",
    "resolve": "resolving words",
    "draft": "writing SQL",
    "validate": "checking SQL",
    "run": "running SQL",
    "recover": "repairing SQL",
    "answer": "putting the answer together",
}


class Ask(Arguments):
    question: str = Field(min_length=1, description="The question in plain words, as the user put it.")
    session_id: str | None = Field(None, description="The session_id of the previous answer, for a follow-up question.")
    mode: Literal["single_mcp", "multi_mcp", "auto"] = Field("auto", description="Which servers take part.")
    engine: Literal["auto", "engine", "model"] = Field("auto", description="Who writes the SQL.")
    enable_recovery: bool = Field(True, description="Repair SQL that the database refuses.")
    max_rows: int | None = Field(None, ge=1, description="Rows wanted at most; the gateway has a limit of its own.")


class RunQuery(Arguments):
    sql: str = Field(min_length=1, max_length=MAX_SQL, description="One SELECT statement.")
    session_id: str | None = Field(None, description="The session to remember the query in.")
    max_rows: int | None = Field(None, ge=1, description="Rows wanted at most; the gateway has a limit of its own.")


def build_ask_server(gateway: Gateway, *, new_id: Callable[[], str] = lambda: uuid.uuid4().hex) -> McpFace:
    """The server over an assembled gateway; `new_id` makes correlation ids for messages that are of no HTTP request."""
    asking = _Asking(gateway, new_id)
    view = view_of(
        uri=VIEW_URI,
        name="answer",
        title="Answer view",
        description="Table and chart of an answer, for clients that show MCP Apps.",
        page="answer.html",
    )
    return McpFace(
        identity=IDENTITY,
        tools=[asking.ask_tool(), asking.query_tool(), *_look_tools(gateway)],
        resources=[view],
        changes=ChangeFeed(),
        list_ttl_ms=FIXED_TTL_MS,
    )


class _Asking:
    """The two tools that end in an answer."""

    def __init__(self, gateway: Gateway, new_id: Callable[[], str]) -> None:
        self._gateway = gateway
        self._new_id = new_id

    def ask_tool(self) -> OfferedTool:
        async def run(given: Ask, call: Call) -> ToolOutput:
            question = Question(
                text=given.question,
                mode=given.mode,
                session_id=given.session_id,
                enable_recovery=given.enable_recovery,
                engine=given.engine,
                max_rows=self._rows(given.max_rows),
                correlation_id=CORRELATION_ID.get() or self._new_id(),
                face="mcp",
            )
            return await self._answer(self._gateway.ask, question, call)

        return offer_tool(
            name="ask",
            title="Ask the data",
            description=(
                "Answer a question about the data: the SQL, typed rows, how each word was understood, a chart, and how sure the "
                "answer is. Runs nothing and returns readings to choose from when unsure."
            ),
            arguments=Ask,
            returns=QueryResult,
            run=run,
            meta=VIEW_META,
        )

    def query_tool(self) -> OfferedTool:
        async def run(given: RunQuery, call: Call) -> ToolOutput:
            question = Question(
                text=given.sql,
                session_id=given.session_id,
                max_rows=self._rows(given.max_rows),
                correlation_id=CORRELATION_ID.get() or self._new_id(),
                face="mcp",
            )
            return await self._answer(self._gateway.run_sql, question, call)

        return offer_tool(
            name="execute_query",
            title="Run a query",
            description="Run one SELECT written by you through the same checks and repairs as the gateway's own SQL.",
            arguments=RunQuery,
            returns=QueryResult,
            run=run,
            meta=VIEW_META,
        )

    async def _answer(self, use_case: AskQuestion | RunSql, question: Question, call: Call) -> ToolOutput:
        answer: Answer = await use_case(call.caller, question, _progress(call))
        return ToolOutput(structured=shape_answer(answer).model_dump(mode="json"), text=answer_text(answer))

    def _rows(self, wanted: int | None) -> int:
        most = self._gateway.limits.max_rows
        return min(wanted or most, most)


def _progress(call: Call) -> Callable[[Step], Awaitable[None]]:
    """Reports each step as it begins; the total grows when a repair adds steps."""
    begun = 0

    async def report(step: Step) -> None:
        nonlocal begun
        if step.name.endswith(STARTED):
            begun += 1
            name = step.name.removesuffix(STARTED)
            await call.report(begun, max(begun, len(_STEP_WORDS)), _STEP_WORDS.get(name, name))

    return report


def _look_tools(gateway: Gateway) -> list[OfferedTool]:
    async def schema(call: Call) -> DatabaseSchema:
        return (await gateway.look(call.caller)).schema

    async def list_all(_given: ListTables, call: Call) -> ToolOutput:
        found = await schema(call)
        tables: list[dict[str, Any]] = [
            {
                "name": table.name,
                "comment": table.comment,
                "row_count": table.row_count,
                "column_count": len(table.columns),
                "is_view": table.is_view,
            }
            for table in found.tables
        ]
        return ToolOutput(structured={"dialect": found.dialect, "tables": tables})

    async def describe(given: DescribeTable, call: Call) -> ToolOutput:
        table = (await schema(call)).table(given.table)
        if table is None:
            raise UnknownTable(f"There is no table {given.table[:100]!r}.", table=given.table[:100])
        return ToolOutput(structured=table_document(table))

    return [
        offer_tool(
            name="list_tables",
            title="List the tables",
            description="Every table and view that questions can be asked about, and the SQL dialect.",
            arguments=ListTables,
            returns=TablesOutput,
            run=list_all,
        ),
        offer_tool(
            name="describe_table",
            title="Describe a table",
            description="One table's columns with types, keys, comments, sample values and ranges.",
            arguments=DescribeTable,
            returns=TableOutput,
            run=describe,
        ),
    ]
