"""What every store of counts must do, over memory and a real Valkey whose clock is moved; a plain model is the measure."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contracts.kit.limit_model import PlainRule, most_in_any_window
from tests.depth import examples
from tests.valkey_process import ValkeyProcess

from mcp_gateway.kit.limits.memory import MemoryLimitStore
from mcp_gateway.kit.limits.plans import Outcome, Plan
from mcp_gateway.kit.limits.ports import LimitStore
from mcp_gateway.kit.limits.rules import Algorithm, Rule, RuleSet
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisLimitStore, load_script
from mcp_gateway.kit.redis.packing import Script

pytestmark = pytest.mark.anyio

START_US = 1_760_000_000_000_000
_tenants = count()


class MovedTime:
    """A clock that is set; also written into Valkey, where the script reads it in place of the server's."""

    def __init__(self, server: "redis.Redis | None") -> None:
        self._server = server
        self.set(START_US)

    def set(self, us: int) -> None:
        self.us = us
        if self._server is not None:
            self._server.hset("moved:time", mapping={"s": us // 1_000_000, "u": us % 1_000_000})

    def advance(self, us: int) -> None:
        self.set(self.us + us)

    def monotonic(self) -> float:
        return (self.us - START_US) / 1_000_000

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.us / 1_000_000, UTC)

    def timestamp(self) -> float:
        return self.us / 1_000_000


@dataclass
class Counted:
    """A store and its time. In memory time starts at zero, so the model is told the same times."""

    store: LimitStore
    time: MovedTime
    origin: int

    @property
    def now(self) -> int:
        return self.time.us - self.origin

    async def take(self, plan: Plan, cost: int) -> Outcome:
        taken = self.store.take(plan, cost)
        return taken if isinstance(taken, list) else await taken

    async def look(self, plan: Plan) -> Outcome:
        looked = self.store.look(plan)
        return looked if isinstance(looked, list) else await looked


@pytest.fixture(params=["memory", "valkey"])
async def counted(request: pytest.FixtureRequest) -> AsyncIterator[Counted]:
    if request.param == "memory":
        time = MovedTime(None)
        yield Counted(MemoryLimitStore(clock=time), time, START_US)
        return
    async for on_server in on_valkey(request.getfixturevalue("valkey")):
        yield on_server


async def on_valkey(valkey: ValkeyProcess) -> AsyncIterator[Counted]:
    # Keys would expire by the server's own clock, which stands still beside the moved one.
    text = load_script("limits.lua").text.replace(", 'PXAT', math.ceil(budget.ends / 1000) + 1)", ")")
    with_moved_time = text.replace("call('TIME')", "call('HMGET', 'moved:time', 's', 'u')")
    assert with_moved_time.count("moved:time") == 1
    assert "'PX" not in with_moved_time
    with valkey.client() as server:
        async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
            store = RedisLimitStore(connection, timeout_seconds=5.0, script=Script(with_moved_time))
            yield Counted(store, MovedTime(server), 0)


def planned(rules: Sequence[Rule], *, subject: str = "ann") -> Plan:
    return Plan(RuleSet(rules=tuple(rules)), f"tenant-{next(_tenants)}", subject, "ask")


def window(limit: int = 5, seconds: float = 1.0, **more: object) -> Rule:
    return replace(Rule(name="tenant", limit=limit, window_seconds=seconds), **more)  # type: ignore[arg-type]  # fields of a rule


def exact(limit: int = 5, seconds: float = 1.0) -> Rule:
    return Rule(name="tenant", limit=limit, window_seconds=seconds, algorithm="exact")


def gcra(limit: int = 10, seconds: float = 1.0, burst: int = 3) -> Rule:
    return Rule(name="tenant", limit=limit, window_seconds=seconds, algorithm="gcra", burst=burst)


@st.composite
def rules(draw: st.DrawFn, name: str) -> Rule:
    algorithms: list[Algorithm] = ["window", "exact", "gcra"]
    algorithm = draw(st.sampled_from(algorithms))
    limit = draw(st.integers(1, 12) | st.sampled_from([300]))
    return Rule(
        name=name,
        limit=limit,
        window_seconds=draw(st.sampled_from([0.05, 0.333, 1.0, 7.7])),
        algorithm=algorithm,
        burst=draw(st.integers(1, limit)) if algorithm == "gcra" else None,
        buckets=draw(st.sampled_from([1, 3, 10])),
        scope="global" if name == "everybody" else "tenant",
    )


steps = st.lists(
    st.tuples(st.sampled_from([0, 1, 999, 4_321, 33_000, 50_000, 100_001, 500_000, 1_000_000, 8_000_000]), st.integers(1, 3)),
    min_size=1,
    max_size=25,
)
unhurried = settings(deadline=None, max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])


