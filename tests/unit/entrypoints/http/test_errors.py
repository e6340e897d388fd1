"""Everything that can go wrong at the door has one shape and a fitting status."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.unit.entrypoints.http.conftest import Told

from mcp_gateway.ask.errors import EmptyQuestion, QueryNotAnswered, QuestionTooLong
from mcp_gateway.ask.model import Answer, Question
from mcp_gateway.ask.ports import ProgressListener
from mcp_gateway.core.errors import GatewayError, NoMCPAvailableError, Unavailable
from mcp_gateway.core.sql.errors import QueryRefused, QueryTimedOut

pytestmark = pytest.mark.anyio


def assert_shape(response: httpx.Response, status: int, code: str) -> None:
    body = response.json()
    assert response.status_code == status
    assert body["success"] is False
    assert body["data"] is None
    assert body["error"]["code"] == code
    assert body["error"]["message"]
    assert body["error"]["hint"]
    assert body["error"]["correlation_id"] == response.headers["x-correlation-id"]
    assert body["response_id"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EmptyQuestion(), 400),
        (QueryRefused("no", reason="not_a_query"), 403),
        (QuestionTooLong(), 413),
        (QueryNotAnswered(), 422),
        (NoMCPAvailableError(), 503),
        (QueryTimedOut(), 504),
    ],
)
async def test_a_category_becomes_a_status(client: httpx.AsyncClient, told: Told, error: GatewayError, status: int) -> None:
    async def reply(_: Question, __: ProgressListener | None) -> Answer:
        raise error

    told.reply = reply
    assert_shape(await client.post("/api/chat", json={"query": "q"}), status, error.code)


async def test_when_to_try_again_is_a_header_too(client: httpx.AsyncClient, told: Told) -> None:
    async def reply(_: Question, __: ProgressListener | None) -> Answer:
        raise Unavailable(retry_after_seconds=2.4)

    told.reply = reply
    response = await client.post("/api/chat", json={"query": "q"})
    assert response.headers["retry-after"] == "3"
    assert response.json()["error"]["retry_after_seconds"] == 2.4


async def test_a_fault_of_ours_tells_nothing_of_itself(client: httpx.AsyncClient, told: Told) -> None:
    async def reply(_: Question, __: ProgressListener | None) -> Answer:
        raise RuntimeError("password=hunter2")

    told.reply = reply
    response = await client.post("/api/chat", json={"query": "q"})
    assert_shape(response, 500, "INTERNAL_ERROR")
    assert "hunter2" not in response.text


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "MALFORMED_JSON"),
        (b"[1]", 400, "MALFORMED_JSON"),
        (b'{"query": 3}', 422, "VALIDATION_ERROR"),
        (b"{}", 422, "VALIDATION_ERROR"),
        (b'{"query": "q", "max_rows": 0}', 422, "VALIDATION_ERROR"),
        (b'{"query": "q", "mode": "warp"}', 422, "UNKNOWN_MODE"),
        (b'{"query": "' + b"x" * 20_000 + b'"}', 413, "TOO_LARGE"),
        (b'{"query": "\xff\xfe"}', 400, "MALFORMED_JSON"),
        (b"[" * 9_000, 400, "MALFORMED_JSON"),
        (b'{"query": "q", "max_rows": ' + b"9" * 5_000 + b"}", 400, "MALFORMED_JSON"),
        (b'{"query": "q", "context": {"a": "\\ud800"}}', 422, "VALIDATION_ERROR"),
        (b'{"query": "q", "context": {"\\ud800": 1}}', 422, "VALIDATION_ERROR"),
        (b'{"query": "q", "context": {"a": ' + b"[" * 300 + b"]" * 300 + b"}}", 422, "VALIDATION_ERROR"),
    ],
)
@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/stream"])
async def test_a_bad_body_says_what_is_wrong(
    client: httpx.AsyncClient, path: str, content: bytes, status: int, code: str
) -> None:
    assert_shape(await client.post(path, content=content, headers={"Content-Type": "application/json"}), status, code)


async def test_a_wrong_field_is_named(client: httpx.AsyncClient) -> None:
    body = (await client.post("/api/chat", json={"query": 3})).json()
    assert body["error"]["data"]["fields"] == [{"field": "query", "problem": "Input should be a valid string"}]


async def test_a_body_that_hides_its_length_is_cut_off_all_the_same(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    response = await client.post("/api/chat", content=endless(), headers={"Content-Type": "application/json"})
    assert_shape(response, 413, "TOO_LARGE")


async def test_an_unknown_address_and_a_wrong_method_are_errors_of_the_same_shape(client: httpx.AsyncClient) -> None:
    assert_shape(await client.get("/api/nothing"), 404, "NOT_FOUND")
    response = await client.get("/api/chat")
    assert_shape(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "POST"
