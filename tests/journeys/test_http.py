"""The whole product over HTTP: the contract's own end-to-end cases, and what bad input gets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from mcp import Client
from tests.journeys.conftest import open_served, over

from mcp_gateway.settings import Settings
from mcp_gateway.wiring.demo import DemoShop

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def asked(shop: DemoShop, cache_dir: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Of an application that many have asked before."""
    async with open_served(over(shop, cache_dir)) as (_, opened, _listeners):
        yield opened


async def test_an_alias_is_resolved_and_this_month_becomes_a_date_expression(asked: httpx.AsyncClient) -> None:
    request = {"query": "Show me total sales for abracadabra this month", "mode": "multi_mcp", "enable_recovery": True}
    response = await asked.post("/api/chat", json=request)
    data = response.json()["data"]
    assert response.status_code == 200
    assert response.json()["success"] is True
    assert "123" in data["sql_query"]
    assert "DATE_TRUNC" in data["sql_query"]
    assert any(entity["original_term"] == "abracadabra" for entity in data["resolved_entities"])
    assert set(data["metadata"]["mcp_servers_used"]) == {"tables", "glossary"}
    assert data["confident"] is True


async def test_misspelt_sql_is_repaired_and_says_so(asked: httpx.AsyncClient) -> None:
    response = await asked.post("/api/chat", json={"query": "SELECT * FORM sales", "mode": "multi_mcp"})
    body = response.json()
    assert body["success"] is True
    assert body["data"]["recovery_performed"] is True
    assert body["data"]["metadata"]["recovery_attempts"] > 0
    assert body["data"]["results"]["truncated"] is True
    assert body["data"]["results"]["total_rows"] > 100_000


async def test_single_mode_uses_the_database_alone(asked: httpx.AsyncClient) -> None:
    body = (
        await asked.post("/api/chat", json={"query": "Show me all customers", "mode": "single_mcp", "enable_recovery": False})
    ).json()
    assert body["success"] is True
    assert body["metadata"]["mode"] == "single_mcp"
    assert body["metadata"]["mcp_servers_used"] == ["tables"]


async def test_questions_are_counted_in_the_figures(client: httpx.AsyncClient) -> None:
    for number in range(5):
        await client.post("/api/chat", json={"query": f"Test query {number}", "mode": "auto"})
    figures = (await client.get("/api/metrics")).json()
    assert figures["total_queries"] == 5
    assert figures["query_latency_p50"] > 0
    assert figures["mcp_connection_status"] == {"glossary": True, "tables": True}


async def test_health_checks_the_real_parts(settings: Settings) -> None:
    async with open_served(settings) as (application, client, _):
        await application.gateway.health.check_all()
        body = (await client.get("/api/health")).json()
        assert body["status"] == "healthy"
        assert {"fastapi", "orchestrator", "mcp_tables", "mcp_glossary", "database", "llm"} <= body["services"].keys()
        assert body["services"]["database"]["dialect"] == "duckdb"
        assert (await client.get("/api/health/ready")).status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "QUESTION_EMPTY"),
        ("   \n ", 400, "QUESTION_EMPTY"),
        ("x" * 100_000, 413, "QUESTION_TOO_LONG"),
        ("how many \x00 customers", 400, "QUESTION_NOT_TEXT"),
        ("DROP TABLE sales", 403, "QUERY_REFUSED"),
        ("SELECT * FROM read_csv('/etc/passwd')", 403, "QUERY_REFUSED"),
        ("SELECT 1; DELETE FROM sales", 403, "QUERY_REFUSED"),
    ],
)
async def test_bad_questions_get_one_clear_error(asked: httpx.AsyncClient, query: str, status: int, code: str) -> None:
    response = await asked.post("/api/chat", json={"query": query})
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.json()["error"]["hint"]


async def test_a_bad_session_is_refused(asked: httpx.AsyncClient) -> None:
    response = await asked.post("/api/chat", json={"query": "how many customers", "session_id": "../x y"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "BAD_SESSION")


async def test_words_nobody_knows_are_not_guessed(asked: httpx.AsyncClient) -> None:
    body = (await asked.post("/api/chat", json={"query": "kuinka monta blorgifioitua frumiousta"})).json()
    assert body["success"] is True
    assert body["data"]["confident"] is False
    assert body["data"]["results"] is None


async def test_edited_sql_runs_through_the_same_checks(asked: httpx.AsyncClient) -> None:
    good = (await asked.post("/api/sql", json={"sql": "SELECT COUNT(*) AS n FROM products"})).json()
    assert good["data"]["results"]["columns"][0]["name"] == "n"
    bad = await asked.post("/api/sql", json={"sql": "UPDATE products SET list_price = 0"})
    assert (bad.status_code, bad.json()["error"]["code"]) == (403, "QUERY_REFUSED")


async def test_the_schema_browser_gets_tables_keys_samples_and_words(asked: httpx.AsyncClient) -> None:
    body = (await asked.get("/api/schema")).json()
    assert {"sales", "products", "customers"} <= {table["name"] for table in body["tables"]}
    assert any(key["table"] == "sales" for key in body["foreign_keys"])
    assert any("abracadabra" in word["words"] for word in body["words"])
    assert {column["kind"] for table in body["tables"] for column in table["columns"]} >= {"text", "integer", "date"}


async def test_two_users_at_once_get_their_own_answers(asked: httpx.AsyncClient) -> None:
    questions = ["how many customers are there", "how many products are there"] * 5
    bodies = await asyncio.gather(*(asked.post("/api/chat", json={"query": question}) for question in questions))
    assert [response.json()["data"]["query"] for response in bodies] == questions
    assert len({response.json()["response_id"] for response in bodies}) == len(questions)


async def test_the_servers_are_offered_on_the_same_port(settings: Settings) -> None:
    async with open_served(settings) as (application, client, listeners):
        serving = asyncio.create_task(application.serve(listeners))
        try:
            for path, tool in (
                ("/mcp", "ask"),
                ("/servers/tables/mcp", "execute_query"),
                ("/servers/glossary/mcp", "lookup_term"),
            ):
                async with Client(f"{listeners.url}{path}") as session:
                    assert tool in [offered.name for offered in (await session.list_tools()).tools]
            assert (await client.get("/servers/tables/health")).json()["status"] == "healthy"
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
