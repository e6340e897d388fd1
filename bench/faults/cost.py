"""What a diagnosis costs the store: commands, and others' waiting. `python -m bench.faults.cost`."""

import asyncio
import logging
import time
from dataclasses import dataclass

import structlog
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.deployment.redis_sources import RedisFigures, RedisKeys
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.kit.redis.connection import RedisConnection

KEYS = 200_000
ROUNDS = 8
ROUND_SECONDS = 4.0
PAUSE_SECONDS = 0.002


def fill(valkey: ValkeyProcess) -> None:
    with valkey.client() as client, client.pipeline(transaction=False) as pipeline:
        for index in range(KEYS):
            pipeline.execute_command("SET", f"cache:{{rig}}:run:v:lists:tenant-{index % 20}:{index}", "x" * 100, "EX", "600")
            if index % 10_000 == 9_999:
                pipeline.execute()


async def commands(valkey: ValkeyProcess) -> int:
    """Sent by one answer; the two that count them left out."""
    with valkey.client() as client:
        before = client.info("stats")["total_commands_processed"]
        await look(valkey)
        return int(client.info("stats")["total_commands_processed"] - before - 1)


async def look(valkey: ValkeyProcess) -> None:
    clock = SystemClock()
    await asyncio.gather(RedisFigures(url=valkey.url, clock=clock).read(), RedisKeys(url=valkey.url, clock=clock).read())


async def others(connection: RedisConnection, until: float, seen: list[float]) -> None:
    number = 0
    while time.monotonic() < until:
        number += 7919
        begun = time.perf_counter()
        await connection.call("GET", f"cache:{{rig}}:run:v:lists:tenant-{number % 20}:{number % KEYS}", timeout_seconds=1)
        seen.append(time.perf_counter() - begun)
        await asyncio.sleep(PAUSE_SECONDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Milliseconds of others' commands: without, and while it is diagnosed."""

    commands: int
    p50_ms: tuple[float, float]
    p99_ms: tuple[float, float]

    def lines(self) -> list[str]:
        told = [f"Commands one answer sends to the store: {self.commands} (asked: at most 200), in {KEYS:,} keys."]
        for name, (before, during) in (("p50", self.p50_ms), ("p99", self.p99_ms)):
            told.append(f"{name} of others' commands: {before:.3f} ms, diagnosed {during:.3f} ms ({during / before - 1:+.1%}).")
        return told


async def measure() -> Cost:
    with ValkeyProcess() as valkey:
        await asyncio.to_thread(fill, valkey)
        quiet: list[float] = []
        asked: list[float] = []
        async with await RedisConnection.open(valkey.url, timeout_seconds=1) as connection:
            for _ in range(ROUNDS):
                await others(connection, time.monotonic() + ROUND_SECONDS, quiet)
                # One answer in each stretch: an answer may take 8 s, so this is twice as often as it can be.
                diagnosing = asyncio.create_task(look(valkey))
                await others(connection, time.monotonic() + ROUND_SECONDS, asked)
                await diagnosing
        return Cost(
            commands=await commands(valkey),
            p50_ms=(percentile(quiet, 0.5), percentile(asked, 0.5)),
            p99_ms=(percentile(quiet, 0.99), percentile(asked, 0.99)),
        )


def percentile(seen: list[float], share: float) -> float:
    """In milliseconds."""
    return sorted(seen)[int(len(seen) * share)] * 1e3


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print("\n".join(asyncio.run(measure()).lines()))
