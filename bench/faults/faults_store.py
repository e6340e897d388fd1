"""F01 to F13: limits, cache and the store behind them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from bench.faults.cases import Fault, Strength, by_strength, closed_port, flag, replica_flags
from bench.faults.lab import Lab
from bench.faults.replica import RULES

from mcp_gateway.adapters.faults.processes import stopped, stuttering
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.kit.limits.documents import to_text
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisRuleStore, load_script


@contextlib.asynccontextmanager
async def flood(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    lab.rig.load.flood = by_strength(strength, 25, 50, 100)
    yield


@contextlib.asynccontextmanager
async def lower_limit(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    """A deploy stores a rule that allows too little."""
    limit = by_strength(strength, 3, 2, 1)
    rules = replace(RULES, rules=(RULES.rules[0], replace(RULES.rules[1], limit=limit)))
    async with await RedisConnection.open(lab.rig.store.url, timeout_seconds=2) as connection:
        store = RedisRuleStore(connection, timeout_seconds=2)
        await store.save(to_text(rules), expected_revision=(await store.load()).revision)
    yield


@contextlib.asynccontextmanager
async def little_memory(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    """The bound is what is used and a little more; a job fills the store besides."""
    with memory_bound(lab, "allkeys-lru", by_strength(strength, 300_000, 100_000, 20_000)):
        async with filling(lab, by_strength(strength, 40, 80, 160)):
            yield


@contextlib.asynccontextmanager
async def no_memory(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    with memory_bound(lab, "noeviction", by_strength(strength, 60_000, 10_000, -100_000)):
        async with filling(lab, by_strength(strength, 40, 80, 160)):
            yield


@contextlib.contextmanager
def memory_bound(lab: Lab, policy: str, room: int):  # type: ignore[no-untyped-def]  # noqa: ANN201  # a generator of nothing
    """On the rig's own store alone."""
    with lab.rig.store.client() as client:
        client.config_set("maxmemory-policy", policy)
        client.config_set("maxmemory", client.info("memory")["used_memory"] + room)
    yield


