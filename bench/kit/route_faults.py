"""A guarded route under load while its Valkey is killed, stays away, and is started again; and while it hangs.

Printed beside what was asked: until the first answer by the declared policy after the fault, until the first by the shared limit
after the store answers again, and the slowest answer of all. `python -m bench.kit.route_faults`.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeAlias

import structlog
from bench.kit.guarded_apps import EVERYTHING, Stores, guarded_app
from bench.kit.route import no_body, scope_of
from fastapi import FastAPI
from starlette.types import Message
from tests.valkey_process import ValkeyProcess

from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisLimitStore

CLIENTS = 8
ROUNDS = 5
AWAY_SECONDS = 1.0


class Load:
    """Clients that ask without pause."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._items = count()
        self._running = True
        self.slowest = 0.0
        self.statuses: Counter[int] = Counter()
        self._tasks = [asyncio.create_task(self._ask()) for _ in range(CLIENTS)]

    async def until(self, *, away: bool) -> float:
        """Seconds until an answer says that the store is away, or no longer."""
        started = time.monotonic()
        while await self._get() != away:
            pass
        return time.monotonic() - started

    async def end(self) -> None:
        self._running = False
        await asyncio.gather(*self._tasks)

    async def _ask(self) -> None:
        while self._running:
            await self._get()

    async def _get(self) -> bool:
        """Whether the answer says that the store is away."""
        started, away = time.monotonic(), False

        async def look(message: Message) -> None:
            nonlocal away
            if message["type"] == "http.response.start":
                self.statuses[message["status"]] += 1
                away = any(b"mcp-gateway-away" in value for name, value in message["headers"] if name == b"ratelimit-policy")

        await self._app(scope_of(next(self._items)), no_body, look)
        self.slowest = max(self.slowest, time.monotonic() - started)
        return away


Fault: TypeAlias = Callable[[ValkeyProcess, Load], Awaitable[tuple[float, float]]]


async def measure(fault: Fault) -> tuple[list[float], list[float], Load]:
    with ValkeyProcess() as valkey:
        opened = await RedisConnection.open(valkey.url)
        async with opened as connection, await RedisSharedLevel.open(connection) as level:
            load = Load(guarded_app(Stores(limits=RedisLimitStore(connection), cache=level), EVERYTHING))
            await load.until(away=False)
            times = [await fault(valkey, load) for _ in range(ROUNDS)]
            await load.end()
    return [one for one, _ in times], [two for _, two in times], load


async def killed(valkey: ValkeyProcess, load: Load) -> tuple[float, float]:
    valkey.kill()
    gone = await load.until(away=True)
    await asyncio.sleep(AWAY_SECONDS)
    await asyncio.to_thread(valkey.start)
    return gone, await load.until(away=False)


async def hung(valkey: ValkeyProcess, load: Load) -> tuple[float, float]:
    with valkey.paused():
        gone = await load.until(away=True)
        await asyncio.sleep(AWAY_SECONDS)
    return gone, await load.until(away=False)


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print(f"{CLIENTS} clients, {ROUNDS} rounds, {AWAY_SECONDS:g} s away; declared for reads: this replica's share of the limit")
    print(f"  {'fault':<22}{'policy within ms':>18}{'asked':>9}{'shared again ms':>17}{'asked':>9}{'slowest ms':>12}  statuses")
    for name, fault in (("killed and restarted", killed), ("hung (SIGSTOP)", hung)):
        gone, back, load = asyncio.run(measure(fault))
        policy, again, slowest = max(gone) * 1e3, max(back) * 1e3, load.slowest * 1e3
        print(f"  {name:<22}{policy:>18.0f}{'≤ 1000':>9}{again:>17.0f}{'≤ 2000':>9}{slowest:>12.0f}  {dict(load.statuses)}")


if __name__ == "__main__":
    main()
