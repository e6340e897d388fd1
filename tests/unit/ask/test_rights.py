"""Callers with fewer rights, through the whole pipeline: what is withheld exists in no answer, repair, value or word."""

from dataclasses import replace

import pytest
from tests.unit.ask.world import Scripted, ToolOnly, World, sure

from mcp_gateway.access.data.model import ROWS_LIMITED
from mcp_gateway.access.data.rights import PolicyRights
from mcp_gateway.access.errors import NotAllowed
from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.model import ACTIONS, CallerValue, Grant, Policy, Role, RowFilter, Rule
from mcp_gateway.ask.errors import QueryNotAnswered, UpstreamToolError
from mcp_gateway.ask.model import Answer, DraftRequest, Question
from mcp_gateway.ask.narrowing import Narrowing
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.core.vocabulary import Entity, Metric, Term, Vocabulary

pytestmark = pytest.mark.anyio

EVERY = frozenset(ACTIONS)
POLICY = build_policy(
    Statements(
        roles=(Role(name="asker", allow=(Grant(actions=frozenset({"ask", "read_schema"})),)),),
        rules=(
            Rule(id="no-orders", effect="deny", actions=EVERY, roles=frozenset({"analyst"}), tables=("order",)),
            Rule(id="no-prices", effect="deny", actions=EVERY, roles=frozenset({"analyst"}), columns=("products.price",)),
        ),
        row_filters=(
            RowFilter(
                id="own-country", tables=("customers",), roles=frozenset({"analyst"}), column="country", operator="=",
                value=CallerValue(attribute="country"),
            ),
        ),
    )
)  # fmt: skip


def analyst(country: str = "Germany", subject: str = "eva") -> Caller:
    return Caller(tenant="acme", subject=subject, roles=frozenset({"analyst"}), attributes={"country": country})


@pytest.fixture
def world(world: World) -> World:
    world.narrowing = Narrowing(PolicyRights(lambda: POLICY))
    return world


def cells(answer: Answer) -> list[Json]:
    assert answer.rows is not None
    return sorted((cell for row in answer.rows.rows for cell in row), key=repr)


async def test_an_answer_holds_only_the_rows_the_caller_may_see(world: World) -> None:
    answers = {"who are our customers?": "SELECT customer_name FROM customers"}
    assert cells(await world.ask("who are our customers?", answers, caller=analyst("Germany"))) == ["Anna", "Cleo"]
    assert cells(await world.ask("who are our customers?", answers, caller=analyst("France"))) == ["Ben"]
    assert cells(await world.ask("who are our customers?", answers)) == ["Anna", "Ben", "Cleo"]


async def test_the_answer_shows_the_sql_that_was_meant_and_says_that_rows_are_limited(world: World) -> None:
    sql = "SELECT customer_name FROM customers"
    answer = await world.ask("q?", {"q?": sql}, caller=analyst())
    assert answer.sql == f"{sql} LIMIT 1000"
    assert answer.rows is not None
    assert answer.rows.executed_sql == answer.sql
    assert ROWS_LIMITED in answer.warnings
    other = await world.ask("q?", {"q?": "SELECT product_name FROM products"}, caller=analyst())
    assert ROWS_LIMITED not in other.warnings
    everybody = await world.ask("q?", {"q?": sql})
    assert ROWS_LIMITED not in everybody.warnings


async def test_the_drafter_is_told_nothing_withheld(world: World) -> None:
    world.vocabulary = Vocabulary(
        entities=(
            Entity(kind="customer", label="Anna", table="customers", column="customer_name", value="Anna", aliases=("annie",)),
            Entity(kind="product", label="Lamp", table="products", column="product_name", value="Lamp", aliases=("light",)),
        ),
        terms=(
            Term(aliases=("cost",), table="products", column="price"),
            Term(aliases=("things",), table="order"),
            Term(aliases=("dear ones",), table="products", condition={"default": "products.price > 100"}),
            Term(aliases=("takings",), table="sales", column="amount"),
        ),
        metrics=(
            Metric(name="mean price", aliases=(), table="products", expression={"default": "AVG(products.price)"}),
            Metric(name="turnover", aliases=(), table="sales", expression={"default": "SUM(sales.amount)"}),
        ),
    )
    engine = Scripted({})
    await world.pipeline(engine)(analyst(), Question(text="q?"))
    request: DraftRequest = engine.asked[0]
    assert request.schema.table("order") is None
    products, customers = request.schema.table("products"), request.schema.table("customers")
    assert products is not None
    assert customers is not None
    assert products.column("price") is None
    assert customers.row_count is None
    assert all(column.samples == () for column in customers.columns)
    words = request.vocabulary
    assert [one.label for one in words.entities] == ["Lamp"]
    assert [one.aliases for one in words.terms] == [("takings",)]
    assert [one.name for one in words.metrics] == ["turnover"]


async def test_one_role_shares_what_is_prepared_and_another_never_meets_it(world: World) -> None:
    engine = Scripted({})
    pipeline = world.pipeline(engine)
    for caller in (analyst("Germany", "a"), analyst("France", "b"), analyst("Germany", "c"), LOCAL_CALLER):
        await pipeline(caller, Question(text="q?"))
    first, second, third, whole = (request.schema for request in engine.asked)
    assert first is second
    assert second is third
    assert whole is world.schema
    assert engine.asked[0].vocabulary is engine.asked[1].vocabulary
    assert engine.asked[0].vocabulary is not engine.asked[3].vocabulary


