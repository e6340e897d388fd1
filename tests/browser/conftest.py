"""Headless Chromium, and the product as a real process with the demo shop behind it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.browser.gateway_process import GatewayProcess
from tests.browser.page_watch import CHROMIUM_ARGUMENTS, PageWatch, watched_page


@pytest.fixture(scope="package")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo shop is kept, so that it is made once for all processes."""
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="package")
def gateway(chromium: Browser, cache_dir: Path) -> Iterator[GatewayProcess]:
    """The process every test may ask. After Chromium, so that nothing is started where the tests are skipped."""
    assert chromium.is_connected()
    with GatewayProcess(cache_dir).running() as process:
        yield process


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all tests. Closed with this folder: its event loop would disturb asynchronous tests elsewhere."""
    executable = shutil.which("chromium")
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing, and the browser tests may not be skipped here.")
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def watch(chromium: Browser, gateway: GatewayProcess) -> Iterator[PageWatch]:
    """The page, freshly opened on a wide window; any fault the browser reports fails the test."""
    with watched_page(chromium, gateway.url) as page_watch:
        page_watch.open()
        yield page_watch
