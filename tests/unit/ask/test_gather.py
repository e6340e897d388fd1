"""What a question learns from all servers, how fresh it is, and what a missing server means."""

import asyncio
import json
from dataclasses import replace

import pytest
import structlog
from tests.live_servers import until
from tests.shop_servers import RIVAL_WORDS, SCHEMA, WORDS, Shop, documents

from mcp_gateway.ask.configuration import OrchestrationConfig
from mcp_gateway.ask.gather_all import ResourceProgress, gather_all
from mcp_gateway.core.errors import MCPConnectionError, NoMCPAvailableError, ResourceFetchError
from mcp_gateway.core.schema import Column

pytestmark = pytest.mark.anyio

FRESH = OrchestrationConfig(resources="fresh")
COHERENT = OrchestrationConfig(resources="coherent")
SCHEMA_URI = "tables://schema"


def renamed(version: str) -> str:
    """The schema document with one more column."""
    table = SCHEMA.tables[0]
    more = replace(table, columns=(*table.columns, Column(name="colour", type="VARCHAR", kind="text")))
    return documents(replace(SCHEMA, tables=(more, *SCHEMA.tables[1:]), version=version))[SCHEMA_URI]


def stop_watching(shop: Shop) -> None:
    """Make every server one that cannot be watched."""

    async def cannot(*_: object) -> bool:
        return False

    for member in shop.servers.members:
        setattr(member.server, "watch_resources", cannot)  # noqa: B010  # plain assignment is refused for a protocol's method


async def test_schema_and_words_come_together_from_all_servers() -> None:
    async with Shop().open() as shop:
        gathered = await shop.gatherer.gather("auto")
    assert gathered.schema == SCHEMA
    assert gathered.vocabulary == WORDS
    assert gathered.database.name == "tables"
    assert (gathered.mode, gathered.servers_used, gathered.missing_servers) == ("multi_mcp", ("glossary", "tables"), ())
    assert [(source.server, source.priority) for source in gathered.sources] == [("glossary", 1)]


async def test_single_mcp_asks_only_the_server_with_the_database() -> None:
    async with Shop().open() as shop:
        gathered = await shop.gatherer.gather("single_mcp")
        assert shop.glossary.asked == []
    assert (gathered.mode, gathered.servers_used) == ("single_mcp", ("tables",))
    assert gathered.vocabulary.entities == ()


async def test_fresh_reads_everything_anew_and_parses_nothing_twice() -> None:
    async with Shop(FRESH).open() as shop:
        first = await shop.gatherer.gather("auto")
        asked = len(shop.tables.asked)
        second = await shop.gatherer.gather("auto")
        assert len(shop.tables.asked) == 2 * asked
    assert (second.fetched, second.reused) == (9, 0)
    assert second.schema is first.schema
    assert second.vocabulary is first.vocabulary
    assert second.sources is first.sources


async def test_fresh_sees_a_change_that_nobody_announced() -> None:
    async with Shop(FRESH, ttl_ms=60_000).open() as shop:
        await shop.gatherer.gather("auto")
        shop.tables.resources[SCHEMA_URI] = renamed("2")
        assert (await shop.gatherer.gather("auto")).schema.version == "2"


async def test_a_copy_is_used_for_the_configured_time_under_ttl() -> None:
    async with Shop(OrchestrationConfig(resources="ttl", resource_cache_ttl=60)).open() as shop:
        await shop.gatherer.gather("auto")
        shop.tables.resources[SCHEMA_URI] = renamed("2")
        shop.clock.advance(59)
        kept = await shop.gatherer.gather("auto")
        assert (kept.schema.version, kept.fetched, kept.reused) == ("1", 0, 9)
        shop.clock.advance(2)
        assert (await shop.gatherer.gather("auto")).schema.version == "2"


