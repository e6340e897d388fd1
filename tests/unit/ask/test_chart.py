"""Which chart fits which result."""

import pytest

from mcp_gateway.ask.chart import suggest_chart
from mcp_gateway.ask.model import Chart, QueryRows, ResultColumn
from mcp_gateway.core.errors import Json
from mcp_gateway.core.schema import ColumnKind


def rows(columns: dict[str, ColumnKind], *values: tuple[Json, ...]) -> QueryRows:
    return QueryRows(
        columns=tuple(ResultColumn(name=name, type="", kind=kind) for name, kind in columns.items()),
        rows=values,
        total_rows=len(values),
        truncated_by=None,
        duration_ms=1,
        executed_sql="",
    )


def kind_of(result: QueryRows) -> str | None:
    chart = suggest_chart(result, is_summary=True)
    return chart.kind if chart else None


def test_one_number_is_a_number() -> None:
    assert suggest_chart(rows({"n": "integer"}, (3,)), is_summary=True) == Chart(kind="number", ys=("n",), title="n")


def test_one_text_is_no_chart() -> None:
    assert kind_of(rows({"name": "text"}, ("x",))) is None


def test_totals_over_few_categories_are_bars() -> None:
    chart = suggest_chart(rows({"country": "text", "sold": "number"}, ("a", 1.5), ("b", 2.5)), is_summary=True)
    assert chart == Chart(kind="bar", x="country", ys=("sold",), title="sold by country")


def test_a_title_is_said_in_words() -> None:
    chart = suggest_chart(rows({"region_name": "text", "total_amount": "number"}, ("a", 1.5), ("b", 2.5)), is_summary=True)
    assert chart is not None
    assert (chart.x, chart.ys, chart.title) == ("region_name", ("total_amount",), "total amount by region name")


def test_totals_over_many_categories_are_a_table() -> None:
    many: list[tuple[Json, ...]] = [(f"c{number}", number) for number in range(31)]
    assert kind_of(rows({"country": "text", "sold": "number"}, *many[:30])) == "bar"
    assert kind_of(rows({"country": "text", "sold": "number"}, *many)) is None


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("date", "2026-01-01", "2026-02-01"),
        ("timestamp", "2026-01-01T00:00:00", "2026-02-01T00:00:00"),
        ("text", "2026-01", "2026-02"),
        ("text", "2025-Q4", "2026-Q1"),
    ],
)
def test_totals_over_time_are_a_line(kind: ColumnKind, first: str, second: str) -> None:
    assert kind_of(rows({"period": kind, "sold": "number"}, (first, 1), (second, 2))) == "line"


def test_a_year_as_a_number_is_time_and_not_a_measure() -> None:
    chart = suggest_chart(rows({"year": "integer", "sold": "number"}, (2025, 1), (2026, 2)), is_summary=True)
    assert chart is not None
    assert (chart.kind, chart.x, chart.ys) == ("line", "year", ("sold",))


def test_lines_are_split_by_a_third_column() -> None:
    chart = suggest_chart(
        rows({"day": "date", "shop": "text", "sold": "number"}, ("2026-01-01", "a", 1), ("2026-01-02", "b", 2)), is_summary=True
    )
    assert chart is not None
    assert (chart.x, chart.series, chart.ys) == ("day", "shop", ("sold",))


@pytest.mark.parametrize(
    ("result", "is_summary"),
    [
        (rows({"name": "text", "price": "number"}, ("a", 1), ("b", 2)), False),
        (rows({"customer_id": "integer", "name": "text"}, (1, "a"), (2, "b")), True),
        (rows({"country": "text", "sold": "number"}), True),
        (rows({"country": "text", "sold": "number"}, ("a", 1)), True),
        (rows({"a": "text", "b": "text", "n": "number"}, ("x", "y", 1), ("x", "z", 2)), True),
    ],
    ids=["a listing", "ids only", "no rows", "one row", "two categories"],
)
def test_what_a_table_shows_best_gets_no_chart(result: QueryRows, *, is_summary: bool) -> None:
    assert suggest_chart(result, is_summary=is_summary) is None
