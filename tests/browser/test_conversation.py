"""Follow-ups, history, the schema browser and the servers."""

import json
import re

import pytest
from playwright.sync_api import Request, expect
from tests.browser.page_watch import BY_REGION, PageWatch

pytestmark = pytest.mark.browser

QUESTION = "revenue by region this year"


def test_the_page_opens_with_questions_to_start_with(watch: PageWatch) -> None:
    example = watch.page.locator(".examples button").first
    question = example.inner_text()

    example.click()

    turn = watch.page.locator(".turn")
    expect(turn).to_have_attribute("aria-busy", "false")
    expect(turn.locator(".question")).to_have_text(question)
    expect(watch.page.locator("#welcome")).to_be_hidden()


def test_a_link_may_bring_a_question_but_never_asks_it(watch: PageWatch) -> None:
    watch.page.goto(f"{watch.url}?q=how+many+%3Cb%3Ecustomers")

    expect(watch.page.locator("#question")).to_have_value("how many <b>customers")
    expect(watch.page.locator(".turn")).to_have_count(0)


def test_a_follow_up_belongs_to_the_session_of_the_question_before(watch: PageWatch) -> None:
    sent: list[dict[str, object]] = []

    def note(request: Request) -> None:
        if request.url.endswith("/api/chat/stream"):
            sent.append(json.loads(request.post_data or "{}"))

    watch.page.on("request", note)
    watch.ask(QUESTION)

    follow_up = watch.ask("and for last year?")

    assert sent[0]["session_id"] is None
    assert sent[1]["session_id"]
    expect(follow_up.locator(".kicker")).to_have_text("Follow-up")
    watch.page.keyboard.press("Alt+n")
    watch.ask(QUESTION)
    assert sent[2]["session_id"] is None


def test_conversations_survive_a_reload_and_can_be_opened_and_forgotten(watch: PageWatch) -> None:
    page = watch.page
    watch.ask(BY_REGION)
    watch.ask("how many customers are there?")
    page.get_by_role("button", name="New conversation").click()
    watch.ask("SELECT 1 AS one FROM regions LIMIT 1")

    page.reload()
    expect(page.locator(".turn .question")).to_have_text(["SELECT 1 AS one FROM regions LIMIT 1"])
    page.get_by_role("tab", name="History").click()
    page.locator(".talk-open", has_text=BY_REGION).click()

    expect(page.locator(".turn .question")).to_have_text([BY_REGION, "how many customers are there?"])
    expect(page.locator(".turn").first.locator(".chart-bar").first).to_be_visible()
    page.get_by_role("button", name=f"Forget: {BY_REGION}").click()
    expect(page.locator(".talk")).to_have_count(1)
    expect(page.locator(".turn")).to_have_count(0)


def test_a_memory_full_of_nonsense_does_not_break_the_page(watch: PageWatch) -> None:
    for nonsense in ("{", "[null]", '[{"id": 1, "turns": [{"question": "x", "data": {}}]}]', '{"a": 1}'):
        watch.page.evaluate("text => localStorage.setItem('mcp-gateway.conversations', text)", nonsense)

        watch.open()

        expect(watch.page.locator("#question")).to_be_visible()


def test_the_schema_browser_finds_shows_and_inserts_names(watch: PageWatch) -> None:
    page = watch.page
    page.get_by_role("searchbox").fill("signup")

    expect(page.locator(".table-entry:visible .table-name")).to_have_text(["customers"])
    expect(page.locator(".column.is-found")).to_have_count(1)
    page.locator(".column.is-found .column-name").click()

    expect(page.locator("#question")).to_have_value("signup_date")
    expect(page.locator("#question")).to_be_focused()


def test_the_schema_browser_shows_keys_samples_and_business_words(watch: PageWatch) -> None:
    page = watch.page
    page.get_by_role("button", name=re.compile(r"^sales\b")).first.click()

    sales = page.locator(".table-entry", has=page.get_by_text("sales", exact=True))
    expect(sales.locator(".tag-key").first).to_be_visible()
    expect(sales).to_contain_text("products.product_id")
    expect(sales.locator(".column-samples").first).to_be_visible()
    page.locator(".glossary-word", has_text="Magic Wand Pro").get_by_role("button", name="abracadabra").click()
    expect(page.locator("#question")).to_have_value("abracadabra")


def test_a_name_goes_into_the_sql_when_that_was_edited_last(watch: PageWatch) -> None:
    turn = watch.ask("SELECT region_name FROM regions")
    field = turn.get_by_label("SQL of this answer")
    field.focus()
    field.press("Control+End")

    watch.page.get_by_role("button", name="Insert regions", exact=True).click()

    expect(field).to_have_value(re.compile(r"LIMIT 1000 regions$"))


def test_the_state_of_each_server_can_be_seen(watch: PageWatch) -> None:
    page = watch.page
    expect(page.locator("#server-status")).to_have_attribute("data-state", "healthy")

    page.get_by_role("button", name="State of the servers").click()

    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".server")).to_have_count(2)
    expect(dialog.locator(".server-state").first).to_have_text("connected")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
