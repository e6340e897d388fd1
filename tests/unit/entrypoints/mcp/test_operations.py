"""The operations tools as an MCP server offers them: lines to read first, the JSON as it was, a view for those who draw."""

from collections.abc import Mapping

import pytest
from tests.operations_results import RESULTS

from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.diagnostics.operations import Operations, UseCase
from mcp_gateway.entrypoints.mcp.offer import Call
from mcp_gateway.entrypoints.mcp.operations import build_operations_server
from mcp_gateway.entrypoints.mcp.operations_tools import VIEW_URI
from mcp_gateway.entrypoints.mcp.server import McpFace

pytestmark = pytest.mark.anyio

NEEDED: Mapping[str, Mapping[str, Json]] = {"generate_enterprise_router": {"router_name": "products"}}


async def unheard(done: float, total: float | None, words: str) -> None:
    """Nobody waits for progress."""


def finding(found: Mapping[str, Json]) -> UseCase[object]:
    async def find(_: Caller, __: object) -> Mapping[str, Json]:
        return found

    return find


@pytest.fixture
def face() -> McpFace:
    return build_operations_server(Operations(**{tool: finding(found) for tool, found in RESULTS.items()}))


@pytest.mark.parametrize("tool", RESULTS)
async def test_a_result_is_lines_to_read_and_the_same_json(face: McpFace, tool: str) -> None:
    given = await face.tool(tool).invoke(NEEDED.get(tool, {}), Call(caller=LOCAL_CALLER, report=unheard))

    assert given.structured == RESULTS[tool]
    assert not given.as_text().startswith("{")
    assert given.as_text().count("\n") > 2


async def test_every_tool_names_the_view_that_is_there(face: McpFace) -> None:
    views = {face.tool(tool).tool.meta["ui"]["resourceUri"] for tool in RESULTS}  # type: ignore[index]  # it has one

    assert views == {VIEW_URI}
