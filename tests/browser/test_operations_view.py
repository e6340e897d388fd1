"""The MCP App view of what an operations tool found: drawn as on the page, by names that attack it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.app_host import host_page, show_view
from tests.operations_results import RESULTS

pytestmark = pytest.mark.browser

VIEW = "operations.html"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with host_page(chromium) as opened:
        yield opened


@pytest.mark.parametrize("tool", RESULTS)
def test_every_result_is_drawn_with_its_verdict_and_no_name_is_markup(page: Page, tool: str) -> None:
    view = show_view(page, VIEW, {"structuredContent": dict(RESULTS[tool]), "isError": False})

    expect(view.locator(".op-verdict")).to_be_visible()
    expect(view.locator("img")).to_have_count(0)
    expect(view.locator("body")).not_to_contain_text("undefined")


def test_a_figure_over_time_is_a_line(page: Page) -> None:
    view = show_view(page, VIEW, {"structuredContent": dict(RESULTS["analyze_performance_metrics"]), "isError": False})

    expect(
        view.get_by_role("img", name="99th percentile of requests: lowest 41 ms, highest 84.2 ms, last 84.2 ms")
    ).to_be_visible()
    expect(view.locator(".op-trend-line")).to_have_count(1)


def test_an_error_is_told_with_what_to_do(page: Page) -> None:
    error = {"code": "INVALID_TENANT_NAME", "message": "This is no tenant.", "hint": "Name one."}
    view = show_view(page, VIEW, {"structuredContent": {"error": error}, "isError": True})

    expect(view.locator(".bad")).to_have_text("This is no tenant. Name one.")


def test_a_result_of_another_tool_is_not_guessed_at(page: Page) -> None:
    view = show_view(page, VIEW, {"structuredContent": {"rows": []}, "isError": False})

    expect(view.locator(".bad")).to_have_text("This view knows no such result.")


def test_the_view_wears_the_colours_of_its_host(page: Page) -> None:
    view = show_view(page, VIEW, {"structuredContent": dict(RESULTS["diagnose_gateway_health"]), "isError": False})

    expect(view.locator(".op-story")).to_have_css("color", "rgb(1, 2, 3)")
