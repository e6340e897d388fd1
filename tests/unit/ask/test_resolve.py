"""What the words of a question stand for, by whose word, and which stored values stand in it."""

from typing import Any

import pytest
import structlog
from mcp.types import CallToolResult, TextContent
from tests.live_servers import fail
from tests.shop_servers import Shop

from mcp_gateway.ask.configuration import OrchestrationConfig
from mcp_gateway.ask.model import Resolution, ResolvedEntity
from mcp_gateway.ask.resolve import WordResolver
from mcp_gateway.core.errors import Json, MCPConnectionError

pytestmark = pytest.mark.anyio


async def resolve(question: str, *, rival: bool = False) -> Resolution:
    async with Shop(rival=rival).open() as shop:
        return await WordResolver(shop.servers).resolve(question, await shop.gatherer.gather("auto"))


async def entities(question: str, *, rival: bool = False) -> list[tuple[str, str, str, float]]:
    """Each as word, kind, server, score."""
    found = (await resolve(question, rival=rival)).entities
    assert all(question[one.start : one.end] == one.original_term for one in found)
    return [(one.original_term, one.kind, one.server, one.score) for one in found]


async def test_a_business_word_is_marked_in_the_question_with_its_server_and_meaning() -> None:
    (found,) = (await resolve("How much did we sell of abracadabra?")).entities
    assert found == ResolvedEntity(
        original_term="abracadabra",
        start=24,
        end=35,
        kind="entity",
        server="glossary",
        priority=1,
        label="Magic Wand Pro",
        table="products",
        column="id",
        value=123,
    )


@pytest.mark.parametrize(
    ("question", "word", "kind"),
    [
        ("ABRACADABRA sales", "ABRACADABRA", "entity"),
        ("sales of Ábracadabra", "Ábracadabra", "entity"),
        ("the magic  wand", "magic  wand", "entity"),
        ("chiffre d'affaires in May", "chiffre d'affaires", "metric"),
        ("CHIFFRE D’AFFAIRES", "CHIFFRE D’AFFAIRES", "metric"),
        ("our revenue", "revenue", "metric"),
        ("list every client", "client", "table"),
        ("how many active customers", "active customers", "condition"),
        ("orders lately", "lately", "period"),
    ],
)
async def test_case_accents_and_other_forms_are_put_aside(question: str, word: str, kind: str) -> None:
    assert [(found[0], found[1]) for found in await entities(question)] == [(word, kind)]


@pytest.mark.parametrize(
    ("question", "word", "score"),
    [
        ("sales of abracadbra", "abracadbra", 0.909),
        ("abrcadabrra sold", "abrcadabrra", 0.818),
        ("turnovr by day", "turnovr", 0.875),
    ],
)
async def test_a_slip_of_the_pen_is_understood_and_scored_lower(question: str, word: str, score: float) -> None:
    assert [(found[0], found[3]) for found in await entities(question)] == [(word, score)]


@pytest.mark.parametrize(
    "question",
    [
        "the abracadabras' grandson Abracadabrason",
        "preclient clientele",
        "spoons" * 3,
        "the same amount of products",
        "a wand",
        "sale of lately2",
        "",
        "   ",
        "¿?",
    ],
)
async def test_an_alias_inside_another_word_is_no_match(question: str) -> None:
    assert [found for found in await entities(question) if found[3] == 1.0] == []


async def test_the_longest_stretch_wins_and_is_used_once() -> None:
    assert [found[0] for found in await entities("magic wand and active customer")] == ["magic wand", "active customer"]


async def test_the_more_trusted_server_wins_and_the_conflict_is_logged() -> None:
    async with Shop(rival=True).open() as shop:
        gathered = await shop.gatherer.gather("auto")
        with structlog.testing.capture_logs() as logs:
            found = WordResolver(shop.servers).find_entities("turnover of abracadabra by spoon", gathered)
    assert [(one.original_term, one.server) for one in found] == [
        ("turnover", "glossary"),
        ("abracadabra", "glossary"),
        ("spoon", "rival"),
    ]
    conflicts = [line for line in logs if line["event"] == "entity_conflict"]
    assert [(line["word"], line["chosen"], line["passed_over"]) for line in conflicts] == [
        ("turnover", "glossary", ["rival"]),
        ("abracadabra", "glossary", ["rival"]),
    ]


