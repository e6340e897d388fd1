"""The adaptive limit beside others, on a simulated backend: `python -m bench.kit.adaptive`.

Eight places of 40 ms each, so 200 calls a second can be done. Offered: 120, then 400, then 120 a second; an answer is good when
it comes within 300 ms. Also with the backend at half its speed while overloaded, and with a minute of overload. Time is
simulated, arrivals are drawn from fixed seeds: the same on every machine.
"""

import asyncio
import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from bench.figures import percentile, print_table

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.errors import Overloaded
from mcp_gateway.kit.resilience.adaptive import AdaptiveLimit

PLACES = 8
SERVICE_SECONDS = 0.040
GOOD_SECONDS = 0.300
SEEDS = range(5)

Phase = tuple[float, float, float]  # seconds, offered per second, how many times slower the backend is
SCENARIOS: dict[str, tuple[Phase, ...]] = {
    "twice the load for 3 s": ((3, 120, 1), (3, 400, 1), (3, 120, 1)),
    "the same, and half as fast": ((3, 120, 1), (3, 400, 2), (3, 120, 1)),
    "twice the load for 60 s": ((3, 120, 1), (60, 400, 1), (3, 120, 1)),
}


class Limit(Protocol):
    """A limiter under test."""

    def enter(self) -> bool: ...

    def leave(self, seconds: float) -> None: ...


class Static:
    """So many at once, for ever; by default as many as want to."""

    def __init__(self, limit: float = math.inf) -> None:
        self.limit = limit
        self.running = 0

    def enter(self) -> bool:
        if self.running >= self.limit:
            return False
        self.running += 1
        return True

    def leave(self, seconds: float) -> None:
        self.learn(seconds, self.running)
        self.running -= 1

    def learn(self, seconds: float, running: int) -> None: ...


class Aimd(Static):
    """One more per round of good answers, a tenth less for each slow one (over 150 ms)."""

    def learn(self, seconds: float, running: int) -> None:
        if seconds > 0.150:
            self.limit = max(2.0, self.limit * 0.9)
        elif running * 2 >= self.limit:
            self.limit += 1 / self.limit


class Vegas(Static):
    """Keeps the queue, estimated from the shortest duration seen, between 3 and 6."""

    shortest = math.inf
    seen = 0

    def learn(self, seconds: float, running: int) -> None:
        self.seen += 1
        self.shortest = seconds if self.seen % 600 == 0 else min(self.shortest, seconds)
        queue = self.limit * (1 - self.shortest / seconds)
        step = math.log10(max(10.0, self.limit))
        if queue > 6:
            self.limit = max(2.0, self.limit - step)
        elif queue < 3 and running * 2 >= self.limit:
            self.limit += step


class Ours:
    """`AdaptiveLimit` with its defaults, driven by the simulated clock."""

    def __init__(self, clock: FixedClock) -> None:
        self._limit = AdaptiveLimit("backend", clock=clock)
        self._begun: dict[int, AbstractAsyncContextManager[None]] = {}
        self.clock = clock

    async def enter(self, stack: AsyncExitStack) -> bool:
        try:
            await stack.enter_async_context(self._limit.place())
        except Overloaded:
            return False
        return True

    @property
    def limit(self) -> float:
        return self._limit.state().limit


@dataclass(slots=True)
class Seen:
    """What came of the calls of one run."""

    good: int = 0
    late: int = 0
    shed: int = 0
    seconds: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Call:
    began: float
    stack: AsyncExitStack


async def simulate(phases: tuple[Phase, ...], seed: int, make: Callable[[FixedClock], Static | Ours]) -> tuple[Seen, float]:
    """What came of it, and the limit at the end."""
    draw, clock, seen = random.Random(seed), FixedClock(datetime(2026, 1, 1, tzinfo=UTC)), Seen()  # noqa: S311  (a simulation)
    limit = make(clock)
    order = itertools.count()
    events: list[tuple[float, int, Call | None, float]] = [
        (at, next(order), None, slowness) for at, slowness in _arrivals(phases, draw)
    ]
    heapq.heapify(events)
    line: deque[Call] = deque()
    busy, slowness = 0, 1.0

    def begin(call: Call, now: float) -> None:
        took = SERVICE_SECONDS * slowness * draw.uniform(0.8, 1.2)
        heapq.heappush(events, (now + took, next(order), call, slowness))

    while events:
        now, _, call, at_that_time = heapq.heappop(events)
        clock.advance(now - clock.monotonic())
        if call is None:
            slowness = at_that_time
            call = Call(now, AsyncExitStack())
            if not (await limit.enter(call.stack) if isinstance(limit, Ours) else limit.enter()):
                seen.shed += 1
            elif busy < PLACES:
                busy += 1
                begin(call, now)
            else:
                line.append(call)
            continue
        took = now - call.began
        seen.seconds.append(took)
        seen.good += took <= GOOD_SECONDS
        seen.late += took > GOOD_SECONDS
        await call.stack.aclose()
        if isinstance(limit, Static):
            limit.leave(took)
        if line:
            begin(line.popleft(), now)
        else:
            busy -= 1
    return seen, limit.limit


def _arrivals(phases: tuple[Phase, ...], draw: random.Random) -> list[tuple[float, float]]:
    found, start = [], 0.0
    for seconds, rate, slowness in phases:
        at = start + draw.expovariate(rate)
        while at < start + seconds:
            found.append((at, slowness))
            at += draw.expovariate(rate)
        start += seconds
    return found


LIMITS: dict[str, Callable[[FixedClock], Static | Ours]] = {
    "no limit": lambda clock: Static(),
    "static 16": lambda clock: Static(16),
    "static 64": lambda clock: Static(64),
    "AIMD": lambda clock: Aimd(20),
    "Vegas": lambda clock: Vegas(20),
    "AdaptiveLimit": Ours,
}


def main() -> None:
    for title, phases in SCENARIOS.items():
        rows, bare = [], 0.0
        for name, make in LIMITS.items():
            runs = [asyncio.run(simulate(phases, seed, make)) for seed in SEEDS]
            good = sum(seen.good for seen, _ in runs) / len(runs)
            bare = bare or good
            seconds = [took for seen, _ in runs for took in seen.seconds]
            rows.append((
                name,
                f"{good:.0f}",
                f"{good / bare:.2f}",
                f"{sum(seen.late for seen, _ in runs) / len(runs):.0f}",
                f"{sum(seen.shed for seen, _ in runs) / len(runs):.0f}",
                f"{percentile(seconds, 0.5) * 1e3:.0f}",
                f"{percentile(seconds, 0.99) * 1e3:.0f}",
                f"{sum(limit for _, limit in runs) / len(runs):.0f}",
            ))  # fmt: skip
        header = ("limit", "good", "÷ no limit", "late", "turned away", "p50 ms", "p99 ms", "limit at the end")
        print_table(f"**{title}** (mean of {len(SEEDS)} runs)", header, rows)


if __name__ == "__main__":
    main()
