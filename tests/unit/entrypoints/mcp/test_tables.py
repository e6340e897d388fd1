"""The tables server as a client sees it, in both protocol eras, over a real database."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextResourceContents
from tests.real_tables import ENDLESS, make_shop, opened_tables

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.schema_documents import from_documents
from mcp_gateway.entrypoints.mcp.tables import build_tables_server

pytestmark = pytest.mark.anyio

ERAS = ("legacy", "2026-07-28")
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make_shop(tmp_path / "shop.duckdb")


@asynccontextmanager
async def asked(database: Path, era: str, **options: float) -> AsyncIterator[Client]:
    async with opened_tables(database) as (tables, _):
        face = build_tables_server(tables, clock=FixedClock(START), **options)
        async with Client(face.server, mode=era, cache=None) as client:
            yield client


async def called(client: Client, tool: str, **arguments: object) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.structured_content
    assert json.loads(result.content[0].text) == result.structured_content  # type: ignore[union-attr]  # every answer here is text
    return dict(result.structured_content)


async def refused(client: Client, tool: str, **arguments: object) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert json.loads(result.content[0].text) == result.structured_content  # type: ignore[union-attr]  # every answer here is text
    return dict(result.structured_content["error"])


async def read(client: Client, uri: str) -> dict[str, Any]:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    return dict(json.loads(content.text))


@pytest.mark.parametrize("era", ERAS)
async def test_a_query_comes_back_with_typed_columns(database: Path, era: str) -> None:
    async with asked(database, era) as client:
        found = await called(client, "execute_query", sql="SELECT id, name FROM products ORDER BY id", max_rows=2)
    assert found["columns"] == [
        {"name": "id", "type": "INTEGER", "kind": "integer"},
        {"name": "name", "type": "VARCHAR", "kind": "text"},
    ]
    assert found["rows"] == [[1, "Magic Wand Pro"], [2, "Café Crème"]]
    assert (found["row_count"], found["total_rows"], found["truncated"], found["truncated_by"]) == (2, 3, True, "rows")


@pytest.mark.parametrize("era", ERAS)
async def test_every_tool_answers_in_the_shape_it_promises(database: Path, era: str) -> None:
    calls: dict[str, dict[str, object]] = {
        "execute_query": {"sql": "SELECT * FROM sales", "max_rows": 3},
        "list_tables": {},
        "describe_table": {"table": "sales"},
        "find_values": {"text": "how did the magic wand sell in the cafe"},
        "explain_query": {"sql": "SELECT name FROM products JOIN sales ON sales.product_id = products.id"},
    }
    async with asked(database, era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == set(calls)
        for name, arguments in calls.items():
            tool = tools[name]
            assert set(arguments) <= set(tool.input_schema["properties"])
            assert tool.output_schema is not None
            # The client raises when an answer does not fit the output schema.
            assert set(await called(client, name, **arguments)) == set(tool.output_schema["properties"])
            assert tool.annotations is not None
            assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (True, False)


@pytest.mark.parametrize("era", ERAS)
async def test_the_resources_give_back_the_schema(database: Path, era: str) -> None:
    async with asked(database, era) as client:
        listed = (await client.list_resources()).resources
        documents = {resource.uri: await read(client, resource.uri) for resource in listed}
    schema = from_documents(documents)
    assert [table.name for table in schema.tables] == ["products", "sales"]
    assert schema.dialect == "duckdb"
    name = schema.tables[0].column("name")
    assert name is not None
    assert "Magic Wand Pro" in name.samples


async def test_each_resource_says_for_how_long_it_is_vouched_for(database: Path) -> None:
    async with asked(database, "2026-07-28") as client:
        lives = [(await client.read_resource(uri)).ttl_ms for uri in ("tables://schema", "tables://keys")]
    assert lives == [5_000, 5_000]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("DELETE FROM sales", "QUERY_REFUSED"),
        ("SELECT 1; SELECT 2", "QUERY_REFUSED"),
        ("SELECT * FROM read_csv('/etc/passwd')", "QUERY_REFUSED"),
        ("SELECT amout FROM sales", "QUERY_FAILED"),
        ("SELECT * FORM sales", "QUERY_FAILED"),
    ],
)
async def test_a_refused_or_failed_query_is_an_error_with_code_and_hint(database: Path, era: str, sql: str, code: str) -> None:
    async with asked(database, era) as client:
        error = await refused(client, "execute_query", sql=sql)
    assert error["code"] == code
    assert error["hint"]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "sql"),
        ({"sql": 3}, "sql"),
        ({"sql": "SELECT 1", "max_row": 5}, "max_row"),
        ({"sql": "SELECT 1", "max_rows": 0}, "max_rows"),
    ],
)
async def test_wrong_arguments_are_named_field_by_field(
    database: Path, era: str, arguments: dict[str, object], field: str
) -> None:
    async with asked(database, era) as client:
        error = await refused(client, "execute_query", **arguments)
    assert error["code"] == "INVALID_INPUT"
    assert [fault["field"] for fault in error["data"]["faults"]] == [field]


@pytest.mark.parametrize("era", ERAS)
async def test_a_long_query_reports_progress(database: Path, era: str) -> None:
    reports: list[tuple[float, float | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        assert message is not None
        reports.append((progress, total))

    async with asked(database, era, progress_seconds=0.05) as client:
        arguments = {"sql": ENDLESS, "timeout_seconds": 0.5}
        result = await client.call_tool("execute_query", arguments, progress_callback=note)
    assert result.structured_content["error"]["code"] == "QUERY_TIMED_OUT"
    assert len(reports) >= 3
    assert [done for done, _ in reports] == sorted({done for done, _ in reports})
    assert {total for _, total in reports} == {0.5}


@pytest.mark.parametrize("era", ERAS)
async def test_a_cancelled_call_stops_the_query_in_the_database(database: Path, era: str) -> None:
    async with opened_tables(database) as (tables, watched):
        face = build_tables_server(tables)
        async with Client(face.server, mode=era, cache=None) as client, asyncio.timeout(20):
            call = asyncio.create_task(client.call_tool("execute_query", {"sql": ENDLESS, "timeout_seconds": 3_600}))
            await watched.begun.wait()
            call.cancel()
            await asyncio.wait({call})
            found = await called(client, "execute_query", sql="SELECT 42 AS answer")
    assert found["rows"] == [[42]]
