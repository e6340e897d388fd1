"""The assembled product as an attacker meets it: what is hidden looks absent, and what is done stands in the trail."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message

from mcp_gateway.access.tokens.embedded import TokenOrder
from mcp_gateway.asgi.application import Application, open_application
from mcp_gateway.asgi.serving import Listeners
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.entrypoints.mcp.hosting import listen_on
from mcp_gateway.settings import Settings

pytestmark = pytest.mark.anyio

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture
async def application(settings: Settings, tmp_path: Path) -> AsyncIterator[Application]:
    own = settings.model_copy(update={"login": "required", "state_dir": tmp_path / "state"})
    listeners = Listeners(host="127.0.0.1", main=listen_on("127.0.0.1", 0), mcp=None)
    try:
        async with open_application(own, clock=SystemClock(), listeners=listeners) as opened:
            yield opened
    finally:
        listeners.close()


async def call(application: Application, role: str, path: str, tool: str, arguments: dict[str, Any]) -> httpx.Response:
    access = application.gateway.access
    assert access is not None
    order = TokenOrder(tenant="local", subject=role, roles=frozenset({role}), lifetime_seconds=3_600)
    token, _ = await access.tokens.issue(LOCAL_CALLER, order)
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments, "_meta": META},
    }
    transport = httpx.ASGITransport(application.mcp)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers, timeout=30) as client:
        return await client.post(path, json=message)


async def test_wrong_arguments_do_not_tell_a_hidden_tool_from_an_unknown_one(application: Application) -> None:
    for path in ("/mcp", "/servers/tables/mcp"):
        for tool in ("ask", "execute_query", "no_such_tool"):
            for arguments in ({}, {"sql": "SELECT 1"}, {"question": "q", "more": 1}):
                refused = await call(application, "viewer", path, tool, arguments)
                assert refused.json()["error"]["message"] == f"Unknown tool: {tool}", (path, arguments)
    told = await call(application, "analyst", "/mcp", "ask", {})
    assert "question: Field required" in told.text


async def test_operations_tools_are_for_operators_and_developers_and_stand_in_the_trail(application: Application) -> None:
    router = {"router_name": "products", "operations": ["list"]}
    for path in ("/mcp", "/servers/ops/mcp"):
        refused = await call(application, "analyst", path, "diagnose_gateway_health", {})
        assert refused.json()["error"]["message"] == "Unknown tool: diagnose_gateway_health"
        refused = await call(application, "operator", path, "generate_enterprise_router", router)
        assert refused.json()["error"]["message"] == "Unknown tool: generate_enterprise_router"
        made = await call(application, "developer", path, "generate_enterprise_router", router)
        assert made.json()["result"]["structuredContent"]["router_name"] == "products"
    refusals = [
        (answer.status_code, answer.json()["code"], answer.json()["detail"])
        for role in ("analyst", "operator")
        for answer in [await call(application, role, "/mcp/generate_enterprise_router", "", router)]
    ]
    assert refusals == [(404, "UNKNOWN_NAME", "There is no tool generate_enterprise_router here.")] * 2
    access = application.gateway.access
    assert access is not None
    rows = [row.body for row in await access.audit.read("local", after=0, limit=100) if '"generate"' in row.body]
    assert len(rows) >= 2


async def test_somebody_elses_tenant_is_not_looked_at(application: Application) -> None:
    refused = await call(application, "operator", "/mcp", "troubleshoot_production_issue", {"tenant_id": "rival"})
    assert refused.json()["result"]["structuredContent"]["error"]["code"] == "TENANT_NOT_YOURS"
    assert "rival" not in refused.text


async def test_a_question_over_mcp_is_found_in_the_trail_by_the_id_of_its_answer(application: Application) -> None:
    answered = await call(application, "analyst", "/mcp", "execute_query", {"sql": "SELECT 1"})
    access = application.gateway.access
    assert access is not None
    rows = [row.body for row in await access.audit.read("local", after=0, limit=100) if '"run_query"' in row.body]
    assert len(rows) == 1
    assert f'"{answered.headers["x-correlation-id"]}"' in rows[0]
    assert '"mcp"' in rows[0]


async def test_a_websocket_is_turned_away_before_it_opens(application: Application) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    for path in ("/", "/mcp", "/servers/tables/mcp"):
        await application.main({"type": "websocket", "path": path, "headers": [], "state": {}}, receive, send)

    assert sent == [{"type": "websocket.close", "code": 1008}] * 3
