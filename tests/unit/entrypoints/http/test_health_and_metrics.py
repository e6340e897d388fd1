"""Health and figures over HTTP."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.unit.entrypoints.http.conftest import Told

from mcp_gateway.core.errors import NoMCPAvailableError
from mcp_gateway.diagnostics.query_figures import QueryRecord
from mcp_gateway.gateway import Gateway

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/health", "/api/health"])
async def test_health_names_every_part(client: httpx.AsyncClient, gateway: Gateway, path: str) -> None:
    await gateway.health.check_all()
    body = (await client.get(path)).json()
    assert body["status"] == "healthy"
    assert body["services"]["fastapi"] == {"healthy": True, "status": "operational", "version": "1.2.3"}
    assert body["services"]["tables"]["status"] == "connected"
    assert body["details"] == {"total_services": 2, "healthy_services": 2, "unhealthy_services": 0}


async def test_it_lives_before_it_is_ready_and_is_ready_once_checked(client: httpx.AsyncClient, gateway: Gateway) -> None:
    assert (await client.get("/api/health/live")).json() == {"status": "alive"}
    early = await client.get("/api/health/ready")
    assert (early.status_code, early.json()["status"]) == (503, "not_ready")
    await gateway.health.check_all()
    ready = await client.get("/api/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


async def test_it_is_not_ready_while_a_needed_part_is_down_and_says_which(
    client: httpx.AsyncClient, gateway: Gateway, told: Told
) -> None:
    told.healthy = False
    await gateway.health.check_all()
    response = await client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["reasons"] == ["tables: disconnected"]


async def test_figures_before_any_question_are_zeros_in_the_contracts_shape(client: httpx.AsyncClient) -> None:
    body = (await client.get("/api/metrics")).json()
    assert body["total_queries"] == 0
    assert body["success_rate"] == 0.0
    assert body["mcp_connection_status"] == {"tables": True}
    assert body["metrics_window_size"] == 100


async def test_figures_tell_of_the_questions(client: httpx.AsyncClient, gateway: Gateway) -> None:
    gateway.figures.record(
        QueryRecord(seconds=0.05, outcome="answered", fetched=1, reused=3, recovery_attempts=2, recovered=True)
    )
    gateway.figures.record(QueryRecord(seconds=0.15, outcome="failed", code=NoMCPAvailableError.code))
    body = (await client.get("/api/metrics")).json()
    assert (body["total_queries"], body["successful_queries"], body["failed_queries"]) == (2, 1, 1)
    assert (body["query_latency_p50"], body["query_latency_p95"]) == (0.05, 0.15)
    assert (body["cache_hit_rate"], body["recovery_success_rate"]) == (0.75, 0.5)


@pytest.mark.parametrize("path", ["/metrics", "/api/metrics/prometheus"])
async def test_prometheus_can_read_its_text(client: httpx.AsyncClient, gateway: Gateway, path: str) -> None:
    gateway.figures.record(QueryRecord(seconds=0.05, outcome="answered", mode="multi_mcp", source="engine"))
    gateway.figures.record(QueryRecord(seconds=300.0, outcome="failed", mode="auto", code="NO_MCP_AVAILABLE"))
    response = await client.get(path)
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
    assert response.headers["content-type"].startswith("text/plain")
    assert samples["mcp_gateway_queries_total", "answered", "engine", "multi_mcp"] == 1
    assert samples["mcp_gateway_query_errors_total", "NO_MCP_AVAILABLE"] == 1
    assert samples["mcp_gateway_query_duration_seconds_bucket", "0.05"] == 1
    assert samples["mcp_gateway_query_duration_seconds_bucket", "60.0"] == 1
    assert samples["mcp_gateway_query_duration_seconds_count",] == 2
    assert samples["mcp_gateway_mcp_connected", "tables"] == 1