async def test_an_expression_is_shown_in_the_databases_dialect() -> None:
    (metric,) = (await resolve("revenue")).entities
    (period,) = (await resolve("lately")).entities
    assert metric.expression == "SUM(sales.amount)::DOUBLE"
    assert period.expression == "CURRENT_DATE - 30 to CURRENT_DATE + 1"


async def test_a_condition_without_a_description_is_told_by_its_sql() -> None:
    (condition,) = (await resolve("how many active customers")).entities
    assert condition.label == "customers.active"


def matching(*matches: object, complete: object = True) -> Any:
    async def find_values(arguments: dict[str, Json]) -> CallToolResult:
        assert set(arguments) == {"text"}
        return CallToolResult(content=[], structured_content={"matches": list(matches), "complete": complete})

    return find_values


RIGHT = {"start": 9, "end": 14, "text": "Paris", "table": "shops", "column": "city", "value": "Paris", "score": 1, "how": "exact"}


async def test_stored_values_are_found_by_the_database_server() -> None:
    async with Shop().open() as shop:
        shop.tables.tools["find_values"] = matching(RIGHT)
        resolution = await WordResolver(shop.servers).resolve("sales in Paris", await shop.gatherer.gather("auto"))
    (match,) = resolution.values
    assert (match.table, match.column, match.value, match.how) == ("shops", "city", "Paris", "exact")
    assert resolution.warnings == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"end": 99}, {"start": -1}, {"start": 9.5}, {"start": True}, {"start": 14}, {"table": ""}, {"column": None},
        {"value": [1]}, {"value": "x" * 3_000}, {"score": 7}, {"score": "1"}, {"score": True}, {"how": "magic"},
    ],
)  # fmt: skip
async def test_a_match_that_cannot_be_true_is_left_out_and_said_so(wrong: dict[str, object]) -> None:
    async with Shop().open() as shop:
        shop.tables.tools["find_values"] = matching({**RIGHT, **wrong}, RIGHT, "nonsense")
        resolution = await WordResolver(shop.servers).resolve("sales in Paris", await shop.gatherer.gather("auto"))
    assert len(resolution.values) == 1
    assert len(resolution.warnings) == 1


async def test_an_incomplete_search_is_said_to_be_one() -> None:
    async with Shop().open() as shop:
        shop.tables.tools["find_values"] = matching(RIGHT, complete=False)
        resolution = await WordResolver(shop.servers).resolve("sales in Paris", await shop.gatherer.gather("auto"))
    assert len(resolution.values) == 1
    assert "Not every stored value" in resolution.warnings[0]


async def test_a_server_without_the_tool_is_a_warning() -> None:
    async with Shop().open() as shop:
        shop.tables.tools["find_values"] = fail
        resolution = await WordResolver(shop.servers).resolve("revenue", await shop.gatherer.gather("auto"))
    assert (resolution.values, resolution.missing_servers) == ((), ())
    assert "no such column" in resolution.warnings[0]
    assert [entity.kind for entity in resolution.entities] == ["metric"]


@pytest.mark.parametrize("strict", [True, False])
async def test_a_server_that_goes_away_is_missing_unless_strict(*, strict: bool) -> None:
    async with Shop(OrchestrationConfig(resources="fresh", fail_fast=strict)).open() as shop:
        gathered = await shop.gatherer.gather("auto")
        shop.down.add("tables")
        if strict:
            with pytest.raises(MCPConnectionError):
                await WordResolver(shop.servers).resolve("revenue", gathered)
        else:
            assert (await WordResolver(shop.servers).resolve("revenue", gathered)).missing_servers == ("tables",)


async def test_an_answer_without_matches_is_refused() -> None:
    async def nonsense(_: dict[str, Json]) -> CallToolResult:
        return CallToolResult(content=[TextContent(text="none")])

    async with Shop().open() as shop:
        shop.tables.tools["find_values"] = nonsense
        resolution = await WordResolver(shop.servers).resolve("revenue", await shop.gatherer.gather("auto"))
    assert "without a list of matches" in resolution.warnings[0]
