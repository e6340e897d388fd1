"""Letting a program act for oneself, in the browser people use: coming from another site, signing in on the way, deciding."""

import base64
import hashlib
import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.page_watch import PageWatch, watched_page
from tests.browser.signed_in import GuardedGateway
from tests.browser.test_accessibility import faults_of

pytestmark = pytest.mark.browser

CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 64).digest()).rstrip(b"=").decode()


class Program:
    """A program on this computer: its own page, on another site than the gateway's, and the address its answer comes to."""

    def __init__(self, gateway_url: str) -> None:
        self._gateway = gateway_url
        self.answers: list[dict[str, list[str]]] = []
        self.answered = threading.Event()
        program = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/callback":
                    program.answers.append(parse_qs(parts.query))
                    program.answered.set()
                body = b"<title>program</title><link rel=icon href=data:,><p>Thank you.</p>"
                if parts.path == "/start":
                    body = (
                        f'<title>program</title><link rel=icon href="data:,"><a href="{program.authorize()}">Log in</a>'.encode()
                    )
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(body.replace(b"&", b"&amp;"))

            def log_message(self, *_: object) -> None:
                """The test says what matters."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.client_id = self._register()

    def authorize(self) -> str:
        fields = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": f"http://127.0.0.1:{self.port}/callback",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "scope": "gateway.read gateway.ask",
            "state": "xyz",
        }
        return f"{self._gateway}oauth/authorize?{urlencode(fields)}"

    def _register(self) -> str:
        body = {"client_name": "Test <b>Program</b>", "redirect_uris": ["http://127.0.0.1/callback"]}
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self._gateway}oauth/register", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as reply:  # noqa: S310
            return str(json.loads(reply.read())["client_id"])


@contextmanager
def running(program: Program) -> Iterator[Program]:
    thread = threading.Thread(target=program.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield program
    finally:
        program.server.shutdown()
        program.server.server_close()


@pytest.fixture(scope="module")
def guarded(chromium: Browser, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedGateway]:
    assert chromium.is_connected()
    gateway = GuardedGateway(cache_dir, tmp_path_factory.mktemp("state"))
    with gateway.process.running():
        yield gateway


@pytest.fixture
def program(guarded: GuardedGateway) -> Iterator[Program]:
    with running(Program(guarded.url)) as started:
        yield started


@pytest.fixture
def page(chromium: Browser, guarded: GuardedGateway, program: Program) -> Iterator[PageWatch]:
    with watched_page(chromium, guarded.url) as watch:
        watch.expect_fault("Failed to load resource")
        watch.expect_fault(f":{program.port}/")
        yield watch


def come_from_the_program(page: PageWatch, program: Program) -> None:
    """Another site than the gateway's: cookies that are bound to the site do not come along."""
    page.page.goto(f"http://localhost:{program.port}/start")
    page.page.get_by_role("link", name="Log in").click()


def test_whoever_is_signed_in_decides_and_the_program_hears_of_it(
    page: PageWatch, guarded: GuardedGateway, program: Program
) -> None:
    page.page.goto(guarded.link("analyst"))
    come_from_the_program(page, program)

    heading = page.page.get_by_role("heading")
    expect(heading).to_have_text("Let “Test <b>Program</b>” use this gateway for you?")
    expect(page.page.locator("dl")).to_contain_text("nobody: it calls itself")
    expect(page.page.locator("dl")).to_contain_text("ada, tenant local")
    page.page.get_by_role("button", name="Allow", exact=True).click()

    expect(page.page.get_by_text("Thank you.")).to_be_visible()
    assert program.answered.wait(10)
    assert (program.answers[0]["state"], program.answers[0]["iss"]) == (["xyz"], [guarded.url.rstrip("/")])
    assert len(program.answers[0]["code"][0]) > 40


def test_a_no_is_a_no(page: PageWatch, guarded: GuardedGateway, program: Program) -> None:
    page.page.goto(guarded.link("analyst"))
    come_from_the_program(page, program)
    page.page.get_by_role("button", name="Do not allow").click()
    expect(page.page.get_by_text("Thank you.")).to_be_visible()
    assert program.answers[0]["error"] == ["access_denied"]


@pytest.mark.parametrize("way", ["link", "token"])
def test_signing_in_leads_back_to_the_decision(page: PageWatch, guarded: GuardedGateway, program: Program, way: str) -> None:
    come_from_the_program(page, program)
    expect(page.page.get_by_role("heading")).to_have_text("Sign in to go on")
    expect(page.page.locator("body")).not_to_contain_text("Test")
    field = page.page.locator("#credential")

    field.fill("wrong")
    page.page.keyboard.press("Enter")
    expect(page.page.get_by_role("alert")).to_be_visible()
    field.fill(guarded.link("analyst").replace("127.0.0.1", "localhost") if way == "link" else guarded.token("analyst"))
    page.page.keyboard.press("Enter")

    page.page.get_by_role("button", name="Allow", exact=True).click()
    expect(page.page.get_by_text("Thank you.")).to_be_visible()
    assert "code" in program.answers[0]
    assert all(cookie["name"].startswith("mcp-gateway-session") for cookie in page.page.context.cookies())


def test_a_form_takes_no_click_before_somebody_listens(page: PageWatch, guarded: GuardedGateway, program: Program) -> None:
    page.page.route("**/oauth/consent.js", lambda route: route.abort())
    come_from_the_program(page, program)
    expect(page.page.get_by_role("button", name="Sign in")).to_be_disabled()

    page.page.goto(guarded.link("analyst"))
    come_from_the_program(page, program)
    expect(page.page.get_by_role("button", name="Do not allow")).to_be_disabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_has_a_name_and_can_be_read(
    chromium: Browser, guarded: GuardedGateway, program: Program, scheme: Literal["light", "dark"]
) -> None:
    with watched_page(chromium, guarded.url, scheme=scheme, width=360) as watch:
        watch.expect_fault(f":{program.port}/")
        come_from_the_program(watch, program)
        expect(watch.page.get_by_role("heading")).to_have_text("Sign in to go on")
        assert faults_of(watch.page) == []
        watch.page.goto(guarded.link("analyst"))
        expect(watch.page.get_by_role("heading")).to_contain_text("use this gateway for you?")
        assert faults_of(watch.page) == []
        assert watch.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
