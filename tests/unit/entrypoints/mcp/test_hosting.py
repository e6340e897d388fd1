"""The HTTP doors of an MCP server: who may come in, what happens to calls whose caller leaves, and how changes are told."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from mcp import Client, types
from mcp.client.sse import sse_client
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.live_servers import served
from tests.real_tables import ENDLESS, WatchedDatabase, make_shop, opened_tables

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json, Unavailable
from mcp_gateway.entrypoints.mcp.changes import ChangeFeed
from mcp_gateway.entrypoints.mcp.glossary import build_glossary_server
from mcp_gateway.entrypoints.mcp.hosting import AddressInUse, Doors, listen_on, mcp_app
from mcp_gateway.entrypoints.mcp.server import Identity, McpFace
from mcp_gateway.entrypoints.mcp.tables import build_tables_server
from mcp_gateway.glossary.current import Glossary

pytestmark = pytest.mark.anyio

DOORS = ("http modern", "http legacy", "sse")
IDENTITY = Identity(name="empty", title="Empty", description="Nothing.", instructions="")
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
ACCEPT = {"accept": "application/json, text/event-stream"}


def client_at(door: str, base: str, **options: Any) -> Client:
    if door == "sse":
        return Client(sse_client(f"{base}/sse"), mode="legacy", cache=None, **options)
    return Client(f"{base}/mcp", mode="legacy" if door.endswith("legacy") else "2026-07-28", cache=None, **options)


def empty_face(**options: Any) -> McpFace:
    return McpFace(identity=IDENTITY, tools=[], resources=[], changes=ChangeFeed(), **options)


@asynccontextmanager
async def tables_at(tmp_path: Path) -> AsyncIterator[tuple[str, WatchedDatabase, Path]]:
    path = make_shop(tmp_path / "shop.duckdb")
    async with (
        opened_tables(path) as (tables, watched),
        served(mcp_app(build_tables_server(tables, watch_seconds=0.05))) as base,
    ):
        yield base, watched, path


@pytest.mark.parametrize("door", DOORS)
async def test_a_call_cancelled_by_its_client_stops_the_query(tmp_path: Path, door: str) -> None:
    async with tables_at(tmp_path) as (base, watched, _), client_at(door, base) as client, asyncio.timeout(30):
        call = asyncio.create_task(client.call_tool("execute_query", {"sql": ENDLESS, "timeout_seconds": 3_600}))
        await watched.begun.wait()
        call.cancel()
        await asyncio.wait({call})
        result = await client.call_tool("execute_query", {"sql": "SELECT 42"})
    assert result.structured_content["rows"] == [[42]]


async def modern_call(http: httpx.AsyncClient) -> None:
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {**endless_call(), "_meta": meta}}
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "execute_query", **ACCEPT}
    await http.post("/mcp", json=body, headers=headers, timeout=None)


async def legacy_call(http: httpx.AsyncClient) -> None:
    opened = await http.post("/mcp", json=INITIALIZE, headers=ACCEPT)
    headers = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25", **ACCEPT}
    await http.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers)
    body = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": endless_call()}
    await http.post("/mcp", json=body, headers=headers, timeout=None)


def endless_call() -> dict[str, Json]:
    return {"name": "execute_query", "arguments": {"sql": ENDLESS, "timeout_seconds": 3_600}}


@pytest.mark.parametrize("call", [modern_call, legacy_call])
async def test_a_caller_who_hangs_up_stops_the_query(tmp_path: Path, call: Callable[[httpx.AsyncClient], Any]) -> None:
    async with tables_at(tmp_path) as (base, watched, _), asyncio.timeout(30):
        async with httpx.AsyncClient(base_url=base) as http:
            calling = asyncio.create_task(call(http))
            await watched.begun.wait()
            calling.cancel()
            await asyncio.wait({calling})
        async with client_at("http modern", base) as client:
            result = await client.call_tool("execute_query", {"sql": "SELECT 42"})
    assert result.structured_content["rows"] == [[42]]


async def test_an_sse_client_who_hangs_up_stops_the_query(tmp_path: Path) -> None:
    async with tables_at(tmp_path) as (base, watched, _), asyncio.timeout(30):
        leaving = AsyncExitStack()
        client = await leaving.enter_async_context(client_at("sse", base))
        calling = asyncio.create_task(client.call_tool("execute_query", {"sql": ENDLESS, "timeout_seconds": 3_600}))
        await watched.begun.wait()
        await leaving.aclose()
        await asyncio.wait({calling})
        async with client_at("http modern", base) as other:
            result = await other.call_tool("execute_query", {"sql": "SELECT 42"})
    assert result.structured_content["rows"] == [[42]]
    assert calling.exception() is not None


@pytest.mark.filterwarnings("ignore:resources/subscribe is removed")
@pytest.mark.parametrize("door", ["http legacy", "sse"])
async def test_a_subscriber_of_the_handshake_era_hears_of_a_changed_schema(tmp_path: Path, door: str) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def hear(message: object) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            await heard.put(message.params.uri)
        if isinstance(message, types.ResourceListChangedNotification):
            await heard.put("list")

    async with tables_at(tmp_path) as (base, _, path), client_at(door, base, message_handler=hear) as client, asyncio.timeout(30):
        await client.read_resource("tables://schema")
        await client.subscribe_resource("tables://schema")
        add_table(path)
        assert {await heard.get(), await heard.get()} == {"tables://schema", "list"}
        (content,) = (await client.read_resource("tables://schema")).contents
    assert isinstance(content, types.TextResourceContents)
    assert "suppliers" in content.text


async def test_a_modern_listener_hears_of_a_changed_schema(tmp_path: Path) -> None:
    async with (
        tables_at(tmp_path) as (base, _, path),
        client_at("http modern", base) as client,
        asyncio.timeout(30),
        client.listen(resource_subscriptions=["tables://schema"], resources_list_changed=True) as events,
    ):
        await client.read_resource("tables://schema")
        add_table(path)
        told = {type(await anext(events)).__name__ for _ in range(2)}
    assert told == {"ResourceUpdated", "ResourcesListChanged"}


def add_table(path: Path) -> None:
    """As another program would: it writes a new file and puts it in the old one's place."""
    grown = path.with_suffix(".new")
    make_shop(grown)
    with duckdb.connect(str(grown)) as connection:
        connection.execute("CREATE TABLE suppliers (id INTEGER)")
    grown.replace(path)


