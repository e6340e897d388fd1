"""Reading, editing and running SQL on the page."""

import pytest
from playwright.sync_api import expect
from tests.browser.page_watch import PageWatch

pytestmark = pytest.mark.browser

QUESTION = "how many customers are there?"


def test_edited_sql_runs_again_and_replaces_the_result(watch: PageWatch) -> None:
    turn = watch.ask(QUESTION)
    field = turn.get_by_label("SQL of this answer")

    field.fill("SELECT region_name FROM regions ORDER BY region_name LIMIT 3")
    field.press("Control+Enter")

    expect(turn.locator("tbody tr")).to_have_count(3)
    expect(turn.locator(".sentence").first).to_have_text("The result of your own SQL.")
    turn.get_by_role("button", name="Restore").click()
    assert "customers" in field.input_value()


def test_sql_is_coloured_by_kind_of_word(watch: PageWatch) -> None:
    turn = watch.ask("SELECT region_name, 1.5 AS n, 'a' AS t FROM regions -- all")

    copy = turn.locator(".sql-copy")

    expect(copy.locator(".sql-keyword").first).to_have_text("SELECT")
    expect(copy.locator(".sql-string").first).to_have_text("'a'")
    expect(copy.locator(".sql-number").first).to_have_text("1.5")
    assert copy.inner_text().rstrip("\n") == turn.get_by_label("SQL of this answer").input_value()


def test_sql_the_database_refuses_is_explained_and_the_earlier_result_stays(watch: PageWatch) -> None:
    watch.expect_fault("Failed to load resource")  # Chromium reports the 4xx status on its console
    turn = watch.ask(QUESTION)
    before = turn.locator(".chart-number dd").inner_text()

    field = turn.get_by_label("SQL of this answer")
    field.fill("DROP TABLE customers")
    turn.get_by_role("button", name="Run", exact=True).click()

    error = turn.get_by_role("alert")
    expect(error).to_contain_text("QUERY_REFUSED")
    expect(turn.locator(".chart-number dd")).to_have_text(before)


def test_sql_that_cannot_be_run_can_be_mended_in_place(watch: PageWatch) -> None:
    turn = watch.ask("SELECT zzqx FROM regions")
    expect(turn.get_by_role("alert")).to_be_visible()

    field = turn.get_by_label("SQL of this answer")
    field.fill("SELECT region_name FROM regions")
    field.press("Control+Enter")

    expect(turn.locator("tbody tr")).to_have_count(8)