@unhurried
@given(mine=rules("mine"), everybody=rules("everybody"), walk=steps)
async def test_every_decision_is_the_plain_models(
    counted: Counted, mine: Rule, everybody: Rule, walk: list[tuple[int, int]]
) -> None:
    counted.time.set(START_US)
    plan = planned([mine, replace(everybody, name=f"everybody-{next(_tenants)}")])
    models = [PlainRule(rule) for rule in plan.rules]
    for step_us, cost in walk:
        counted.time.advance(step_us)
        if cost > plan.ceiling:
            continue
        now = counted.now
        fits = [model.fits(now, cost) for model in models]
        outcome = await counted.take(plan, cost)
        assert (outcome[0] == 0) == all(fits)
        assert [retry == 0 for retry in outcome[3::3]] == fits
        if all(fits):
            for model in models:
                model.charge(now, cost)
        else:
            assert_wait_is_exact(models, now, cost, outcome[0])
        assert outcome[1::3] == [model.remaining(now) for model in models]
    for model in models:
        beyond = model.rule.most_at_once if model.rule.algorithm == "gcra" else 0
        assert most_in_any_window(model.admitted, model.rule.window_us) <= model.rule.limit + beyond


def assert_wait_is_exact(models: list[PlainRule], now: int, cost: int, wait_us: int) -> None:
    """To the millisecond: after the stated wait it fits, a millisecond earlier it does not."""
    wait_ms = -(-wait_us // 1_000)
    assert all(model.fits(now + wait_ms * 1_000, cost) for model in models)
    assert not all(model.fits(now + (wait_ms - 1) * 1_000, cost) for model in models)


@pytest.mark.parametrize("rule", [window(), exact(), gcra()], ids=lambda rule: rule.algorithm)
async def test_a_refused_call_costs_nothing(counted: Counted, rule: Rule) -> None:
    plan = planned([rule])
    while not (await counted.take(plan, 1))[0]:
        pass
    first = await counted.take(plan, 1)
    for _ in range(20):
        assert await counted.take(plan, 1) == first
    counted.time.advance(-(-first[0] // 1_000) * 1_000)
    assert (await counted.take(plan, 1))[0] == 0


async def test_one_refusing_rule_leaves_all_others_uncharged(counted: Counted) -> None:
    small = replace(window(limit=1), name="small")
    plan = planned([window(limit=10), small, gcra()])
    plan = Plan(RuleSet(rules=(window(limit=10), small, replace(gcra(), name="flow"))), plan.tenant, "ann", "ask")
    assert (await counted.take(plan, 1))[1::3] == [9, 0, 2]
    assert (await counted.take(plan, 1))[1::3] == [9, 0, 2]
    assert (await counted.look(plan))[1::3] == [9, 0, 2]


async def test_a_rule_in_shadow_never_refuses_and_follows_what_it_would_have_let_pass(counted: Counted) -> None:
    tried = replace(window(limit=2), name="tried", shadow=True)
    plan = planned([window(limit=5), tried])
    verdicts = [(outcome[0], outcome[6]) for outcome in [await counted.take(plan, 1) for _ in range(4)]]
    assert [enforced for enforced, _ in verdicts] == [0, 0, 0, 0]
    assert [shadow > 0 for _, shadow in verdicts] == [False, False, True, True]


async def test_looking_changes_nothing_and_shows_what_is_left(counted: Counted) -> None:
    plan = planned([window(limit=5), replace(exact(limit=4), name="exact"), replace(gcra(burst=3), name="flow")])
    fresh = await counted.look(plan)
    assert fresh[1::3] == [5, 4, 3]
    assert fresh[2::3] == [0, 0, 0]
    await counted.take(plan, 2)
    seen = await counted.look(plan)
    assert seen == await counted.look(plan)
    assert seen[1::3] == [3, 2, 1]


@pytest.mark.parametrize("spent", [255, 256, 65_535, 65_536, 16_777_215, 16_777_216, 999_999_998])
async def test_counts_of_any_size_are_kept(counted: Counted, spent: int) -> None:
    limit = 1_000_000_000
    plan = planned([window(limit=limit)])
    assert (await counted.take(plan, spent))[1] == limit - spent
    assert (await counted.take(plan, 1))[1] == limit - spent - 1
    counted.time.advance(100_000)  # into the next bucket
    assert (await counted.take(plan, 1))[1] == limit - spent - 2
    counted.time.advance(100_000)
    assert (await counted.look(plan))[1] == limit - spent - 2
    counted.time.advance(1_000_000 - 100_000)  # only the last is left
    assert (await counted.look(plan))[1] == limit - 1


@pytest.mark.parametrize("rule", [window(limit=5), exact(limit=5)], ids=lambda rule: rule.algorithm)
async def test_a_changed_limit_keeps_what_was_counted(counted: Counted, rule: Rule) -> None:
    plan = planned([rule])
    await counted.take(plan, 4)
    wide = Plan(RuleSet(rules=(replace(rule, limit=400),)), plan.tenant, "ann", "ask")
    assert (await counted.take(wide, 300))[1] == 96
    narrow = Plan(RuleSet(rules=(replace(rule, limit=2),)), plan.tenant, "ann", "ask")
    refused = await counted.take(narrow, 1)
    assert refused[0] > 0
    assert refused[1] == 0


async def test_callers_tenants_and_operations_have_budgets_of_their_own(counted: Counted) -> None:
    rules = RuleSet(rules=(Rule(name="mine", limit=1, window_seconds=60, scope="caller"),))
    names = [("a", "x", "ask"), ("a", "y", "ask"), ("b", "x", "ask"), ("a", "x", "run"), ("a:ask", "x", "ask"), ("a", "*", "ask")]
    for tenant, subject, operation in names:
        plan = Plan(rules, f"{tenant}-{next(_tenants)}", subject, operation)
        assert (await counted.take(plan, 1))[0] == 0
        assert (await counted.take(plan, 1))[0] > 0


async def test_what_everybody_shares_is_one_budget(counted: Counted) -> None:
    rules = RuleSet(rules=(Rule(name=f"all-{next(_tenants)}", limit=3, window_seconds=60, scope="global"),))
    for tenant, fits in (("a", True), ("b", True), ("c", True), ("d", False)):
        assert ((await counted.take(Plan(rules, tenant, "x", "ask"), 1))[0] == 0) == fits


@pytest.mark.parametrize("rule", [window(), exact(), gcra()], ids=lambda rule: rule.algorithm)
async def test_a_server_whose_clock_is_set_back_refuses_longer_and_never_less(valkey: ValkeyProcess, rule: Rule) -> None:
    async for counted in on_valkey(valkey):
        plan = planned([rule])
        while not (await counted.take(plan, 1))[0]:
            pass
        counted.time.advance(-3_600_000_000)
        assert (await counted.take(plan, 1))[0] > 0
        counted.time.advance(rule.window_us + rule.step_us + 2_000)
        assert (await counted.take(plan, 1))[0] == 0


@pytest.mark.parametrize("rule", [window(), exact(), gcra()], ids=lambda rule: rule.algorithm)
async def test_a_count_outlives_its_window_by_the_time_it_was_judged_with(valkey: ValkeyProcess, rule: Rule) -> None:
    # As on a server that was held up between the beginning of the script and its look at the clock.
    held_up = load_script("limits.lua").text.replace("local now = ", "local now = 3000000 + ")
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        counted = Counted(RedisLimitStore(connection, timeout_seconds=5.0, script=Script(held_up)), MovedTime(None), 0)
        plan = planned([rule])
        _, _, reset_us, _ = await counted.take(plan, 1)
        with valkey.client() as server:
            assert server.pttl(plan.keys[0]) > 2_500 + reset_us / 1_000 - 500
