"""Drives the page and listens to what the browser complains about."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Error, Locator, Page, Request, expect

CHROMIUM_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
LIMIT_MS = 30_000
# Asked as SQL where the page is under test and not the engine; eight rows, drawn as bars.
BY_REGION = (
    "SELECT region_name, SUM(amount) AS revenue FROM sales JOIN orders USING (order_id) JOIN regions USING (region_id) "
    "GROUP BY region_name ORDER BY revenue DESC"
)
# Pages that tests have left in order. A new one is a new process of the browser, which costs more than the test.
_LEFT: WeakKeyDictionary[Browser, Page] = WeakKeyDictionary()


class PageWatch:
    """The page under test. `faults` collects console errors, script errors, policy violations and foreign requests.

    `is_used_up`: the test changed the page for good, so no other may have it.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        self.is_used_up = False
        self._expected: list[str] = []
        page.set_default_timeout(LIMIT_MS)
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("dialog", self._on_dialog)
        page.on("request", self._on_request)

    def expect_fault(self, part: str) -> None:
        """The browser may complain with these words: the test provokes it."""
        self._expected.append(part)

    def unexpected_faults(self) -> list[str]:
        return [fault for fault in self.faults if not any(part in fault for part in self._expected)]

    def open(self) -> None:
        self.page.goto(self.url)
        expect(self.page.locator("#data .tables > li").first).to_be_attached(timeout=LIMIT_MS)

    def ask(self, question: str) -> Locator:
        """Ask, wait until it is settled, and return the turn."""
        turn = self.begin(question)
        expect(turn).to_have_attribute("aria-busy", "false", timeout=LIMIT_MS)
        return turn

    def begin(self, question: str) -> Locator:
        """Ask and return the turn at once."""
        turns = self.page.locator(".turn")
        before = turns.count()
        self.page.fill("#question", question)
        self.page.press("#question", "Enter")
        expect(turns).to_have_count(before + 1)
        return turns.nth(before)

    def replay(self, data: Mapping[str, Any]) -> None:
        """Let the next questions be answered with this `QueryResult`; everything else stays real."""
        response = {"success": True, "data": blank_answer() | dict(data), "error": None, "metadata": {}}
        body = f"event: answer\ndata: {json.dumps(response)}\n\n"
        self.page.route("**/api/chat/stream", lambda route: route.fulfill(body=body, content_type="text/event-stream"))

    def forget(self) -> None:
        """Leave the page as a new one is: no script runs, nothing is kept, intercepted or allowed. Raises `playwright.Error`."""
        page, context = self.page, self.page.context
        page.remove_listener("console", self._on_console)
        page.remove_listener("pageerror", self._on_error)
        page.remove_listener("dialog", self._on_dialog)
        page.remove_listener("request", self._on_request)
        for other in context.pages:
            if other is not page:
                other.close()
        page.unroute_all(behavior="ignoreErrors")
        # At the address of the page, as what is kept belongs to that, and without its scripts.
        page.goto(f"{self.url}icon.svg")
        page.evaluate("localStorage.clear(), sessionStorage.clear()")
        context.clear_cookies()
        context.clear_permissions()
        page.mouse.move(0, 0)

    def _on_error(self, error: Error) -> None:
        self.faults.append(f"script error: {error}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"console {message.type}: {message.text}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "blob:", "data:")):
            self.faults.append(f"foreign request: {request.url}")


def blank_answer() -> dict[str, Any]:
    """A `QueryResult` with nothing in it."""
    lists = ("resolved_entities", "readings", "unexplained", "steps", "attempts", "warnings")
    empty: dict[str, Any] = {name: [] for name in lists}
    return empty | {
        "query": "", "sql_query": "", "results": None, "explanation": "", "recovery_performed": False, "confident": False,
        "confidence": 0.0, "reason": "", "chart": None, "degraded": False, "source": "engine", "session_id": None,
        "is_follow_up": False, "usage": None, "metadata": {},
    }  # fmt: skip


@contextmanager
def watched_page(
    browser: Browser,
    url: str,
    *,
    width: int = 1280,
    height: int = 900,
    scheme: Literal["light", "dark"] = "light",
) -> Iterator[PageWatch]:
    """A page without memory of others; leaving fails when the browser complained."""
    page = _LEFT.pop(browser, None) or browser.new_context().new_page()
    try:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme, reduced_motion="no-preference")
        watch = PageWatch(page, url)
        yield watch
        faults = watch.unexpected_faults()
        assert not faults, faults
        # Where somebody was signed in, a new page is surer than to forget all of it.
        if not watch.is_used_up and not page.context.cookies() and browser not in _LEFT:
            watch.forget()
            _LEFT[browser] = page
    finally:
        if _LEFT.get(browser) is not page:
            page.context.close()
