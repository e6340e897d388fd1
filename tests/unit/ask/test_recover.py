"""Broken SQL is mended to the right rows, within bounds, and never by dropping a condition or getting round a refusal."""

from pathlib import Path

import pytest
from tests.unit.ask.world import ToolOnly, World, sure

from mcp_gateway.ask.errors import QueryNotAnswered, UpstreamToolError
from mcp_gateway.ask.model import Answer, Draft, Reading
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.sql.errors import DatabaseUnavailable, QueryRefused, QueryTimedOut, QueryTooLarge

pytestmark = pytest.mark.anyio

CASES = Path(__file__).parents[2] / "golden" / "repairs.txt"


def repairs() -> list[dict[str, str]]:
    blocks = [block for block in CASES.read_text().split("\n\n") if "broken:" in block]
    return [dict(line.split(": ", 1) for line in block.strip().splitlines()) for block in blocks]


def rows_of(answer: Answer) -> list[tuple[Json, ...]]:
    assert answer.rows is not None
    return sorted(answer.rows.rows, key=repr)


@pytest.mark.parametrize("case", repairs(), ids=lambda case: case["broken"][:60])
async def test_broken_sql_is_mended_to_the_right_rows(world: World, case: dict[str, str]) -> None:
    answer = await world.ask(case["broken"])
    right = await world.ask(case["right"])
    assert rows_of(answer) == rows_of(right)
    assert answer.recovered
    assert answer.attempts[0].fault == case["fault"]
    assert all(attempt.message and attempt.repair and attempt.sql for attempt in answer.attempts)


async def test_without_recovery_the_first_failure_is_the_answer(world: World) -> None:
    for case in repairs():
        if case["fault"] == "value_not_found":
            assert not (await world.ask(case["broken"], enable_recovery=False)).recovered
            continue
        with pytest.raises(QueryNotAnswered) as caught:
            await world.ask(case["broken"], enable_recovery=False)
        assert caught.value.data["attempts"] == []
        assert caught.value.data["fault"] == case["fault"]


async def test_right_sql_is_left_as_it_is(world: World) -> None:
    for case in repairs():
        assert (await world.ask(case["right"])).attempts == ()


async def test_a_wrong_name_without_a_near_one_is_reported_with_what_there_is(world: World) -> None:
    with pytest.raises(QueryNotAnswered, match="There is no column 'zzz' in customers"):
        await world.ask("SELECT zzz FROM customers")


async def test_two_equally_near_names_are_not_guessed_between(world: World) -> None:
    with pytest.raises(QueryNotAnswered) as caught:
        await world.ask("SELECT id FROM sales")
    assert caught.value.data["suggestions"] == ["customer_id", "product_id", "sale_id"]


async def test_a_filter_is_never_dropped_to_get_an_answer(world: World) -> None:
    with pytest.raises(QueryNotAnswered):
        await world.ask("SELECT COUNT(*) FROM customers WHERE shoe_size = 44")


async def test_at_most_three_attempts_are_made_and_all_differ(world: World) -> None:
    with pytest.raises(QueryNotAnswered) as caught:
        await world.ask("SELECT FROBNICATE(price) FROM products WHERE COLLATE_ALL(color)")
    attempts = caught.value.data["attempts"]
    assert isinstance(attempts, list)
    assert len(attempts) <= 3
    assert len({str(attempt) for attempt in attempts}) == len(attempts)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM sales",
        "DROP TABLE sales",
        "UPDATE sales SET amount = 0",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT 1; DELETE FROM sales",
        "WITH gone AS (DELETE FROM sales RETURNING *) SELECT * FROM gone",
        "COPY sales TO '/tmp/stolen.csv'",
        "ATTACH '/tmp/other.db'",
        "SELECT * FROM '/etc/passwd'",
    ],
)
async def test_what_does_more_than_read_is_refused_and_not_rewritten(world: World, sql: str) -> None:
    with pytest.raises(GatewayError) as typed:
        await world.ask(sql)
    assert typed.value.code == "QUERY_REFUSED"
    with pytest.raises(QueryRefused):
        await world.ask("What did we sell?", {"What did we sell?": sql})
    assert rows_of(await world.ask("SELECT COUNT(*) FROM sales")) == [(40,)]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("QUERY_TIMED_OUT", QueryTimedOut),
        ("QUERY_TOO_LARGE", QueryTooLarge),
        ("DATABASE_UNAVAILABLE", DatabaseUnavailable),
        ("QUERY_REFUSED", QueryRefused),
    ],
)
async def test_what_no_rewriting_can_mend_is_reported_at_once(world: World, code: str, error: type[GatewayError]) -> None:
    def fail(name: str, _: object) -> dict[str, Json]:
        raise UpstreamToolError("no", server="tables", tool=name, reported_code=code, reported={})

    world.database = ToolOnly(fail)
    with pytest.raises(error):
        await world.ask("SELECT COUNT(*) FROM sales")
    assert len(world.database.calls) == 1


