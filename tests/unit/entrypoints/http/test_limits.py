"""What callers are told of their own limits, and what they are not."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from tests.unit.entrypoints.http.conftest import NOW, open_client
from tests.unit.entrypoints.http.guarded import open_guarded

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.entrypoints.http.guards import FOR_EVERYBODY, LIMITED
from mcp_gateway.gateway import Gateway
from mcp_gateway.kit.errors import StoreUnavailable
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.memory import MemoryLimitStore
from mcp_gateway.kit.limits.plans import Outcome, Plan
from mcp_gateway.kit.limits.rules import ConcurrencyRule, Rule, RuleSet

pytestmark = pytest.mark.anyio

RULES = RuleSet(
    rules=(
        Rule(name="questions", limit=5, window_seconds=60, operations=("ask", "sql"), each_operation=False),
        Rule(name="mine", limit=3, window_seconds=10, operations=("ask",), scope="caller"),
        Rule(name="everybody", limit=1_000, window_seconds=60, scope="global"),
        Rule(name="tried", limit=1, window_seconds=60, operations=("ask",), shadow=True),
    ),
    concurrency=(
        ConcurrencyRule(name="places", limit=2, operations=("ask",)),
        ConcurrencyRule(name="all-places", limit=9, operations=("ask",), scope="global"),
    ),
    weights={"sql": 2},
    reads=("*",),
)


class AwayStore(MemoryLimitStore):
    """A store that takes but cannot be looked into."""

    def look(self, plan: Plan) -> Outcome:
        raise StoreUnavailable


@pytest.fixture
def limited(gateway: Gateway) -> Gateway:
    return replace(gateway, limiter=EnterpriseRateLimiter(RULES, clock=FixedClock(NOW)))


@pytest.fixture
async def client(limited: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(limited) as opened:
        yield opened


async def test_a_caller_sees_what_is_used_what_remains_and_when_it_is_back(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert (await client.post("/api/chat", json={"query": "how many?"})).status_code == 200
    told = (await client.get("/api/limits")).json()
    operations = {one["operation"]: one for one in told["operations"]}
    ask = {one["name"]: one for one in operations["ask"]["limits"]}
    assert (ask["questions"]["limit"], ask["questions"]["used"], ask["questions"]["remaining"]) == (5, 2, 3)
    assert (ask["mine"]["scope"], ask["mine"]["window_seconds"], ask["mine"]["remaining"]) == ("caller", 10, 1)
    assert 0 < ask["mine"]["reset_seconds"] <= 11
    assert operations["sql"]["cost"] == 2
    assert operations["sql"]["limits"][0] == ask["questions"]
    assert operations["ask"]["at_once"] == [{"name": "places", "scope": "tenant", "limit": 2, "held": 0}]


async def test_what_everybody_shares_and_what_is_only_tried_out_is_not_told(client: httpx.AsyncClient) -> None:
    text = (await client.get("/api/limits")).text
    assert '"questions"' in text
    for hidden in ("everybody", "tried", "all-places"):
        assert hidden not in text


async def test_looking_uses_up_nothing_of_what_is_looked_at(client: httpx.AsyncClient) -> None:
    first, second = [(await client.get("/api/limits")).json()["operations"][0] for _ in range(2)]
    assert first == second
    assert first["limits"][0]["used"] == 0


async def test_looking_is_held_to_a_limit_like_everything_else(gateway: Gateway) -> None:
    rule = Rule(name="reads", limit=2, window_seconds=60, operations=("api.*",))
    limited = replace(gateway, limiter=EnterpriseRateLimiter([rule], clock=FixedClock(NOW)))
    async with open_client(limited) as client:
        replies = [await client.get("/api/limits") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[2].json()["violated-policies"] == ["reads"]


async def test_figures_are_not_guessed_while_the_store_is_away(gateway: Gateway) -> None:
    clock = FixedClock(NOW)
    limiter = EnterpriseRateLimiter(RULES, store=AwayStore(clock=clock), clock=clock)
    async with open_client(replace(gateway, limiter=limiter)) as client:
        reply = await client.get("/api/limits")
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "SHARED_STORE_UNAVAILABLE")


async def test_without_limits_there_is_nothing_to_tell(gateway: Gateway) -> None:
    async with open_client(gateway) as client:
        told = (await client.get("/api/limits")).json()
    assert told["operations"] == []


async def test_every_guarded_operation_is_told_of_and_described(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    guarded = {
        operation["x-operation"]
        for path in described["paths"].values()
        for operation in path.values()
        if "x-operation" in operation
    }
    assert guarded - FOR_EVERYBODY <= set(LIMITED)
    assert described["paths"]["/api/limits"]["get"]["x-operation"] == "api.limits"
    shape = described["paths"]["/api/limits"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert shape["$ref"].endswith("/LimitsShape")


async def test_only_who_may_see_limits_and_only_their_own() -> None:
    async with open_guarded() as guarded:
        narrowed = {"Authorization": f"Bearer {guarded.token('viewer', scope='gateway.ask')}"}
        viewer = {"Authorization": f"Bearer {guarded.token('viewer', tenant='globex', subject='eve')}"}
        stranger = await guarded.client.get("/api/limits")
        refused = await guarded.client.get("/api/limits", headers=narrowed)
        told = await guarded.client.get("/api/limits?tenant=acme&subject=ada", headers=viewer)
    assert (stranger.status_code, refused.status_code) == (401, 403)
    assert refused.json()["error"]["code"] == "INSUFFICIENT_SCOPE"
    assert (told.json()["tenant"], told.json()["subject"]) == ("globex", "eve")
