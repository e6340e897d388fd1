"""The application behind real sockets: clients that leave, two ports, and what the log may say."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import pytest
from mcp import Client
from structlog.testing import capture_logs

from mcp_gateway.asgi.application import Application, open_application
from mcp_gateway.asgi.serving import Listeners, open_listeners
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.registry.errors import ServersFileInvalid
from mcp_gateway.settings import Settings

pytestmark = pytest.mark.anyio

# Hours of work for any machine.
ENDLESS = "SELECT COUNT(*) FROM sales a, sales b, sales c WHERE a.amount + b.amount + c.amount > 1"
QUICK = {"query": "SELECT COUNT(*) AS n FROM products"}


@asynccontextmanager
async def served(settings: Settings, **changes: object) -> AsyncIterator[tuple[Application, Listeners, httpx.AsyncClient]]:
    settings = settings.model_copy(update={"fastapi_port": 0, **changes})
    with closing(open_listeners(settings)) as listeners:
        async with open_application(settings, clock=SystemClock(), listeners=listeners) as application:
            serving = asyncio.create_task(application.serve(listeners))
            try:
                async with httpx.AsyncClient(base_url=listeners.url, timeout=60) as client:
                    yield application, listeners, client
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)


@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/stream"])
async def test_when_the_client_leaves_the_query_ends_and_its_place_is_free(settings: Settings, path: str) -> None:
    async with served(settings, max_questions_at_once=1) as (application, _, client):
        body = json.dumps({"query": ENDLESS}).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(str(client.base_url.port)))
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        writer.write(f"{head}\r\n\r\n".encode() + body)
        await writer.drain()
        if path.endswith("stream"):
            await reader.readuntil(b'"name":"run","phase":"start"')
        else:
            # The only place is taken, so the next question waits; that is how a test knows that the first has begun.
            with pytest.raises(httpx.ReadTimeout):
                await client.post("/api/chat", json=QUICK, timeout=0.5)
        writer.close()
        await writer.wait_closed()
        answer = await client.post("/api/chat", json=QUICK, timeout=60)
        assert answer.json()["data"]["results"]["row_count"] == 1
        assert application.gateway.figures.window().questions == 1


async def test_a_query_that_runs_too_long_is_ended_with_a_clear_error(settings: Settings) -> None:
    async with served(settings, query_timeout_seconds=0.3) as (_, __, client):
        response = await client.post("/api/sql", json={"sql": ENDLESS})
        assert response.status_code == 504
        assert response.json()["error"]["code"] == "QUERY_TIMED_OUT"


async def test_mcp_moves_to_its_own_port_and_sees_the_same_gateway(settings: Settings) -> None:
    async with served(settings, mcp_port=0) as (application, listeners, client):
        assert (await client.post("/mcp", json={})).status_code == 404
        async with Client(f"{listeners.mcp_url}/mcp") as session:
            result = await session.call_tool("ask", {"question": QUICK["query"]})
        assert result.is_error is False
        assert application.gateway.figures.window().questions == 1
        assert httpx.codes.is_error((await client.get(f"{listeners.mcp_url}/api/health")).status_code)


async def test_an_mcp_client_asks_and_gets_the_structured_answer(settings: Settings) -> None:
    async with served(settings) as (_, listeners, __), Client(f"{listeners.url}/mcp") as session:
        result = await session.call_tool("ask", {"question": "how many customers are there"})
        assert result.structured_content is not None
        assert "SELECT" in result.structured_content["sql_query"]


async def test_the_log_never_holds_rows_or_questions_arguments(settings: Settings) -> None:
    async with served(settings) as (_, __, client):
        with capture_logs() as lines:
            answer = await client.post("/api/chat", json={"query": "SELECT product_name FROM products ORDER BY 1 LIMIT 3"})
        names = [row[0] for row in answer.json()["data"]["results"]["rows"]]
        assert len(names) == 3
        assert not [name for name in names if name in str(lines)]


async def test_a_faulty_servers_file_is_told_before_anything_is_opened(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "servers.yaml").write_text("servers:\n  crm: {url: 'https://crm.example/mcp', prefx: c_}\n", encoding="utf-8")
    data, state = str(tmp_path / "no.sqlite"), tmp_path / "state"
    with pytest.raises(ServersFileInvalid) as refused:
        async with served(settings, servers_file=tmp_path / "servers.yaml", tables_url=data, state_dir=state):
            pytest.fail("it serves")
    assert "servers.yaml:2: servers.crm.prefx: is not a known key. Did you mean prefix?" in refused.value.message
    assert not state.exists()
