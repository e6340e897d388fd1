"""Clients of both eras hear what servers of both eras announce, through a gateway that is a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from mcp import Client
from mcp.client.session import IncomingMessage
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp.shared.subscriptions import PromptsListChanged, ResourceUpdated, ServerEvent, ToolsListChanged
from tests.programs import Program, folder_for, gateway, module

pytestmark = pytest.mark.anyio
WATCHED = "test://watched-resource"
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module", params=["modern", "legacy"])
def upstream(request: pytest.FixtureRequest) -> Iterator[Program]:
    with module("tests.upstreams.conformance_fixture", "--era", request.param) as program:
        yield program


@pytest.fixture(scope="module")
def endpoint(upstream: Program) -> Iterator[str]:
    with folder_for("subscriptions") as folder, gateway(folder, {"fixture": f"{upstream.url}/mcp"}) as program:
        yield f"{program.url}/mcp"


class Heard:
    """The methods of notifications, as they come."""

    def __init__(self) -> None:
        self.methods: list[str] = []
        self._more = asyncio.Event()

    async def __call__(self, message: IncomingMessage) -> None:
        self.methods.append(str(getattr(message, "method", message)))
        self._more.set()

    async def until(self, method: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while method not in self.methods:
                self._more.clear()
                await self._more.wait()


def client_of(endpoint: str) -> Client:
    return Client(endpoint, mode="2026-07-28")


async def test_a_client_of_today_hears_of_lists_and_resources(endpoint: str) -> None:
    async with (
        client_of(endpoint) as client,
        client_of(endpoint) as other,
        client.listen(tools_list_changed=True, resource_subscriptions=[WATCHED, "nobodys://thing"]) as subscription,
    ):
        assert subscription.honored.tools_list_changed is True
        assert subscription.honored.resource_subscriptions == [WATCHED]
        for tool, arguments, event in (
            ("test_trigger_tool_change", {}, ToolsListChanged()),
            ("probe_touch_resource", {"uri": WATCHED}, ResourceUpdated(uri=WATCHED)),
        ):
            await other.call_tool(tool, arguments)
            assert await _next(subscription, of=type(event)) == event


async def test_a_client_of_today_hears_only_what_it_asked_for(endpoint: str) -> None:
    async with client_of(endpoint) as client, client.listen(prompts_list_changed=True) as subscription:
        await client.call_tool("test_trigger_tool_change")
        await client.call_tool("probe_touch_resource", {"uri": WATCHED})
        await client.call_tool("test_trigger_prompt_change")
        assert await _next(subscription) == PromptsListChanged()


async def test_an_older_client_hears_of_lists_and_resources(endpoint: str) -> None:
    heard = Heard()
    async with Client(endpoint, mode="legacy", message_handler=heard) as client:
        with pytest.warns(MCPDeprecationWarning):
            await client.subscribe_resource(WATCHED)
        async with asyncio.timeout(PATIENCE_SECONDS):
            # Its standing stream is opened by the side; what is announced before is for nobody.
            while "notifications/tools/list_changed" not in heard.methods:
                await client.call_tool("test_trigger_tool_change")
                await asyncio.sleep(0.05)
        await client.call_tool("probe_touch_resource", {"uri": WATCHED})
        await heard.until("notifications/resources/updated")


async def test_a_gateway_that_stops_ends_each_stream_on_purpose(upstream: Program) -> None:
    with folder_for("stopping") as folder, gateway(folder, {"fixture": f"{upstream.url}/mcp"}) as program:
        async with (
            client_of(f"{program.url}/mcp") as client,
            client.listen(tools_list_changed=True) as one,
            client.listen(prompts_list_changed=True) as other,
        ):
            stopping = asyncio.get_running_loop().run_in_executor(None, program.stop)
            async with asyncio.timeout(PATIENCE_SECONDS):
                # A stream that broke off would raise `SubscriptionLost`.
                assert [event for subscription in (one, other) async for event in subscription] == []
            await stopping


async def _next(subscription: AsyncIterator[ServerEvent], of: type[ServerEvent] | None = None) -> ServerEvent:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in subscription:
            if of is None or isinstance(event, of):
                return event
    raise AssertionError("the stream ended")
