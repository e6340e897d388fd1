"""MCP servers at the page: added, looked at, tried, approved, and their calls watched, with a real server behind."""

import json
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Literal
from urllib.error import HTTPError

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.gateway_process import GatewayProcess
from tests.browser.page_watch import PageWatch, watched_page
from tests.browser.signed_in import GuardedGateway
from tests.browser.test_accessibility import faults_of

pytestmark = pytest.mark.browser

START_LIMIT_MS = 30_000
ADD_NOTE: dict[str, Any] = {
    "name": "add_note",
    "title": "Add a note",
    "description": "Writes a note down for the team.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "What it is called."},
            "count": {"type": "integer", "minimum": 1, "default": 1},
            "colour": {"enum": ["red", "green"]},
            "pinned": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["title", "colour"],
    },
}
HOSTILE: dict[str, Any] = {"name": "greet", "description": "Says <img src=x onerror=alert(1)> hel\u200blo."}
WIDER = ADD_NOTE | {"inputSchema": {**ADD_NOTE["inputSchema"], "properties": {"path": {"type": "string"}}, "required": []}}


class Upstream:
    """A server of 2026-07-28 that offers what it is told to."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/mcp"
        self._become = f"http://127.0.0.1:{port}/become"

    def become(self, *tools: Mapping[str, Any], says: str = "noted") -> None:
        body = json.dumps({"tools": tools, "says": says}).encode()
        with urllib.request.urlopen(urllib.request.Request(self._become, data=body), timeout=10):  # noqa: S310 - loopback
            pass


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    """Listens before it is asked: the socket is made here, so that nothing has to be waited for."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
        code = f"import uvicorn; from tests.upstreams.drifting import Drifting; \
uvicorn.Server(uvicorn.Config(Drifting(), fd={listening.fileno()}, log_level='warning', lifespan='off')).run()"
        process = subprocess.Popen([sys.executable, "-c", code], pass_fds=[listening.fileno()])
        try:
            yield Upstream(port)
        finally:
            process.kill()
            process.wait(10)


