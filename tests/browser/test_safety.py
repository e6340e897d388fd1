"""Hostile text, lost connections, and questions that never end."""

import pytest
from playwright.sync_api import Route, expect
from tests.browser.gateway_process import GatewayProcess
from tests.browser.page_watch import PageWatch

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
# Longer than anybody waits: two billion pairs of rows to sort.
ENDLESS = "SELECT COUNT(DISTINCT one.amount * two.amount) AS n FROM sales AS one CROSS JOIN sales AS two"


def test_hostile_rows_names_and_questions_stay_text(watch: PageWatch) -> None:
    turn = watch.ask(f"SELECT '{HOSTILE}' AS \"<b>bold</b>\", '{HOSTILE * 5}' AS long FROM regions LIMIT 1")

    expect(turn.locator("td").first).to_have_text(HOSTILE)
    expect(turn.locator("thead")).to_contain_text("<b>bold</b>")
    turn.get_by_role("button", name="more").click()
    assert watch.page.locator("main img, main b:has-text('bold'), main script").count() == 0


def test_hostile_text_in_every_field_of_an_answer_stays_text(watch: PageWatch) -> None:
    texts = ("original_term", "kind", "server", "label", "table", "column", "value", "expression")
    entity = dict.fromkeys(texts, HOSTILE) | {"start": 0, "end": 4, "priority": 1, "score": 0.5}
    reading = {"sql": HOSTILE, "description": HOSTILE, "confidence": 0.2}
    step = {"name": HOSTILE, "phase": "end", "status": "ok", "started_ms": 0, "duration_ms": 1, "input": {HOSTILE: HOSTILE}}
    answer = dict.fromkeys(("query", "sql_query", "explanation", "reason", "source"), HOSTILE) | {
        "readings": [reading],
        "unexplained": [HOSTILE],
        "resolved_entities": [entity],
        "steps": [step],
        "warnings": [HOSTILE],
        "degraded": True,
        "attempts": [dict.fromkeys(("sql", "fault", "message", "repair"), HOSTILE)],
        "metadata": {"missing_servers": [HOSTILE]},
    }
    watch.replay(answer)
    asked = watch.ask(HOSTILE)
    expect(asked.locator(".question")).to_have_text(HOSTILE)
    columns = [{"name": name, "type": HOSTILE, "kind": kind} for name, kind in ((HOSTILE, "text"), ("n", "integer"))]
    counts = {"row_count": 2, "total_rows": 2, "truncated": False, "truncated_by": None, "duration_ms": 1}
    results = counts | {"columns": columns, "rows": [[HOSTILE, 1], ["b", 2]]}
    chart = {"kind": "bar", "x": HOSTILE, "ys": ["n"], "series": None, "title": HOSTILE}
    watch.replay(answer | {"results": results, "confident": True, "chart": chart})

    drawn = watch.ask(HOSTILE)

    drawn.locator(".chart-stage").hover(position={"x": 200, "y": 20})
    for details in watch.page.locator("summary:visible").all():
        details.click()
    watch.page.get_by_role("tab", name="History").click()
    assert watch.page.locator("main img, main script, #side img, #side script, svg img").count() == 0


def test_the_page_is_bound_to_a_strict_policy(watch: PageWatch) -> None:
    response = watch.page.request.get(watch.url, headers={"Accept": "text/html"})
    policy = response.headers["content-security-policy"]

    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert watch.page.locator("[style]:not(svg *)").count() == watch.page.locator("[style]").count()
    assert "style=" not in response.text()
    assert "onclick" not in response.text()


def test_stop_ends_a_running_question_and_leaves_the_page_usable(watch: PageWatch) -> None:
    turn = watch.begin(ENDLESS)
    expect(turn.locator(".step.is-running")).to_be_visible()

    watch.page.get_by_role("button", name="Stop").click()

    expect(turn.locator(".notice")).to_contain_text("Stopped before there was an answer.")
    expect(watch.ask("SELECT 1 AS one FROM regions LIMIT 1").locator(".chart-number dd")).to_have_text("1")


def test_escape_ends_a_running_question_too(watch: PageWatch) -> None:
    turn = watch.begin(ENDLESS)

    watch.page.keyboard.press("Escape")

    expect(turn).to_have_attribute("aria-busy", "false")


def test_an_error_shows_its_message_code_and_hint_and_can_be_retried(watch: PageWatch) -> None:
    turn = watch.ask("SELECT zzqx FROM regions")

    error = turn.get_by_role("alert")
    expect(error.locator("code").last).to_have_text("QUERY_NOT_ANSWERED")
    error.get_by_role("button", name="Try again").click()
    expect(watch.page.locator(".turn")).to_have_count(1)
    expect(watch.page.get_by_role("alert").first).to_be_visible()


def test_a_very_long_question_is_refused_in_words(watch: PageWatch) -> None:
    watch.expect_fault("Failed to load resource")

    turn = watch.ask("revenue " * 12_000)

    expect(turn.get_by_role("alert")).to_be_visible()


def test_a_gateway_that_dies_in_the_middle_shows_an_error_and_a_returned_one_answers(
    watch: PageWatch, gateway: GatewayProcess
) -> None:
    for words in ("Failed to load resource", "net::ERR"):
        watch.expect_fault(words)
    turn = watch.begin(ENDLESS)
    expect(turn.locator(".step.is-running")).to_be_visible()

    try:
        gateway.kill()

        expect(turn.get_by_role("alert")).to_contain_text("CONNECTION_LOST")
        failed = watch.ask("how many customers are there?")
        expect(failed.get_by_role("alert")).to_contain_text("CONNECTION_LOST")
    finally:
        gateway.start()
    failed.get_by_role("button", name="Try again").click()
    expect(watch.page.locator(".chart-number dd")).to_be_visible()


def test_a_gateway_that_falls_silent_is_given_up_on(watch: PageWatch) -> None:
    def never_answer(_: Route) -> None:
        """The request stays open."""

    watch.page.route("**/api/chat/stream", never_answer)
    watch.is_used_up = True
    watch.page.clock.install()
    turn = watch.begin("how many customers are there?")

    watch.page.clock.run_for(60_000)

    expect(turn.get_by_role("alert")).to_contain_text("TIMED_OUT")
