"""Questions over HTTP: the contract's shapes, and what is added to them."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.unit.entrypoints.http.conftest import Told, answered, unsure

from mcp_gateway.ask.model import Answer, Question, Step
from mcp_gateway.ask.ports import ProgressListener
from mcp_gateway.entrypoints.http.event_stream import AnswerStream
from mcp_gateway.entrypoints.http.presence import while_connected

pytestmark = pytest.mark.anyio


async def test_an_answer_has_the_contracts_fields_and_ours(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/chat", json={"query": "all products", "mode": "multi_mcp"})
    body = response.json()
    assert response.status_code == 200
    assert body["success"] is True
    assert body["error"] is None
    assert body["data"]["sql_query"] == "SELECT name FROM products"
    assert body["data"]["results"]["rows"] == [["Magic Wand Pro"], [None]]
    assert body["data"]["results"]["columns"] == [{"name": "name", "type": "VARCHAR", "kind": "text"}]
    assert body["data"]["metadata"]["mcp_servers_used"] == ["glossary", "tables"]
    assert body["data"]["metadata"]["recovery_attempts"] == 0
    assert body["data"]["confidence"] == 0.93
    assert body["metadata"]["mode"] == "multi_mcp"
    assert body["metadata"]["recovery_performed"] is False
    assert body["timestamp"] == "2026-03-01T12:00:00Z"
    assert body["response_id"]


async def test_what_the_request_says_reaches_the_question(client: httpx.AsyncClient, told: Told) -> None:
    request = {
        "query": "q?",
        "mode": "single_mcp",
        "session_id": "abc",
        "enable_recovery": False,
        "engine": "model",
        "max_rows": 7,
    }
    await client.post("/api/chat", json=request, headers={"X-Correlation-ID": "corr-1"})
    asked = told.asked[0]
    assert (asked.text, asked.mode, asked.session_id, asked.engine) == ("q?", "single_mcp", "abc", "model")
    assert (asked.enable_recovery, asked.max_rows, asked.correlation_id) == (False, 7, "corr-1")


async def test_nobody_gets_more_rows_than_the_gateway_allows(client: httpx.AsyncClient, told: Told) -> None:
    await client.post("/api/chat", json={"query": "q", "max_rows": 1_000_000})
    assert told.asked[0].max_rows == 1000


async def test_context_is_echoed_and_changes_nothing(client: httpx.AsyncClient) -> None:
    body = (await client.post("/api/chat", json={"query": "q", "context": {"tab": 3}})).json()
    assert body["metadata"]["context"] == {"tab": 3}


async def test_an_unsure_answer_is_a_success_that_offers_readings(client: httpx.AsyncClient, told: Told) -> None:
    async def reply(question: Question, _: ProgressListener | None) -> Answer:
        return unsure(question)

    told.reply = reply
    response = await client.post("/api/chat", json={"query": "q"})
    data = response.json()["data"]
    assert response.status_code == 200
    assert response.json()["success"] is True
    assert data["confident"] is False
    assert data["results"] is None
    assert [reading["sql"] for reading in data["readings"]] == ["SELECT 1", "SELECT 2"]
    assert data["unexplained"] == ["frobnicated"]


async def test_sql_goes_to_its_own_use_case_and_answers_in_the_same_shape(client: httpx.AsyncClient, told: Told) -> None:
    chat = (await client.post("/api/chat", json={"query": "q"})).json()
    ran = (await client.post("/api/sql", json={"sql": "SELECT 2"})).json()
    assert [question.text for question in told.ran] == ["SELECT 2"]
    assert ran["data"].keys() == chat["data"].keys()


async def test_rows_come_as_csv_to_who_accepts_it_and_formulas_stay_text(client: httpx.AsyncClient, told: Told) -> None:
    response = await client.post("/api/sql", json={"sql": "SELECT 1"}, headers={"Accept": "text/csv"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="result.csv"'
    assert response.text == 'name\r\nMagic Wand Pro\r\n""\r\n'


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Each event's name and content."""
    blocks = [block for block in text.split("\n\n") if block.startswith("event: ")]
    return [(block.split("\n")[0].removeprefix("event: "), json.loads(block.split("data: ", 1)[1])) for block in blocks]


async def tell_a_step(question: Question, on_step: ProgressListener | None) -> Answer:
    assert on_step is not None
    await on_step(Step(name="gather:started", status="ok", started_ms=0.0, duration_ms=0.0))
    await on_step(Step(name="gather", status="ok", started_ms=0.0, duration_ms=3.0, output={"tables": 8}))
    return answered(question)


async def test_a_stream_tells_each_step_twice_and_then_answers(client: httpx.AsyncClient, told: Told) -> None:
    told.reply = tell_a_step
    response = await client.post("/api/chat/stream", json={"query": "q"})
    events = events_of(response.text)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert [name for name, _ in events] == ["step", "step", "answer"]
    assert [(content["name"], content["phase"], content["status"]) for _, content in events[:2]] == [
        ("gather", "start", "running"),
        ("gather", "end", "ok"),
    ]
    assert events[2][1]["success"] is True


async def test_a_stream_that_fails_ends_with_the_one_error_shape(client: httpx.AsyncClient, told: Told) -> None:
    async def reply(_: Question, __: ProgressListener | None) -> Answer:
        raise RuntimeError("secret detail")

    told.reply = reply
    response = await client.post("/api/chat/stream", json={"query": "q"})
    name, content = events_of(response.text)[-1]
    assert name == "error"
    assert content["error"]["code"] == "INTERNAL_ERROR"
    assert "secret detail" not in response.text


class Connection:
    """A client's connection as ASGI sees it: collects what is sent, and leaves when told."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.sent: list[bytes] = []
        self.arrived = asyncio.Event()

    async def receive(self) -> dict[str, object]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, object]) -> None:
        body = message.get("body", b"")
        if isinstance(body, bytes) and body:
            self.sent.append(body)
            self.arrived.set()


async def test_a_client_that_leaves_ends_the_question() -> None:
    connection = Connection()
    working, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        working.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(while_connected(connection.receive, work()))
    await working.wait()
    connection.left.set()
    with pytest.raises(Exception, match="client left"):
        await waiting
    assert ended.is_set()


async def test_a_client_that_leaves_a_stream_ends_the_question_and_silence_is_broken_by_heartbeats() -> None:
    connection, ended = Connection(), asyncio.Event()

    async def work(_: ProgressListener) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    stream = AnswerStream(None, work, replies=None, heartbeat_seconds=0.001)  # type: ignore[arg-type]  # neither is reached
    scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
    serving = asyncio.create_task(stream(scope, connection.receive, connection.send))  # type: ignore[arg-type]
    async with asyncio.timeout(20):
        while len(connection.sent) < 3:
            connection.arrived.clear()
            await connection.arrived.wait()
        connection.left.set()
        await serving
    assert ended.is_set()
    assert set(connection.sent) == {b": still working\n\n"}


async def test_the_modes_are_listed_with_what_can_be_used(client: httpx.AsyncClient) -> None:
    body = (await client.get("/api/chat/modes")).json()
    assert body["default_mode"] == "auto"
    assert body["available_modes"] == [{"mode": "multi_mcp", "description": "All.", "available": True}]
    assert body["orchestrator_status"]["servers"] == [{"name": "tables", "connected": True, "priority": 10}]
