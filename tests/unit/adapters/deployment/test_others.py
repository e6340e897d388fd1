"""Key sets and MCP servers, read over real connections."""

import pytest
from aiohttp import web
from tests.loopback_pages import Handler, closed_port, hang, json_page, serving, text_page

from mcp_gateway.adapters.deployment.http import Fetcher
from mcp_gateway.adapters.deployment.key_set import KeySetSource
from mcp_gateway.adapters.deployment.mcp_servers import McpServersSource
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.signals.snapshot import Readings, Snapshot
from mcp_gateway.diagnostics.signals.window import Window

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()
FETCHER = Fetcher(clock=CLOCK)


def window_of(readings: Readings) -> Window:
    return Window(last=Snapshot(at=CLOCK.now(), sources={"x": readings}))


async def keys_of(handler: Handler) -> Window:
    async with serving({"/keys": handler}) as base:
        return window_of(await KeySetSource(url=f"{base}/keys", fetcher=FETCHER).read())


async def test_a_key_set_is_counted_and_its_change_is_seen() -> None:
    old = await keys_of(json_page({"keys": [{"kid": "a"}, {"kid": "b"}]}))
    turned = await keys_of(json_page({"keys": [{"kid": "b"}, {"kid": "a"}]}))
    new = await keys_of(json_page({"keys": [{"kid": "a"}, {"kid": "c"}]}))
    assert (old.value("signing_keys.up"), old.value("signing_keys.count")) == (1, 2)
    assert old.text("signing_keys.digest") == turned.text("signing_keys.digest") != new.text("signing_keys.digest")


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [
        (json_page({"keys": "none"}), "garbage"),
        (text_page("<html>"), "garbage"),
        (json_page({}, status=503), "http_error"),
    ],
)
async def test_what_is_no_key_set_is_told(handler: Handler, outcome: str) -> None:
    window = await keys_of(handler)
    assert (window.value("signing_keys.up"), window.text("signing_keys.probe_outcome")) == (0, outcome)
    assert len(window.blind_spots) == 1


def server(*fields: str, stream: bool = False, session: bool = False) -> Handler:
    """An MCP server with one tool."""

    async def answer(request: web.Request) -> web.StreamResponse:
        message = await request.json()
        if session and message["method"] != "initialize" and request.headers.get("Mcp-Session-Id") != "s1":
            return web.json_response({"error": "no session"}, status=400)
        tools: Json = [{"name": "track", "inputSchema": {"type": "object", "properties": {name: {} for name in fields}}}]
        body: Json = {"jsonrpc": "2.0", "id": message["id"], "result": {"tools": tools}}
        headers = {"Mcp-Session-Id": "s1"} if session else {}
        if stream:
            text = f"event: message\ndata: {web.json_response(body).text}\n\n"
            return web.Response(text=text, content_type="text/event-stream", headers=headers)
        return web.json_response(body, headers=headers)

    return answer


async def servers_of(**handlers: Handler) -> Window:
    async with serving({f"/{name}": handler for name, handler in handlers.items()}) as base:
        source = McpServersSource(servers={name: f"{base}/{name}" for name in handlers}, fetcher=FETCHER, seconds=1.0)
        return window_of(await source.read())


async def test_servers_are_asked_for_their_tools_as_json_as_a_stream_and_in_a_session() -> None:
    window = await servers_of(plain=server("order"), stream=server("order", stream=True), session=server("order", session=True))
    assert [window.value("mcp.up", server=name) for name in ("plain", "stream", "session")] == [1, 1, 1]
    assert window.text("mcp.tools_digest", server="plain") == window.text("mcp.tools_digest", server="stream")
    assert window.value("mcp.tools", server="session") == 1


async def test_a_changed_schema_is_seen_and_one_that_hangs_keeps_nobody_waiting() -> None:
    window = await servers_of(
        old=server("order"), new=server("order_id"), stuck=hang, strange=json_page({"result": {"tools": 7}})
    )
    assert window.text("mcp.tools_digest", server="old") != window.text("mcp.tools_digest", server="new")
    assert window.text("mcp.probe_outcome", server="stuck") == "timeout"
    assert window.text("mcp.probe_outcome", server="strange") == "garbage"
    assert {spot.what for spot in window.blind_spots} == {"tools of the MCP server stuck", "tools of the MCP server strange"}


async def test_a_server_that_is_gone_is_refused() -> None:
    source = McpServersSource(servers={"gone": f"http://127.0.0.1:{closed_port()}/mcp"}, fetcher=FETCHER)
    assert window_of(await source.read()).text("mcp.probe_outcome", server="gone") == "refused"
