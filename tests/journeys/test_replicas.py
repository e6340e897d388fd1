"""Several replicas behind one Valkey: one limit, one state; and each by itself when the store is gone."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from pydantic import SecretStr
from tests.journeys.conftest import open_served
from tests.journeys.test_serving import served
from tests.valkey_process import ValkeyProcess

from mcp_gateway.settings import Settings

pytestmark = pytest.mark.anyio

QUESTION = {"query": "SELECT COUNT(*) AS n FROM products"}


@pytest.fixture
def own_valkey() -> Iterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


@asynccontextmanager
async def replicas(settings: Settings, url: str, **changes: object) -> AsyncIterator[list[httpx.AsyncClient]]:
    changed = settings.model_copy(update={"redis_url": SecretStr(url), "replicas": 2, **changes})
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(open_served(changed)) for _ in range(2)]
        yield [client for _, client, _ in opened]


async def test_replicas_grant_a_limit_together(settings: Settings, valkey: ValkeyProcess) -> None:
    async with replicas(settings, valkey.url, limit_questions_per_minute=5, redis_timeout_seconds=5.0) as clients:
        answers = [await clients[number % 2].post("/api/sql", json={"sql": QUESTION["query"]}) for number in range(8)]
        health = (await clients[0].get("/api/health")).json()
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    refused = answers[-1]
    assert refused.json()["error"]["code"] == "RATE_LIMITED"
    assert refused.json()["violated-policies"] == ["questions"]
    assert int(refused.headers["retry-after"]) >= 1
    assert health["services"]["store"]["status"] == "answering"
    assert health["services"]["store"]["address"].endswith(f":{valkey.port}/0")


async def test_a_refused_answer_is_a_problem_for_who_asks_for_one(settings: Settings) -> None:
    settings = settings.model_copy(update={"limit_questions_per_minute": 1})
    async with open_served(settings) as (_, client, _listeners):
        await client.post("/api/chat", json=QUESTION)
        plain = await client.post("/api/chat", json=QUESTION)
        problem = await client.post("/api/chat", json=QUESTION, headers={"accept": "application/problem+json"})
    assert plain.headers["content-type"] == "application/json"
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert problem.json()["success"] is False


async def test_each_replica_goes_on_by_itself_when_the_store_is_gone(settings: Settings, own_valkey: ValkeyProcess) -> None:
    async with replicas(settings, own_valkey.url) as clients:
        own_valkey.kill()
        answers = [await client.post("/api/chat", json=QUESTION) for client in clients]
        looks = [await client.get("/api/schema") for client in clients]
    assert [answer.status_code for answer in (*answers, *looks)] == [200] * 4
    assert all("mcp-gateway-away=local" in answer.headers["ratelimit-policy"] for answer in answers)


async def test_a_store_that_was_never_there_keeps_nothing_from_opening(settings: Settings) -> None:
    async with replicas(settings, "redis://127.0.0.1:1") as clients:
        answer = await clients[0].post("/api/chat", json=QUESTION)
        metrics = (await clients[0].get("/metrics")).text
    assert answer.status_code == 200
    assert 'mcp_gateway_request_seconds_count{operation="ask",status="200"} 1.0' in metrics


async def test_mcp_callers_are_held_to_the_same_limit(settings: Settings) -> None:
    async with served(settings, limit_questions_per_minute=1, limit_reads_per_minute=2) as (_, listeners, client):
        assert (await client.post("/api/chat", json=QUESTION)).status_code == 200
        async with Client(f"{listeners.url}/mcp") as session:
            refused = await session.call_tool("ask", {"question": "how many products are there?"})
        async with Client(f"{listeners.url}/servers/tables/mcp") as session:
            results = [await session.call_tool("list_tables", {}) for _ in range(4)]
            for uri in ("tables://schema", "tables://keys"):
                await session.read_resource(uri)
            with pytest.raises(MCPError, match="limit"):
                await session.read_resource("tables://samples")
    assert refused.is_error
    assert refused.structured_content["error"]["code"] == "RATE_LIMITED"
    assert [result.is_error for result in results] == [False, False, True, True]


async def test_the_description_shows_the_limits_of_the_products_routes(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert paths["/api/chat"]["post"]["x-rate-limits"][0]["name"] == "questions"
    assert {"429", "503"} <= paths["/api/schema"]["get"]["responses"].keys()
    assert paths["/api/health/live"]["get"]["x-rate-limits"] == []