async def test_what_passed_for_one_caller_passes_for_no_other(world: World) -> None:
    pipeline = world.pipeline(Scripted({"q?": "SELECT price FROM products"}))
    answer = await pipeline(LOCAL_CALLER, Question(text="q?"))
    assert len(cells(answer)) == 3
    with pytest.raises(QueryNotAnswered, match="There is no column 'price'"):
        await pipeline(analyst(), Question(text="q?"))
    rows = await pipeline(analyst("France"), Question(text="SELECT customer_name FROM customers"))
    assert cells(rows) == ["Ben"]
    rows = await pipeline(analyst("Germany"), Question(text="SELECT customer_name FROM customers"))
    assert cells(rows) == ["Anna", "Cleo"]


@pytest.mark.parametrize(
    ("hidden", "missing", "sql"),
    [
        ("price", "prixe", "SELECT {0} FROM products"),
        ("price", "prixe", "SELECT p.{0} FROM products AS p"),
        ("order", "ordex", 'SELECT * FROM "{0}"'),
        ("order", "ordex", 'SELECT "{0}"."group" FROM products'),
        ("order", "ordex", 'SELECT product_name FROM products JOIN "{0}" ON "{0}"."group" = products.product_id'),
    ],
)
async def test_hidden_and_missing_are_told_alike(world: World, hidden: str, missing: str, sql: str) -> None:
    told = []
    for name in (hidden, missing):
        with pytest.raises(GatewayError) as caught:
            await world.ask(sql.format(name), caller=analyst())
        told.append(str(caught.value.to_dict()))
    assert told[0].replace(hidden, missing) == told[1]


async def test_a_repair_never_leads_to_what_is_withheld(world: World) -> None:
    for sql in ("SELECT prise FROM products", 'SELECT * FROM "orders"', "SELECT product_name, prices FROM products"):
        try:
            answer = await world.ask(sql, caller=analyst())
        except GatewayError as error:
            said = str(error.to_dict())
        else:
            said = f"{answer.sql} {answer.rows} {answer.attempts} {answer.explanation}"
        assert "price'" not in said.replace("'prices'", "")
        assert "price," not in said
        assert '"order"' not in said


async def test_a_count_of_all_rows_counts_only_those_to_be_seen(world: World) -> None:
    answer = await world.ask("SELECT customer_name FROM customers", caller=analyst(), max_rows=1)
    assert answer.rows is not None
    assert answer.rows.total_rows == 2


async def test_values_of_other_rows_are_neither_found_nor_respelt(world: World) -> None:
    answer = await world.ask("SELECT country FROM customers WHERE customer_name = 'ben'", caller=analyst())
    assert cells(answer) == []
    assert "Ben'" not in answer.explanation
    answer = await world.ask("SELECT country FROM customers WHERE customer_name = 'anna'", caller=analyst())
    assert cells(answer) == ["Germany"]


async def test_a_caller_without_the_attribute_sees_no_row(world: World) -> None:
    nobody = replace(analyst(), attributes={})
    assert cells(await world.ask("SELECT customer_name FROM customers", caller=nobody)) == []
    assert cells(await world.ask("SELECT COUNT(*) FROM customers", caller=nobody)) == [0]


async def test_a_hostile_attribute_is_a_value_and_nothing_else(world: World) -> None:
    for country in ("Germany' OR '1'='1", "Germany\\' OR 1=1 --", "'; SELECT 1; --", "\u2019", "x" * 5_000, "%", "Germany\x00"):
        assert cells(await world.ask("SELECT customer_name FROM customers", caller=analyst(country))) == []


async def test_who_may_ask_but_not_run_sql_gets_no_answer_to_sql(world: World) -> None:
    asker = Caller(tenant="acme", subject="ann", roles=frozenset({"asker"}))
    assert cells(await world.ask("q?", {"q?": "SELECT COUNT(*) FROM products"}, caller=asker)) == [3]
    with pytest.raises(NotAllowed):
        await world.ask("SELECT COUNT(*) FROM products", caller=asker)


async def test_a_changed_policy_holds_for_the_next_question(world: World) -> None:
    now: list[Policy] = [build_policy()]
    world.narrowing = Narrowing(PolicyRights(lambda: now[0]))
    pipeline = world.pipeline(Scripted({}))
    question = Question(text="SELECT customer_name FROM customers")
    assert len(cells(await pipeline(analyst(), question))) == 3
    now[0] = POLICY
    assert len(cells(await pipeline(analyst(), question))) == 2
    now[0] = build_policy()
    assert len(cells(await pipeline(analyst(), question))) == 3


async def test_words_of_the_database_that_tell_of_more_are_left_out(world: World) -> None:
    def fail(_: str, __: object) -> dict[str, Json]:
        said = "Conversion Error near t.price of order: Germany"
        raise UpstreamToolError(
            said, server="tables", tool="execute_query", reported_code="QUERY_FAILED", reported={"database_message": said}
        )

    world.database = ToolOnly(fail)
    with pytest.raises(QueryNotAnswered) as caught:
        await world.ask("SELECT customer_name FROM customers", caller=analyst(), enable_recovery=False)
    assert "price" not in str(caught.value.to_dict())
    assert "Germany" not in str(caught.value.to_dict())


async def test_several_readings_are_checked_one_by_one(world: World) -> None:
    draft = sure("SELECT prices FROM products", "SELECT COUNT(*) FROM customers")
    assert cells(await world.ask("q?", {"q?": draft}, caller=analyst())) == [2]
