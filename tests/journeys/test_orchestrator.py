"""Several real MCP servers behind the orchestrator, from a YAML file to an answer, and through what can happen to them."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import structlog
from tests.live_servers import Scripted, free_port, http_app, served
from tests.real_tables import make_shop

from mcp_gateway.ask.configuration import ConfigurationInvalid, ConfigurationUnreadable
from mcp_gateway.ask.gather_all import ResourceProgress
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import MCPConnectionError, MCPOrchestratorException, NoMCPAvailableError
from mcp_gateway.entrypoints.mcp.glossary import build_glossary_server
from mcp_gateway.entrypoints.mcp.hosting import mcp_app
from mcp_gateway.entrypoints.mcp.tables import build_tables_server
from mcp_gateway.orchestrator import MCPOrchestrator
from mcp_gateway.wiring.data import open_glossary, open_tables

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
mcp_servers:
  database_mcp:
    name: "Database MCP Server"
    url: "http://127.0.0.1:${TABLES_PORT}/%(tables)s"
    priority: 10
    domains: ["sales", "transactions", "orders"]
    capabilities: ["execute_query", "list_resources"]
    transport: "%(transport)s"
    max_retries: 0
    timeout: 60
    connect_timeout_seconds: 60
  product_metadata_mcp:
    name: "Product Metadata MCP"
    url: "http://127.0.0.1:${GLOSSARY_PORT}/%(tables)s"
    priority: 1
    domains: ["products", "aliases", "mappings"]
    capabilities: ["list_resources"]
    transport: "%(transport)s"
    max_retries: 0
    timeout: 60
    connect_timeout_seconds: 60
orchestration:
  fail_fast: %(fail_fast)s
  resources: %(resources)s
"""
GLOSSARY = """
entities:
  - {kind: product, label: Magic Wand Pro, table: products, column: id, value: 1, aliases: [abracadabra]}
metrics:
  - {name: revenue, aliases: [turnover], table: sales, expression: {default: SUM(sales.amount)}}
"""
QUESTION = "revenue of abracadabra"


