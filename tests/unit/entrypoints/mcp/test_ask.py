"""The gateway asked over MCP: answers as structure and as text, progress step by step, and a view for those who can show it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextResourceContents

from mcp_gateway.ask.model import Answer, Chart, QueryRows, Question, Reading, ResolvedEntity, ResultColumn, Step
from mcp_gateway.ask.ports import Gathered, ProgressListener
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import NoMCPAvailableError
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.health import HealthWatch
from mcp_gateway.diagnostics.query_figures import QueryFigures
from mcp_gateway.entrypoints.mcp.ask import VIEW_URI, build_ask_server
from mcp_gateway.gateway import Gateway, Limits

pytestmark = pytest.mark.anyio

ERAS = ("legacy", "2026-07-28")
ANSWER = Answer(
    question="revenue by region",
    sql="SELECT region, SUM(amount) AS revenue FROM sales GROUP BY region",
    rows=QueryRows(
        columns=(
            ResultColumn(name="region", type="VARCHAR", kind="text"),
            ResultColumn(name="revenue", type="DOUBLE", kind="number"),
        ),
        rows=(("North | East", 12.5), (None, 3.0)),
        total_rows=2,
        truncated_by=None,
        duration_ms=1.5,
        executed_sql="SELECT 1",
    ),
    explanation="Revenue for each region.",
    confidence=0.93,
    confident=True,
    source="engine",
    mode="multi_mcp",
    entities=(
        ResolvedEntity(
            original_term="revenue", start=0, end=7, kind="metric", server="glossary", priority=1, expression="SUM(sales.amount)"
        ),
    ),
    chart=Chart(kind="bar", x="region", ys=("revenue",)),
    servers_used=("glossary", "tables"),
    session_id="s-1",
)
UNSURE = replace(
    ANSWER,
    rows=None,
    confident=False,
    explanation="",
    reason="Two readings are about as likely.",
    chart=None,
    readings=(
        Reading(sql="SELECT 1", description="The first.", confidence=0.4),
        Reading(sql="SELECT 2", description="The second.", confidence=0.3),
    ),
    unexplained=("frobnicated",),
)


def gateway(answer: Callable[[Question], Answer], *, max_rows: int = 1_000) -> Gateway:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))

    async def ask(_: Caller, question: Question, on_step: ProgressListener | None = None, /) -> Answer:
        for name in ("gather", "draft"):
            for step in (f"{name}:started", name):
                if on_step is not None:
                    await on_step(Step(name=step, status="ok", started_ms=0, duration_ms=1))
        return answer(question)

    async def look(_: Caller) -> Gathered:
        raise NoMCPAvailableError

    return Gateway(
        ask=ask,
        run_sql=ask,
        look=look,
        servers=tuple,
        modes=tuple,
        health=HealthWatch((), interval_seconds=1, timeout_seconds=1, clock=clock),
        figures=QueryFigures(window_size=1, clock=clock),
        limits=Limits(max_question_chars=100, max_rows=max_rows),
        drafters=("engine",),
    )


@asynccontextmanager
async def asked(era: str, answer: Callable[[Question], Answer], **options: int) -> AsyncIterator[Client]:
    face = build_ask_server(gateway(answer, **options), new_id=lambda: "correlation-1")
    async with Client(face.server, mode=era) as client:
        yield client


def text_of(result: Any) -> str:
    return str(result.content[0].text)


@pytest.mark.parametrize("era", ERAS)
async def test_an_answer_is_structure_for_programs(era: str) -> None:
    async with asked(era, lambda _: ANSWER) as client:
        result = await client.call_tool("ask", {"question": "revenue by region"})
    answer = result.structured_content
    assert answer["sql_query"] == ANSWER.sql
    assert answer["results"]["rows"] == [["North | East", 12.5], [None, 3.0]]
    assert answer["resolved_entities"][0]["original_term"] == "revenue"
    assert (answer["recovery_performed"], answer["confidence"], answer["chart"]["kind"]) == (False, 0.93, "bar")
    assert answer["metadata"]["mcp_servers_used"] == ["glossary", "tables"]


async def test_an_answer_is_text_for_everybody_else() -> None:
    async with asked("legacy", lambda _: ANSWER) as client:
        said = text_of(await client.call_tool("ask", {"question": "revenue by region"}))
    assert said == (
        "Revenue for each region.\n\n"
        "| region | revenue |\n| --- | --- |\n| North \\| East | 12.5 |\n|  | 3.0 |\n\n"
        "```sql\nSELECT region, SUM(amount) AS revenue FROM sales GROUP BY region\n```\n\n"
        "- “revenue” was taken as SUM(sales.amount) (glossary)\n"
        "- session_id for a follow-up question: s-1"
    )


async def test_an_unsure_answer_offers_readings_and_shows_no_rows() -> None:
    async with asked("2026-07-28", lambda _: UNSURE) as client:
        result = await client.call_tool("ask", {"question": "revenue by region"})
    assert result.structured_content["results"] is None
    assert [reading["sql"] for reading in result.structured_content["readings"]] == ["SELECT 1", "SELECT 2"]
    assert "1. The first. (confidence 40%)\n   SELECT 1" in text_of(result)
    assert "not used: frobnicated" in text_of(result)


async def test_many_rows_are_cut_in_the_text_and_whole_in_the_structure() -> None:
    assert ANSWER.rows is not None
    many = replace(ANSWER, rows=replace(ANSWER.rows, rows=(("x", 1.0),) * 200, total_rows=5_000, truncated_by="rows"))
    async with asked("2026-07-28", lambda _: many) as client:
        result = await client.call_tool("ask", {"question": "revenue by region"})
    assert len(result.structured_content["results"]["rows"]) == 200
    assert "(4950 more rows are not shown here; up to 200 are in the structured content.)" in text_of(result)


@pytest.mark.parametrize("era", ERAS)
async def test_each_step_is_reported_as_it_begins(era: str) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with asked(era, lambda _: ANSWER) as client:
        await client.call_tool("ask", {"question": "revenue by region"}, progress_callback=hear)
    assert heard == [(1, 7, "reading schema and business words"), (2, 7, "writing SQL")]


async def test_what_the_caller_asks_for_reaches_the_use_case_within_the_limits() -> None:
    seen: list[Question] = []

    def note(question: Question) -> Answer:
        seen.append(question)
        return ANSWER

    async with asked("2026-07-28", note, max_rows=50) as client:
        arguments = {"question": "q", "session_id": "s-9", "mode": "single_mcp", "engine": "engine", "max_rows": 10}
        await client.call_tool("ask", arguments)
        await client.call_tool("execute_query", {"sql": "SELECT 1", "max_rows": 5_000})
    assert seen == [
        Question(
            text="q",
            session_id="s-9",
            mode="single_mcp",
            engine="engine",
            max_rows=10,
            correlation_id="correlation-1",
            face="mcp",
        ),
        Question(text="SELECT 1", max_rows=50, correlation_id="correlation-1", face="mcp"),
    ]


@pytest.mark.parametrize("era", ERAS)
async def test_a_failure_of_the_gateway_is_an_error_with_code_and_hint(era: str) -> None:
    def fail(_: Question) -> Answer:
        raise NoMCPAvailableError

    async with asked(era, fail) as client:
        result = await client.call_tool("ask", {"question": "q"})
        listed = await client.call_tool("list_tables", {})
    assert result.is_error
    assert listed.is_error
    assert result.structured_content["error"]["code"] == "NO_MCP_AVAILABLE"


@pytest.mark.parametrize("era", ERAS)
async def test_a_fault_nobody_foresaw_leaves_no_trace_of_its_words(era: str) -> None:
    def break_down(_: Question) -> Answer:
        raise ZeroDivisionError("secret words")

    async with asked(era, break_down) as client:
        result = await client.call_tool("ask", {"question": "q"})
    assert result.structured_content["error"]["code"] == "INTERNAL_ERROR"
    assert "secret" not in str(result)


@pytest.mark.parametrize("era", ["legacy", "auto"])
async def test_the_view_is_one_self_contained_page_tied_to_the_tool(era: str) -> None:
    async with asked(era, lambda _: ANSWER) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        (listed,) = (await client.list_resources()).resources
        (content,) = (await client.read_resource(VIEW_URI)).contents
    assert tools["ask"].meta == {"ui": {"resourceUri": VIEW_URI}}
    assert listed.mime_type == "text/html;profile=mcp-app"
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "text/html;profile=mcp-app"
    assert content.text.startswith("<!doctype html>")
    assert not [
        word
        for word in ("http://", "https://", "innerHTML", "eval(")
        if word in content.text.replace("http://www.w3.org/2000/svg", "")
    ]


async def test_the_server_says_that_it_has_views() -> None:
    async with asked("auto", lambda _: ANSWER) as client:
        assert client.server_capabilities.extensions == {"io.modelcontextprotocol/ui": {}}
