"""What every connection to an MCP server must do, over each transport and both protocol eras."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp.types import CallToolResult
from tests.live_servers import Scripted, http_app, served, sse_app
from tests.warm.process import borrowed

from mcp_gateway.adapters.upstream import McpServer, embedded_server, remote_server
from mcp_gateway.ask.configuration import MCPServerConfig
from mcp_gateway.ask.errors import UpstreamToolError
from mcp_gateway.core.errors import MCPConnectionError, ResourceFetchError, TimedOut

pytestmark = pytest.mark.anyio

GREETING = "demo://greeting"
# The machine may be busy; what is tested is never how fast it is.
PATIENT = {"connect_timeout_seconds": 60.0, "timeout_seconds": 60.0, "tool_timeout_seconds": 60.0}
KINDS = ("http", "http-legacy", "sse", "stdio", "memory", "memory-legacy")


@asynccontextmanager
async def connected(kind: str, **settings: object) -> AsyncIterator[McpServer]:
    scripted = Scripted({"demo://large": "x" * 200_000})

    async def change(arguments: dict[str, str]) -> CallToolResult:
        await scripted.change(arguments["uri"], arguments["text"])
        return CallToolResult(content=[], structured_content={})

    scripted.tools["change"] = change
    config = {"key": "demo", "name": "Demo", "priority": 1, **PATIENT, **settings}
    if kind.endswith("legacy"):
        config["protocol"] = "legacy"
    if kind.startswith("memory"):
        async with closed_in_the_end(embedded_server(MCPServerConfig(**config), scripted.server)) as server:  # type: ignore[arg-type]  # a test's own words
            yield server
    elif kind == "stdio":
        command, *arguments = borrowed("tests.live_servers")
        config |= {"transport": "stdio", "command": command, "args": tuple(arguments)}
        async with closed_in_the_end(remote_server(MCPServerConfig(**config))) as server:  # type: ignore[arg-type]  # as above
            yield server
    else:
        app, path = (sse_app(scripted), "/sse") if kind == "sse" else (http_app(scripted), "/mcp")
        async with served(app, lifespan=kind != "sse") as base:
            config |= {"url": base + path, "transport": "sse" if kind == "sse" else "streamable_http"}
            async with closed_in_the_end(remote_server(MCPServerConfig(**config))) as server:  # type: ignore[arg-type]  # as above
                yield server


@asynccontextmanager
async def closed_in_the_end(server: McpServer) -> AsyncIterator[McpServer]:
    try:
        await server.connect()
        yield server
    finally:
        await server.close()


@pytest.fixture(params=KINDS)
async def server(request: pytest.FixtureRequest) -> AsyncIterator[McpServer]:
    async with connected(request.param) as one:
        yield one


async def test_lists_its_resources_and_tools(server: McpServer) -> None:
    listing = await server.list_resources()
    assert GREETING in {resource.uri for resource in listing.resources}
    assert "echo" in await server.list_tools()


async def test_reads_a_resource(server: McpServer) -> None:
    assert (await server.read_resource(GREETING)).text == "hello"


async def test_says_which_server_has_not_the_resource(server: McpServer) -> None:
    with pytest.raises(ResourceFetchError) as caught:
        await server.read_resource("demo://nowhere")
    assert caught.value.data["server"] == "demo"
    assert caught.value.data["uri"] == "demo://nowhere"


async def test_gives_a_tools_structured_result(server: McpServer) -> None:
    assert await server.call_tool("echo", {"a": [1, None, "ü"]}) == {"echo": {"a": [1, None, "ü"]}}


async def test_gives_a_tools_plain_words_as_text(server: McpServer) -> None:
    assert await server.call_tool("plain", {}) == {"text": "just words"}


async def test_a_tools_error_keeps_code_message_hint_and_data(server: McpServer) -> None:
    with pytest.raises(UpstreamToolError) as caught:
        await server.call_tool("fail", {})
    error = caught.value
    assert (error.message, error.hint, error.server, error.tool) == ("no such column: x", "Look again.", "demo", "fail")
    assert error.reported_code == "QUERY_FAILED"
    assert error.reported == {"kind": "unknown_column"}


async def test_an_unknown_tool_is_the_tools_error(server: McpServer) -> None:
    with pytest.raises(UpstreamToolError, match="no tool nothing"):
        await server.call_tool("nothing", {})


async def test_calls_at_the_same_time_get_each_its_own_answer(server: McpServer) -> None:
    answers = await asyncio.gather(*(server.call_tool("echo", {"n": n}) for n in range(20)))
    assert answers == [{"echo": {"n": n}} for n in range(20)]


async def test_a_cancelled_call_leaves_the_connection_usable(server: McpServer) -> None:
    call = asyncio.create_task(server.call_tool("hang", {}))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait({call})
    assert (await server.read_resource(GREETING)).text == "hello"


async def test_closing_twice_is_closing_once_and_nothing_works_after_it(server: McpServer) -> None:
    await server.close()
    await server.close()
    assert not server.connected
    with pytest.raises(MCPConnectionError):
        await server.read_resource(GREETING)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_hanging_tool_is_given_up_in_time(kind: str) -> None:
    async with connected(kind, tool_timeout_seconds=0.2) as server:
        with pytest.raises(TimedOut) as caught:
            await server.call_tool("hang", {})
        assert caught.value.data["server"] == "demo"
        assert (await server.read_resource(GREETING)).text == "hello"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_resource_over_the_limit_is_refused_and_the_next_one_is_read(kind: str) -> None:
    async with connected(kind, max_response_bytes=100_000) as server:
        with pytest.raises(ResourceFetchError, match="larger than max_response_bytes"):
            await server.read_resource("demo://large")
        assert (await server.read_resource(GREETING)).text == "hello"


@pytest.mark.parametrize("kind", ["http", "sse", "stdio", "memory", "memory-legacy"])
async def test_tells_of_a_changed_resource(kind: str) -> None:
    async with connected(kind) as server:
        changed: asyncio.Queue[str] = asyncio.Queue()
        assert await server.watch_resources([GREETING], changed.put_nowait, lambda: changed.put_nowait("end"))
        await server.call_tool("change", {"uri": GREETING, "text": "bye"})
        async with asyncio.timeout(60):
            assert await changed.get() == GREETING
        assert (await server.read_resource(GREETING)).text == "bye"


async def test_over_http_before_2026_no_watch_is_promised() -> None:
    async with connected("http-legacy") as server:
        assert not await server.watch_resources([GREETING], lambda _: None, lambda: None)


@pytest.mark.parametrize(
    ("kind", "protocol"),
    [("http", "2026-07-28"), ("http-legacy", "2025-11-25"), ("memory", "2026-07-28"), ("memory-legacy", "2025-11-25")],
)
async def test_says_which_revision_it_speaks(kind: str, protocol: str) -> None:
    async with connected(kind) as server:
        assert server.protocol == protocol
