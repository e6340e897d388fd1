"""Many processes share one circuit and hammer it while it is half open; prints how many calls reached the part, and the log.

`python breaker_replicas.py URL PROCESSES PROBES good|bad`; one JSON line per process.
"""

import asyncio
import json
import logging
import multiprocessing
import sys
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from typing import TypeAlias

import structlog

from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.breaker.policy import BreakerPolicy
from mcp_gateway.kit.errors import CircuitOpen
from mcp_gateway.kit.redis.breaker import RedisBreakerStore
from mcp_gateway.kit.redis.connection import RedisConnection

Results: TypeAlias = "SimpleQueue[dict[str, int | list[str]]]"

CALLERS = 8
LIMIT_SECONDS = 20.0
# Rounds to see when every probe fails.
ROUNDS = 3


class Replica:
    """One process's breaker and the part behind it."""

    def __init__(self, *, good: bool) -> None:
        self.good = good
        self.reached = 0
        self.turned_away = 0

    async def part(self, breaker: CircuitBreaker) -> None:
        # One who asked as a probe and was told that the circuit has closed meanwhile is an ordinary caller.
        self.reached += breaker.snapshot().state != "closed"
        await asyncio.sleep(0.1)  # long enough for every other caller to ask meanwhile
        if not self.good:
            raise ConnectionError("still down")

    async def hammer(self, breaker: CircuitBreaker, done: asyncio.Event) -> None:
        while not done.is_set():
            try:
                await breaker.call(self.part, breaker)
            except CircuitOpen:
                self.turned_away += 1
                await asyncio.sleep(0.002)
            except ConnectionError:
                continue


async def replica(url: str, probes: int, begin: Barrier, results: Results, *, good: bool, opens: bool) -> None:
    policy = BreakerPolicy(minimum_calls=4, failure_rate=0.5, open_seconds=0.4, open_growth=1, probes=probes, report_seconds=0.01)
    states: list[str] = []
    opened, done = asyncio.Event(), asyncio.Event()

    def heard(target: str) -> None:
        states.append(target)
        if target == "open":
            opened.set()
        if target == "closed" or states.count("open") > ROUNDS:
            done.set()

    me = Replica(good=good)
    async with await RedisConnection.open(url, timeout_seconds=5.0) as connection:
        breaker = CircuitBreaker(
            "hammered", policy, store=RedisBreakerStore(connection), on_transition=lambda line: heard(line.target)
        )
        async with breaker, asyncio.timeout(LIMIT_SECONDS):
            await asyncio.to_thread(begin.wait, LIMIT_SECONDS)
            if opens:
                for _ in range(4):
                    async with breaker.guard() as guarded:
                        guarded.verdict = "failure"
            await opened.wait()
            await asyncio.gather(*(me.hammer(breaker, done) for _ in range(CALLERS)))
    results.put({"reached": me.reached, "turned_away": me.turned_away, "states": states})


def main() -> None:
    url, processes, probes, good = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "good"
    forked = multiprocessing.get_context("fork")
    begin, results = forked.Barrier(processes), forked.SimpleQueue()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    def run(number: int) -> None:
        asyncio.run(replica(url, probes, begin, results, good=good, opens=number == 0))

    children = [forked.Process(target=run, args=(number,)) for number in range(processes)]
    for child in children:
        child.start()
    for _ in children:
        sys.stdout.write(json.dumps(results.get()) + "\n")
        sys.stdout.flush()
    for child in children:
        child.join(LIMIT_SECONDS + 5)
    sys.exit(max(child.exitcode or 0 for child in children))


if __name__ == "__main__":
    main()
