"""How many calls really pass in any window: our algorithms and other libraries under three attacks, in one run.

Eight processes press on one key, half of them with their wall clock a second ahead: `hammer`, all the time; and `edge`, one
call, a pause until just before the window's end, then everything over its edge. Told is the largest number of calls that
certainly began and ended inside one window, over the limit; 1.00 or less is exact. And two replicas a second apart, alone: what
the second lets through while the window is full ("too many", 0 is right), and once it has passed ("of 100 due"; fewer means
that callers wait longer than they must). `python -m bench.kit.limits_exactness [--quick]`; needs the development dependencies,
and group `peers` for the other libraries.
"""

import asyncio
import json
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import redis
import structlog
from bench.figures import print_table
from bench.kit.limit_peers import PEERS, Hit, Peer, floor, installed
from tests.journeys.kit.limit_worker import most_certainly_in_any_window
from tests.valkey_process import ValkeyProcess

from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.rules import Algorithm, Rule
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisLimitStore

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 8
LIMIT = 200
WINDOW_SECONDS = 2
SKEW_SECONDS = 1.0
ALONE_LIMIT = 100
LEAD_SECONDS = 1.0
PATIENT_SECONDS = 5.0

ANSWER = "passed: "

real_time, real_time_ns = time.time, time.time_ns


def ours(algorithm: Algorithm) -> Peer:
    @asynccontextmanager
    async def opened(url: str, limit: int, window: int) -> AsyncIterator[Hit]:
        rule = Rule(name="tenant", limit=limit, window_seconds=window, algorithm=algorithm)
        async with await RedisConnection.open(url, timeout_seconds=PATIENT_SECONDS) as connection:
            limiter = EnterpriseRateLimiter([rule], store=RedisLimitStore(connection, timeout_seconds=PATIENT_SECONDS))

            async def hit(key: str) -> bool:
                return (await limiter.decide(key, "ask")).allowed

            yield hit

    return opened


OURS: dict[str, Peer] = {
    "ours, window": ours("window"),
    "ours, exact": ours("exact"),
    "ours, gcra (burst 10 %)": ours("gcra"),
    "floor: fixed window": floor,
}


def set_wall_clock_ahead(seconds: float) -> None:
    """This process's `time.time` lies from now on; its monotonic clock does not."""
    time.time = lambda: real_time() + seconds
    time.time_ns = lambda: real_time_ns() + int(seconds * 1e9)


async def press(peer: Peer, url: str, begin_at: float, pattern: str, *, first: bool) -> list[tuple[float, float]]:
    """One process's part of an attack; what passed, by the machine's monotonic clock."""
    passed: list[tuple[float, float]] = []
    async with peer(url, LIMIT, WINDOW_SECONDS) as hit:

        async def ask() -> None:
            before = time.monotonic()
            if await hit("hot"):
                passed.append((before, time.monotonic()))

        async def until(moment: float) -> None:
            await asyncio.sleep(max(0.0, moment - time.monotonic()))

        async def hammer(end: float) -> None:
            async def client() -> None:
                while time.monotonic() < end:
                    await ask()
                    await asyncio.sleep(0.002)

            await asyncio.gather(*(client() for _ in range(3)))

        if pattern == "warm":
            await hit("warm")
            return []
        await until(begin_at)
        if pattern == "edge":
            if first:
                await ask()
            await until(begin_at + 0.85 * WINDOW_SECONDS)
        await hammer(begin_at + 2.2 * WINDOW_SECONDS)
    return passed


class Attackers:
    """The processes; they are told a limiter and a pattern, and tell what passed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._processes = [
            subprocess.Popen(  # noqa: S603  (our own command line)
                [sys.executable, "-m", "bench.kit.limits_exactness", "--worker", str(number)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for number in range(PROCESSES)
        ]
        self._each("ready?")

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()

    def warm(self, name: str) -> None:
        """Import the library and open it once, which takes longer than the lead of an attack."""
        self._each(json.dumps([name, self._url, 0.0, "warm"]))

    def attack(self, name: str, pattern: str) -> float:
        """The most calls that certainly passed in one window, over the limit."""
        # Windows counted from the wall clock and those counted from the first call begin together.
        begins = (int((real_time() + LEAD_SECONDS) // (2 * WINDOW_SECONDS)) + 1) * 2 * WINDOW_SECONDS
        begin_at = time.monotonic() + begins + 0.005 - real_time()
        told = self._each(json.dumps([name, self._url, begin_at, pattern]))
        return most_certainly_in_any_window([(before, after) for line in told for before, after in line], WINDOW_SECONDS) / LIMIT

    def _each(self, task: str) -> list[list[tuple[float, float]]]:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(task + "\n")
            process.stdin.flush()
        return [self._answer(process) for process in self._processes]

    @staticmethod
    def _answer(process: "subprocess.Popen[str]") -> list[tuple[float, float]]:
        """The next line that is an answer; libraries may write others."""
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(ANSWER):
                return [(before, after) for before, after in json.loads(line.removeprefix(ANSWER))]
        raise RuntimeError("a process of the attack has ended")


async def alone(peer: Peer, url: str) -> tuple[int, int]:
    """Too many over a skewed clock; and how many of those due again pass when the window is over."""

    async def burst(hit: Hit, key: str) -> int:
        return sum([await hit(key) for _ in range(ALONE_LIMIT)])

    async with peer(url, ALONE_LIMIT, WINDOW_SECONDS) as hit:
        await asyncio.sleep(2 * WINDOW_SECONDS - real_time() % WINDOW_SECONDS + 0.02)
        await burst(hit, "over")
        await asyncio.sleep(1.05)
        set_wall_clock_ahead(SKEW_SECONDS)
        too_many = await burst(hit, "over")
        await asyncio.sleep(WINDOW_SECONDS - real_time() % WINDOW_SECONDS + 0.02)
        await burst(hit, "under")
        await asyncio.sleep(WINDOW_SECONDS + 0.05)
        set_wall_clock_ahead(0.0)
        due = await burst(hit, "under")
    return too_many, due


def row(name: str, peer: Peer, url: str, attackers: Attackers) -> tuple[str, ...]:
    figures = []
    attackers.warm(name)
    for pattern in ("hammer", "edge"):
        forget(url)
        figures.append(attackers.attack(name, pattern))
    forget(url)
    too_many, due = asyncio.run(alone(peer, url))
    return name, *(f"{figure:.2f}" for figure in figures), str(too_many), str(due)


def forget(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushall()


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with ValkeyProcess() as valkey:
        rows = dict(OURS)
        if "--quick" not in sys.argv:
            rows |= asyncio.run(installed(valkey.url))
        attackers = Attackers(valkey.url)
        try:
            lines = [row(name, peer, valkey.url, attackers) for name, peer in rows.items()]
        finally:
            attackers.end()
    header = ("limiter", "hammer ÷ limit", "edge ÷ limit", "too many (0)", "of 100 due")
    print_table(
        f"Most in any window: {PROCESSES} processes, {LIMIT} per {WINDOW_SECONDS} s, clocks a second apart", header, lines
    )


def worker(number: int) -> None:
    set_wall_clock_ahead(SKEW_SECONDS if number % 2 else 0.0)
    for line in sys.stdin:
        passed = []
        if line.startswith("["):
            name, url, begin_at, pattern = json.loads(line)
            passed = asyncio.run(press({**OURS, **PEERS}[name], url, begin_at, pattern, first=number == 0))
        print(ANSWER + json.dumps(passed), flush=True)


if __name__ == "__main__":
    worker(int(sys.argv[2])) if "--worker" in sys.argv else main()
