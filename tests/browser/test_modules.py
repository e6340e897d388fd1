"""The page's modules by themselves, in the browser they run in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from tests.browser.gateway_process import GatewayProcess
from tests.browser.page_watch import PageWatch, watched_page

pytestmark = pytest.mark.browser

WEB = Path(__file__).resolve().parents[2] / "src/mcp_gateway/entrypoints/http/web"
SQL_TEXTS = [
    "SELECT 1",
    "select a, 'it''s; -- no comment' from \"my \"\"table\"\"\" where x = 1.5e-3 and y <> `z` -- end",
    "SELECT /* unfinished",
    "SELECT 'unfinished",
    "WITH a AS (SELECT x FROM b WHERE c AND d) SELECT * FROM a LEFT OUTER JOIN e ON a.x = e.x ORDER BY 1 LIMIT 5",
    "日本語 ≠ \u0000\U0001f600 𝒳",
]  # fmt: skip


@pytest.fixture(scope="module")
def watch(chromium: Browser, gateway: GatewayProcess) -> Iterator[PageWatch]:
    """One page for all: a module keeps no state between these tests."""
    with watched_page(chromium, gateway.url) as page_watch:
        page_watch.open()
        yield page_watch


def run(watch: PageWatch, module: str, expression: str, argument: Any = None) -> Any:
    """The value of the expression, in which `m` is the module and `x` the argument."""
    return watch.page.evaluate(f"async (x) => {{ const m = await import('/js/{module}.js'); return {expression}; }}", argument)


def test_every_module_is_asked_for_at_once(watch: PageWatch) -> None:
    modules = {path.relative_to(WEB).as_posix() for path in WEB.rglob("*.js")}

    links = watch.page.locator("link[rel=modulepreload]").evaluate_all("all => all.map((link) => link.getAttribute('href'))")

    assert set(links) == modules - {"js/app.js", "js/theme.js"}


def test_a_share_is_rounded_down_and_a_small_one_is_not_nothing(watch: PageWatch) -> None:
    assert run(watch, "format", "[0, 0.004, 0.219, 0.996, 1].map(m.percent)") == ["0 %", "< 1 %", "21 %", "99 %", "100 %"]


def test_first_questions_group_by_what_repeats(watch: PageWatch) -> None:
    text = {"name": "status", "kind": "text", "distinct_count": 2}
    name = {"name": "name", "kind": "text", "distinct_count": 4}
    tables = [
        {"name": "invoices", "is_view": False, "row_count": 20, "columns": [text]},
        {"name": "customers", "is_view": False, "row_count": 4, "columns": [name]},
    ]
    examples = run(watch, "welcome", "m.examplesFor(x)", {"tables": tables})
    assert examples == ["how many invoices by status", "how many invoices are there?", "how many customers are there?"]


def test_axis_ticks_are_round_and_enclose_the_values(watch: PageWatch) -> None:
    assert run(watch, "chart/scale", "m.niceTicks(0, 97)") == [0, 20, 40, 60, 80, 100]
    assert run(watch, "chart/scale", "m.niceTicks(-0.3, 0.3, 4)") == [-0.4, -0.2, 0, 0.2, 0.4]
    assert run(watch, "chart/scale", "m.niceTicks(0, 0)") == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert run(watch, "chart/scale", "m.niceTicks(7, 7)")[0] == 0


@pytest.mark.parametrize(
    ("column", "values", "texts"),
    [
        ({"name": "amount", "kind": "number", "type": "DOUBLE"}, [1234.5, 2, None], ["1,234.5", "2.0"]),
        ({"name": "price", "kind": "number", "type": "DECIMAL(10,2)"}, [1, 20000], ["1.00", "20,000.00"]),
        ({"name": "share", "kind": "number", "type": "DOUBLE"}, [0.00123456], ["0.00123"]),
        ({"name": "order_id", "kind": "integer", "type": "BIGINT"}, [10234], ["10234"]),
        ({"name": "year", "kind": "integer", "type": "BIGINT"}, [2026], ["2026"]),
        ({"name": "total", "kind": "integer", "type": "HUGEINT"}, ["123456789012345678901"], ["123,456,789,012,345,678,901"]),
        ({"name": "at", "kind": "timestamp", "type": "TIMESTAMP"}, ["2026-01-02T00:00:00"], ["2026-01-02"]),
        ({"name": "at", "kind": "timestamp", "type": "TIMESTAMP"}, ["2026-01-02T03:04:05"], ["2026-01-02 03:04:05"]),
        ({"name": "tags", "kind": "other", "type": "LIST"}, [["a", 1]], ['["a",1]']),
    ],
)
def test_values_are_written_as_their_column_is_read(
    watch: PageWatch, column: dict[str, str], values: list[Any], texts: list[str]
) -> None:
    expression = "x.values.filter((value) => value !== null).map(m.columnFormatter(x.column, x.values))"

    assert run(watch, "format", expression, {"column": column, "values": values}) == texts


def test_names_of_calculations_are_said_in_words(watch: PageWatch) -> None:
    names = {
        "total_revenue": "total revenue",
        "sum(sales.amount)": "sum of amount",
        "count_star()": "count",
        "date_trunc('MONTH', sales.sale_date)": "month",
        "round((a / b), 2)": "round((a / b), 2)",
        "sales.amount": "amount",
    }

    assert run(watch, "format", "x.map(m.spoken)", list(names)) == list(names.values())


def test_dates_are_written_as_coarsely_as_loses_nothing(watch: PageWatch) -> None:
    expression = "x.dates.map(m.dateOf).map((time, _, all) => m.dateText(time, m.dateGrain(all, x.name)))"

    def written(dates: list[str], name: str = "") -> Any:
        return run(watch, "format", expression, {"dates": dates, "name": name})

    assert written(["2025-01-01", "2026-01-01"]) == ["2025", "2026"]
    assert written(["2025-01", "2025-02"]) == ["Jan 2025", "Feb 2025"]
    assert written(["2025-01-01T00:00:00", "2025-04-01T00:00:00"], "quarter") == ["Q1 2025", "Q2 2025"]
    assert written(["2025-01-31", "2025-02-01"]) == ["31 Jan 2025", "1 Feb 2025"]
    assert written(["2025-01-31 10:30:00"]) == ["31 Jan 2025 10:30"]
    assert run(watch, "format", "m.dateOf('12 apples')") is None


def test_colouring_and_laying_out_never_change_sql(watch: PageWatch) -> None:
    for sql in SQL_TEXTS:
        assert run(watch, "sql/tokens", "m.tokensOf(x).map((token) => token.text).join('')", sql) == sql
        laid_out = run(watch, "sql/layout", "m.layOut(x)", sql)
        assert "".join(laid_out.split()) == "".join(sql.split())
    assert "\nFROM a\nLEFT OUTER JOIN e ON" in run(watch, "sql/layout", "m.layOut(x)", SQL_TEXTS[4])


def test_a_series_without_a_value_leaves_a_gap(watch: PageWatch) -> None:
    columns = [{"name": "month", "kind": "date"}, {"name": "region", "kind": "text"}, {"name": "n", "kind": "integer"}]
    rows = [["2026-02-01", "north", 2], ["2026-01-01", "north", 1], ["2026-02-01", "south", 5]]
    chart = {"kind": "line", "x": "month", "ys": ["n"], "series": "region"}

    model = run(watch, "chart/model", "m.chartModel(x)", {"chart": chart, "columns": columns, "rows": rows})

    assert [group["label"] for group in model["groups"]] == ["Jan 2026", "Feb 2026"]
    assert model["series"] == [{"name": "south", "values": [None, 5]}, {"name": "north", "values": [1, 2]}]
    assert run(watch, "chart/paint", "m.linePath([[0, 0], null, [2, 2], [3, 3]])") == "M0 0M2 2L3 3"


def test_bars_of_names_go_by_size_unless_the_rows_have_an_order(watch: PageWatch) -> None:
    columns = [{"name": "region", "kind": "text"}, {"name": "n", "kind": "integer"}]
    result = {"chart": {"kind": "bar", "x": "region", "ys": ["n"]}, "columns": columns, "rows": [["a", 1], ["b", 3], ["c", 2]]}
    labels = "m.chartModel(x).groups.map(({ label }) => label).join('')"

    assert run(watch, "chart/model", labels, result) == "abc"
    assert run(watch, "chart/model", labels, result | {"anyOrder": True}) == "bca"


def test_a_chart_that_does_not_fit_the_rows_is_not_drawn(watch: PageWatch) -> None:
    chart = {"kind": "bar", "x": "gone", "ys": ["n"], "series": None}
    columns = [{"name": "n", "kind": "integer"}]

    for rows in ([], [[1]]):
        assert run(watch, "chart/model", "m.chartModel(x)", {"chart": chart, "columns": columns, "rows": rows}) is None


def test_events_survive_any_cut_of_the_stream(watch: PageWatch) -> None:
    text = ': hello\n\nevent: step\r\ndata: {"a":\r\ndata: 1}\r\n\r\nevent: answer\ndata: ü😀\n\n'
    expression = """await (async () => {
        const bytes = new TextEncoder().encode(x.text);
        const body = new ReadableStream({ start(controller) {
            for (let at = 0; at < bytes.length; at += x.size) controller.enqueue(bytes.slice(at, at + x.size));
            controller.close();
        }});
        const found = [];
        for await (const event of m.eventsOf(body)) found.push(event);
        return found;
    })()"""

    for size in (1, 2, 7, 1000):
        events = run(watch, "event-stream", expression, {"text": text, "size": size})
        assert events == [{"type": "step", "data": '{"a":\n1}'}, {"type": "answer", "data": "ü😀"}]


def test_a_full_memory_forgets_the_oldest_conversation_first(watch: PageWatch) -> None:
    expression = """(() => {
        const kept = { text: "[]" };
        const storage = { getItem: () => kept.text, setItem: (_, text) => {
            if (text.length > 1200) throw new DOMException("full", "QuotaExceededError");
            kept.text = text;
        }};
        const talks = m.createConversations(storage);
        for (let number = 0; number < 30; number += 1) { talks.start(); talks.addTurn(`question ${number}`); }
        return JSON.parse(kept.text).map(({ title }) => title);
    })()"""

    titles = run(watch, "conversations", expression)

    assert titles[0] == "question 29"
    assert 1 < len(titles) < 20
