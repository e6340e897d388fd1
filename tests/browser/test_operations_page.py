"""The operations tools at the page, as somebody on call uses them; some results have names that attack the page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect
from tests.browser.gateway_process import GatewayProcess
from tests.browser.page_watch import PageWatch, watched_page
from tests.browser.signed_in import GuardedGateway
from tests.browser.test_accessibility import faults_of
from tests.operations_results import HOSTILE, RESULTS

pytestmark = pytest.mark.browser

# A look takes up to 8 s, and two looks are needed where nothing is remembered yet.
LOOK_LIMIT_MS = 20_000
TITLES = {
    "diagnose_gateway_health": "Health",
    "troubleshoot_production_issue": "Find the cause",
    "analyze_performance_metrics": "Performance",
    "analyze_cache_coherence": "Cache",
    "test_ai_engine_integration": "Engine",
    "validate_enterprise_patterns": "Check routers",
    "generate_enterprise_router": "New router",
}
ROUTER = "from fastapi import APIRouter\n\nrouter = APIRouter()\n\n\n@router.get('/')\nasync def everything():\n    return []\n"


@pytest.fixture
def panel(chromium: Browser, gateway: GatewayProcess) -> Iterator[PageWatch]:
    with watched_page(chromium, gateway.url) as watch:
        open_panel(watch)
        yield watch


def open_panel(watch: PageWatch) -> Locator:
    watch.page.goto(watch.url)
    watch.page.locator("#operations-open").click()
    dialog = watch.page.get_by_role("dialog", name="Operations")
    expect(dialog).to_be_visible()
    return dialog


def prepared(page: Page) -> None:
    """Every tool answers with the result kept for it."""

    def answer(route: Route) -> None:
        route.fulfill(json=dict(RESULTS[route.request.url.rpartition("/")[2]]))

    page.route("**/servers/ops/mcp/*", answer)


def chosen(page: Page, tool: str) -> Locator:
    page.get_by_role("tab", name=TITLES[tool], exact=True).click()
    return page.get_by_role("tabpanel", name=TITLES[tool], exact=True)


def run(page: Page, tool: str) -> Locator:
    """The tab after its tool has answered."""
    tab = chosen(page, tool)
    if tool == "generate_enterprise_router":
        tab.get_by_label("What it is about").fill("products")
    tab.locator("button[type=submit]").click()
    expect(tab.locator(".op-verdict")).to_be_visible(timeout=LOOK_LIMIT_MS)
    return tab


def section(tab: Locator, title: str) -> Locator:
    return tab.locator(".op-section", has=tab.page.get_by_role("heading", name=title, exact=True))


def test_health_tells_the_state_the_next_step_and_what_was_not_seen(panel: PageWatch) -> None:
    tab = run(panel.page, "diagnose_gateway_health")

    expect(tab.locator(".op-verdict")).to_contain_text("read at")
    expect(tab.locator(".op-next")).to_contain_text("Next:")
    expect(section(tab, "Parts")).to_contain_text("Gateway")
    expect(section(tab, "Not seen")).to_contain_text("AI engine: No address is configured. Set AI_ENGINE_URL.")
    expect(panel.page.locator("#announcer")).to_have_text(re.compile("^Health: (Healthy|Degraded)"))


def test_fields_become_the_arguments_and_empty_ones_are_left_out(panel: PageWatch) -> None:
    prepared(panel.page)
    tab = chosen(panel.page, "troubleshoot_production_issue")
    tab.get_by_label("What was noticed").select_option(label="answers are slow")
    tab.get_by_label("Of the last").select_option(label="hour")

    with panel.page.expect_request("**/servers/ops/mcp/troubleshoot_production_issue") as sent:
        tab.get_by_role("button", name="Find it").click()

    assert sent.value.post_data_json == {"issue_type": "high_latency", "time_window_minutes": 60}


def test_a_cause_is_shown_with_evidence_doubts_and_what_was_ruled_out(panel: PageWatch) -> None:
    prepared(panel.page)
    tab = run(panel.page, "troubleshoot_production_issue")

    expect(tab.locator(".op-verdict")).to_contain_text("Degraded 92 % sure")
    sign = tab.locator(".op-sign").first
    for part in ("41.25/s", "usually 0.5/s, by the last healthy time", "gateway metrics"):
        expect(sign).to_contain_text(part)
    expect(sign.locator("time")).to_have_attribute("datetime", "2026-11-22T03:04:05+00:00")
    expect(tab.locator(".op-causes")).to_contain_text("Speaks against it")
    expect(section(tab, "Ruled out")).to_contain_text("The engine answers as fast as usual.")
    expect(section(tab, "Not seen")).to_contain_text("Redis")


def test_a_remedy_tells_risk_conditions_signal_and_undo_and_its_command_is_copied(panel: PageWatch) -> None:
    prepared(panel.page)
    panel.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    remedy = run(panel.page, "troubleshoot_production_issue").locator(".op-actions > li").nth(1)

    for part in ("risk: low", "can be undone", "Must hold first", "The rules now in force are kept.", "Then watch", "Undo"):
        expect(remedy).to_contain_text(part)
    remedy.get_by_role("button", name="Copy the command").click()

    expect(remedy.locator(".op-copy")).to_have_text("Copied")
    assert panel.page.evaluate("navigator.clipboard.readText()") == "mcp-gateway ops apply roll_back_rules rule=chat"


def test_names_from_outside_are_text_and_nothing_in_them_is_hidden(panel: PageWatch) -> None:
    prepared(panel.page)
    for tool in RESULTS:
        tab = run(panel.page, tool)
        assert tab.locator("img").count() == 0
        if repr(HOSTILE)[1:-1] in str(RESULTS[tool]):
            expect(tab.locator(".unseen", has_text="U+202E").first).to_be_visible()


def test_figures_stand_beside_those_before_and_are_drawn_over_time(panel: PageWatch) -> None:
    prepared(panel.page)
    tab = run(panel.page, "analyze_performance_metrics")

    expect(tab.locator(".op-verdict")).to_contain_text("Slower than before")
    row = section(tab, "Requests").get_by_role("row", name="p99 ms")
    expect(row.get_by_role("cell")).to_have_text(["84.2", "41", "40", "higher"])
    expect(section(tab, "Endpoints")).to_contain_text("too few to tell")
    expect(tab.locator(".op-trend svg")).to_have_attribute("aria-label", re.compile("highest 84.2 ms"))


def test_a_router_is_made_from_fields_and_its_files_are_copied(panel: PageWatch) -> None:
    page = panel.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = chosen(page, "generate_enterprise_router")
    tab.get_by_role("button", name="Make it").click()
    expect(tab.get_by_label("What it is about")).to_be_focused()
    tab.get_by_label("delete").uncheck()

    run(page, "generate_enterprise_router")

    expect(tab.get_by_role("heading", name="src/backend/routers/products.py")).to_be_visible()
    tab.get_by_role("button", name="Copy the file src/backend/routers/products.py").click()
    expect(tab.locator(".op-copy").first).to_have_text("Copied")
    code = page.evaluate("navigator.clipboard.readText()")
    compile(code, "products.py", "exec")
    assert "async def list_products" in code
    assert "async def delete_product" not in code


def test_a_router_is_checked_by_its_text_and_every_finding_has_its_place(panel: PageWatch) -> None:
    tab = chosen(panel.page, "validate_enterprise_patterns")
    tab.get_by_label("Or the text of a router").fill(ROUTER)

    run(panel.page, "validate_enterprise_patterns")

    finding = tab.locator(".op-issues > li", has_text="rate-limit-missing")
    expect(finding).to_contain_text("line 7, column 1")
    expect(finding).to_contain_text("high")


def test_what_a_tool_refuses_is_told_in_its_own_words(panel: PageWatch) -> None:
    panel.expect_fault("Failed to load resource")
    tab = chosen(panel.page, "validate_enterprise_patterns")
    tab.get_by_role("button", name="Check").click()
    expect(tab.locator(".notice-error")).to_contain_text("NO_PROJECT", timeout=LOOK_LIMIT_MS)

    tab = chosen(panel.page, "troubleshoot_production_issue")
    tab.get_by_label("Whose trouble it is").fill("x*")
    tab.get_by_role("button", name="Find it").click()

    expect(tab.locator(".notice-error")).to_contain_text("INVALID_TENANT_NAME", timeout=LOOK_LIMIT_MS)


def test_a_look_can_be_stopped_and_begun_again(panel: PageWatch) -> None:
    def hold(route: Route) -> None:
        """Nobody answers."""

    panel.page.route("**/servers/ops/mcp/*", hold)
    tab = chosen(panel.page, "diagnose_gateway_health")
    tab.get_by_role("button", name="Look").click()
    expect(tab.get_by_role("status")).to_contain_text("Looking")

    tab.get_by_role("button", name="Stop").click()

    expect(tab.locator(".notice")).to_contain_text("Stopped")
    expect(tab.get_by_role("button", name="Look")).to_be_enabled()


def test_what_was_found_stays_and_all_of_it_is_there_as_json(panel: PageWatch) -> None:
    prepared(panel.page)
    run(panel.page, "test_ai_engine_integration")
    run(panel.page, "analyze_cache_coherence")

    tab = chosen(panel.page, "test_ai_engine_integration")
    expect(tab.locator(".op-verdict")).to_contain_text("Some failed 1/2 (50.0%) passed, 1 skipped")
    tab.get_by_text("All of it as JSON").click()

    expect(tab.locator(".op-json .output")).to_contain_text('"pass_rate": "1/2 (50.0%)"')


def test_an_engine_that_was_hardly_tried_is_not_called_well(panel: PageWatch) -> None:
    tab = run(panel.page, "test_ai_engine_integration")

    expect(tab.locator(".op-verdict.is-unsure")).to_contain_text("6 skipped")
    expect(tab.locator(".op-test").first).to_contain_text("No engine is configured: set AI_ENGINE_URL.")


def test_no_mouse_is_needed(panel: PageWatch) -> None:
    prepared(panel.page)
    page = panel.page
    page.get_by_role("tab", name="Health").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Find the cause")).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.get_by_label("Whose trouble it is")).to_be_focused()

    page.keyboard.press("Enter")

    expect(page.locator(".op-verdict:visible")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#operations")).to_be_hidden()
    expect(page.locator("#operations-open")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_everything_has_a_name_can_be_read_and_fits(
    chromium: Browser, gateway: GatewayProcess, scheme: Literal["light", "dark"], width: int
) -> None:
    with watched_page(chromium, gateway.url, scheme=scheme, width=width) as watch:
        dialog = open_panel(watch)
        prepared(watch.page)
        for tool in RESULTS:
            run(watch.page, tool)
            assert faults_of(watch.page) == []
            assert dialog.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_the_way_in_fits_on_a_small_telephone(chromium: Browser, gateway: GatewayProcess) -> None:
    with watched_page(chromium, gateway.url, width=360) as watch:
        watch.page.goto(watch.url)
        expect(watch.page.locator("#operations-open")).to_be_visible()

        assert watch.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_only_tools_that_one_may_use_are_there(
    chromium: Browser, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    guarded = GuardedGateway(cache_dir, tmp_path_factory.mktemp("state"))
    with guarded.process.running():
        with watched_page(chromium, guarded.url) as watch:
            watch.page.goto(guarded.link("analyst"))
            expect(watch.page.locator("#account")).to_be_visible()
            expect(watch.page.locator("#operations-open")).to_be_hidden()
        with watched_page(chromium, guarded.url) as watch:
            watch.page.goto(guarded.link("operator"))
            watch.page.locator("#operations-open").click()
            expect(watch.page.locator("#operations").get_by_role("tab")).to_have_text(list(TITLES.values())[:5])
            run(watch.page, "diagnose_gateway_health")
