"""A gateway over servers in other processes' place: one of them gone, all of them required, and a configuration that changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.journeys.conftest import open_served

from mcp_gateway.asgi.application import open_application
from mcp_gateway.asgi.serving import open_listeners, open_listeners_near
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import MCPConnectionError
from mcp_gateway.settings import Settings

pytestmark = pytest.mark.anyio

TABLES = """\
  tables:
    name: Tables
    url: {url}/servers/tables/mcp
    priority: 10
    capabilities: [execute_query, find_values, list_resources]
    transport: streamable_http
"""
# Port 1 on loopback refuses at once.
GONE = """\
  glossary:
    name: Glossary
    url: http://127.0.0.1:1/mcp
    priority: 1
    capabilities: [list_resources]
    transport: streamable_http
    max_retries: 0
"""


@asynccontextmanager
async def upstream(settings: Settings) -> AsyncIterator[str]:
    """The address of a process' servers, really listening."""
    listeners = open_listeners_near("127.0.0.1", 0)
    async with open_application(settings, clock=SystemClock(), listeners=listeners) as application:
        serving = asyncio.create_task(application.serve(listeners))
        try:
            yield listeners.url
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            listeners.close()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def configured(settings: Settings, path: Path, **changes: object) -> Settings:
    return settings.model_copy(update={"mcp_config_path": path, "tables_url": None, "glossary_file": None, **changes})


@pytest.fixture
async def config(settings: Settings, tmp_path: Path) -> AsyncIterator[Path]:
    """A configuration with a live tables server and a glossary that is gone."""
    path = tmp_path / "servers.yaml"
    async with upstream(settings) as url:
        write(path, "mcp_servers:\n" + GONE + TABLES.format(url=url))
        yield path


async def test_auto_answers_without_the_missing_server_and_says_so(settings: Settings, config: Path) -> None:
    async with open_served(configured(settings, config)) as (application, client, _):
        body = (await client.post("/api/chat", json={"query": "SELECT COUNT(*) AS n FROM products"})).json()
        assert body["success"] is True
        assert body["metadata"]["degraded"] is True
        assert body["metadata"]["missing_servers"] == ["glossary"]
        assert body["metadata"]["mcp_servers_used"] == ["tables"]
        await application.gateway.health.check_all()
        health = (await client.get("/api/health")).json()
        assert health["status"] == "degraded"
        assert health["services"]["mcp_glossary"]["healthy"] is False
        assert (await client.get("/api/health/ready")).status_code == 200
        servers = {server["name"]: server for server in (await client.get("/api/servers")).json()["servers"]}
        assert servers["tables"]["connected"] is True
        assert "127.0.0.1:1" in servers["glossary"]["error"]


async def test_multi_mcp_is_all_or_nothing_and_names_the_server(settings: Settings, config: Path) -> None:
    async with open_served(configured(settings, config)) as (_, client, __):
        response = await client.post("/api/chat", json={"query": "SELECT 1", "mode": "multi_mcp"})
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (503, "MCP_CONNECTION_FAILED")
        assert error["data"]["server"] == "glossary"
        modes = {mode["mode"]: mode["available"] for mode in (await client.get("/api/chat/modes")).json()["available_modes"]}
        assert modes == {"single_mcp": True, "multi_mcp": False, "auto": True}


async def test_when_all_servers_are_required_it_does_not_start_without_one(settings: Settings, config: Path) -> None:
    required = configured(settings, config, require_multi_mcp=True, fastapi_port=0)
    listeners = open_listeners(required)
    with pytest.raises(MCPConnectionError, match="glossary"):
        async with open_application(required, clock=SystemClock(), listeners=listeners):
            pass
    listeners.close()


async def test_with_multi_switched_off_only_the_database_takes_part(settings: Settings, config: Path) -> None:
    async with open_served(configured(settings, config, enable_multi_mcp=False)) as (_, client, __):
        body = (await client.post("/api/chat", json={"query": "SELECT 1 AS one"})).json()
        assert body["metadata"]["mode"] == "single_mcp"
        assert body["metadata"]["degraded"] is False
        refused = await client.post("/api/chat", json={"query": "SELECT 1", "mode": "multi_mcp"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "UNKNOWN_MODE")


async def test_an_edited_configuration_takes_effect_and_a_broken_one_changes_nothing(settings: Settings, config: Path) -> None:
    async with open_served(configured(settings, config)) as (_, client, __):
        without = read(config).replace(GONE, "")
        write(config, without)
        await until_servers(client, ["tables"])
        write(config, "mcp_servers: {tables: {url: 7")
        assert (await client.post("/api/chat", json={"query": "SELECT 1 AS one"})).json()["success"] is True
        write(config, without.replace("name: Tables", "name: Renamed"))
        await until_servers(client, ["tables"], title="Renamed")


async def until_servers(client: httpx.AsyncClient, names: list[str], title: str = "Tables") -> None:
    """Ask for the servers until they are these; bounded."""
    async with asyncio.timeout(30):
        while True:
            servers = (await client.get("/api/servers")).json()["servers"]
            if [server["name"] for server in servers] == names and servers[-1]["title"] == title:
                return
            # Calls in process never wait; without this nothing else would ever run.
            await asyncio.sleep(0)