async def test_a_missing_permission_is_reported_and_not_rewritten(world: World) -> None:
    def fail(name: str, _: object) -> dict[str, Json]:
        reported: dict[str, Json] = {"kind": "permission", "database_message": "permission denied for table sales"}
        raise UpstreamToolError("no", server="tables", tool=name, reported_code="QUERY_FAILED", reported=reported)

    world.database = ToolOnly(fail)
    with pytest.raises(QueryNotAnswered, match="permission denied"):
        await world.ask("SELECT COUNT(*) FROM sales")
    assert len(world.database.calls) == 1


async def test_the_next_reading_is_taken_when_the_first_cannot_be_mended(world: World) -> None:
    draft = sure("SELECT shoe_size FROM customers WHERE shoe_size = 44", "SELECT COUNT(*) FROM customers")
    answer = await world.ask("How many?", {"How many?": draft})
    assert rows_of(answer) == [(3,)]
    assert answer.attempts[-1].repair.startswith("took the next reading")


async def test_an_unlikely_reading_is_offered_and_not_taken(world: World) -> None:
    likely = Reading(sql="SELECT shoe_size FROM customers", description="Shoe sizes", confidence=0.9)
    unlikely = Reading(sql="SELECT COUNT(*) FROM customers", description="The number of customers", confidence=0.2)
    answer = await world.ask("Sizes?", {"Sizes?": Draft(source="engine", readings=(likely, unlikely), confident=True)})
    assert answer.rows is None
    assert answer.readings == (likely, unlikely)


async def test_when_no_reading_can_be_run_they_are_offered(world: World) -> None:
    draft = sure("SELECT shoe_size FROM customers", "SELECT hat_size FROM customers")
    answer = await world.ask("Sizes?", {"Sizes?": draft})
    assert not answer.confident
    assert answer.rows is None
    assert len(answer.readings) == 2
    assert answer.reason.startswith("What I made of the question cannot be run: ")
    assert "hat_size" in answer.reason


async def test_tables_without_a_join_are_joined_in_a_draft_and_only_warned_of_in_typed_sql(world: World) -> None:
    sql = "SELECT c.customer_name, s.sale_id FROM customers AS c, sales AS s"
    drafted = await world.ask("Who bought what?", {"Who bought what?": sql})
    typed = await world.ask(sql)
    assert len(rows_of(drafted)) == 40
    assert drafted.attempts[0].fault == "missing_join"
    assert len(rows_of(typed)) == 120
    assert any("every row is paired" in warning for warning in typed.warnings)


async def test_a_cross_join_that_says_so_is_meant(world: World) -> None:
    sql = "SELECT c.customer_name, p.product_name FROM customers AS c CROSS JOIN products AS p"
    answer = await world.ask("All pairs", {"All pairs": sql})
    assert len(rows_of(answer)) == 9
    assert not answer.attempts


async def test_an_empty_result_is_an_answer_that_says_what_is_never_stored(world: World) -> None:
    answer = await world.ask("SELECT * FROM customers WHERE country = 'Atlantis'")
    assert rows_of(answer) == []
    assert answer.confident
    assert any("'Atlantis'" in warning for warning in answer.warnings)


async def test_a_respelt_value_is_told(world: World) -> None:
    answer = await world.ask("SELECT customer_name FROM customers WHERE country = 'germany'")
    assert "Read 'germany' as 'Germany'." in answer.warnings
    assert answer.attempts[0].fault == "value_not_found"


async def test_values_that_are_stored_and_meet_nothing_stay(world: World) -> None:
    answer = await world.ask("SELECT * FROM customers WHERE country = 'France' AND customer_name = 'Anna'")
    assert rows_of(answer) == []
    assert not answer.attempts
