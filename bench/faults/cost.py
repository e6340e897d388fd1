"""What a diagnosis costs the store: commands, and others' waiting. `python -m bench.faults.cost`.

The others are a process of their own, as they are in an organisation: what the diagnosis does in its own process is not theirs.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.deployment.redis_sources import RedisFigures, RedisKeys
from mcp_gateway.core.clock import SystemClock

KEYS = 200_000
ROUNDS = 16
ROUND_SECONDS = 4.0
# Reads a key every two milliseconds until its input ends; then says when each read began, and how long it took.
OTHERS = """
import redis, sys, threading, time
client, seen, enough, number = redis.Redis(port=int(sys.argv[1])), [], threading.Event(), 0
client.ping()
threading.Thread(target=lambda: (sys.stdin.read(), enough.set()), daemon=True).start()
print("ready", flush=True)
while not enough.wait(0.002):
    number += 7919
    key = "cache:{rig}:run:v:lists:tenant-%d:%d" % (number % 20, number % int(sys.argv[2]))
    begun = time.monotonic()
    client.get(key)
    seen.append((begun, time.monotonic() - begun))
for begun, took in seen:
    print(begun, took)
"""


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
        pipe = asyncio.subprocess.PIPE
        others = await asyncio.create_subprocess_exec(
            sys.executable, "-c", OTHERS, str(valkey.port), str(KEYS), stdin=pipe, stdout=pipe
        )
        assert others.stdout is not None
        await others.stdout.readline()
        asked = [await diagnosed(valkey) for _ in range(ROUNDS)]
        said, _ = await others.communicate(b"enough")
        quiet, during = split([(float(one), float(took)) for one, took in map(bytes.split, said.splitlines())], asked)
        return Cost(
            commands=await commands(valkey),
            p50_ms=(percentile(quiet, 0.5), percentile(during, 0.5)),
            p99_ms=(percentile(quiet, 0.99), percentile(during, 0.99)),
        )


async def diagnosed(valkey: ValkeyProcess) -> tuple[float, float]:
    """A quiet stretch, and one as long with one answer in it: an answer may take 8 s, so this is twice as often as it can be.

    When the second began and ended, monotonic.
    """
    await asyncio.sleep(ROUND_SECONDS)
    begun = time.monotonic()
    await look(valkey)
    await asyncio.sleep(max(0.0, begun + ROUND_SECONDS - time.monotonic()))
    return begun, time.monotonic()


def split(seen: Sequence[tuple[float, float]], asked: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """What took how long outside these stretches, and inside."""
    quiet: list[float] = []
    during: list[float] = []
    for when, took in seen:
        (during if any(begun <= when < ended for begun, ended in asked) else quiet).append(took)
    return quiet, during


def percentile(seen: list[float], share: float) -> float:
    """In milliseconds."""
    return sorted(seen)[int(len(seen) * share)] * 1e3


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print("\n".join(asyncio.run(measure()).lines()))
