"""Keyboard alone, dark and light, small screens, little motion."""

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.gateway_process import GatewayProcess
from tests.browser.page_watch import BY_REGION, PageWatch, watched_page

pytestmark = pytest.mark.browser


def test_a_question_can_be_asked_and_read_without_a_pointer(watch: PageWatch) -> None:
    page = watch.page
    page.locator("body").click(position={"x": 700, "y": 5})
    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(BY_REGION)
    page.keyboard.press("Enter")
    turn = page.locator(".turn")
    expect(turn).to_have_attribute("aria-busy", "false")

    reached = []
    page.locator(".question").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.innerText.trim()")
        reached.append(name)
        if name == "Copy":
            break
    assert [name for name in reached if name in {"Bars", "Table", "Download as CSV", "Run", "Copy"}] == [
        "Bars", "Table", "Download as CSV", "Run", "Copy",
    ]  # fmt: skip
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_arrow_keys_bring_earlier_questions_back(watch: PageWatch) -> None:
    page = watch.page
    watch.ask("SELECT 1 AS one FROM regions LIMIT 1")
    watch.ask("SELECT 2 AS two FROM regions LIMIT 1")
    field = page.locator("#question")
    field.fill("")

    field.press("ArrowUp")
    expect(field).to_have_value("SELECT 2 AS two FROM regions LIMIT 1")
    field.press("ArrowUp")
    expect(field).to_have_value("SELECT 1 AS one FROM regions LIMIT 1")
    field.press("ArrowDown")
    field.press("ArrowDown")
    expect(field).to_have_value("")


def test_arrow_keys_walk_through_the_history(watch: PageWatch) -> None:
    page = watch.page
    watch.ask("SELECT 1 AS one FROM regions LIMIT 1")
    watch.ask("SELECT 2 AS two FROM regions LIMIT 1")
    page.get_by_role("tab", name="Data").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="History")).to_be_focused()
    page.locator(".talk-open").focus()

    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page.locator(".turn").nth(1).locator(".question")).to_be_focused()


def test_the_question_mark_lists_the_keys(watch: PageWatch) -> None:
    watch.page.keyboard.press("Escape")
    watch.page.keyboard.press("?")

    expect(watch.page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_the_page_follows_the_systems_theme_until_one_is_chosen(chromium: Browser, gateway: GatewayProcess) -> None:
    with watched_page(chromium, gateway.url, scheme="dark") as watch:
        watch.open()
        background = "getComputedStyle(document.body).backgroundColor"
        assert watch.page.evaluate(background) == "rgb(20, 23, 26)"

        toggle = watch.page.get_by_role("button", name="Dark theme")
        expect(toggle).to_have_attribute("aria-pressed", "true")
        toggle.click()
        assert watch.page.evaluate(background) == "rgb(248, 246, 241)"
        watch.page.reload()
        assert watch.page.evaluate(background) == "rgb(248, 246, 241)"


@pytest.mark.parametrize("width", [360, 768])
def test_a_small_screen_never_scrolls_sideways(chromium: Browser, gateway: GatewayProcess, width: int) -> None:
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    with watched_page(chromium, gateway.url, width=width, height=740) as watch:
        page = watch.page
        watch.open()
        assert page.evaluate(sideways) == 0
        watch.ask("Show me total sales for abracadabra this month")
        page.locator(".mark").last.hover()
        watch.ask(BY_REGION)
        watch.ask("SELECT * FROM customers LIMIT 20")
        watch.ask("SELECT zz FROM customers -- " + "a_very_long_word_" * 20)
        assert page.evaluate(sideways) == 0
        page.get_by_role("button", name="Data and history").click()
        expect(page.get_by_role("tab", name="Data")).to_be_focused()
        assert page.evaluate(sideways) == 0
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Data and history")).to_be_focused()


def test_little_motion_is_respected(chromium: Browser, gateway: GatewayProcess) -> None:
    with watched_page(chromium, gateway.url) as watch:
        watch.page.emulate_media(reduced_motion="reduce")
        watch.open()
        turn = watch.ask(BY_REGION)

        duration = turn.locator(".turn-body > *").first.evaluate("node => getComputedStyle(node).animationDuration")
        assert float(duration.removesuffix("s")) < 0.001