async def test_coherent_uses_a_copy_while_the_watch_is_live_and_drops_it_on_change() -> None:
    async with Shop(COHERENT).open() as shop:
        await shop.gatherer.gather("auto")
        await shop.gatherer.gather("auto")
        again = await shop.gatherer.gather("auto")
        assert (again.fetched, again.reused) == (0, 9)
        await shop.tables.change(SCHEMA_URI, renamed("2"))
        copies = shop.servers.database.copies
        await until(lambda: SCHEMA_URI not in copies._contents)
        changed = await shop.gatherer.gather("auto")
        assert (changed.schema.version, changed.fetched, changed.reused) == ("2", 2, 7)


async def test_coherent_drops_every_copy_when_the_watch_breaks() -> None:
    async with Shop(COHERENT, ttl_ms=3_600_000).open() as shop:
        await shop.gatherer.gather("auto")
        shop.tables.resources[SCHEMA_URI] = renamed("2")
        member = shop.servers.database
        member.copies._on_end()
        assert (await shop.gatherer.gather("auto")).schema.version == "2"


async def test_coherent_trusts_a_server_that_cannot_be_watched_for_its_ttl_only() -> None:
    async with Shop(COHERENT, ttl_ms=5_000).open() as shop:
        stop_watching(shop)
        await shop.gatherer.gather("auto")
        shop.tables.resources[SCHEMA_URI] = renamed("2")
        shop.clock.advance(4)
        assert (await shop.gatherer.gather("auto")).schema.version == "1"
        shop.clock.advance(2)
        assert (await shop.gatherer.gather("auto")).schema.version == "2"


async def test_coherent_without_watch_and_ttl_reads_everything_anew() -> None:
    async with Shop(COHERENT).open() as shop:
        stop_watching(shop)
        await shop.gatherer.gather("auto")
        assert (await shop.gatherer.gather("auto")).reused == 0


async def test_a_copy_that_changes_while_it_is_read_is_not_kept() -> None:
    async with Shop(COHERENT).open() as shop:
        await shop.gatherer.gather("auto")
        copies = shop.servers.database.copies
        copies.forget()
        shop.tables.gate = asyncio.Event()
        reading = asyncio.create_task(copies.read_resource(SCHEMA_URI))
        await until(lambda: shop.tables.asked[-1] == SCHEMA_URI)
        copies._on_change(SCHEMA_URI)
        shop.tables.gate.set()
        assert not (await reading).reused
        assert not (await copies.read_resource(SCHEMA_URI)).reused
        assert (await copies.read_resource(SCHEMA_URI)).reused


@pytest.mark.parametrize("mode", ["multi_mcp", "auto"])
async def test_strictly_a_missing_server_fails_the_question_and_is_named(mode: str) -> None:
    rule = OrchestrationConfig(resources="fresh", fail_fast=mode == "auto")
    async with Shop(rule).open() as shop:
        shop.down.add("glossary")
        with pytest.raises(MCPConnectionError) as caught:
            await shop.gatherer.gather("multi_mcp" if mode == "multi_mcp" else "auto")
    assert caught.value.data["server"] == "glossary"


async def test_auto_goes_on_without_a_server_and_says_so() -> None:
    async with Shop().open() as shop:
        shop.down.add("glossary")
        gathered = await shop.gatherer.gather("auto")
        assert (gathered.missing_servers, gathered.mode) == (("glossary",), "single_mcp")
        assert gathered.vocabulary.entities == ()
        shop.down.clear()
        assert (await shop.gatherer.gather("auto")).missing_servers == ()


@pytest.mark.parametrize("mode", ["single_mcp", "multi_mcp", "auto"])
async def test_nothing_goes_without_the_database(mode: str) -> None:
    async with Shop().open() as shop:
        shop.down.add("tables")
        with pytest.raises(MCPConnectionError) as caught:
            await shop.gatherer.gather(mode)  # type: ignore[arg-type]  # one of the three
    assert caught.value.data["server"] == "tables"


