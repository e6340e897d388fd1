"""The MCP App view of an answer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect
from tests.browser.app_host import host_page, show_view

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"


def answer(**changes: Any) -> dict[str, Any]:
    columns = [{"name": "region", "type": "VARCHAR", "kind": "text"}, {"name": "revenue", "type": "DOUBLE", "kind": "number"}]
    results = {"columns": columns, "rows": [["North", 30.5], ["South", 7], [HOSTILE, None]], "truncated": False, "total_rows": 3}
    whole = {
        "explanation": "Revenue for each region.",
        "sql_query": "SELECT region FROM sales",
        "results": results,
        "resolved_entities": [{"original_term": "revenue", "expression": "SUM(amount)", "kind": "metric", "server": "glossary"}],
        "chart": {"kind": "bar", "x": "region", "ys": ["revenue"], "series": None, "title": "revenue by region"},
        "readings": [],
    }
    return {"structuredContent": {**whole, **changes}, "isError": False}


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with host_page(chromium) as opened:
        yield opened


def shown(page: Page, result: dict[str, Any], *, able: dict[str, Any] | None = None, second: Any = None) -> FrameLocator:
    return show_view(page, "answer.html", result, able=able, second=second)


def test_an_answer_is_shown_with_words_chart_and_table(page: Page) -> None:
    view = shown(page, answer())
    expect(view.get_by_text("Revenue for each region.")).to_be_visible()
    expect(view.locator(".chips li")).to_have_text("revenue → SUM(amount)")
    expect(view.locator("svg rect")).to_have_count(2)
    expect(view.locator("tbody tr")).to_have_count(3)
    expect(view.locator("pre")).to_have_text("SELECT region FROM sales")


def test_a_column_sorts_both_ways_with_missing_values_last_or_first(page: Page) -> None:
    view = shown(page, answer())
    heading = view.get_by_role("button", name="revenue")
    heading.click()
    expect(view.locator("tbody td:nth-child(2)")).to_have_text(["7", "30.5", "none"])
    heading.click()
    expect(view.locator("th").nth(1)).to_have_attribute("aria-sort", "descending")
    expect(view.locator("tbody td:nth-child(2)")).to_have_text(["none", "30.5", "7"])


def test_text_from_the_database_stays_text(page: Page) -> None:
    view = shown(page, answer(explanation=HOSTILE))
    expect(view.locator("p").first).to_have_text(HOSTILE)
    expect(view.locator("img")).to_have_count(0)
    assert page.title() != "owned"


def test_a_single_number_is_shown_large_and_alone(page: Page) -> None:
    one = {"columns": [{"name": "total", "type": "BIGINT", "kind": "integer"}], "rows": [[1234567]], "truncated": False}
    view = shown(page, answer(results=one, chart={"kind": "number", "x": None, "ys": ["total"], "series": None, "title": ""}))
    expect(view.locator(".numbers b")).to_have_text("1,234,567")
    expect(view.locator("table")).to_have_count(0)


def test_readings_are_offered_and_the_chosen_one_is_run(page: Page) -> None:
    readings = [{"sql": "SELECT 1", "description": "The first."}, {"sql": "SELECT 2", "description": "The second."}]
    unsure = answer(results=None, explanation="", reason="Which one?", readings=readings, chart=None)
    view = shown(page, unsure, able={"serverTools": {}}, second=answer(explanation="Chosen."))
    view.get_by_role("button", name="The second.").click()
    expect(view.get_by_text("Chosen.")).to_be_visible()
    calls = [said["params"] for said in page.evaluate("window.said") if said.get("method") == "tools/call"]
    assert calls == [{"name": "execute_query", "arguments": {"sql": "SELECT 2"}}]


def test_an_error_is_shown_with_what_to_do(page: Page) -> None:
    error = {"code": "NO_MCP_AVAILABLE", "message": "No server.", "hint": "Start one."}
    view = shown(page, {"structuredContent": {"error": error}, "isError": True})
    expect(view.locator(".bad")).to_have_text("No server. Start one.")


def test_the_view_wears_the_hosts_colours_and_tells_its_size(page: Page) -> None:
    view = shown(page, answer())
    expect(view.locator("body")).to_have_css("color", "rgb(1, 2, 3)")
    page.wait_for_function("window.said.some((one) => one.method === 'ui/notifications/size-changed' && one.params.height > 300)")
    methods = json.dumps([said.get("method") for said in page.evaluate("window.said")])
    assert methods.index("ui/initialize") < methods.index("ui/notifications/initialized")


def test_the_host_may_ask_whether_the_view_lives_and_end_it(page: Page) -> None:
    shown(page, answer())
    page.wait_for_function("window.said.some((one) => one.method === 'ui/notifications/initialized')")
    for asked, method in (("a", "ping"), ("b", "ui/resource-teardown"), ("c", "x")):
        page.evaluate("([id, method]) => tell({ id, method, params: {} })", [asked, method])
    page.wait_for_function("window.said.filter((one) => 'abc'.includes(one.id) && one.method === undefined).length === 3")
    replies = {said["id"]: said for said in page.evaluate("window.said") if said.get("id") in ("a", "b", "c")}
    assert (replies["a"]["result"], replies["b"]["result"], replies["c"]["error"]["code"]) == ({}, {}, -32601)
