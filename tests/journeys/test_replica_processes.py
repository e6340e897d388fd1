"""Two replicas as two processes of the product, before one tables server and one Valkey."""

import asyncio
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from tests.journeys.test_mcp_servers import running
from tests.valkey_process import ValkeyProcess
from tests.warm.process import Process, start

pytestmark = pytest.mark.anyio

COMMAND = [sys.executable, "-m", "mcp_gateway"]
LIMIT = 6
# On a machine however busy; the tables server looks for changes every two seconds.
CHANGE_SECONDS = 60.0
STARTING_TRIES = 1_000
SQL = {"sql": "SELECT COUNT(*) AS n FROM products"}
CONFIGURATION = """\
mcp_servers:
  tables:
    name: Tables
    url: {url}/mcp
    priority: 10
    capabilities: [execute_query, find_values, list_resources]
    transport: streamable_http
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("INSERT INTO products VALUES (1, 'Magic Wand Pro')")
    return path


@contextmanager
def started(folder: Path, environment: Mapping[str, str]) -> Iterator[Process]:
    """A process of the gateway; its log lies in `folder`."""
    folder.mkdir()
    with (folder / "log").open("w", encoding="utf-8") as log:
        process = start(
            [*COMMAND, "serve", "--config", str(folder.parent / "servers.yaml"), "--no-login", "--port", "0"],
            environment={**environment, "MCP_GATEWAY_CACHE_DIR": str(folder)},
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def page_of(process: Process, folder: Path) -> str:
    """Where it says its page is, once it does."""
    for _ in range(STARTING_TRIES):
        found = re.search(r'"page": "(http://[^"]+)"', (folder / "log").read_text(encoding="utf-8"))
        if found:
            return found[1]
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
            break
    raise AssertionError((folder / "log").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def replicas(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The pages of two processes with everything shared."""
    folder = tmp_path_factory.mktemp("replicas")
    with ExitStack() as stack:
        valkey = stack.enter_context(ValkeyProcess())
        tables = stack.enter_context(running("tables", "--url", str(database)))
        (folder / "servers.yaml").write_text(CONFIGURATION.format(url=tables.url), encoding="utf-8")
        environment = {
            "REDIS_URL": valkey.url,
            "REDIS_TIMEOUT_SECONDS": "5",
            "REPLICAS": "2",
            "LIMIT_QUESTIONS_PER_MINUTE": str(LIMIT),
            "LIMIT_READS_PER_MINUTE": "0",
        }
        processes = {name: stack.enter_context(started(folder / name, environment)) for name in ("one", "other")}
        one, other = (page_of(process, folder / name) for name, process in processes.items())
        yield one, other


@pytest.fixture
async def clients(replicas: tuple[str, str]) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    one, other = replicas
    async with httpx.AsyncClient(base_url=one, timeout=30) as first, httpx.AsyncClient(base_url=other, timeout=30) as second:
        yield first, second


async def columns(client: httpx.AsyncClient) -> list[str]:
    (table,) = (await client.get("/api/schema")).json()["tables"]
    return [column["name"] for column in table["columns"]]


async def test_processes_grant_a_limit_together_and_tell_the_same_of_it(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    answers = await asyncio.gather(*(clients[number % 2].post("/api/sql", json=SQL) for number in range(2 * LIMIT)))
    assert sorted(answer.status_code for answer in answers) == [200] * LIMIT + [429] * LIMIT
    for client in clients:
        told = (await client.get("/api/limits")).json()["operations"]
        (questions,) = next(one["limits"] for one in told if one["operation"] == "ask")
        assert (questions["name"], questions["used"], questions["remaining"]) == ("questions", LIMIT, 0)
        assert 0 < questions["reset_seconds"] <= 66


async def test_a_changed_schema_reaches_both_processes_and_none_goes_back(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient], database: Path
) -> None:
    assert [await columns(client) for client in clients] == [["id", "name"]] * 2
    with sqlite3.connect(database) as connection:
        connection.execute("ALTER TABLE products ADD COLUMN price REAL")
    async with asyncio.timeout(CHANGE_SECONDS):
        for client in clients:
            while await columns(client) == ["id", "name"]:
                pass
    later = await asyncio.gather(*(columns(client) for client in clients for _ in range(20)))
    assert later == [["id", "name", "price"]] * 40
