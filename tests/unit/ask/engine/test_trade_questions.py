"""A shop without a glossary: what its tables imply about revenue and units, and verbs of trade."""

from dataclasses import replace

import pytest
from sqlglot import parse_one
from tests.unit.ask.engine.library import NOW, column, library, table

from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.engine.derived_words import with_derived
from mcp_gateway.ask.engine.schema_index import prepare
from mcp_gateway.ask.model import Draft, DraftRequest
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Metric, Vocabulary

_LINES = (column("line_id", "integer"), column("order_id", "integer"), column("product_id", "integer"))
_KEYS = (("order_id", "orders", "order_id"), ("product_id", "products", "product_id"))


def shop(*figures: str) -> DatabaseSchema:
    """Customers order products; the order lines have these figures besides their keys."""
    return DatabaseSchema(
        dialect="sqlite",
        tables=(
            table("customers", column("customer_id", "integer"), column("name", "text"), column("created_on", "date")),
            table("products", column("product_id", "integer"), column("name", "text"), column("list_price", "number")),
            table(
                "orders",
                column("order_id", "integer"),
                column("customer_id", "integer"),
                column("ordered_on", "date", "2026-01-05"),
                points_at=(("customer_id", "customers", "customer_id"),),
            ),
            table("order_lines", *_LINES, *(column(each, "number") for each in figures), points_at=_KEYS),
        ),
    )


def ask(question: str, schema: DatabaseSchema, vocabulary: Vocabulary | None = None) -> Draft:
    request = DraftRequest(question=question, schema=schema, now=NOW, values=(), vocabulary=vocabulary or Vocabulary())
    return EmbeddedEngine().draft_now(request)


@pytest.mark.parametrize(
    ("figures", "worth"),
    [
        (("qty", "unit_price"), "SUM(order_lines.qty * order_lines.unit_price)"),
        (("quantity", "line_total"), "SUM(order_lines.line_total)"),
        (("quantity",), "SUM(order_lines.quantity * products.list_price)"),
    ],
)
def test_revenue_is_what_the_order_lines_are_worth(figures: tuple[str, ...], worth: str) -> None:
    draft = ask("revenue by month", shop(*figures))
    assert draft.confident
    assert draft.best is not None
    assert worth in draft.best.sql
    assert "orders.ordered_on" in draft.best.sql


def test_revenue_is_not_guessed_where_a_discount_changes_it() -> None:
    assert not ask("revenue by month", shop("qty", "unit_price", "discount")).confident


def test_a_library_implies_no_revenue() -> None:
    index = prepare(library())
    nothing = Vocabulary()
    assert with_derived(nothing, index) is nothing


def test_the_glossarys_own_revenue_is_left_alone() -> None:
    own = Metric(name="revenue", aliases=(), table="orders", expression={"default": "COUNT(orders.order_id)"})
    words = replace(Vocabulary(), metrics=(own,))
    assert with_derived(words, prepare(shop("qty", "unit_price"))) is words


@pytest.mark.parametrize(
    ("question", "table_shown", "figure"),
    [
        ("who spent the most?", "customers", "unit_price"),
        ("our three biggest spenders", "customers", "unit_price"),
        ("which customer spent the least last month?", "customers", "unit_price"),
        ("what sold best in October?", "products", "SUM(order_lines.qty)"),
        ("worst selling product", "products", "SUM(order_lines.qty)"),
        ("top 3 best sellers", "products", "SUM(order_lines.qty)"),
    ],
)
def test_verbs_of_trade_rank_by_the_figure_they_speak_of(question: str, table_shown: str, figure: str) -> None:
    draft = ask(question, shop("qty", "unit_price"))
    assert draft.confident
    assert draft.best is not None
    tree = parse_one(draft.best.sql, dialect="sqlite")
    assert str(tree.expressions[0]) == f"{table_shown}.name"
    assert figure in str(tree.args["order"])
    assert tree.args["limit"] is not None


def test_when_somebody_spent_is_the_day_of_the_order() -> None:
    draft = ask("who spent the most last month?", shop("qty", "unit_price"))
    assert draft.best is not None
    assert "orders.ordered_on >= '2026-10-01'" in draft.best.sql


def test_a_year_that_runs_is_compared_with_the_same_part_of_the_last() -> None:
    draft = ask("is revenue up compared to last year?", shop("qty", "unit_price"))
    assert draft.confident
    assert draft.best is not None
    assert "orders.ordered_on < '2026-11-22'" in draft.best.sql
    assert "orders.ordered_on < '2025-11-22'" in draft.best.sql
