"""The operations tools of a gateway that serves, as somebody on call meets them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.journeys.conftest import open_served

from mcp_gateway.access.policy.own_tools import OWN_TOOLS
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.settings import Settings

pytestmark = pytest.mark.anyio

ROUTER = """
from fastapi import APIRouter, HTTPException

router = APIRouter()


@router.get("/orders/{key}")
async def get_order(key: str):
    try:
        return {"key": key}
    except Exception as error:
        raise HTTPException(500, detail=str(error))
"""


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with open_served(settings) as (application, opened, _listeners):
        await application.gateway.health.check_all()
        yield opened


async def called(client: httpx.AsyncClient, tool: str, **arguments: object) -> JsonObject:
    answer = await client.post(f"/mcp/{tool}", json=arguments)
    assert answer.status_code == 200, answer.text
    return object_at(answer.json())


def blind(found: JsonObject) -> set[str]:
    spots = found["blind_spots"]
    assert isinstance(spots, list)
    return {str(object_at(one)["what"]) for one in spots}


async def test_the_tools_are_part_of_the_one_endpoint_and_a_server_of_their_own(client: httpx.AsyncClient) -> None:
    for path in ("/mcp", "/servers/ops/mcp"):
        listed = await client.post(
            path,
            json={
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/list",
                "params": {
                    "_meta": {
                        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                        "io.modelcontextprotocol/clientCapabilities": {},
                    }
                },
            },
            headers={
                "accept": "application/json, text/event-stream",
                "mcp-protocol-version": "2026-07-28",
                "mcp-method": "tools/list",
            },
        )
        names = {tool["name"] for tool in listed.json()["result"]["tools"]}
        assert set(OWN_TOOLS["ops"]) <= names


async def test_the_gateway_looks_at_itself_and_names_what_it_was_not_told_of(client: httpx.AsyncClient) -> None:
    found = await called(client, "diagnose_gateway_health")

    assert object_at(found, "backend_orchestrator_health")["status"] == "healthy"
    assert object_at(found, "ai_engine_connectivity")["status"] == "not_configured"
    assert {"AI engine", "Redis"} <= blind(found)


async def test_nothing_is_found_where_nothing_is_wrong(client: httpx.AsyncClient) -> None:
    found = await called(client, "troubleshoot_production_issue", issue_type="auto")

    assert found["verdict"] == "healthy"
    assert found["hypotheses"] == []
    assert found["ruled_out"]


async def test_a_tenant_that_is_a_pattern_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/mcp/troubleshoot_production_issue", json={"tenant_id": "x*'; flushall"})

    assert answer.status_code == 422
    assert "INVALID_TENANT_NAME" in answer.text
    assert "flushall" not in answer.text


async def test_a_router_is_made_as_text(client: httpx.AsyncClient) -> None:
    made = await called(client, "generate_enterprise_router", router_name="products", router_type="proxy", operations=["list"])

    compile(str(made["router_code"]), "products.py", "exec")
    compile(str(made["test_code"]), "test_products.py", "exec")
    assert object_at(made, "generated_files") == {"router": "src/backend/routers/products.py", "tests": "tests/test_products.py"}


async def test_a_router_is_judged_by_its_text_and_no_file_of_the_machine_is_read(client: httpx.AsyncClient) -> None:
    judged = await called(client, "validate_enterprise_patterns", code=ROUTER, validation_level="production_ready")
    refused = await client.post("/mcp/validate_enterprise_patterns", json={"router_path": "/etc/passwd"})

    issues = judged["issues_found"]
    assert isinstance(issues, list)
    assert issues
    assert all(object_at(one)["recommendation"] for one in issues)
    assert refused.status_code == 422
    assert "NO_PROJECT" in refused.text


async def test_an_engine_nobody_named_could_not_be_told(client: httpx.AsyncClient) -> None:
    tried = await called(client, "test_ai_engine_integration", test_type="connectivity")

    assert tried["overall_status"] == "could_not_tell"
    assert tried["pass_rate"] == "0/0"


async def test_figures_of_a_window_say_when_they_are_too_few(client: httpx.AsyncClient) -> None:
    found = await called(client, "analyze_performance_metrics", metric_type="latency", time_window_minutes=60)

    assert found["window_complete"] is False
    assert "the whole window" in blind(found)


async def test_a_cache_without_a_store_is_not_guessed_at(client: httpx.AsyncClient) -> None:
    found = await called(client, "analyze_cache_coherence")

    assert "keys and invalidations" in blind(found)


async def test_a_gateway_that_reads_itself_claims_no_time_it_did_not_take(client: httpx.AsyncClient) -> None:
    found = await called(client, "analyze_performance_metrics", metric_type="latency", time_window_minutes=60)

    results = object_at(found, "analysis_results", "latency_summary")
    assert (results["average_latency_ms"], results["min_latency_ms"]) == (None, None)
