"""What a client reads: the draft's fields, the older ones, and what is never told."""

from datetime import UTC, datetime

import pytest

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit import EnterpriseRateLimiter, LimitHeaders, Rule
from mcp_gateway.kit.errors import StoreUnavailable
from mcp_gateway.kit.limits.memory import MemoryLimitStore
from mcp_gateway.kit.limits.plans import Outcome, Plan

pytestmark = pytest.mark.anyio

ANN = Caller(tenant="acme", subject="ann")


class AwayStore(MemoryLimitStore):
    def take(self, plan: Plan, cost: int) -> Outcome:
        raise StoreUnavailable


def limiter(*rules: Rule, away: bool = False) -> EnterpriseRateLimiter:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    return EnterpriseRateLimiter(rules, clock=clock, store=(AwayStore if away else MemoryLimitStore)(clock=clock))


CALLER = Rule(name="per-caller", limit=2, window_seconds=10, scope="caller", algorithm="exact")
TENANT = Rule(name="tenant", limit=100, window_seconds=60, algorithm="exact")
EVERYBODY = Rule(name="everybody", limit=1_000, window_seconds=1, scope="global")
TRIED = Rule(name="tried", limit=1, window_seconds=60, shadow=True)


async def test_the_policies_and_the_one_closest_to_its_end() -> None:
    decision = await limiter(CALLER, TENANT, EVERYBODY, TRIED).decide(ANN, "ask")
    assert LimitHeaders().render(decision) == [
        (b"ratelimit-policy", b'"per-caller";q=2;w=10, "tenant";q=100;w=60'),
        (b"ratelimit", b'"per-caller";r=1;t=11'),
    ]


async def test_a_refusal_tells_when_to_come_back() -> None:
    face = limiter(CALLER, TENANT)
    for _ in range(2):
        await face.decide(ANN, "ask")
    for _ in range(2):  # from the store and from the memory of the refusal
        fields = dict(LimitHeaders().render(await face.decide(ANN, "ask")))
        assert fields[b"ratelimit"] == b'"per-caller";r=0;t=11'
        assert fields[b"retry-after"] == b"11"


async def test_what_everybody_shares_is_told_only_when_its_rule_says_so() -> None:
    shown = Rule(name="everybody", limit=1_000, window_seconds=0.5, scope="global", visible=True)
    assert LimitHeaders().render(await limiter(EVERYBODY).decide(ANN, "ask")) == []
    assert dict(LimitHeaders().render(await limiter(shown).decide(ANN, "ask")))[b"ratelimit-policy"] == b'"everybody";q=1000;w=1'


async def test_a_refusal_by_a_hidden_rule_tells_the_wait_alone() -> None:
    face = limiter(Rule(name="everybody", limit=1, window_seconds=5, scope="global", algorithm="exact"))
    await face.decide(ANN, "ask")
    assert LimitHeaders().render(await face.decide(ANN, "ask")) == [(b"retry-after", b"6")]


async def test_the_older_fields_are_there_when_wanted_and_the_draft_can_be_switched_off() -> None:
    decision = await limiter(TENANT).decide(ANN, "ask")
    assert LimitHeaders(draft=False, legacy=True).render(decision) == [
        (b"x-ratelimit-limit", b"100"),
        (b"x-ratelimit-remaining", b"99"),
        (b"x-ratelimit-reset", b"61"),
    ]
    assert LimitHeaders(draft=False).render(decision) == []


async def test_the_policy_that_stood_in_for_the_store_is_told() -> None:
    face = limiter(CALLER, TENANT, away=True)
    read = dict(LimitHeaders().render(await face.decide(ANN, "ask", kind="read")))
    assert (
        read[b"ratelimit-policy"] == b'"per-caller";q=2;w=10;mcp-gateway-away=local, "tenant";q=100;w=60;mcp-gateway-away=local'
    )
    assert read[b"ratelimit"] == b'"per-caller";r=1;t=11;mcp-gateway-away=local'
    write = dict(LimitHeaders().render(await face.decide(ANN, "ask")))
    assert write[b"ratelimit"] == b'"per-caller";r=0;t=1;mcp-gateway-away=closed'
    assert write[b"retry-after"] == b"1"


async def test_no_rules_no_fields() -> None:
    assert LimitHeaders(legacy=True).render(await limiter().decide(ANN, "ask")) == []