async def test_without_any_server_that_runs_queries_the_error_says_what_to_configure() -> None:
    shop = Shop()
    only = replace(shop.config, mcp_servers=shop.config.mcp_servers[:1])
    async with shop.open():
        await shop.servers.replace(only)
        with pytest.raises(NoMCPAvailableError, match="runs queries"):
            await shop.gatherer.gather("auto")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"tables": 1}', '{"dialect": "duckdb", "version": "1", "tables": [{}]}', "NaN", "[" * 9_999]
)
async def test_a_broken_schema_document_names_server_and_resource(text: str) -> None:
    async with Shop().open() as shop:
        shop.tables.resources[SCHEMA_URI] = text
        with pytest.raises(ResourceFetchError) as caught:
            await shop.gatherer.gather("auto")
    assert caught.value.data["server"] == "tables"


async def test_a_database_server_without_a_schema_is_said_to_have_none() -> None:
    async with Shop().open() as shop:
        shop.tables.resources = {"demo://other": "{}"}
        with pytest.raises(ResourceFetchError, match="offers no resource tables://schema"):
            await shop.gatherer.gather("auto")


async def test_a_broken_glossary_is_a_missing_server_in_auto() -> None:
    async with Shop().open() as shop:
        shop.glossary.resources["glossary://entities"] = '{"entities": [{"kind": 5}]}'
        gathered = await shop.gatherer.gather("auto")
        assert gathered.missing_servers == ("glossary",)
        with pytest.raises(ResourceFetchError) as caught:
            await shop.gatherer.gather("multi_mcp")
    assert caught.value.data["server"] == "glossary"


async def test_a_word_keeps_the_meaning_of_the_more_trusted_server() -> None:
    async with Shop(rival=True).open() as shop:
        gathered = await shop.gatherer.gather("auto")
    wands = {entity.value: entity.aliases for entity in gathered.vocabulary.entities}
    assert wands == {123: ("abracadabra", "magic wand"), 9: ("spoon",)}
    assert "turnover" not in [alias for term in gathered.vocabulary.terms for alias in term.aliases]
    assert [source.server for source in gathered.sources] == ["glossary", "rival"]
    assert gathered.sources[1].vocabulary == RIVAL_WORDS


async def test_all_resources_come_by_name_in_the_shape_of_the_specification() -> None:
    steps: list[ResourceProgress] = []

    async def listen(step: ResourceProgress) -> None:
        steps.append(step)

    async with Shop().open() as shop:
        shop.glossary.resources["demo://greeting"] = '"hello"'
        shop.tables.resources["demo://greeting"] = '"hello"'
        glossary, tables = await gather_all(shop.servers, listen)
    assert glossary.to_dict()["priority"] == 1
    assert glossary.resources["greeting"] == "hello"
    assert tables.resources["schema"] == json.loads(documents(SCHEMA)[SCHEMA_URI])
    assert [step.done for step in steps if step.server == "glossary"] == [1, 2, 3, 4, 5]
    assert {step.total for step in steps if step.server == "tables"} == {4}


@pytest.mark.parametrize("fail_fast", [True, False])
async def test_a_resource_that_is_not_json_fails_its_server_alone_unless_strict(*, fail_fast: bool) -> None:
    async with Shop(OrchestrationConfig(resources="fresh", fail_fast=fail_fast)).open() as shop:
        shop.tables.resources = documents(SCHEMA)
        if fail_fast:
            with pytest.raises(ResourceFetchError):
                await gather_all(shop.servers)
        else:
            with structlog.testing.capture_logs() as logs:
                assert [one.server for one in await gather_all(shop.servers)] == ["tables"]
            assert [line["server"] for line in logs if line["event"] == "resources_missing"] == ["glossary"]


async def test_a_server_that_lists_too_much_is_not_read() -> None:
    async with Shop().open() as shop:
        shop.glossary.resources = {f"demo://{n}": "{}" for n in range(501)}
        shop.tables.resources = documents(SCHEMA)
        assert [one.server for one in await gather_all(shop.servers)] == ["tables"]
        assert shop.glossary.asked == ["list"]


async def test_questions_at_the_same_time_each_get_everything() -> None:
    async with Shop(COHERENT, rival=True).open() as shop:
        results = await asyncio.gather(*(shop.gatherer.gather("multi_mcp") for _ in range(20)))
    assert all(result.schema is results[0].schema and len(result.servers_used) == 3 for result in results)
