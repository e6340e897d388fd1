"""What the operations tools cost Redis: commands, the server's time for each, and who else waits, on a million keys.

`python -m bench.diagnostics_redis [--keys N]`. A Valkey of our own on loopback; a client beside it reads all the time.
"""

import argparse
import asyncio
import logging
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.deployment.readers import Addresses
from mcp_gateway.adapters.deployment.redis_reading import ALLOWED, CLIENT_NAME
from mcp_gateway.adapters.deployment.tools import DeploymentTools, tools_of
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.diagnostics.asking import Rights
from mcp_gateway.diagnostics.history import SnapshotHistory
from mcp_gateway.diagnostics.operations import CoherenceOrder, HealthOrder, MetricsOrder

FILL = """
for i = ARGV[1], ARGV[2] do
  local kind = i % 10
  if kind < 6 then redis.call('SET', 'cache:{gateway}:0123456789abcdef:v:lists:t' .. (i % 500) .. ':' .. i, 'x', 'PX', 3600000)
  elseif kind < 9 then redis.call('SET', 'rate_limit:{tenant' .. (i % 500) .. '}:chat:tenant:w60:' .. i, 1, 'PX', 3600000)
  else redis.call('SET', 'session:' .. i, 'x') end
end
"""
# Reads one key every millisecond until it is told that it is enough; a process of its own, as others are.
READER = """
import redis, statistics, sys, threading, time
client, times, enough = redis.Redis(port=int(sys.argv[1])), [], threading.Event()
client.ping()
threading.Thread(target=lambda: (sys.stdin.read(), enough.set()), daemon=True).start()
print("ready", flush=True)
while not enough.wait(0.001):
    begun = time.perf_counter()
    client.get("session:9")
    times.append((time.perf_counter() - begun) * 1000)
print(statistics.quantiles(times, n=100)[98])
"""
STEP, ROUNDS = 100_000, 5
MOST_COMMANDS, MOST_MS = 200, 5.0
# What the canary and a connection's greeting send beside the careful reader.
OTHERS = frozenset({"hello", "select", "publish", "hgetall", "subscribe", "unsubscribe"})

Work = Callable[[], Awaitable[object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(_measure(parser.parse_args().keys))


async def _measure(keys: int) -> None:
    with ValkeyProcess() as valkey:
        _fill(valkey, keys)
        tools = tools_of(
            Addresses(redis_url=valkey.url),
            history=SnapshotHistory(),
            clock=SystemClock(),
            rights=Rights(sees_everybody=lambda _: True, secret=secrets.token_bytes(16)),
            find_causes=lambda _: (),
        )
        print(f"{'analysis':30} {'seconds':>8} {'commands':>9} {'slowest ms':>11}  {'of':18} {'p99 of others':>14}")
        for name, work in _analyses(tools).items():
            await _one(valkey, name, work)


def _fill(valkey: ValkeyProcess, keys: int) -> None:
    with valkey.client(socket_timeout=300) as client:
        for begin in range(0, keys, STEP):
            client.eval(FILL, 0, begin + 1, min(keys, begin + STEP))
        client.hset("cache:profiles:shared", mapping={f"field{index}": "x" * 40 for index in range(30_000)})
        print(f"{client.dbsize():,} keys")


def _analyses(tools: DeploymentTools) -> dict[str, Work]:
    limits = MetricsOrder(metric_type="rate_limiting")
    return {
        "diagnose_gateway_health": lambda: tools.diagnose_health(LOCAL_CALLER, HealthOrder()),
        "analyze_cache_coherence": lambda: tools.analyze_cache(LOCAL_CALLER, CoherenceOrder(include_event_log=True)),
        "analyze_performance_metrics": lambda: tools.analyze_performance(LOCAL_CALLER, limits),
    }


async def _one(valkey: ValkeyProcess, name: str, work: Work) -> None:
    # A command during which the machine ran somebody else's process looks slow once, not each time.
    runs = [await _logged(valkey, work) for _ in range(ROUNDS)]
    seconds, ours = min(runs, key=lambda run: max(one["duration"] for one in run[1]))
    sent = {one["command"].split(b" ")[0].decode().lower() for one in ours}
    allowed = {word.split(" ")[0].lower() for word in ALLOWED} | OTHERS
    slowest = max(ours, key=lambda one: one["duration"])
    milliseconds, of = slowest["duration"] / 1000, slowest["command"].decode("utf-8", "replace")[:18]
    ratio = await _beside(valkey, work)
    print(f"{name:30} {seconds:8.2f} {len(ours):9} {milliseconds:11.3f}  {of:18} {ratio:12.2f} x")
    if not sent <= allowed or len(ours) > MOST_COMMANDS or milliseconds >= MOST_MS:
        raise SystemExit(f"{name} is over its bounds: {sorted(sent - allowed)}")


async def _logged(valkey: ValkeyProcess, work: Work) -> tuple[float, list[dict[str, Any]]]:
    """How long it took, and each command it sent with the server's own time for it."""
    with valkey.client() as client:
        client.config_set("slowlog-max-len", 100_000)
        client.config_set("slowlog-log-slower-than", 0)
        client.slowlog_reset()
        begun = time.perf_counter()
        await work()
        seconds = time.perf_counter() - begun
        client.config_set("slowlog-log-slower-than", -1)
        entries: list[dict[str, Any]] = client.slowlog_get(100_000)
        return seconds, [one for one in entries if one.get("client_name") == CLIENT_NAME.encode()]


async def _beside(valkey: ValkeyProcess, work: Work) -> float:
    """The 99th percentile of another process's reads while `work` goes on, over that while nothing does."""
    ratios = []
    for _ in range(ROUNDS):
        quiet = await _p99_during(valkey, asyncio.sleep(2.2))
        ratios.append(await _p99_during(valkey, work()) / quiet)
    return statistics.median(ratios)


async def _p99_during(valkey: ValkeyProcess, going_on: Awaitable[object]) -> float:
    reader = await asyncio.create_subprocess_exec(
        sys.executable, "-c", READER, str(valkey.port), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert reader.stdout is not None
    await reader.stdout.readline()
    await going_on
    answer, _ = await reader.communicate(b"enough")
    return float(answer)


if __name__ == "__main__":
    main()
