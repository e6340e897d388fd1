"""Limits over real processes and a real Valkey: replicas with wrong clocks, a store that hangs, forgets, dies and comes back."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from tests.journeys.kit.limit_worker import most_certainly_in_any_window
from tests.valkey_process import ValkeyProcess

from mcp_gateway.core.identity import Caller
from mcp_gateway.kit import ConcurrencyRule, EnterpriseRateLimiter, LimitHeaders, Rule, RuleSet, StoredRules
from mcp_gateway.kit.errors import LimitsAway, TooManyAtOnce
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.limits.documents import to_text
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisLeaseStore, RedisLimitStore, RedisRuleStore

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[3]
ANN = Caller(tenant="acme", subject="ann")
PROCESSES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Press:
    """What all processes together let through, and what else could explain too much of it."""

    passed: list[tuple[float, float]]
    evidence: str


def press_from_processes(valkey: ValkeyProcess, rules: RuleSet, *, meanwhile: Callable[[list[int]], None] | None = None) -> Press:
    """Their clocks are spread over a minute. `meanwhile` is given their process ids and must return within two seconds."""
    with contextlib.ExitStack() as ending, valkey.client() as server:
        workers = []
        for number in range(PROCESSES):
            skew_seconds = 60 * number / (PROCESSES - 1) - 30
            command = [
                sys.executable,
                "-m",
                "tests.journeys.kit.limit_worker",
                valkey.url,
                "2.5",
                str(skew_seconds),
                to_text(rules),
            ]
            worker = ending.enter_context(
                subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            ending.callback(worker.kill)
            workers.append(worker)
        assert {worker.stdout.readline() for worker in workers if worker.stdout is not None} == {"ready\n"}
        before = life_of(server)
        begin_at = f"{time.monotonic() + 0.2}\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write(begin_at)
            worker.stdin.flush()
        if meanwhile is not None:
            meanwhile([worker.pid for worker in workers])
        told = [json.loads(worker.communicate(timeout=60)[0].splitlines()[-1]) for worker in workers]
        after = life_of(server)
    scripts = sorted({each["script"] for each in told})
    steps = [each["stepped_seconds"] for each in told]
    return Press(
        passed=[(asked, heard) for each in told for asked, heard in each["passed"]],
        evidence=f"scripts {scripts}, wall clock set by {steps}, server before {before}, after {after}",
    )


def life_of(server: "redis.Redis") -> dict[str, object]:
    """What would make a server forget counts."""
    told = server.info("everything")
    flushed = {name: told[name]["calls"] for name in told if name.startswith("cmdstat_flush")}
    return {"run_id": told["run_id"], "evicted": told["evicted_keys"], **flushed}


def assert_never_over(press: Press, rules: RuleSet) -> None:
    assert len(press.passed) > 60  # more than any one window holds
    for rule in rules.rules:
        bound = rule.limit + (rule.most_at_once if rule.algorithm == "gcra" else 0)
        assert most_certainly_in_any_window(press.passed, rule.window_seconds) <= bound, press.evidence


async def until(reached: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await reached():  # noqa: ASYNC110  (another process is waited for)
            await asyncio.sleep(0.002)


PRESSED = RuleSet(
    rules=(
        Rule(name="caller", limit=40, window_seconds=0.5, scope="caller", algorithm="exact"),
        Rule(name="tenant", limit=60, window_seconds=0.8, buckets=20),
        Rule(name="everybody", limit=200, window_seconds=2.0, scope="global", algorithm="gcra", burst=50),
    )
)


def test_eight_processes_with_clocks_30_seconds_apart_let_no_more_pass_in_any_window(valkey: ValkeyProcess) -> None:
    assert_never_over(press_from_processes(valkey, PRESSED), PRESSED)


def test_neither_a_store_nor_callers_held_up_again_and_again_let_more_pass(valkey: ValkeyProcess) -> None:
    choose = random.Random(7)  # noqa: S311  (a reproducible order, guards nothing)

    def hold_up(processes: list[int]) -> None:
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            stopped = choose.choice([valkey.pid, *processes])
            os.kill(stopped, signal.SIGSTOP)
            time.sleep(choose.uniform(0.005, 0.08))
            os.kill(stopped, signal.SIGCONT)
            time.sleep(choose.uniform(0.0, 0.02))

    assert_never_over(press_from_processes(valkey, PRESSED, meanwhile=hold_up), PRESSED)


@pytest.fixture
async def own_valkey() -> AsyncIterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


READ = Rule(name="tenant", limit=1_000, window_seconds=60)


async def decided_by(limiter: EnterpriseRateLimiter) -> tuple[str, str | None]:
    decision = await limiter.decide(ANN, "ask", kind="read")
    return decision.decided_by, decision.degraded


async def test_a_store_that_hangs_is_decided_without_and_again_with_it_when_it_wakes(own_valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(own_valkey.url) as connection:
        figures = RecordedFigures()
        limiter = EnterpriseRateLimiter([READ], store=RedisLimitStore(connection), replicas=4, figures=figures)
        await limiter.decide(ANN, "ask")
        with own_valkey.paused():
            alone = [await decided_by(limiter)]
            # One deadline is waited for, by the first; the others know by then.
            assert connection.state != "live"
            alone += [await decided_by(limiter) for _ in range(20)]
            together = await asyncio.gather(*(decided_by(limiter) for _ in range(50)))
            headers = dict(LimitHeaders().render(await limiter.decide(ANN, "ask", kind="read")))
            closed = await limiter.decide(ANN, "ask")
        assert {*alone, *together} == {("policy", "local")}
        assert b"mcp-gateway-away=local" in headers[b"ratelimit"]
        assert closed.degraded == "closed"
        assert figures.total("limit_away", policy="local") >= 70

        async def awake() -> bool:
            return (await limiter.decide(ANN, "ask")).decided_by == "store"

        await until(awake)


async def test_a_store_that_forgot_its_scripts_decides_all_the_same(own_valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(own_valkey.url, timeout_seconds=20.0) as connection:
        limiter = EnterpriseRateLimiter([READ], store=RedisLimitStore(connection, timeout_seconds=20.0))
        await limiter.decide(ANN, "ask")
        with own_valkey.client() as server:
            server.script_flush()
        decisions = await asyncio.gather(*(limiter.decide(ANN, "ask") for _ in range(50)))
        assert {decision.decided_by for decision in decisions} == {"store"}
        assert (await limiter.explain(ANN, "ask")).rules[0].used == 51


async def test_a_store_that_refuses_connections_is_decided_without_at_once(own_valkey: ValkeyProcess) -> None:
    own_valkey.kill()
    async with await RedisConnection.open(own_valkey.url, tolerate_down=True) as connection:
        limiter = EnterpriseRateLimiter([READ], store=RedisLimitStore(connection), replicas=2)
        assert {await decided_by(limiter) for _ in range(20)} == {("policy", "local")}


async def test_a_store_killed_under_load_is_felt_by_nobody_and_back_within_seconds(own_valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(own_valkey.url) as connection:
        limiter = EnterpriseRateLimiter([READ], store=RedisLimitStore(connection, timeout_seconds=0.5), replicas=2)
        decided: list[str] = []

        async def client() -> None:
            while True:
                decided.append((await limiter.decide(ANN, "ask", kind="read")).decided_by)
                await asyncio.sleep(0.001)

        async def by_policy() -> bool:
            return decided[-1:] == ["policy"]

        async def by_store() -> bool:
            return decided[-1:] == ["store"]

        load = [asyncio.create_task(client()) for _ in range(8)]
        await until(by_store)
        own_valkey.kill()
        await until(by_policy)
        own_valkey.start()
        await until(by_store)
        for task in load:
            task.cancel()
        assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*load, return_exceptions=True))


async def test_every_counting_key_expires_and_one_decision_is_one_call(own_valkey: ValkeyProcess) -> None:
    rules = [
        Rule(name="caller", limit=5, window_seconds=60, scope="caller", algorithm="exact"),
        Rule(name="tenant", limit=50, window_seconds=60),
        Rule(name="everybody", limit=500, window_seconds=60, scope="global", algorithm="gcra"),
    ]
    async with await RedisConnection.open(own_valkey.url, timeout_seconds=20.0) as connection:
        limiter = EnterpriseRateLimiter(rules, store=RedisLimitStore(connection, timeout_seconds=20.0))
        await limiter.decide(ANN, "ask")
        with own_valkey.client() as server:
            before = server.info("commandstats")["cmdstat_evalsha"]["calls"]
            LimitHeaders().render(await limiter.decide(ANN, "ask"))
            after = server.info("commandstats")
            keys = list(server.scan_iter())
            assert after["cmdstat_evalsha"]["calls"] == before + 1
            assert len(keys) == 3
            assert all(0 < server.pttl(key) <= 67_000 for key in keys)
            assert all(server.memory_usage(key) <= 104 for key in keys)


async def test_a_changed_rule_reaches_another_connection_by_its_announcement(own_valkey: ValkeyProcess) -> None:
    async with (
        await RedisConnection.open(own_valkey.url, timeout_seconds=20.0) as here,
        await RedisConnection.open(own_valkey.url, timeout_seconds=20.0) as there,
    ):
        one, two = (EnterpriseRateLimiter([READ], store=RedisLimitStore(at, timeout_seconds=20.0)) for at in (here, there))
        stored = StoredRules(RedisRuleStore(here, timeout_seconds=20.0), one, reread_seconds=3600)
        async with stored, StoredRules(RedisRuleStore(there, timeout_seconds=20.0), two, reread_seconds=3600):
            revision = await stored.save(RuleSet(rules=(Rule(name="tenant", limit=1, window_seconds=60),)))

            async def told() -> bool:
                return two.rules.revision == revision

            await until(told)
            assert (await one.decide(ANN, "ask")).allowed
            assert not (await two.decide(ANN, "ask")).allowed


async def test_places_are_counted_over_all_replicas_and_renewed_while_held(own_valkey: ValkeyProcess) -> None:
    rules = [ConcurrencyRule(name="slots", limit=1, lease_seconds=1.0)]
    async with (
        await RedisConnection.open(own_valkey.url, timeout_seconds=20.0) as here,
        await RedisConnection.open(own_valkey.url, timeout_seconds=20.0) as there,
    ):
        one, two = (EnterpriseRateLimiter(rules, leases=RedisLeaseStore(at, timeout_seconds=20.0)) for at in (here, there))
        async with one.hold(ANN, "ask") as held:
            await asyncio.sleep(1.5)  # longer than the lease
            with pytest.raises(TooManyAtOnce):
                async with two.hold(ANN, "ask"):
                    pass
            assert held.valid
        # The place was given back without waiting; an answer on the same connection comes after it.
        assert (await one.explain(ANN, "ask")).concurrency[0].held == 0
        async with two.hold(ANN, "ask"):
            own_valkey.kill()
            with pytest.raises(LimitsAway):
                async with one.hold(ANN, "ask"):
                    pass
            async with one.hold(ANN, "ask", kind="read") as local:
                assert local.away == "local"