@pytest.fixture(scope="module")
def open_gateway(chromium: Browser, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """Nobody signs in; what is registered is kept apart from other tests."""
    assert chromium.is_connected()
    state = tmp_path_factory.mktemp("servers")
    with GatewayProcess(cache_dir, {"STATE_DIR": str(state)}).running() as process:
        yield process


@pytest.fixture
def panel(chromium: Browser, open_gateway: GatewayProcess) -> Iterator[PageWatch]:
    with watched_page(chromium, open_gateway.url) as watch:
        open_panel(watch)
        yield watch
    remove(open_gateway)


def open_panel(watch: PageWatch) -> Locator:
    watch.page.goto(watch.url)
    watch.page.locator("#registry-open").click()
    dialog = watch.page.get_by_role("dialog", name="MCP servers")
    expect(dialog).to_be_visible()
    return dialog


def remove(gateway: GatewayProcess, name: str = "notes") -> None:
    """What a test registered is gone before the next."""
    request = urllib.request.Request(f"{gateway.url}api/servers/{name}", method="DELETE")  # noqa: S310 - loopback
    with suppress(HTTPError), urllib.request.urlopen(request, timeout=20):  # noqa: S310
        pass


def add(page: Page, upstream: Upstream, name: str = "notes") -> Locator:
    """Registered, and its one tool is known."""
    page.get_by_role("button", name="Add a server").click()
    page.get_by_label("Name", exact=False).first.fill(name)
    page.get_by_label("Address of its MCP endpoint").fill(upstream.url)
    page.get_by_role("button", name="Add and look at it").click()
    card = page.locator(f".card[data-server={name}]")
    expect(card.get_by_role("button", name="1 tool")).to_be_visible(timeout=START_LIMIT_MS)
    return card


def tool(page: Page, name: str) -> Locator:
    page.get_by_role("tab", name="Tools").click()
    row = page.locator(".tool", has=page.get_by_text(name, exact=True))
    expect(row).to_be_visible()
    return row


def test_a_server_is_added_explained_and_shown(panel: PageWatch, upstream: Upstream) -> None:
    upstream.become(ADD_NOTE)

    card = add(panel.page, upstream)

    outcome = panel.page.locator(".add-outcome")
    expect(outcome).to_contain_text("It can be used.")
    expect(outcome).to_contain_text("It calls itself drifting 1")
    expect(outcome).to_contain_text("1 tool")
    expect(outcome.locator(".finding").first).to_be_visible()
    card.get_by_role("button", name="Test notes").click()
    expect(card.locator(".inspection")).to_be_visible()
    expect(card.locator(".card-condition")).to_have_text("answers", timeout=START_LIMIT_MS)
    expect(card).to_contain_text("2026-07-28")
    expect(card.locator("svg.spark")).to_have_attribute("aria-label", re.compile("Latency in the last"))


def test_a_server_is_switched_off_and_removed(panel: PageWatch, upstream: Upstream) -> None:
    upstream.become(ADD_NOTE)
    card = add(panel.page, upstream)

    card.get_by_role("button", name="Disable notes").click()
    expect(card.locator(".card-condition")).to_have_text("switched off")
    card.get_by_role("button", name="Enable notes").click()
    expect(card.get_by_role("button", name="Disable notes")).to_be_enabled()
    card.get_by_role("button", name="Remove notes").click()
    card.get_by_role("button", name="Remove", exact=True).click()

    expect(card).to_have_count(0)


def test_an_address_that_cannot_be_used_is_explained(panel: PageWatch) -> None:
    panel.expect_fault("Failed to load resource")
    page = panel.page
    page.get_by_role("button", name="Add a server").click()
    page.get_by_label("Name", exact=False).first.fill("meta")
    page.get_by_label("Address of its MCP endpoint").fill("http://169.254.169.254/mcp")

    page.get_by_role("button", name="Add and look at it").click()

    expect(page.locator(".add-outcome .notice-error, .add-outcome .is-unusable")).to_be_visible(timeout=START_LIMIT_MS)


def test_a_tool_is_tried_through_a_form_of_its_schema(panel: PageWatch, upstream: Upstream) -> None:
    upstream.become(ADD_NOTE, says='{"id": 7}')
    add(panel.page, upstream)
    row = tool(panel.page, "add_note")
    expect(row).to_contain_text("tokens")
    row.locator(".tool-head").click()

    row.get_by_role("button", name="Call it").click()
    expect(row.locator(".field-fault:visible")).to_have_text(["It needs this.", "It needs this."])
    row.get_by_label("title").fill("Milk")
    row.get_by_label("count").fill("two")
    row.get_by_label("colour").select_option(label="green")
    row.get_by_label("tags").fill('["a", "b"]')
    row.get_by_role("button", name="Call it").click()
    expect(row.locator(".field-fault:visible")).to_have_text("This has to be a whole number.")
    row.get_by_label("count").fill("2")
    with panel.page.expect_request(lambda request: request.url.endswith("/servers/notes/mcp/add_note")) as sent:
        row.get_by_role("button", name="Call it").click()

    expect(row.locator(".try-outcome .output")).to_contain_text('"id": 7')
    assert sent.value.post_data_json == {"title": "Milk", "count": 2, "colour": "green", "tags": ["a", "b"]}


def test_what_is_built_in_can_be_tried_too(panel: PageWatch) -> None:
    row = tool(panel.page, "lookup_term")
    row.locator(".tool-head").click()
    row.get_by_role("textbox", name="term").fill("revenue")
    row.get_by_role("textbox", name="term").press("Control+Enter")

    expect(row.locator(".try-outcome .output")).to_contain_text('"matches"')


def test_what_a_server_says_is_text_and_nothing_in_it_is_hidden(panel: PageWatch, upstream: Upstream) -> None:
    upstream.become(HOSTILE | {"inputSchema": {"type": "object"}})
    add(panel.page, upstream)
    row = tool(panel.page, "greet")
    row.locator(".tool-head").click()

    expect(row.locator(".tool-words")).to_have_text("Says <img src=x onerror=alert(1)> helU+200Blo.")
    expect(row.locator("img")).to_have_count(0)
    expect(row.locator(".badge.is-waiting")).to_be_visible()
    expect(row.locator(".finding").first).to_be_visible()


def test_arguments_can_be_written_as_json_and_refusals_say_why(panel: PageWatch, upstream: Upstream) -> None:
    panel.expect_fault("Failed to load resource")
    upstream.become(ADD_NOTE)
    add(panel.page, upstream)
    row = tool(panel.page, "add_note")
    row.locator(".tool-head").click()
    row.get_by_label("title").fill("Milk")

    row.get_by_role("button", name="Write them as JSON").click()
    expect(row.get_by_label("arguments")).to_have_value(re.compile('"title": "Milk"'))
    row.get_by_label("arguments").fill('{"title": 1}')
    row.get_by_role("button", name="Call it").click()

    refusal = row.locator(".notice-error")
    expect(refusal).to_contain_text("ARGUMENTS_REFUSED")
    expect(refusal).to_contain_text("it was not called")


def test_a_waiting_change_is_shown_and_approved(panel: PageWatch, upstream: Upstream, open_gateway: GatewayProcess) -> None:
    upstream.become(ADD_NOTE)
    card = add(panel.page, upstream, "changing")
    upstream.become(WIDER)

    card.get_by_role("button", name="Refresh changing").click()
    card.get_by_role("button", name="1 waiting").click(timeout=START_LIMIT_MS)
    row = tool(panel.page, "add_note")
    row.locator(".tool-head").click()
    expect(row.locator(".diff .diff-new").first).to_be_visible()
    expect(row.get_by_role("button", name="Call it")).to_have_count(0)
    row.get_by_role("button", name="Approve").click()

    expect(row.locator(".tool-offered")).to_have_text("offered")
    expect(row.get_by_label("path")).to_be_visible()
    remove(open_gateway, "changing")


def test_why_a_tool_is_not_there_is_told_step_by_step(panel: PageWatch, upstream: Upstream) -> None:
    upstream.become(ADD_NOTE)
    add(panel.page, upstream)
    row = tool(panel.page, "add_note")
    row.locator(".tool-head").click()
    row.get_by_role("button", name="Who sees it, and why?").click()
    expect(row.locator(".why-verdict")).to_contain_text("can use notes.add_note")

    panel.page.get_by_label("Find a tool").fill("nowhere.gone")
    panel.page.get_by_role("button", name="Why can I not see it?").click()

    state = panel.page.locator(".registry-state:visible")
    expect(state.locator(".why-verdict")).to_contain_text("cannot use gone: there is no server nowhere")
    expect(state.locator(".chain-step.is-failed").first).to_be_visible()


def test_calls_are_seen_as_they_happen(panel: PageWatch, upstream: Upstream) -> None:
    upstream.become(ADD_NOTE)
    page = panel.page
    add(page, upstream)
    page.get_by_role("tab", name="Calls").click()
    expect(page.locator(".registry-panel:visible")).to_contain_text("call")

    page.evaluate(
        "fetch('/servers/notes/mcp/add_note', { method: 'POST', headers: { 'Content-Type': 'application/json' },"
        " body: JSON.stringify({ title: 'x', colour: 'red' }) }).then((answer) => answer.text())"
    )

    first = page.locator(".calls tbody tr").first
    expect(first).to_contain_text("notes.add_note")
    expect(first).to_contain_text("answered")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")


def test_tabs_go_by_arrow_keys_and_escape_closes(panel: PageWatch) -> None:
    page = panel.page
    page.get_by_role("tab", name="Servers").focus()

    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Tools")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Tools")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.locator("#registry")).to_be_hidden()
    expect(page.locator("#registry-open")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everything_has_a_name_can_be_read_and_fits(
    chromium: Browser, open_gateway: GatewayProcess, upstream: Upstream, scheme: Literal["light", "dark"], width: int
) -> None:
    upstream.become(ADD_NOTE)
    with watched_page(chromium, open_gateway.url, scheme=scheme, width=width) as watch:
        dialog = open_panel(watch)
        page = watch.page
        name = f"{scheme}-{width}"
        card = add(page, upstream, name)
        assert faults_of(page) == []
        upstream.become(WIDER, ADD_NOTE | {"name": "other"})
        page.get_by_role("button", name=f"Refresh {name}").click()
        expect(card.locator(".badge.is-waiting")).to_be_visible(timeout=START_LIMIT_MS)
        assert faults_of(page) == []
        for shown in ("add_note", "ask"):
            tool(page, shown).locator(".tool-head").click()
            expect(tool(page, shown).locator(".tool-words")).to_be_visible()
        assert faults_of(page) == []
        page.get_by_role("tab", name="Calls").click()
        expect(page.locator(".registry-panel:visible .registry-state")).not_to_be_empty()
        assert faults_of(page) == []
        assert dialog.evaluate("node => node.scrollWidth <= node.clientWidth")
    remove(open_gateway, name)


def test_whoever_may_not_manage_sees_servers_and_is_offered_nothing_else(
    chromium: Browser, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory, upstream: Upstream
) -> None:
    upstream.become(ADD_NOTE)
    guarded = GuardedGateway(
        cache_dir, tmp_path_factory.mktemp("state"), {"SERVERS_FILE": str(servers_file(tmp_path_factory, upstream))}
    )
    with guarded.process.running(), watched_page(chromium, guarded.url) as watch:
        page = watch.page
        page.goto(guarded.link("operator"))
        page.locator("#registry-open").click()

        card = page.locator(".card[data-server=notes]")
        expect(card).to_be_visible()
        expect(card.get_by_role("button", name=re.compile("Test|Disable|Remove"))).to_have_count(0)
        expect(page.get_by_role("button", name="Add a server")).to_have_count(0)
        row = tool(page, "add_note")
        row.locator(".tool-head").click()
        row.get_by_label("title").fill("Milk")
        row.get_by_label("colour").select_option(label="red")
        row.get_by_role("button", name="Call it").click()
        expect(row.locator(".try-outcome .output")).to_have_text("noted")
        page.get_by_role("tab", name="Calls").click()
        expect(page.get_by_role("tabpanel", name="Calls")).to_contain_text("you may not")


def servers_file(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Path:
    path = tmp_path_factory.mktemp("file") / "servers.yaml"
    path.write_text(f"allowed_networks: [127.0.0.0/8]\nservers:\n  notes:\n    url: {upstream.url}\n", encoding="utf-8")
    return path
