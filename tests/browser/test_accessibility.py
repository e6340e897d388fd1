"""Names, structure and contrast of the page in its main states, in both themes."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page
from tests.browser.gateway_process import GatewayProcess
from tests.browser.page_watch import BY_REGION, watched_page
from tests.browser.test_answers import READINGS

pytestmark = pytest.mark.browser

AUDIT = Path(__file__).with_name("accessibility.js").read_text(encoding="utf-8").split("\n", 1)[1]


def faults_of(page: Page) -> list[str]:
    """What is wrong with the page once its sheets are there; animations are over, or their elements gone, before it is judged."""
    page.wait_for_load_state("load")
    page.evaluate(
        "Promise.allSettled(document.getAnimations()"
        ".filter(a => a.effect.getTiming().iterations !== Infinity).map(a => a.finished))"
    )
    found: list[str] = page.evaluate(AUDIT)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_has_a_name_and_can_be_read(
    chromium: Browser, gateway: GatewayProcess, scheme: Literal["light", "dark"]
) -> None:
    with watched_page(chromium, gateway.url, scheme=scheme, height=1000) as watch:
        page = watch.page
        watch.open()
        assert faults_of(page) == []

        watch.ask("Show me total sales for abracadabra this month")
        watch.ask(BY_REGION).locator(".chart-stage").hover(position={"x": 200, "y": 20})
        watch.ask("SELECT * FORM products").get_by_text("Repaired once").click()
        watch.ask("SELECT zzqx FROM regions")
        page.locator(".table-toggle").first.click()
        for step in page.locator(".turn").first.locator(".step-head").all():
            step.click()
        assert faults_of(page) == []

        watch.replay(
            {
                "query": "how many fluffy",
                "readings": READINGS,
                "reason": "Two tables fit.",
                "unexplained": ["fluffy"],
                "degraded": True,
            }
        )
        watch.ask("how many fluffy")
        page.get_by_role("tab", name="History").click()
        page.get_by_role("button", name="State of the servers").click()
        page.locator(".server").first.wait_for()
        assert faults_of(page) == []


def test_headings_lead_from_question_to_parts(chromium: Browser, gateway: GatewayProcess) -> None:
    with watched_page(chromium, gateway.url) as watch:
        watch.open()
        assert watch.page.locator("h1:visible").all_inner_texts() == ["Ask your tables."]

        watch.ask(BY_REGION)

        levels = watch.page.locator("main h1:visible, main h2:visible, main h3:visible").evaluate_all(
            "all => all.map(n => n.tagName)"
        )
        assert levels[0] == "H2"
        assert set(levels[1:]) == {"H3"}


def test_an_answer_is_announced(chromium: Browser, gateway: GatewayProcess) -> None:
    with watched_page(chromium, gateway.url) as watch:
        watch.open()

        watch.ask(BY_REGION)

        assert "8 rows" in watch.page.locator("#announcer").inner_text()
