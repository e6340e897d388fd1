"""The limiter through its public face, over counts in memory and a moved clock."""

import asyncio
from datetime import UTC, datetime

import pytest

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit import ConcurrencyRule, EnterpriseRateLimiter, Rule, RuleSet, TrafficRecorder
from mcp_gateway.kit.errors import CostAboveLimit, InvalidRule, LimitsAway, RateLimited, StoreUnavailable, TooManyAtOnce
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.limits import limiter as limiter_module
from mcp_gateway.kit.limits.memory import MemoryLimitStore
from mcp_gateway.kit.limits.plans import Outcome, Plan

pytestmark = pytest.mark.anyio

ANN = Caller(tenant="acme", subject="ann")
BOB = Caller(tenant="acme", subject="bob")
EVE = Caller(tenant="evil", subject="eve")


class CountingStore(MemoryLimitStore):
    """Counts how often it was asked; away when told so."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__(clock=clock)
        self.asked = 0
        self.away = False

    def take(self, plan: Plan, cost: int) -> Outcome:
        self.asked += 1
        if self.away:
            raise StoreUnavailable
        return super().take(plan, cost)


class Bench:
    """A limiter with everything that can be looked at from outside."""

    def __init__(self, *rules: Rule | ConcurrencyRule, replicas: int = 1) -> None:
        self.clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        self.clock.advance(1_000)
        self.store = CountingStore(self.clock)
        self.figures = RecordedFigures()
        self.recorder = TrafficRecorder(clock=self.clock)
        self.limiter = EnterpriseRateLimiter(
            rules, store=self.store, clock=self.clock, figures=self.figures, replicas=replicas, recorder=self.recorder
        )

    async def calls(self, count: int, caller: Caller = ANN, operation: str = "ask") -> int:
        """How many of so many calls passed."""
        return sum([(await self.limiter.decide(caller, operation)).allowed for _ in range(count)])


def rule(name: str = "tenant", limit: int = 5, **more: object) -> Rule:
    return Rule(**{"name": name, "limit": limit, "window_seconds": 60, **more})  # type: ignore[arg-type]  # fields of a rule


@pytest.fixture
def three() -> Bench:
    return Bench(rule("caller", 3, scope="caller"), rule("tenant", 5), rule("everybody", 7, scope="global"))


async def test_caller_tenant_and_global_tiers_decide_together(three: Bench) -> None:
    assert await three.calls(10, ANN) == 3
    assert await three.calls(10, BOB) == 2
    assert await three.calls(10, EVE) == 2
    refused = await three.limiter.decide(EVE, "ask")
    assert refused.refused_by == ("everybody",)


async def test_a_decision_says_what_is_left_of_every_rule_and_when_it_is_back(three: Bench) -> None:
    decision = await three.limiter.decide(ANN, "ask")
    assert [(state.rule.name, state.limit, state.used, state.remaining) for state in decision.rules] == [
        ("caller", 3, 1, 2),
        ("tenant", 5, 1, 4),
        ("everybody", 7, 1, 6),
    ]
    assert all(54 <= state.reset_seconds <= 66 for state in decision.rules)
    assert decision.closest is not None
    assert decision.closest.rule.name == "caller"
    assert decision.retry_after_seconds == 0
    assert decision.decided_by == "store"
    assert decision.degraded is None


async def test_the_wait_is_exact_to_the_millisecond() -> None:
    bench = Bench(rule(limit=2, window_seconds=1.5, algorithm="exact"))
    assert await bench.calls(2) == 2
    bench.clock.advance(0.25)
    wait = (await bench.limiter.decide(ANN, "ask")).retry_after_seconds
    assert wait == pytest.approx(1.251)
    bench.clock.advance(wait - 0.001)
    assert not (await bench.limiter.decide(ANN, "ask")).allowed
    bench.clock.advance(0.001)
    assert (await bench.limiter.decide(ANN, "ask")).allowed


async def test_a_refusal_is_remembered_and_counts_down_without_asking_the_store() -> None:
    bench = Bench(rule(limit=1, window_seconds=10, algorithm="exact"))
    assert await bench.calls(2) == 1
    asked = bench.store.asked
    bench.clock.advance(0.4)
    refused = await bench.limiter.decide(ANN, "ask")
    assert refused.decided_by == "memory of a refusal"
    assert refused.retry_after_seconds == pytest.approx(9.601)
    assert refused.refused_by == ("tenant",)
    assert bench.store.asked == asked
    bench.clock.advance(0.7)
    assert (await bench.limiter.decide(ANN, "ask")).decided_by == "store"


async def test_a_remembered_refusal_does_not_refuse_a_smaller_cost() -> None:
    bench = Bench(rule(limit=5))
    assert (await bench.limiter.decide(ANN, "ask", cost=3)).allowed
    assert not (await bench.limiter.decide(ANN, "ask", cost=3)).allowed
    assert (await bench.limiter.decide(ANN, "ask", cost=2)).allowed


async def test_weights_say_what_an_operation_costs() -> None:
    bench = Bench()
    bench.limiter.apply(RuleSet(rules=(rule(limit=10, each_operation=False),), weights={"export": 4}))
    assert await bench.calls(5, operation="export") == 2
    assert await bench.calls(5, operation="ask") == 2


async def test_a_cost_that_can_never_pass_is_an_error_and_not_a_wait() -> None:
    bench = Bench(rule(limit=5), rule("flow", 50, algorithm="gcra", burst=2))
    with pytest.raises(CostAboveLimit) as told:
        await bench.limiter.decide(ANN, "ask", cost=3)
    assert told.value.data["most_at_once"] == 2
    with pytest.raises(InvalidRule):
        await bench.limiter.decide(ANN, "ask", cost=0)


@pytest.mark.parametrize("cost", [0, -1, 0.5, 1.5, float("nan"), float("inf"), "1"])
async def test_a_cost_that_is_no_whole_number_above_zero_is_refused(cost: int) -> None:
    bench = Bench(rule())
    with pytest.raises(InvalidRule):
        await bench.limiter.decide(ANN, "ask", cost=cost)
    assert bench.store.asked == 0


async def test_check_or_raise_says_who_refused_and_how_long(three: Bench) -> None:
    await three.calls(3)
    with pytest.raises(RateLimited) as told:
        await three.limiter.check_or_raise(ANN, "ask")
    assert told.value.data["violated_policies"] == ["caller"]
    assert told.value.retry_after_seconds is not None
    assert 54 <= told.value.retry_after_seconds <= 66


async def test_an_error_never_names_what_everybody_shares() -> None:
    bench = Bench(rule("everybody", 1, scope="global"))
    await bench.calls(1, EVE)
    with pytest.raises(RateLimited) as told:
        await bench.limiter.check_or_raise(ANN, "ask")
    assert told.value.data["violated_policies"] == []


async def test_a_raised_limit_works_at_once() -> None:
    bench = Bench(rule(limit=2))
    assert await bench.calls(5) == 2
    bench.limiter.apply(RuleSet(rules=(rule(limit=4),), revision=7))
    assert await bench.calls(5) == 2
    assert (await bench.limiter.decide(ANN, "ask")).revision == 7


async def test_an_override_for_one_tenant_leaves_the_others_alone() -> None:
    bench = Bench(rule(limit=2), rule(limit=4, tenants=("acme",)))
    assert await bench.calls(9, ANN) == 4
    assert await bench.calls(9, EVE) == 2


async def test_a_rule_switched_off_for_an_operation_does_not_count() -> None:
    bench = Bench(rule(limit=2), rule(limit=2, operations=("health*",), enabled=False))
    assert await bench.calls(9, operation="health_live") == 9
    assert await bench.calls(9) == 2


async def test_explain_shows_where_a_caller_stands_and_costs_nothing(three: Bench) -> None:
    await three.calls(2)
    for _ in range(3):
        told = await three.limiter.explain(ANN, "ask")
    assert [(state.rule.name, state.used, state.remaining) for state in told.rules] == [
        ("caller", 2, 1),
        ("tenant", 2, 3),
        ("everybody", 2, 5),
    ]
    assert told.weight == 1
    assert told.away == (("caller", "closed"), ("tenant", "closed"), ("everybody", "closed"))
    assert await three.calls(9) == 1
    assert (await three.limiter.explain(ANN, "ask")).refused_here_seconds == pytest.approx(1.0)


async def test_explain_shows_who_is_under_way() -> None:
    bench = Bench(ConcurrencyRule(name="slots", limit=3))
    async with bench.limiter.hold(ANN, "ask"), bench.limiter.hold(BOB, "ask"):
        told = await bench.limiter.explain(ANN, "ask")
    assert [(state.rule.limit, state.held) for state in told.concurrency] == [(3, 2)]


async def test_no_more_calls_than_places_are_under_way() -> None:
    bench = Bench(ConcurrencyRule(name="slots", limit=2))
    async with bench.limiter.hold(ANN, "ask"), bench.limiter.hold(ANN, "ask"):
        with pytest.raises(TooManyAtOnce) as told:
            async with bench.limiter.hold(BOB, "ask"):
                pass
        assert told.value.data["violated_policies"] == ["slots"]
        assert 0 < (told.value.retry_after_seconds or 0) <= 30
    async with bench.limiter.hold(BOB, "ask") as held:
        assert held.valid


async def test_a_place_is_given_back_when_the_call_fails_or_is_cancelled() -> None:
    bench = Bench(ConcurrencyRule(name="slots", limit=1))

    async def waits_for_ever() -> None:
        async with bench.limiter.hold(ANN, "ask"):
            await asyncio.Event().wait()

    task = asyncio.create_task(waits_for_ever())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(ZeroDivisionError):
        async with bench.limiter.hold(ANN, "ask"):
            raise ZeroDivisionError
    async with bench.limiter.hold(ANN, "ask"):
        pass


async def test_without_the_store_writes_are_closed_and_reads_get_the_share_of_a_replica() -> None:
    bench = Bench(rule(limit=8), replicas=4)
    bench.store.away = True
    write = await bench.limiter.decide(ANN, "ask")
    assert (write.allowed, write.degraded, write.retry_after_seconds) == (False, "closed", 1.0)
    reads = [await bench.limiter.decide(ANN, "ask", kind="read") for _ in range(5)]
    assert [read.allowed for read in reads] == [True, True, False, False, False]
    assert {read.degraded for read in reads} == {"local"}
    with pytest.raises(LimitsAway):
        await bench.limiter.check_or_raise(ANN, "ask")


async def test_a_rule_may_say_what_happens_without_the_store() -> None:
    bench = Bench(rule("free", 1, when_away="open"), rule("share", 2, when_away="local"))
    bench.store.away = True
    first = await bench.limiter.decide(ANN, "ask")
    assert first.allowed
    assert [(state.remaining, state.away) for state in first.rules] == [(None, "open"), (1, "local")]
    assert await bench.calls(5) == 1


async def test_a_share_of_nothing_is_closed() -> None:
    bench = Bench(rule(limit=3, when_away="local"), replicas=4)
    bench.store.away = True
    assert (await bench.limiter.decide(ANN, "ask")).degraded == "closed"


async def test_the_store_decides_again_as_soon_as_it_is_back() -> None:
    bench = Bench(rule(limit=8, when_away="closed"))
    bench.store.away = True
    assert await bench.calls(3) == 0
    bench.store.away = False
    assert await bench.calls(9) == 8


async def test_the_operations_that_read_are_told_by_the_rule_set() -> None:
    bench = Bench()
    bench.limiter.apply(RuleSet(rules=(rule(limit=5),), reads=("list_*",)))
    bench.store.away = True
    assert (await bench.limiter.decide(ANN, "list_tables")).degraded == "local"
    assert (await bench.limiter.decide(ANN, "drop_tables")).degraded == "closed"


async def test_the_figures_tell_decisions_refusals_and_calls_near_a_limit() -> None:
    bench = Bench(rule(limit=10), rule("tried", 9, shadow=True))
    await bench.calls(12)
    bench.limiter.report()
    count = bench.figures.total
    assert count("limit_decisions", outcome="allowed", decided_by="store", tenant="acme") == 10
    assert count("limit_decisions", outcome="refused", decided_by="store") == 1
    assert count("limit_decisions", outcome="refused", decided_by="here") == 1
    assert count("limit_refusals", rule="tenant", tenant="acme") == 1
    assert count("limit_near", rule="tenant") == 2
    assert count("limit_shadow_refusals", rule="tried") == 1
    bench.store.away = True
    await bench.limiter.decide(EVE, "ask")
    assert count("limit_away", policy="closed") == 1


async def test_the_figures_come_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter_module, "REPORT_SECONDS", 0.001)
    bench = Bench(rule(limit=2))
    for _ in range(2):
        await bench.calls(2)
        async with asyncio.timeout(20):
            while bench.limiter._reporting is not None:  # noqa: ASYNC110  (a timer of the loop is waited for)
                await asyncio.sleep(0)
    assert bench.figures.total("limit_decisions") == 4


async def test_figures_survive_callers_that_are_forgotten() -> None:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    figures = RecordedFigures()
    limiter = EnterpriseRateLimiter([rule(limit=5)], clock=clock, figures=figures, remembered_callers=4)
    for number in range(50):
        assert (await limiter.decide(Caller(tenant=f"t{number}", subject="x"), "ask")).allowed
    limiter.report()
    assert figures.total("limit_decisions", outcome="allowed") == 50


async def test_a_forgotten_caller_keeps_what_was_counted() -> None:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    limiter = EnterpriseRateLimiter([rule(limit=2)], clock=clock, remembered_callers=2)
    await limiter.decide("acme", "ask")
    for number in range(20):
        await limiter.decide(f"t{number}", "ask")
    assert [(await limiter.decide("acme", "ask")).allowed for _ in range(2)] == [True, False]


async def test_traffic_is_recorded_refused_calls_included() -> None:
    bench = Bench(rule(limit=1))
    await bench.calls(3)
    assert [(call.tenant, call.subject, call.operation, call.cost) for call in bench.recorder] == [("acme", "ann", "ask", 1)] * 3


async def test_a_limiter_without_rules_lets_everything_pass() -> None:
    limiter = EnterpriseRateLimiter()
    decision = await limiter.decide(ANN, "ask")
    assert decision.allowed
    assert decision.closest is None
    async with limiter.hold(ANN, "ask"):
        pass


async def test_64_tasks_at_once_get_no_more_than_the_limit() -> None:
    bench = Bench(rule(limit=100, algorithm="exact"), rule("flow", 120, algorithm="gcra", burst=90))
    passed = await asyncio.gather(*(bench.calls(10) for _ in range(64)))
    assert sum(passed) == 90
