"""What a question brings to the page."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.page_watch import BY_REGION, PageWatch

pytestmark = pytest.mark.browser

NOTE_RUNNING_STEPS = """() => {
    window.seen = [];
    const note = () => document.querySelectorAll(".step.is-running .step-name").forEach(
        (node) => window.seen.push(node.firstChild.textContent));
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""
READINGS = [
    {"sql": "SELECT COUNT(*) AS customers FROM customers", "description": "The number of customers.", "confidence": 0.4},
    {"sql": "SELECT COUNT(*) AS orders FROM orders", "description": "The number of orders.", "confidence": 0.3},
]


def test_a_question_shows_its_steps_then_a_chart_and_the_same_as_a_table(watch: PageWatch) -> None:
    turn = watch.ask("revenue by region this year")

    assert turn.locator(".step .step-name").all_text_contents()[:2] == ["gather, done", "resolve, done"]
    expect(turn.locator(".step.is-ok .step-name", has_text=re.compile("^run"))).to_have_count(1)
    expect(turn.locator(".chart-bar").first).to_be_visible()
    expect(turn.get_by_role("group", name=re.compile("region", re.IGNORECASE))).to_have_attribute("aria-roledescription", "chart")
    turn.get_by_role("button", name="Table").click()
    expect(turn.get_by_role("row")).to_have_count(9)  # eight regions and the heading
    expect(turn.locator("td.numeric").first).to_have_text(re.compile(r"^\d{1,3}(,\d{3})*(\.\d+)?$"))


def test_steps_are_shown_while_they_happen(watch: PageWatch) -> None:
    watch.page.evaluate(NOTE_RUNNING_STEPS)

    watch.ask("revenue by region this year")

    seen = watch.page.evaluate("[...new Set(window.seen)]")
    assert {"gather", "draft", "run"} <= set(seen)


def test_a_step_opens_to_what_went_in_and_what_came_out(watch: PageWatch) -> None:
    turn = watch.ask(BY_REGION)

    draft = turn.locator(".step", has_text="draft").get_by_role("button")
    draft.click()

    expect(draft).to_have_attribute("aria-expanded", "true")
    expect(turn.locator(".step-details:visible .facts dd").first).to_be_visible()


def test_understood_words_are_marked_and_say_what_they_mean_and_who_says_so(watch: PageWatch) -> None:
    turn = watch.ask("Show me total sales for abracadabra this month")

    mark = turn.get_by_role("button", name="abracadabra")
    mark.hover()

    tip = turn.get_by_role("tooltip").filter(visible=True)
    expect(tip).to_contain_text("Magic Wand Pro")
    expect(tip).to_contain_text("glossary")
    expect(turn.locator(".sql-copy .is-linked").first).to_be_visible()
    expect(turn.locator(".word", has_text="abracadabra")).to_contain_text("Magic Wand Pro")


def test_one_number_is_shown_large(watch: PageWatch) -> None:
    turn = watch.ask("how many customers are there?")

    expect(turn.locator(".chart-number dd")).to_have_text(re.compile(r"^[\d,]+$"))


def test_a_chart_tells_its_values_to_pointer_and_keyboard(watch: PageWatch) -> None:
    turn = watch.ask(BY_REGION)
    stage = turn.locator(".chart-stage")

    stage.focus()
    watch.page.keyboard.press("ArrowRight")

    expect(turn.locator(".chart-tip")).to_be_visible()
    expect(turn.locator(".chart [aria-live]")).to_have_text(re.compile(r".+: .+ [\d,.]+"))
    watch.page.keyboard.press("Escape")
    expect(turn.locator(".chart-tip")).to_be_hidden()
    stage.hover(position={"x": 300, "y": 20})
    expect(turn.locator(".chart-tip")).to_be_visible()


def test_an_unsure_engine_offers_readings_and_the_chosen_one_runs(watch: PageWatch) -> None:
    watch.replay({"query": "how many fluffy", "readings": READINGS, "reason": "Two tables fit.", "unexplained": ["fluffy"]})
    turn = watch.ask("how many fluffy")
    expect(turn).to_contain_text("Which of these do you mean?")
    expect(turn).to_contain_text("Two tables fit.")
    expect(turn.locator(".mark-unused")).to_have_text("fluffy")
    turn.locator(".reading").nth(1).get_by_text("SQL").click()
    expect(turn.locator(".reading").nth(1).locator("pre")).to_contain_text("FROM orders")

    turn.get_by_role("button", name="Choose: The number of orders.").click()

    expect(turn.locator(".sentence")).to_have_text("The number of orders.")
    expect(turn.locator(".chart-number dt")).to_have_text("orders")
    expect(turn.locator(".certainty")).to_contain_text("Your choice")
    expect(turn.get_by_text("Meant something else?")).to_be_visible()


def test_a_question_nobody_understands_says_so_and_runs_nothing(watch: PageWatch) -> None:
    watch.replay({"query": "xyzzy", "reason": "Nothing in the question names the data.", "unexplained": ["xyzzy"]})

    turn = watch.ask("xyzzy")

    expect(turn).to_contain_text("I cannot answer this.")
    expect(turn).to_contain_text("Nothing in the question names the data.")
    expect(turn.locator(".result")).to_have_count(0)


def test_an_answer_admits_what_was_missing(watch: PageWatch) -> None:
    watch.replay(
        {
            "query": "x",
            "degraded": True,
            "warnings": ["The word “x” was left out."],
            "metadata": {"missing_servers": ["glossary"]},
        }
    )

    turn = watch.ask("x")

    expect(turn.locator(".notice")).to_contain_text(["Answered without glossary", "The word “x” was left out."])


def test_sql_typed_as_a_question_is_repaired_and_the_trail_is_shown(watch: PageWatch) -> None:
    turn = watch.ask("SELECT * FORM regions")

    turn.get_by_text("Repaired once before it ran").click()

    expect(turn.locator(".attempts pre").first).to_contain_text("FORM")
    expect(turn.get_by_role("row")).to_have_count(9)


def test_a_long_result_is_paged_and_says_how_much_of_it_this_is(watch: PageWatch) -> None:
    turn = watch.ask("SELECT sale_id, amount FROM sales ORDER BY sale_id")

    expect(turn.locator(".notice")).to_contain_text(re.compile(r"1,000 of \d{3},\d{3} rows"))
    expect(turn.locator("tbody tr")).to_have_count(50)
    turn.get_by_role("button", name="Next rows").click()
    expect(turn.locator(".pager")).to_contain_text("51–100 of 1,000 rows")
    expect(turn.locator("tbody td").first).to_have_text("51")


def test_a_table_sorts_by_any_column_with_missing_values_last(watch: PageWatch) -> None:
    rows = "SELECT * FROM (VALUES (2, 'b'), (10, 'a'), (NULL, 'c')) AS t(amount, letter)"
    turn = watch.ask(rows)
    firsts = turn.locator("tbody td:first-child")

    turn.get_by_role("button", name="amount").click()
    expect(firsts).to_have_text(["10", "2", "NULL"])
    turn.get_by_role("button", name="amount").click()
    expect(firsts).to_have_text(["2", "10", "NULL"])
    expect(turn.get_by_role("columnheader", name="amount")).to_have_attribute("aria-sort", "ascending")
    turn.get_by_role("button", name="letter").click()
    expect(firsts).to_have_text(["10", "2", "NULL"])


def test_long_cells_are_folded(watch: PageWatch) -> None:
    turn = watch.ask("SELECT REPEAT('word ', 100) AS text, '' AS nothing FROM regions LIMIT 1")
    cell = turn.locator("td.is-long")
    expect(cell).to_contain_text("…")

    cell.get_by_role("button", name="more").click()

    assert len(cell.inner_text()) > 490
    expect(turn.locator("td").nth(1)).to_have_text("empty")


def test_the_rows_come_as_a_csv_file(watch: PageWatch) -> None:
    turn = watch.ask(BY_REGION)

    with watch.page.expect_download() as download:
        turn.get_by_role("button", name="Download as CSV").click()

    assert download.value.suggested_filename.startswith("select-region-name-sum-amount")
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert len(lines) == 9
    assert "," in lines[0]
