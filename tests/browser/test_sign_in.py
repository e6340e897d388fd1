"""Signing in and out at the page, and what an administrator sees there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.page_watch import PageWatch, watched_page
from tests.browser.signed_in import GuardedGateway

pytestmark = pytest.mark.browser

REFUSED = "Failed to load resource"


@pytest.fixture(scope="module")
def guarded(chromium: Browser, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedGateway]:
    assert chromium.is_connected()
    gateway = GuardedGateway(cache_dir, tmp_path_factory.mktemp("state"))
    with gateway.process.running():
        yield gateway


@pytest.fixture
def page(chromium: Browser, guarded: GuardedGateway) -> Iterator[PageWatch]:
    with watched_page(chromium, guarded.url) as watch:
        watch.expect_fault(REFUSED)
        yield watch


def signed_in(watch: PageWatch, guarded: GuardedGateway, role: str, subject: str = "ada") -> PageWatch:
    watch.page.goto(guarded.link(role, subject=subject))
    expect(watch.page.locator("#data .tables > li").first).to_be_attached()
    return watch


def test_the_link_signs_in_once_and_leaves_no_code_in_the_address(page: PageWatch, guarded: GuardedGateway) -> None:
    link = guarded.link("analyst")

    page.page.goto(link)

    expect(page.page.locator("#account")).to_contain_text("ada")
    expect(page.page.locator("#account")).to_contain_text("local · analyst")
    assert page.page.url == guarded.url
    expect(page.ask("how many customers are there?").locator(".chart-number dd")).to_be_visible()
    cookie = page.page.context.cookies()[0]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    assert page.page.evaluate("document.cookie") == ""

    page.page.context.clear_cookies()
    page.page.goto(link)
    expect(page.page.locator("#sign-in")).to_contain_text("used before")


def test_whoever_is_not_signed_in_is_told_where_the_link_is(page: PageWatch, guarded: GuardedGateway) -> None:
    page.page.goto(guarded.url)

    card = page.page.get_by_role("dialog", name="Sign in")
    expect(card).to_contain_text("terminal")
    expect(card).to_contain_text("mcp-gateway tokens issue")
    page.page.keyboard.press("Escape")
    expect(card).to_be_visible()


def test_a_wrong_link_says_so_and_signs_nobody_in(page: PageWatch, guarded: GuardedGateway) -> None:
    page.page.goto(f"{guarded.url}login?code={'x' * 43}")

    expect(page.page.get_by_role("dialog", name="Sign in")).to_contain_text("used before")
    assert page.page.url == guarded.url
    assert page.page.context.cookies() == []


def test_with_a_provider_nobody_is_sent_to_look_for_a_link(page: PageWatch, guarded: GuardedGateway) -> None:
    """No link is printed then; and a login at the provider that failed is said on the card."""
    offered = '{"providers": [{"name": "corp", "title": "corp", "href": "/login/corp"}]}'
    page.page.route("**/login/options", lambda route: route.fulfill(content_type="application/json", body=offered))
    page.page.goto(f"{guarded.url}login?failed")

    card = page.page.get_by_role("dialog", name="Sign in")
    expect(card).to_contain_text("did not come to its end")
    expect(card.get_by_role("link", name="Sign in with corp")).to_be_visible()
    expect(card).not_to_contain_text("terminal")
    assert page.page.url == guarded.url


def test_a_token_signs_in_and_a_wrong_one_is_refused_in_words(page: PageWatch, guarded: GuardedGateway) -> None:
    page.page.goto(guarded.url)
    page.page.get_by_label("Or paste a token").fill("not.a.token")
    page.page.get_by_role("button", name="Sign in").click()
    expect(page.page.locator(".sign-in-refusal")).to_contain_text("token")

    page.page.get_by_label("Or paste a token").fill(guarded.token("viewer", subject="grace"))
    page.page.get_by_role("button", name="Sign in").click()

    expect(page.page.locator("#account")).to_contain_text("grace")
    expect(page.page.locator("#data .tables > li").first).to_be_attached()


def test_signing_out_ends_the_session_for_good(page: PageWatch, guarded: GuardedGateway) -> None:
    signed_in(page, guarded, "analyst")
    before = page.page.context.cookies()

    page.page.locator("#account").click()
    page.page.get_by_role("button", name="Sign out").click()

    expect(page.page.get_by_role("dialog", name="Sign in")).to_be_visible()
    page.page.context.add_cookies(before)  # type: ignore[arg-type]  # what `cookies` gives is what `add_cookies` takes
    page.page.reload()
    expect(page.page.get_by_role("dialog", name="Sign in")).to_be_visible()


def test_a_session_that_ends_keeps_the_typed_question(page: PageWatch, guarded: GuardedGateway) -> None:
    signed_in(page, guarded, "analyst", subject="mary")
    page.page.fill("#question", "a long question")
    guarded.call("POST", "/api/access/sign-out", guarded.token("admin", subject="root"), {"subject": "mary"})

    page.page.locator("#server-status").click()

    card = page.page.get_by_role("dialog", name="Sign in")
    expect(card).to_contain_text("Your sign-in has ended")
    page.page.get_by_label("Or paste a token").fill(guarded.token("analyst", subject="mary"))
    card.get_by_role("button", name="Sign in").click()
    expect(card).to_be_hidden()
    expect(page.page.locator("#question")).to_have_value("a long question")


def test_somebody_else_in_the_same_browser_finds_nothing_of_what_was_asked(page: PageWatch, guarded: GuardedGateway) -> None:
    signed_in(page, guarded, "analyst", subject="ada")
    page.ask("how many customers are there?")

    signed_in(page, guarded, "analyst", subject="eve")

    expect(page.page.locator(".turn")).to_have_count(0)
    signed_in(page, guarded, "analyst", subject="ada")
    expect(page.page.locator(".turn")).to_have_count(1)


def test_only_administrators_see_why_and_audit(page: PageWatch, guarded: GuardedGateway) -> None:
    signed_in(page, guarded, "analyst")

    expect(page.page.locator("#why-open")).to_be_hidden()
    expect(page.page.locator("#audit-open")).to_be_hidden()


def test_why_draws_every_step_of_the_decision(page: PageWatch, guarded: GuardedGateway) -> None:
    signed_in(page, guarded, "admin")
    page.page.get_by_role("button", name="Why?").click()
    panel = page.page.get_by_role("dialog", name="Why, or why not")

    panel.get_by_label("Subject").fill("bob")
    panel.get_by_label("Roles").fill("viewer")
    panel.get_by_label("Tool or table").fill("execute_query")
    panel.get_by_role("button", name="Explain").click()

    expect(panel.locator(".why-verdict")).to_contain_text("No")
    steps = panel.locator(".chain-step b")
    expect(steps).to_have_text(["Token", "Tenant", "Role", "Scope", "Rule", "Server", "Name"])
    expect(panel.locator(".chain-step.is-failed").first).to_be_visible()
    expect(panel.locator(".advice")).to_be_visible()

    panel.get_by_label("Roles").fill("analyst")
    panel.get_by_role("button", name="Explain").click()
    expect(panel.locator(".why-verdict")).to_contain_text("Yes")


def test_audit_shows_what_was_done_and_filters_it(page: PageWatch, guarded: GuardedGateway) -> None:
    signed_in(page, guarded, "admin", subject="root")
    page.ask("how many customers are there?")
    page.page.get_by_role("button", name="Audit").click()
    panel = page.page.get_by_role("dialog", name="What was done")

    expect(panel.locator(".audit-row").first).to_be_visible()
    panel.get_by_label("Did what").fill("ask")
    panel.get_by_role("button", name="Search").click()
    expect(panel.locator(".audit-row td:nth-child(3)").first).to_have_text("ask")
    panel.locator(".audit-toggle").first.click()
    expect(panel.locator(".audit-more").first).to_contain_text(re.compile("fingerprint"))
    panel.get_by_role("button", name="Verify the chain").click()
    expect(panel.locator(".panel-state")).to_contain_text("Nothing was changed")


@pytest.mark.parametrize("width", [360, 480, 641, 800, 999, 1000, 1241])
def test_a_signed_in_page_fits_its_window(page: PageWatch, guarded: GuardedGateway, width: int) -> None:
    page.page.set_viewport_size({"width": width, "height": 800})
    signed_in(page, guarded, "admin", subject="root")
    inside = "node => node.getBoundingClientRect().right <= innerWidth + 0.5"
    buttons = [one for one in page.page.locator(".top button, .top a").all() if one.is_visible()]
    assert [one.text_content() for one in buttons if not one.evaluate(inside)] == []
    assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
