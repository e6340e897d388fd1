"""Circuits shared by real processes over a real Valkey, which is stopped in its tracks, killed and started again."""

import asyncio
import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.breaker.policy import BreakerPolicy
from mcp_gateway.kit.errors import CircuitOpen
from mcp_gateway.kit.redis.breaker import RedisBreakerStore
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio

REPLICAS = Path(__file__).with_name("breaker_replicas.py")
PROCESSES = 16
PROBES = 5
POLICY = BreakerPolicy(minimum_calls=4, open_seconds=0.1, open_growth=1, probes=1, report_seconds=0.01)


@dataclass(frozen=True)
class Replicas:
    """What all processes together saw."""

    reached: int
    turned_away: int
    states: list[list[str]]


def hammered(valkey: ValkeyProcess, how: str) -> Replicas:
    command = [sys.executable, str(REPLICAS), valkey.url, str(PROCESSES), str(PROBES), how]
    run = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert len(lines) == PROCESSES
    return Replicas(
        reached=sum(line["reached"] for line in lines),
        turned_away=sum(line["turned_away"] for line in lines),
        states=[line["states"] for line in lines],
    )


def test_sixteen_processes_admit_exactly_the_probes_of_a_round_that_closes(valkey: ValkeyProcess) -> None:
    seen = hammered(valkey, "good")
    assert seen.reached == PROBES
    assert seen.turned_away > PROCESSES
    assert all(states == ["open", "half_open", "closed"] for states in seen.states)


def test_sixteen_processes_admit_exactly_the_probes_of_each_round_that_fails(valkey: ValkeyProcess) -> None:
    seen = hammered(valkey, "bad")
    assert all(states == ["open", *["half_open", "open"] * 3] for states in seen.states)
    assert seen.reached == 3 * PROBES


async def good() -> str:
    await asyncio.sleep(0)
    return "answer"


async def bad() -> None:
    await asyncio.sleep(0)
    raise ConnectionError("down")


async def refuses(breaker: CircuitBreaker) -> bool:
    try:
        await breaker.call(good)
    except CircuitOpen:
        return True
    return False


async def until(breaker: CircuitBreaker, *, shared: bool) -> None:
    """Until the breaker has lost or found its store, with calls going on; bounded."""
    async with asyncio.timeout(30):
        while breaker.snapshot().shared is not shared:
            await breaker.call(good)
            await asyncio.sleep(0.01)


async def test_a_store_that_hangs_or_dies_stops_nobody() -> None:
    with ValkeyProcess() as valkey:
        async with await RedisConnection.open(valkey.url) as connection:
            breaker = CircuitBreaker("part", POLICY, store=RedisBreakerStore(connection))
            async with breaker:
                await until(breaker, shared=True)
                with valkey.paused():
                    await until(breaker, shared=False)
                    await opens_and_recovers(breaker)
                await until(breaker, shared=True)
                valkey.kill()
                await until(breaker, shared=False)
                await opens_and_recovers(breaker)
                valkey.start()
                await until(breaker, shared=True)
                await opens_and_recovers(breaker)


async def opens_and_recovers(breaker: CircuitBreaker) -> None:
    async with asyncio.timeout(30):
        while not await refuses(breaker):
            with contextlib.suppress(ConnectionError, CircuitOpen):
                await breaker.call(bad)
        while await refuses(breaker):  # noqa: ASYNC110  (only another call shows that the circuit closed)
            await asyncio.sleep(0.01)


async def test_an_idle_replica_that_was_cut_off_hears_what_it_missed(valkey: ValkeyProcess) -> None:
    told = asyncio.Event()
    async with (
        await RedisConnection.open(valkey.url, timeout_seconds=5.0) as line,
        await RedisConnection.open(valkey.url, timeout_seconds=5.0) as other_line,
    ):
        idle = CircuitBreaker("part", POLICY, store=RedisBreakerStore(line), on_transition=lambda _: told.set())
        other = CircuitBreaker("part", POLICY, store=RedisBreakerStore(other_line))
        async with idle, other:
            number = await line.call("CLIENT", "ID")
            assert isinstance(number, int)
            down = asyncio.Event()
            line.on_state(lambda state: down.set() if state == "down" else None)
            await other_line.call("CLIENT", "KILL", "ID", number)
            await other.force("forced_open", "maintenance")
            async with asyncio.timeout(20):
                await down.wait()
                await told.wait()
            assert await refuses(idle)