class World:
    """A folder with a shop, a glossary and a configuration; servers on two ports that a test starts and stops."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shop = make_shop(folder / "shop.duckdb")
        self.words = folder / "glossary.yaml"
        self.words.write_text(GLOSSARY, encoding="utf-8")
        self.ports = {"tables": free_port(), "glossary": free_port()}
        self.config = folder / "mcp_config.yaml"
        self.environment = {f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()}

    def configure(self, *, fail_fast: bool = False, resources: str = "coherent", sse: bool = False) -> None:
        values = {
            "fail_fast": str(fail_fast).lower(),
            "resources": resources,
            "tables": "sse" if sse else "mcp",
            "transport": "sse" if sse else "streamable_http",
        }
        self.config.write_text(CONFIG % values, encoding="utf-8")

    def orchestrator(self) -> MCPOrchestrator:
        return MCPOrchestrator(self.config, environment=self.environment)

    @asynccontextmanager
    async def tables(self) -> AsyncIterator[None]:
        async with (
            open_tables(str(self.shop), clock=SystemClock()) as tables,
            served(mcp_app(build_tables_server(tables)), port=self.ports["tables"]),
        ):
            yield

    @asynccontextmanager
    async def glossary(self) -> AsyncIterator[None]:
        async with (
            open_glossary(self.words, clock=SystemClock()) as words,
            served(mcp_app(build_glossary_server(words)), port=self.ports["glossary"]),
        ):
            yield

    @asynccontextmanager
    async def both(self) -> AsyncIterator[None]:
        async with self.tables(), self.glossary():
            yield


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.configure()
    return world


@pytest.mark.parametrize("sse", [False, True])
async def test_from_a_file_to_an_answer_with_the_alias_resolved(world: World, *, sse: bool) -> None:
    world.configure(fail_fast=True, resources="fresh", sse=sse)
    async with world.both(), world.orchestrator() as orchestrator:
        assert orchestrator.is_ready()
        answer = await orchestrator.process_query(QUESTION)
        assert answer.rows is not None
        assert answer.rows.rows[0][-1] == pytest.approx(sum(n * 0.5 for n in range(1000) if n % 3 == 0))
        assert {(entity.original_term, entity.server) for entity in answer.entities} >= {("abracadabra", "product_metadata_mcp")}
        assert set(answer.servers_used) == {"database_mcp", "product_metadata_mcp"}
        assert answer.mode == "multi_mcp"


async def test_all_resources_come_by_priority_with_progress_and_entities_are_found_in_them(world: World) -> None:
    steps: list[ResourceProgress] = []

    async def listen(step: ResourceProgress) -> None:
        steps.append(step)

    async with world.both(), world.orchestrator() as orchestrator:
        resources = await orchestrator.gather_all_resources(listen)
        assert list(resources) == ["product_metadata_mcp", "database_mcp"]
        assert set(resources["database_mcp"]) == {"priority", "domains", "capabilities", "resources"}
        assert len(steps) == sum(step.total for step in {one.server: one for one in steps}.values())
        found = orchestrator.resolve_entity_with_priority("Abracadabra", "products", resources)
        assert found is not None
        assert (found["server"], found["priority"]) == ("product_metadata_mcp", 1)
        assert orchestrator.resolve_entity_with_priority("abracadabra", "weather", resources) is None


async def test_strictly_a_server_that_is_down_at_start_is_named(world: World) -> None:
    world.configure(fail_fast=True)
    orchestrator = world.orchestrator()
    async with world.tables():
        with pytest.raises(MCPConnectionError) as caught:
            await orchestrator.initialize()
    assert caught.value.data["server"] == "product_metadata_mcp"
    assert not orchestrator.is_ready()
    with pytest.raises(MCPOrchestratorException, match="not initialized"):
        await orchestrator.process_query(QUESTION)


async def test_otherwise_auto_goes_on_and_says_what_was_missing_and_multi_mcp_fails(world: World) -> None:
    async with world.tables(), world.orchestrator() as orchestrator:
        answer = await orchestrator.process_query("how many products are there")
        assert answer.degraded
        assert answer.missing_servers == ("product_metadata_mcp",)
        with pytest.raises(MCPConnectionError) as caught:
            await orchestrator.process_query("how many products are there", mode="multi_mcp")
        assert caught.value.data["server"] == "product_metadata_mcp"
        status = orchestrator.get_status()
        assert status["ready"] is True
        assert [server["connected"] for server in status["servers"]] == [False, True]  # type: ignore[union-attr, call-overload, index]  # JSON


async def test_nothing_to_connect_to_is_an_error_even_when_lenient(world: World) -> None:
    with pytest.raises(NoMCPAvailableError, match="None of the MCP servers"):
        await world.orchestrator().initialize()


async def test_a_database_server_that_dies_and_comes_back_is_used_again(world: World) -> None:
    stack = AsyncExitStack()
    async with world.glossary(), stack:
        await stack.enter_async_context(world.tables())
        async with world.orchestrator() as orchestrator:
            await orchestrator.process_query("how many products are there")
            await stack.aclose()
            with pytest.raises(MCPOrchestratorException):
                await orchestrator.process_query("how many products are there", mode="single_mcp")
            await stack.enter_async_context(world.tables())
            await orchestrator._open.connect()
            answer = await orchestrator.process_query("how many products are there")
            assert answer.rows is not None
            assert not answer.degraded


async def test_an_edited_glossary_counts_from_the_next_question_on(world: World) -> None:
    async with world.both(), world.orchestrator() as orchestrator:
        resources = await orchestrator.gather_all_resources()
        assert orchestrator.resolve_entity_with_priority("hocuspocus", "products", resources) is None
        world.words.write_text(GLOSSARY.replace("[abracadabra]", "[hocuspocus]"), encoding="utf-8")
        os.utime(world.words, (1, 1))
        async with asyncio.timeout(60):
            found = None
            while found is None:
                resources = await orchestrator.gather_all_resources()
                found = orchestrator.resolve_entity_with_priority("hocuspocus", "products", resources)
        assert found["server"] == "product_metadata_mcp"


async def test_a_reloaded_configuration_brings_a_server_in_without_a_restart(world: World) -> None:
    async with world.both(), served(http_app(Scripted())) as third, world.orchestrator() as orchestrator:
        assert not await orchestrator.reload()
        extra = f'  third:\n    name: Third\n    url: "{third}/mcp"\n    priority: 5\norchestration:'
        world.config.write_text(world.config.read_text(encoding="utf-8").replace("orchestration:", extra), encoding="utf-8")
        assert await orchestrator.reload()
        world.config.write_text("mcp_servers: [", encoding="utf-8")
        with structlog.testing.capture_logs() as logs:
            assert not await orchestrator.reload()
        assert [line["event"] for line in logs] == ["configuration_refused"]
        status = orchestrator.get_status()
        assert [server["name"] for server in status["servers"]] == ["product_metadata_mcp", "third", "database_mcp"]  # type: ignore[union-attr, call-overload, index]  # JSON
        answer = await orchestrator.process_query("how many products are there", mode="multi_mcp")
        assert len(answer.servers_used) == 3


async def test_questions_at_the_same_time_do_not_mix(world: World) -> None:
    async with world.both(), world.orchestrator() as orchestrator:
        answers = await asyncio.gather(
            *(
                orchestrator.process_query("how many products are there" if n % 2 else "how many sales are there")
                for n in range(10)
            )
        )
    assert [answer.rows.rows[0][0] for answer in answers if answer.rows] == [1000, 3] * 5


async def test_it_can_be_closed_twice_and_initialized_again(world: World) -> None:
    async with world.both():
        orchestrator = world.orchestrator()
        for _ in range(2):
            await orchestrator.initialize()
            await orchestrator.initialize()
            assert (await orchestrator.process_query("how many products are there")).rows is not None
            await orchestrator.close()
            await orchestrator.close()
        assert not orchestrator.is_ready()


def test_a_configuration_that_is_not_there_or_faulty_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationUnreadable):
        MCPOrchestrator(tmp_path / "none.yaml", environment={})
    (tmp_path / "c.yaml").write_text("mcp_servers: {}", encoding="utf-8")
    with pytest.raises(ConfigurationInvalid):
        MCPOrchestrator(str(tmp_path / "c.yaml"), environment={})


@pytest.mark.parametrize(
    ("rule", "written"),
    [("log_level: INFO", ["information", "warning"]), ("log_level: WARNING", ["warning"]), ("enable_logging: false", [])],
)
def test_a_program_without_logging_of_its_own_gets_it_as_configured(
    world: World, rule: str, written: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = world.config.read_text(encoding="utf-8").replace("orchestration:", f"orchestration:\n  {rule}")
    world.config.write_text(text, encoding="utf-8")
    world.orchestrator()
    log = structlog.get_logger()
    log.debug("detail")
    log.info("information")
    log.warning("warning")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == written


async def run_script(world: World, *arguments: str) -> tuple[int, str]:
    """The script of the specification, as its user runs it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "scripts" / "validate_mcp_config.py"), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **world.environment}, cwd=world.folder,
    )  # fmt: skip
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_validate_tries_every_server_and_times_it(world: World) -> None:
    async with world.both():
        code, output = await run_script(world, str(world.config), "--json")
    findings = json.loads(output)
    assert (code, findings["valid"]) == (0, True)
    for server in findings["servers"]:
        assert server["protocol"] == "2026-07-28"
        assert server["connect_ms"] > 0
        assert server["latency_ms"] > 0
    assert [server["tools"] for server in findings["servers"]][1] == 5


async def test_validate_names_the_server_that_does_not_answer(world: World) -> None:
    async with world.tables():
        code, output = await run_script(world, str(world.config))
    assert code == 1
    assert "fault: product_metadata_mcp: The MCP server product_metadata_mcp at http://127.0.0.1:" in output
    assert "connection refused" in output


async def test_validate_tells_a_faulty_file_from_one_that_cannot_be_read(world: World) -> None:
    world.config.write_text("mcp_servers: {a: {name: A, priority: 0}}", encoding="utf-8")
    code, output = await run_script(world, str(world.config), "--no-connect")
    assert code == 1
    assert f"{world.config}:1  mcp_servers.a.priority '0' is outside 1 to 999" in output
    assert "mcp_servers.a.url is missing" in output
    code, output = await run_script(world, "nowhere.yaml", "--json")
    assert code == 2
    assert json.loads(output)["error"]["code"] == "CONFIGURATION_UNREADABLE"
