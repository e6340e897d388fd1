"""Decisions asked in one moment: each is what it would have been alone, in the order asked, whatever plans meet in one call."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.kit.limit_model import PlainRule
from tests.contracts.kit.test_limit_store import Counted, counted, rules, unhurried
from tests.valkey_process import ValkeyProcess

from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.plans import Outcome, Plan
from mcp_gateway.kit.limits.rules import Rule, RuleSet
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limit_batches import MOST_DECISIONS, MOST_NUMBERS
from mcp_gateway.kit.redis.limits import MOST_PENDING, RedisLimitStore

pytestmark = pytest.mark.anyio

__all__ = ["counted"]  # a fixture

_names = count()


async def all_at_once(counted: Counted, asked: Sequence[tuple[Plan, int]]) -> list[Outcome]:
    """Asked within one turn of the loop, in this order."""
    taken = [counted.store.take(plan, cost) for plan, cost in asked]
    return [each if isinstance(each, list) else await each for each in taken]


@st.composite
def calls(draw: st.DrawFn) -> list[tuple[int, list[tuple[int, int]]]]:
    """Moments: how long after the last, and for each call then which plan and what cost (0 only looks)."""
    pauses = st.sampled_from([0, 1, 4_321, 33_000, 100_001, 500_000, 1_000_000, 8_000_000])
    moment = st.tuples(pauses, st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=40))
    return draw(st.lists(moment, min_size=1, max_size=8))


@unhurried
@given(mine=rules("mine"), everybody=rules("everybody"), tried=rules("tried"), moments=calls())
async def test_calls_of_one_moment_are_decided_one_after_the_other(
    counted: Counted, mine: Rule, everybody: Rule, tried: Rule, moments: list[tuple[int, list[tuple[int, int]]]]
) -> None:
    number = next(_names)
    chosen = RuleSet(
        rules=(
            replace(mine, scope="caller"),
            replace(everybody, name=f"everybody-{number}", scope="global"),
            replace(tried, shadow=True),
        )
    )
    # Another set in which the caller's rule has another limit, as while the rules change; and one without it.
    more = mine.limit if mine.algorithm == "gcra" else mine.limit + 2
    other = RuleSet(rules=(replace(chosen.rules[0], limit=more), chosen.rules[1]))
    without = RuleSet(rules=chosen.rules[1:])
    plans = [Plan(rule_set, f"t{number}", subject, "ask") for rule_set in (chosen, other, without) for subject in ("ann", "bob")]
    models: dict[str, PlainRule] = {}
    for pause_us, asked in moments:
        counted.time.advance(pause_us)
        wanted = [(plans[which], cost) for which, cost in asked if cost <= plans[which].ceiling]
        outcomes = await all_at_once(counted, wanted)
        for (plan, cost), outcome in zip(wanted, outcomes, strict=True):
            judged = [models.setdefault(key, PlainRule(rule)) for key, rule in zip(plan.keys, plan.rules, strict=True)]
            for model, rule in zip(judged, plan.rules, strict=True):
                model.rule = rule
            assert_said(judged, outcome, counted.now, cost)


def assert_said(judged: list[PlainRule], outcome: Outcome, now: int, cost: int) -> None:
    """What the plain models say, who are charged as it went."""
    fits = [model.fits(now, cost) for model in judged]
    enforced = [fit for model, fit in zip(judged, fits, strict=True) if not model.rule.shadow]
    assert (outcome[0] == 0) == all(enforced)
    assert [wait == 0 for wait in outcome[3::3]] == fits
    if all(enforced) and cost:
        for model, fit in zip(judged, fits, strict=True):
            if fit:
                model.charge(now, cost)
    assert outcome[1::3] == [max(0, model.remaining(now)) for model in judged]


async def test_a_rule_whose_variants_share_a_budget_judges_each_tenant_by_its_own(counted: Counted) -> None:
    name = f"all-{next(_names)}"
    shared = RuleSet(
        rules=(
            Rule(name=name, limit=2, window_seconds=60, scope="global"),
            Rule(name=name, limit=4, window_seconds=60, scope="global", tenants=("acme",)),
        )
    )
    acme, other = (Plan(shared, tenant, "", "ask") for tenant in ("acme", "other"))
    outcomes = await all_at_once(counted, [(acme, 1), (other, 1), (acme, 1), (other, 1), (acme, 1), (acme, 1)])
    assert [outcome[0] == 0 for outcome in outcomes] == [True, True, True, False, True, False]


RULES = [
    Rule(name="caller", limit=1_000, window_seconds=60, scope="caller"),
    Rule(name="tenant", limit=1_000, window_seconds=60),
]
EVERYBODY = Rule(name="everybody", limit=100_000, window_seconds=60, scope="global")


@asynccontextmanager
async def limited(valkey: ValkeyProcess, rules: Sequence[Rule]) -> AsyncIterator[EnterpriseRateLimiter]:
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        yield EnterpriseRateLimiter(rules, store=RedisLimitStore(connection, timeout_seconds=5.0))


def calls_so_far(valkey: ValkeyProcess, command: str, kind: str = "calls") -> int:
    with valkey.client() as server:
        return int(server.info("commandstats").get(f"cmdstat_{command}", {kind: 0})[kind])


async def test_decisions_of_one_turn_share_calls_and_what_all_touch_is_written_once(valkey: ValkeyProcess) -> None:
    async with limited(valkey, [*RULES, EVERYBODY]) as limiter:
        await limiter.decide("warm", "ask")
        before = [calls_so_far(valkey, command) for command in ("evalsha", "set")]
        decisions = await asyncio.gather(*(limiter.decide(f"t{number % 3}", "ask") for number in range(2 * MOST_DECISIONS)))
        after = [calls_so_far(valkey, command) for command in ("evalsha", "set")]
        assert all(decision.allowed for decision in decisions)
        assert [later - earlier for earlier, later in zip(before, after, strict=True)] == [2, 2 * (3 * 2 + 1)]


async def test_no_call_carries_more_rules_than_it_may(valkey: ValkeyProcess) -> None:
    many = [Rule(name=f"rule-{number}", limit=100, window_seconds=60) for number in range(100)]
    async with limited(valkey, many) as limiter:
        await limiter.decide("warm", "ask")
        before = calls_so_far(valkey, "evalsha")
        await asyncio.gather(*(limiter.decide(f"t{number}", "ask") for number in range(12)))
        assert calls_so_far(valkey, "evalsha") - before == 12 // -(-MOST_NUMBERS // (1 + 3 * 100))


async def test_a_decision_given_up_takes_no_other_with_it(valkey: ValkeyProcess) -> None:
    async with limited(valkey, RULES) as limiter:
        asked = [asyncio.create_task(limiter.decide("acme", "ask")) for _ in range(3)]
        await asyncio.sleep(0)
        asked[1].cancel()
        first, given_up, last = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(given_up, asyncio.CancelledError)
        assert not isinstance(first, BaseException)
        assert not isinstance(last, BaseException)
        assert (first.decided_by, last.decided_by) == ("store", "store")


async def test_a_budget_that_cannot_be_read_is_refused_alone(valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        store = RedisLimitStore(connection, timeout_seconds=5.0)
        plans = [Plan(RuleSet(rules=tuple(RULES)), f"{tenant}-{next(_names)}", "", "ask") for tenant in ("a", "b", "c")]
        await connection.call("SET", plans[1].keys[0], "?")
        outcomes = await asyncio.gather(*(_taken(store, plan) for plan in plans), return_exceptions=True)
        assert isinstance(outcomes[1], StoreRefused)
        assert [outcome[1::3] for outcome in outcomes if isinstance(outcome, list)] == [[999, 999], [999, 999]]


async def _taken(store: RedisLimitStore, plan: Plan) -> Outcome:
    taken = store.take(plan, 1)
    return taken if isinstance(taken, list) else await taken


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_on_a_cluster_only_decisions_of_one_slot_share_a_call() -> None:
    valkey = ValkeyProcess()
    try:
        valkey.start("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
        with valkey.client() as server:
            server.execute_command("CLUSTER ADDSLOTSRANGE 0 16383")
            async with asyncio.timeout(10):
                while server.execute_command("CLUSTER INFO")["cluster_state"] != "ok":  # noqa: ASYNC110  (another process)
                    await asyncio.sleep(0.01)
        async with limited(valkey, RULES) as limiter:
            for _ in range(2):
                callers = [Caller(tenant=f"t{number % 4}", subject=f"s{number}") for number in range(40)]
                decisions = await asyncio.gather(*(limiter.decide(caller, "ask") for caller in callers))
                assert {(decision.allowed, decision.decided_by) for decision in decisions} == {(True, "store")}
            assert [state.used for state in (await limiter.explain("t0", "ask")).rules] == [0, 20]
            before = [calls_so_far(valkey, "evalsha", kind) for kind in ("calls", "rejected_calls")]
            await asyncio.gather(*(limiter.decide(caller, "ask") for caller in callers))
            after = [calls_so_far(valkey, "evalsha", kind) for kind in ("calls", "rejected_calls")]
            assert [later - earlier for earlier, later in zip(before, after, strict=True)] == [4 * 2, 0]
        # What everybody shares would need one slot for all.
        async with limited(valkey, [*RULES, EVERYBODY]) as limiter:
            both = await asyncio.gather(limiter.decide("t0", "ask"), limiter.decide("t1", "ask"))
            assert {decision.decided_by for decision in both} == {"policy"}
    finally:
        valkey.kill()


async def test_no_more_decisions_wait_than_may_and_all_are_answered(valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        store = RedisLimitStore(connection, timeout_seconds=5.0)
        plan = Plan(RuleSet(rules=(replace(RULES[1], limit=1_000_000),)), f"many-{next(_names)}", "", "ask")
        with valkey.paused():
            tasks = [asyncio.create_task(_taken(store, plan)) for _ in range(MOST_PENDING)]
            await asyncio.sleep(0)
            with pytest.raises(StoreUnavailable):
                store.take(plan, 1)
        outcomes = await asyncio.gather(*tasks)
        assert [outcome[1] for outcome in outcomes] == [1_000_000 - number for number in range(1, MOST_PENDING + 1)]
        assert (await _taken(store, plan))[1] == 1_000_000 - MOST_PENDING - 1
