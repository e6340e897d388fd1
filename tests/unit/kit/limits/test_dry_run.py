"""A rule tried on yesterday's traffic."""

from datetime import UTC, datetime

import pytest

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit import EnterpriseRateLimiter, RecordedCall, Rule, RuleSet, TrafficRecorder, dry_run

pytestmark = pytest.mark.anyio


def calls(tenant: str, *times: float, cost: int = 1) -> list[RecordedCall]:
    return [RecordedCall(at, tenant, "x", "ask", cost) for at in times]


def test_it_says_who_would_have_been_refused_when_and_by_which_rule() -> None:
    traffic = sorted(calls("acme", *(100 + second for second in range(10))) + calls("calm", 100, 105))
    rules = RuleSet(
        rules=(
            Rule(name="tenant", limit=4, window_seconds=60),
            Rule(name="tried", limit=100, window_seconds=60, shadow=True, scope="global"),
        )
    )
    told = dry_run(rules, traffic)
    assert (told.calls, told.refused, told.seconds) == (12, 6, 9)
    tenant, tried = told.rules
    assert (tenant.name, tenant.refused, tenant.near, tenant.first_refusal_at) == ("tenant", 6, 1, 104)
    assert tenant.hardest_hit == (("acme", 6),)
    assert tenant.peak_share == 1.0
    assert tried.refused == 0
    assert tried.peak_share == pytest.approx(0.06)


def test_a_rule_in_shadow_is_tried_as_if_it_were_enforced() -> None:
    rules = RuleSet(rules=(Rule(name="tried", limit=1, window_seconds=60, shadow=True),))
    assert dry_run(rules, calls("acme", 0, 1, 2)).refused == 2


def test_a_cost_above_the_limit_is_a_refusal_and_not_a_failure() -> None:
    told = dry_run(RuleSet(rules=(Rule(name="tenant", limit=2, window_seconds=60),)), calls("acme", 0, cost=3))
    assert (told.refused, told.rules[0].refused) == (1, 1)


def test_time_is_that_of_the_recording() -> None:
    rules = RuleSet(rules=(Rule(name="tenant", limit=1, window_seconds=1, algorithm="exact"),))
    assert dry_run(rules, calls("acme", 5000, 5000.5, 5001.1, 5002.2)).refused == 1


def test_no_traffic_no_verdict() -> None:
    assert dry_run(RuleSet(), []).calls == 0


async def test_what_a_limiter_recorded_can_be_tried_and_counts_nothing() -> None:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    recorder = TrafficRecorder(clock=clock, capacity=3)
    rules = RuleSet(rules=(Rule(name="tenant", limit=10, window_seconds=60),))
    limiter = EnterpriseRateLimiter(rules, clock=clock, recorder=recorder)
    for _ in range(5):
        await limiter.decide("acme", "ask")
    assert len(recorder) == 3
    assert dry_run(rules, recorder).calls == 3
    assert (await limiter.explain("acme", "ask")).rules[0].used == 5
