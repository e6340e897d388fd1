"""One of several processes that press on one tenant's limits; started by the journeys and by bench/kit.

`python -m tests.journeys.kit.limit_worker URL SECONDS SKEW RULES_JSON`; says `ready`, is told when to begin (monotonic seconds),
and its last line is JSON. `passed`: for each call let through the monotonic seconds before it asked and after it was told.
`script` and `stepped_seconds` are evidence: which script judged, and how far the machine's wall clock was set meanwhile.
"""

import asyncio
import json
import sys
import time
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.limits.documents import from_text
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisLimitStore, load_script

TASKS = 3
PAUSE_SECONDS = 0.002


class SkewedClock:
    """This process believes in another time than the others do."""

    def __init__(self, skew_seconds: float) -> None:
        self._skew_seconds = skew_seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._skew_seconds)

    def timestamp(self) -> float:
        return time.time() + self._skew_seconds

    def monotonic(self) -> float:
        return time.monotonic() + 1_000.0 + self._skew_seconds


def wall_clock_ahead() -> float:
    """Of the monotonic clock; of some readings the one least held up in between."""
    readings = [(time.monotonic(), time.time(), time.monotonic()) for _ in range(5)]
    before, wall, after = min(readings, key=lambda reading: reading[2] - reading[0])
    return wall - (before + after) / 2


async def watch_wall_clock(steps: list[float]) -> None:
    """Note every step of more than a millisecond: the store counts by the wall clock, the log of admissions by the monotonic."""
    last = wall_clock_ahead()
    while True:
        await asyncio.sleep(0.01)
        now = wall_clock_ahead()
        if abs(now - last) > 0.001:
            steps.append(now - last)
            last = now


async def press(url: str, begin_at: float, seconds: float, skew_seconds: float, rules: str) -> dict[str, object]:
    """Ask as fast as a busy client would, from `begin_at` (monotonic) on."""
    passed: list[tuple[float, float]] = []
    steps: list[float] = []
    watching = asyncio.create_task(watch_wall_clock(steps))
    async with await RedisConnection.open(url, timeout_seconds=5.0, connect_timeout_seconds=5.0) as connection:
        store = RedisLimitStore(connection, timeout_seconds=5.0)
        limiter = EnterpriseRateLimiter(from_text(rules), store=store, clock=SkewedClock(skew_seconds))
        caller = Caller(tenant="acme", subject="ann")

        async def client() -> None:
            while time.monotonic() < begin_at + seconds:
                before = time.monotonic()
                decision = await limiter.decide(caller, "ask")
                if decision.allowed and decision.degraded is None:
                    passed.append((before, time.monotonic()))
                await asyncio.sleep(PAUSE_SECONDS)

        await asyncio.sleep(max(0.0, begin_at - time.monotonic()))
        await asyncio.gather(*(client() for _ in range(TASKS)))
    watching.cancel()
    return {"passed": passed, "script": load_script("limits.lua").sha, "stepped_seconds": steps}


def most_certainly_in_any_window(passed: Sequence[tuple[float, float]], window_seconds: float) -> int:
    """The most calls that began and ended inside one window of this length, wherever it lies: none of them is in doubt."""
    most = 0
    for begin, _ in passed:
        ends = sorted(after for before, after in passed if before >= begin)
        most = max(most, bisect_left(ends, begin + window_seconds))
    return most


if __name__ == "__main__":
    _, its_url, its_seconds, its_skew, its_rules = sys.argv
    print("ready", flush=True)  # noqa: T201  (to whoever started it)
    its_begin = float(sys.stdin.readline())
    found = asyncio.run(press(its_url, its_begin, float(its_seconds), float(its_skew), its_rules))
    print(json.dumps(found), flush=True)  # noqa: T201  (as above)