@pytest.mark.filterwarnings("ignore:resources/subscribe is removed")
@pytest.mark.parametrize("door", DOORS)
async def test_a_glossary_edit_reaches_whoever_listens(tmp_path: Path, door: str) -> None:
    file = tmp_path / "words.yaml"
    rewrite(file, "terms: [{aliases: [turnover], table: sales}]")
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def hear(message: object) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            await heard.put(message.params.uri)

    glossary = Glossary(file, FixedClock(datetime(2026, 11, 21, tzinfo=UTC)))
    await glossary.open()
    async with (
        served(mcp_app(build_glossary_server(glossary))) as base,
        client_at(door, base, message_handler=hear) as client,
        asyncio.timeout(30),
        AsyncExitStack() as stack,
    ):
        if door == "http modern":
            events = await stack.enter_async_context(client.listen(resource_subscriptions=["glossary://terms"]))
            rewrite(file, "terms: [{aliases: [takings], table: sales}]")
            assert type(await anext(events)).__name__ == "ResourceUpdated"
        else:
            await client.subscribe_resource("glossary://terms")
            rewrite(file, "terms: [{aliases: [takings], table: sales}]")
            assert await heard.get() == "glossary://terms"
        (content,) = (await client.read_resource("glossary://terms")).contents
    assert isinstance(content, types.TextResourceContents)
    assert json.loads(content.text)["terms"][0]["aliases"] == ["takings"]


async def test_a_broken_glossary_is_told_as_a_log_line_to_connections_of_the_handshake_era(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    rewrite(file, "terms: []")
    said: asyncio.Queue[types.LoggingMessageNotificationParams] = asyncio.Queue()
    glossary = Glossary(file, FixedClock(datetime(2026, 11, 21, tzinfo=UTC)))
    await glossary.open()
    async with (
        served(mcp_app(build_glossary_server(glossary))) as base,
        client_at("sse", base, logging_callback=said.put) as client,
        asyncio.timeout(30),
    ):
        await client.list_resources()
        rewrite(file, "terms: 1")
        line = await said.get()
        (status,) = (await client.read_resource("glossary://status")).contents
    assert line.level == "warning"
    assert "words.yaml, line 1, terms: is a single value" in line.data
    assert isinstance(status, types.TextResourceContents)
    assert json.loads(status.text)["faults"][0]["line"] == 1


def rewrite(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("path", ["/mcp", "/sse", "/messages/?session_id=0", "/health"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [({"host": "evil.example"}, 421), ({"host": "localhost.evil.example:80"}, 421), ({"origin": "https://evil.example"}, 403)],
)
async def test_a_request_from_elsewhere_is_refused_at_every_path(path: str, headers: dict[str, str], status: int) -> None:
    async with served(mcp_app(empty_face())) as base, httpx.AsyncClient() as http:
        assert (await http.get(f"{base}{path}", headers=headers)).status_code == status


async def test_a_name_and_an_origin_that_are_allowed_come_in() -> None:
    doors = Doors(hosts=("data.example",), origins=("https://page.example",))
    async with served(mcp_app(empty_face(), doors=doors)) as base, httpx.AsyncClient() as http:
        headers = {"host": "data.example", "origin": "https://page.example"}
        assert (await http.get(f"{base}/health", headers=headers)).status_code == 200


async def test_a_body_over_four_megabytes_is_refused() -> None:
    async with served(mcp_app(empty_face())) as base, httpx.AsyncClient() as http:
        answer = await http.post(
            f"{base}/mcp", content=b"x" * (4 * 1024 * 1024 + 1), headers={"content-type": "application/json"}
        )
    assert answer.status_code == 413


async def test_health_says_unhealthy_when_the_part_behind_does_not_work() -> None:
    async def broken() -> dict[str, Json]:
        raise Unavailable("the disk is gone", hint="Plug it in.")

    async with served(mcp_app(empty_face(health=broken))) as base, httpx.AsyncClient() as http:
        answer = await http.get(f"{base}/health")
    assert answer.status_code == 503
    assert answer.json()["error"]["hint"] == "Plug it in."


async def test_health_tells_facts_about_the_part_behind(tmp_path: Path) -> None:
    async with tables_at(tmp_path) as (base, _, _), httpx.AsyncClient() as http:
        answer = await http.get(f"{base}/health")
    assert answer.json() == {"status": "healthy", "server": "tables", "dialect": "duckdb", "tables": 2}


async def test_an_application_can_be_mounted_below_a_path(tmp_path: Path) -> None:
    app = mcp_app(empty_face())
    outer = mounted("/servers/empty", app)
    async with served(outer) as base:
        for door in DOORS:
            async with client_at(door, f"{base}/servers/empty") as client:
                assert (await client.list_tools()).tools == []


def mounted(path: str, app: Any) -> Any:

    return Starlette(routes=[Mount(path, app=app)], lifespan=lambda _: app.router.lifespan_context(app))


async def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUse, match=f"127.0.0.1:{port}"):
            listen_on("127.0.0.1", port)
