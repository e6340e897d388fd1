"""What every server of ours does, whatever it offers: errors in one shape, bounds, and honest lists."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import PaginatedRequestParams
from pydantic import Field
from typing_extensions import TypedDict

from mcp_gateway.core.errors import Unavailable
from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.mcp import server as server_module
from mcp_gateway.entrypoints.mcp.changes import ChangeFeed
from mcp_gateway.entrypoints.mcp.offer import Arguments, Call, OfferedResource, ResourceText, ToolOutput, offer_tool
from mcp_gateway.entrypoints.mcp.server import Identity, McpFace

pytestmark = pytest.mark.anyio

ERAS = ("legacy", "auto")


class Wait(Arguments):
    times: int = Field(1, ge=1, description="How often to wait.")


class Waited(TypedDict):
    times: int


class Site:
    """A server with one tool that waits for the test, and two resources."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.waiting = asyncio.Semaphore(0)
        wait = offer_tool(name="wait", title="Wait", description="Waits.", arguments=Wait, returns=Waited, run=self._wait)
        self.face = McpFace(
            identity=Identity(name="site", title="Site", description="A site.", instructions="Wait."),
            tools=[wait],
            resources=[self._resource("site://good", self._read), self._resource("site://gone", self._fail)],
            changes=ChangeFeed(),
            list_ttl_ms=1_234,
        )

    def _resource(self, uri: str, read: object) -> OfferedResource:
        return OfferedResource(uri=uri, name=uri, title=uri, description=uri, read=read)  # type: ignore[arg-type]  # both fit

    async def _wait(self, given: Wait, _: Call) -> ToolOutput:
        self.waiting.release()
        await self.gate.wait()
        return ToolOutput(structured=Waited(times=given.times))

    async def _read(self, _: Caller) -> ResourceText:
        return ResourceText(text="{}", ttl_ms=77)

    async def _fail(self, _: Caller) -> ResourceText:
        raise Unavailable("the shelf is empty")


@asynccontextmanager
async def connected(site: Site, era: str) -> AsyncIterator[Client]:
    async with Client(site.face.server, mode=era, cache=None) as client:
        yield client


@pytest.mark.parametrize("era", ERAS)
async def test_an_unknown_tool_is_a_protocol_error(era: str) -> None:
    async with connected(Site(), era) as client:
        with pytest.raises(MCPError, match="Unknown tool: nothing") as caught:
            await client.call_tool("nothing", {})
    assert caught.value.error.code == -32602


@pytest.mark.parametrize(("era", "code"), [("legacy", -32002), ("auto", -32602)])
async def test_an_unknown_resource_has_the_code_of_its_era_and_names_the_uri(era: str, code: int) -> None:
    async with connected(Site(), era) as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource("site://nothing")
    assert (caught.value.error.code, caught.value.error.data) == (code, {"uri": "site://nothing"})


@pytest.mark.parametrize("era", ERAS)
async def test_a_resource_that_cannot_be_read_says_why(era: str) -> None:
    async with connected(Site(), era) as client:
        with pytest.raises(MCPError, match="the shelf is empty") as caught:
            await client.read_resource("site://gone")
    assert caught.value.error.code == -32603
    assert caught.value.error.data["error"]["code"] == "UNAVAILABLE"


async def test_lists_and_contents_carry_the_time_they_are_vouched_for() -> None:
    async with connected(Site(), "auto") as client:
        listed, read, tools = await client.list_resources(), await client.read_resource("site://good"), await client.list_tools()
    assert (listed.ttl_ms, read.ttl_ms, tools.ttl_ms) == (1_234, 77, server_module.FIXED_TTL_MS)
    assert (listed.cache_scope, read.cache_scope) == ("public", "private")


@pytest.mark.parametrize("era", ERAS)
async def test_a_cursor_that_was_never_handed_out_is_refused(era: str) -> None:
    async with connected(Site(), era) as client:
        with pytest.raises(MCPError, match="Invalid cursor"):
            await client.session.list_tools(params=PaginatedRequestParams(cursor="2"))


async def test_the_server_introduces_itself_the_same_in_both_eras() -> None:
    said = set()
    for era in ERAS:
        async with connected(Site(), era) as client:
            assert client.server_info is not None
            said.add((client.server_info.name, client.server_info.title, client.instructions))
    assert said == {("site", "Site", "Wait.")}


async def test_calls_beyond_the_bound_wait_and_those_beyond_the_queue_are_told_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_module, "MAX_CALLS_AT_ONCE", 2)
    monkeypatch.setattr(server_module, "MAX_CALLS_WAITING", 1)
    site = Site()
    async with connected(site, "auto") as client, asyncio.timeout(10):
        await client.list_tools()
        calls = [asyncio.create_task(client.call_tool("wait", {"times": number})) for number in (1, 2, 3)]
        await site.waiting.acquire()
        await site.waiting.acquire()
        refused = await client.call_tool("wait", {})
        assert site.waiting.locked()
        site.gate.set()
        results = await asyncio.gather(*calls)
    assert refused.structured_content["error"]["code"] == "SERVER_BUSY"
    assert [result.structured_content for result in results] == [{"times": 1}, {"times": 2}, {"times": 3}]


async def test_a_cancelled_call_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_CALLS_AT_ONCE", 1)
    monkeypatch.setattr(server_module, "MAX_CALLS_WAITING", 0)
    site = Site()
    async with connected(site, "auto") as client, asyncio.timeout(10):
        await client.list_tools()
        call = asyncio.create_task(client.call_tool("wait", {}))
        await site.waiting.acquire()
        call.cancel()
        await asyncio.wait({call})
        site.gate.set()
        again = await client.call_tool("wait", {})
    assert not again.is_error
