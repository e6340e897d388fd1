"""The two stand-alone MCP servers as their users run them: real processes, real clients, every transport, both eras."""

import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from tests.real_tables import make_shop
from tests.warm.process import MODULE, Process, borrowed, run, start

pytestmark = pytest.mark.anyio

COMMAND = str(Path(sys.executable).with_name("mcp-gateway"))
WORDS = "terms: [{aliases: [turnover], table: sales, column: amount}]"
ROADS = ("http auto", "http legacy", "http 2026-07-28", "sse", "stdio auto", "stdio legacy")


@dataclass(frozen=True, kw_only=True)
class Running:
    process: Process
    said: TextIO
    url: str


@contextmanager
def running(*arguments: str) -> Iterator[Running]:
    """The command with a free port, and where it says it listens; the rest of what it says is `said`."""
    read, write = os.pipe()
    with os.fdopen(read) as said:
        with os.fdopen(write, "wb") as errors:
            process = start([*MODULE, "mcp_gateway", *arguments, "--port", "0"], stderr=errors)
        try:
            line = said.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert found, line
            yield Running(process=process, said=said, url=found.group())
        finally:
            process.kill()
            process.wait(30)


def failed(*arguments: str) -> tuple[int, str]:
    """Exit code and what stderr said of a command that ends by itself."""
    done = run([sys.executable, "-m", "mcp_gateway", *arguments])
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    make_shop(folder / "shop.duckdb")
    (folder / "words.yaml").write_text(WORDS, encoding="utf-8")
    return folder


def arguments_for(server: str, data: Path) -> tuple[str, ...]:
    return (
        ("tables", "--url", str(data / "shop.duckdb")) if server == "tables" else ("glossary", "--file", str(data / "words.yaml"))
    )


@pytest.fixture(scope="module", params=["tables", "glossary"])
def server(request: pytest.FixtureRequest, data: Path) -> Iterator[tuple[str, str]]:
    with running(*arguments_for(request.param, data)) as one:
        yield request.param, one.url


@asynccontextmanager
async def reached(road: str, name: str, base: str, data: Path) -> AsyncIterator[Client]:
    kind, _, mode = road.partition(" ")
    if kind == "sse":
        client = Client(sse_client(f"{base}/sse"), mode="legacy")
    elif kind == "http":
        client = Client(f"{base}/mcp", mode=mode)
    else:
        arguments = [*arguments_for(name, data), "--transport", "stdio"]
        # Once as it is installed.
        command = [COMMAND] if (name, mode) == ("tables", "auto") else borrowed("mcp_gateway")
        client = Client(StdioServerParameters(command=command[0], args=[*command[1:], *arguments]), mode=mode)
    async with client:
        yield client


@pytest.mark.parametrize("road", ROADS)
async def test_a_server_answers_over_every_transport_in_both_eras(server: tuple[str, str], data: Path, road: str) -> None:
    name, base = server
    async with reached(road, name, base, data) as client:
        resources = [resource.uri for resource in (await client.list_resources()).resources]
        texts = [(await client.read_resource(uri)).contents for uri in resources]
        if name == "tables":
            result = await client.call_tool("execute_query", {"sql": "SELECT COUNT(*) AS n FROM sales"})
            assert result.structured_content["rows"] == [[1000]]
        else:
            result = await client.call_tool("lookup_term", {"term": "turnovr"})
            assert result.structured_content["matches"][0]["word"] == "turnover"
    assert all(uri.startswith(f"{name}://") for uri in resources)
    assert all(len(contents) == 1 for contents in texts)


async def test_health_is_answered_beside_the_protocol(server: tuple[str, str]) -> None:
    name, base = server
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{base}/health")
    assert (answer.status_code, answer.json()["server"]) == (200, name)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_is_asked_to_stop_says_goodbye_and_exits_with_success(data: Path, how: signal.Signals) -> None:
    with running(*arguments_for("glossary", data)) as one:
        with httpx.stream("GET", f"{one.url}/sse") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: endpoint"
            one.process.send_signal(how)
            assert "event: message" not in list(lines)
        assert one.process.wait(timeout=20) == 0
        assert one.said.read() == ""


def test_a_taken_port_is_said_so_and_what_to_do(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, said = failed(*arguments_for("glossary", data), "--port", port)
    assert code == 1
    assert f"127.0.0.1:{port}" in said
    assert "--port" in said


def test_listening_beyond_this_machine_has_to_be_allowed_by_name(data: Path) -> None:
    code, said = failed(*arguments_for("glossary", data), "--host", "0.0.0.0")
    assert code == 1
    assert "--allow-remote-without-login" in said


def test_a_broken_glossary_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    file.write_text("terms:\n  - aliases: [a]\n", encoding="utf-8")
    code, said = failed("glossary", "--file", str(file))
    assert code == 1
    assert "words.yaml, line 2, terms[0].table: is missing" in said


def test_a_database_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    code, said = failed("tables", "--url", str(tmp_path / "none.duckdb"))
    assert code == 1
    assert "none.duckdb" in said
    assert "Traceback" not in said