@contextlib.asynccontextmanager
async def filling(lab: Lab, keys_a_second: int) -> AsyncIterator[None]:
    """A job writes values of 4 kB that expire in a minute."""

    async def fill() -> None:
        number = 0
        async with await RedisConnection.open(lab.rig.store.url, timeout_seconds=2, tolerate_down=True) as connection:
            while True:
                await asyncio.sleep(0.1)
                for _ in range(keys_a_second // 10):
                    number += 1
                    with contextlib.suppress(Exception):
                        connection.post("SET", f"junk:{number}", b"x" * 4_000, "EX", 60)

    task = asyncio.create_task(fill())
    try:
        yield
    finally:
        await end_tasks(task)


@contextlib.asynccontextmanager
async def hot(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    lab.rig.load.mix.hot_share = by_strength(strength, 0.5, 0.8, 0.95)
    lab.rig.load.mix.catalog *= by_strength(strength, 1.5, 2, 3)
    yield


@contextlib.asynccontextmanager
async def big_value(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    """The profile that every chat reads has become large."""

    def write() -> None:
        with lab.rig.store.client() as client:
            lab.rig.write_profile(client, fields=by_strength(strength, 2_000, 8_000, 30_000))

    await asyncio.to_thread(write)
    yield


@contextlib.asynccontextmanager
async def walking(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    """A job asks KEYS again and again in a store of many keys."""
    number = by_strength(strength, 20_000, 60_000, 120_000)

    def write() -> None:
        with lab.rig.store.client() as client, client.pipeline(transaction=False) as pipeline:
            for index in range(number):
                pipeline.execute_command("SET", f"junk:session:{index}", "x", "EX", "300")
                if index % 10_000 == 9_999:
                    pipeline.execute()
            pipeline.execute()

    async def ask() -> None:
        async with await RedisConnection.open(lab.rig.store.url, timeout_seconds=5) as connection:
            await connection.call("CLIENT", "SETNAME", "nightly-report")
            while True:
                with contextlib.suppress(Exception):
                    await connection.call("KEYS", "junk:nobody:*", timeout_seconds=5)
                await asyncio.sleep(0.25)

    await asyncio.to_thread(write)
    task = asyncio.create_task(ask())
    try:
        yield
    finally:
        await end_tasks(task)


@contextlib.asynccontextmanager
async def hung(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    pid = lab.rig.store.pid
    doing = (
        stuttering(pid, stopped_seconds=0.9, running_seconds=0.9, until=lab.stop_stuttering)
        if strength == "mild"
        else stopped(pid)
    )
    async with doing:
        yield


@contextlib.asynccontextmanager
async def refused(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    """Mild: one replica looks at a wrong port. Severe: both do. Clear: the store has ended."""
    if strength == "clear":
        lab.rig.store.kill()
        yield
        return
    with closed_port() as port:
        async with replica_flags(lab, *((0,) if strength == "mild" else ()), store_url=f"redis://127.0.0.1:{port}/0"):
            yield


@contextlib.asynccontextmanager
async def script_lost(lab: Lab, strength: Strength) -> AsyncIterator[None]:
    """Once, or, as behind a proxy that changes servers, again and again; mild: half of the time somebody has sent it again."""

    async def forget() -> None:
        while True:
            with lab.rig.store.client() as client:
                client.script_flush()
                await asyncio.sleep(by_strength(strength, 1, 3_600, 3))
                if strength == "mild":
                    client.script_load(load_script("limits.lua").text)
                    await asyncio.sleep(1)

    async with replica_flags(lab, scripts_by_id=True):
        task = asyncio.create_task(forget())
        try:
            yield
        finally:
            await end_tasks(task)


F01 = Fault(
    code="F01", component="limiter", inject=flag("keys_without_ttl", 1, 5, 20),
    signals=("redis.keys_without_ttl", "redis.sampled_without_ttl_share"), tempting="delete all limiter keys",
)  # fmt: skip
F02 = Fault(
    code="F02", component="tenant", inject=flood,
    signals=("gateway.limit_decisions_total",), tempting="raise limits",
)  # fmt: skip
F03 = Fault(
    code="F03", component="tenant-chat", inject=lower_limit,
    signals=("gateway.limit_refusals_total", "gateway.limit_rules_revision"), tempting="call it an attack",
)  # fmt: skip
F04 = Fault(
    code="F04", component="cache", inject=flag("cache_seconds", 0.4, 0.05, 0.02),
    signals=("redis.expired_keys_total", "redis.sampled_ttl_p50_seconds"), tempting="add memory", seconds=8,
)  # fmt: skip
F05 = Fault(
    code="F05", component="redis", inject=little_memory,
    signals=("redis.evicted_keys_total",), tempting="raise the time to live",
)  # fmt: skip
F06 = Fault(
    code="F06", component="redis", inject=no_memory,
    signals=("redis.errors_total",), tempting="restart the gateway",
)  # fmt: skip
F07 = Fault(
    code="F07", component="channel", inject=flag("deaf", True, True, True, one_when_mild=True),
    signals=("redis.subscribers",), tempting="shorten all times to live",
)  # fmt: skip
F08 = Fault(code="F08", component="key", inject=hot, seconds=8, signals=("redis.hot_key_share",), tempting="bigger pool")
F09 = Fault(
    code="F09", component="key", inject=big_value,
    signals=("redis.biggest_key_bytes", "redis.slowlog_ms", "redis.command_usec_total"), tempting="blame the network",
)  # fmt: skip
F10 = Fault(
    code="F10", component="KEYS", inject=walking,
    signals=("redis.command_usec_total",), tempting="scale the store",
)  # fmt: skip
F11 = Fault(
    code="F11", component="redis", inject=hung,
    signals=("redis.probe_outcome", "gateway.store_changes_total"), tempting="restart everything",
)  # fmt: skip
F12 = Fault(
    code="F12", component="", inject=refused,
    signals=("redis.probe_outcome", "gateway.store_state"), tempting="resume the store",
)  # fmt: skip
F13 = Fault(
    code="F13", component="limiter", inject=script_lost,
    signals=("redis.errors_total",), tempting="fail open for ever",
)  # fmt: skip
