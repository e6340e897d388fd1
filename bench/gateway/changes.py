"""How long it takes until a listener at one replica is told of a change another one heard of, over a real Valkey.

`python -m bench.gateway.changes [--changes N] [--listeners N]`
"""

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack
from time import perf_counter

from bench.figures import percentile, print_table
from tests.unit.federation.subscriptions.world import World, next_of
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.change_bus_redis import RedisChangeBus
from mcp_gateway.federation.model import Reply
from mcp_gateway.kit.redis.connection import RedisConnection

ASKED_MS = 100.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=500)
    parser.add_argument("--listeners", type=int, default=1_000)
    options = parser.parse_args()
    with ValkeyProcess() as valkey:
        rows = [
            _row("one listener", asyncio.run(_measured(valkey, options.changes, 1))),
            _row(f"the last of {options.listeners:,}", asyncio.run(_measured(valkey, options.changes // 25, options.listeners))),
        ]
    print_table("A change heard at one replica, told at another", ["who", "p50 ms", "p99 ms", "asked"], rows)
    return 0


async def _measured(valkey: ValkeyProcess, changes: int, listeners: int) -> list[float]:
    """Milliseconds from when one replica heard of a change until every listener of the other has read of it."""
    async with AsyncExitStack() as stack:
        hearing, telling = [await _replica(stack, valkey) for _ in range(2)]
        replies = [await telling.listen(f"caller-{number}", toolsListChanged=True) for number in range(listeners)]
        await hearing.listen(toolsListChanged=True)
        await asyncio.gather(*(next_of(reply) for reply in replies))
        return [await _one(hearing, replies) for _ in range(changes)]


async def _one(hearing: World, replies: list[Reply]) -> float:
    reading = [asyncio.ensure_future(next_of(reply, seconds=30.0)) for reply in replies]
    await asyncio.sleep(0)
    begun = perf_counter()
    hearing.links["shop"].says("tools")
    await asyncio.gather(*reading)
    return (perf_counter() - begun) * 1_000


async def _replica(stack: AsyncExitStack, valkey: ValkeyProcess) -> World:
    connection = await stack.enter_async_context(await RedisConnection.open(valkey.url, timeout_seconds=1.0))
    bus = await RedisChangeBus.open(connection, key=b"k" * 32)
    stack.callback(bus.close)
    world = World(bus)
    stack.push_async_callback(world.close)
    return world


def _row(who: str, milliseconds: list[float]) -> list[str]:
    return [who, f"{percentile(milliseconds, 0.5):.2f}", f"{percentile(milliseconds, 0.99):.2f}", f"within {ASKED_MS:.0f}"]


if __name__ == "__main__":
    sys.exit(main())
