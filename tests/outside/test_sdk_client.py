"""The SDK's own client in both eras: what it lists, calls, reads, answers and hears is what the server behind has to say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import mcp_types as types
import pytest
from mcp import Client

pytestmark = pytest.mark.anyio
MODES = ("2026-07-28", "legacy", "auto")


async def answer(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"name": "Ada", "username": "ada", "email": "ada@example.com"})


async def sample(context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    return types.CreateMessageResult(role="assistant", content=types.TextContent(text="Paris"), model="none")


async def list_roots(context: Any) -> types.ListRootsResult:
    return types.ListRootsResult(roots=[types.Root(uri="file:///home/ada", name="home")])  # type: ignore[arg-type]  # read as a URI


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def connected(endpoint: str, mode: str) -> AsyncIterator[Client]:
    async with Client(
        endpoint, mode=mode, elicitation_callback=answer, sampling_callback=sample, list_roots_callback=list_roots
    ) as client:
        yield client


async def test_it_lists_calls_and_reads(endpoint: str, mode: str) -> None:
    async with connected(endpoint, mode) as client:
        assert {"probe_echo", "ask"} <= {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool("probe_echo", {"value": {"deep": [1, None, "é"]}})
        assert result.structured_content == {"value": {"deep": [1, None, "é"]}}
        read = await client.read_resource("test://static-text")
        assert "static text resource" in str(read.contents[0])
        prompt = await client.get_prompt("test_prompt_with_arguments", {"arg1": "a", "arg2": "b"})
        assert "arg1='a'" in str(prompt.messages[0].content)


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("test_input_required_result_elicitation", "Hello, Ada!"),
        ("test_input_required_result_sampling", "Paris"),
        ("test_input_required_result_list_roots", "file:///home/ada"),
        ("test_input_required_result_multiple_inputs", "all three answers arrived"),
        ("test_elicitation", "ada@example.com"),
        ("test_sampling", "Paris"),
    ],
)
async def test_a_server_asks_its_user_its_model_and_its_folders(endpoint: str, mode: str, tool: str, words: str) -> None:
    async with connected(endpoint, mode) as client:
        result = await client.call_tool(
            tool, {"prompt": "?"} if tool == "test_sampling" else {"message": "?"} if tool == "test_elicitation" else {}
        )
        assert words in str(result.content[0])


async def test_it_hears_how_far_a_call_is(endpoint: str, mode: str) -> None:
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    async with connected(endpoint, mode) as client:
        await client.call_tool("test_tool_with_progress", {}, progress_callback=hear)
    assert heard == [0, 50, 100]
