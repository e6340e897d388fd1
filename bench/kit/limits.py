"""What a rate-limit decision costs, beside the least that counting in the store can cost and beside other libraries, in one run.

The floor is one Lua `INCR` and `PEXPIRE` through the ordinary client; ours decides three rules (caller, tenant, everybody) and
knows remaining and reset of each. The floor's client watches over each read with a timeout, as it comes; a row shows it without,
which nobody should run. 64 tasks, 500 tenants. Ratios are medians over rounds in which the floor ran just before; the
one per CPU second (client and server) holds on a machine that is busy with other things too.
`python -m bench.kit.limits [--quick]`; needs the development dependencies, and group `peers` for the other libraries.
"""

import asyncio
import gc
import logging
import random
import statistics
import sys
import time
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import redis
import structlog
from bench.figures import percentile, print_table
from bench.kit.limit_peers import Hit, Peer, floor, floor_without_timeouts, installed
from tests.valkey_process import ValkeyProcess

from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.limits.headers import LimitHeaders
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.model import Decision
from mcp_gateway.kit.limits.rules import Algorithm, Rule
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisLimitStore

TASKS = 64
TENANTS = 500
ROUNDS = 3
SECONDS = 1.0
# For the speed rows alone: a busy machine must not turn a slow answer into one by policy.
PATIENT_SECONDS = 5.0
PLENTY = 10_000
FLOODED = 10
WINDOW_SECONDS = 60


def three_rules(limit: int, algorithm: Algorithm = "window") -> list[Rule]:
    return [
        Rule(name="caller", limit=limit, window_seconds=WINDOW_SECONDS, scope="caller", algorithm=algorithm),
        Rule(name="tenant", limit=limit, window_seconds=WINDOW_SECONDS, algorithm=algorithm),
        Rule(
            name="everybody",
            limit=10_000 if algorithm == "exact" else 10_000_000,
            window_seconds=WINDOW_SECONDS,
            scope="global",
            algorithm=algorithm,
        ),
    ]


def ours(algorithm: Algorithm = "window", *, rendered: bool = False) -> Peer:
    """`rendered`: the header fields as bytes besides."""

    @asynccontextmanager
    async def opened(url: str, limit: int, window: int) -> AsyncIterator[Hit]:
        async with await RedisConnection.open(url, timeout_seconds=PATIENT_SECONDS) as connection:
            store = RedisLimitStore(connection, timeout_seconds=PATIENT_SECONDS)
            limiter = EnterpriseRateLimiter(three_rules(limit, algorithm), store=store)
            callers = {f"t{number}": Caller(tenant=f"t{number}", subject="ann") for number in range(TENANTS)}
            render = LimitHeaders().render

            async def hit(key: str) -> bool:
                decision = await limiter.decide(callers[key], "ask")
                if rendered:
                    render(decision)
                return decision.allowed

            yield hit

    return opened


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One second of load. CPU in microseconds per decision."""

    per_second: float
    p50_ms: float
    p99_ms: float
    client_cpu: float
    server_cpu: float
    passed_share: float


async def drive(peer: Peer, url: str, *, limit: int, tenants: int) -> Run:
    """64 tasks as fast as they can."""
    async with peer(url, limit, WINDOW_SECONDS) as hit:
        names = [f"t{number}" for number in range(tenants)]
        for name in names[:50]:
            await hit(name)
        for _ in range(limit + 2 if tenants == 1 else 0):
            await hit(names[0])
        waits = array("d")  # a list would keep a million objects, which costs more than a refusal
        passed = 0
        gc.collect()
        begun, cpu, server = time.perf_counter(), time.process_time(), server_cpu(url)

        async def client(seed: int) -> None:
            nonlocal passed
            choose = random.Random(seed)  # noqa: S311  (spreads load, guards nothing)
            name = names[0]
            while True:
                if tenants > 1:
                    name = names[int(choose.random() * tenants)]
                before = time.perf_counter()
                let_through = await hit(name)
                after = time.perf_counter()
                passed += let_through
                waits.append(after - before)
                if after - begun > SECONDS:
                    return
                if after - before < 2e-5 and not len(waits) % 64:
                    await asyncio.sleep(0)

        await asyncio.gather(*(client(seed) for seed in range(TASKS)))
        seconds, cpu, server = time.perf_counter() - begun, time.process_time() - cpu, server_cpu(url) - server
        count = len(waits)
        return Run(
            per_second=count / seconds,
            p50_ms=percentile(waits, 0.5) * 1e3,
            p99_ms=percentile(waits, 0.99) * 1e3,
            client_cpu=cpu / count * 1e6,
            server_cpu=server / count * 1e6,
            passed_share=passed / count,
        )


def server_cpu(url: str) -> float:
    with redis.Redis.from_url(url) as client:
        used = client.info("cpu")
        return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def empty(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushall()


async def compare(url: str, title: str, rows: dict[str, Peer], *, limit: int, tenants: int) -> None:
    """Each row right after a run of the floor; the median of the rounds."""
    runs: dict[str, list[Run]] = {name: [] for name in rows}
    floors: list[Run] = []
    ratios: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(ROUNDS):
        for name, peer in rows.items():
            empty(url)
            floors.append(await drive(floor, url, limit=limit, tenants=tenants))
            empty(url)
            try:
                runs[name].append(await drive(peer, url, limit=limit, tenants=tenants))
            except (OSError, TimeoutError, redis.RedisError) as error:
                print(f"{name}: {type(error).__name__} in one round", file=sys.stderr)
                continue
            ratios[name].append(runs[name][-1].per_second / floors[-1].per_second)
    floor_cpu = statistics.median(run.client_cpu + run.server_cpu for run in floors)
    lines = [row("floor: Lua INCR + PEXPIRE", floors, [1.0], floor_cpu)]
    lines += [row(name, runs[name], ratios[name], floor_cpu) for name in rows if ratios[name]]
    header = (
        *("limiter", "decisions/s", "÷ floor", "per CPU second ÷ floor"),
        *("p50 ms", "p99 ms", "client CPU µs", "server CPU µs", "passed"),
    )
    print_table(title, header, lines)


def row(name: str, runs: Sequence[Run], ratios: Sequence[float], floor_cpu: float) -> tuple[str, ...]:
    def middle(field: str) -> float:
        return statistics.median(float(getattr(run, field)) for run in runs)

    return (
        name,
        f"{middle('per_second'):,.0f}",
        f"{statistics.median(ratios):.2f}",
        f"{floor_cpu / (middle('client_cpu') + middle('server_cpu')):.2f}",
        f"{middle('p50_ms'):.3f}",
        f"{middle('p99_ms'):.3f}",
        f"{middle('client_cpu'):.2f}",
        f"{middle('server_cpu'):.1f}",
        f"{middle('passed_share'):.3f}",
    )


async def in_memory() -> None:
    """One core, one task, no store."""
    lines = []
    for title, rules, limit in (("one rule", 1, 10**8), ("three rules", 3, 10**8), ("three rules, refused", 3, FLOODED)):
        limiter = EnterpriseRateLimiter(three_rules(limit)[:rules])
        callers = [Caller(tenant=f"t{number}", subject="ann") for number in range(TENANTS)]
        for caller in callers:
            for _ in range(FLOODED + 1):
                await limiter.decide(caller, "ask")
        rates = []
        for _ in range(7):
            begun = time.process_time()
            for _ in range(60):
                for caller in callers:
                    await limiter.decide(caller, "ask")
            rates.append(60 * TENANTS / (time.process_time() - begun))
        lines.append((title, f"{statistics.median(rates):,.0f}", f"{max(rates):,.0f}"))
    print_table("In memory, one core (per CPU second)", ("decision", "median of 7", "best of 7"), lines)


async def fill(url: str, rules: Sequence[Rule], costs: Sequence[int], pause_seconds: float) -> str:
    """Bytes of a key, mean and most, after calls of these costs by 100 callers each."""
    empty(url)
    most = min(rule.most_at_once for rule in rules)
    callers = [Caller(tenant=f"tenant-{number:04d}", subject=f"user-{number:04d}") for number in range(100)]
    async with await RedisConnection.open(url, timeout_seconds=PATIENT_SECONDS) as connection:
        limiter = EnterpriseRateLimiter(rules, store=RedisLimitStore(connection, timeout_seconds=PATIENT_SECONDS))
        for cost in costs:
            await asyncio.gather(*(limiter.decide(caller, "ask", cost=min(cost, most)) for caller in callers))
            await asyncio.sleep(pause_seconds)
    with redis.Redis.from_url(url) as client:
        asking = client.pipeline(transaction=False)
        for key in client.scan_iter(count=1_000):
            asking.memory_usage(key, samples=0)
        sizes = [int(size) for size in asking.execute() if size]
    return f"{statistics.mean(sizes):.0f} (most {max(sizes)})" if sizes else "0 (whole again)"


def bytes_table(url: str) -> None:
    lines = []
    algorithms: tuple[Algorithm, ...] = ("window", "gcra", "exact")
    for algorithm in algorithms:
        cells: list[str] = [algorithm]
        spread = [1] * 14
        for window, costs, pause in ((600, [1], 0.0), (600, [1] * 100, 0.0), (6, spread, 0.55), (6, [300, *[50] * 13], 0.55)):
            caller = Rule(name="caller", limit=1_000, window_seconds=window, scope="caller", algorithm=algorithm)
            tenant = Rule(name="tenant", limit=1_000, window_seconds=window, algorithm=algorithm)
            cells.append(asyncio.run(fill(url, [caller, tenant], costs, pause)))
        lines.append(cells)
    header = ("algorithm", "after 1 call", "after 100", "after 14 spread over every bucket", "the same, costing 300, 50, 50 …")
    print_table("Bytes per identity in the store (one key)", header, lines)


async def without_store() -> None:
    """Decisions while the store hangs, forgets its scripts, or refuses connections, with the product's own deadline."""
    lines = []
    with ValkeyProcess() as valkey:
        async with await RedisConnection.open(valkey.url) as connection:
            limiter = EnterpriseRateLimiter(three_rules(PLENTY), store=RedisLimitStore(connection), replicas=4)
            await limiter.decide("acme", "ask")
            with valkey.paused():
                lines.append(waited("hung (SIGSTOP), 64 at once", await asyncio.gather(*(timed(limiter) for _ in range(TASKS)))))
                lines.append(waited("hung, afterwards", [await timed(limiter) for _ in range(200)]))
            while (await timed(limiter))[1].decided_by != "store":  # noqa: ASYNC110  (the store is waited for)
                await asyncio.sleep(0.01)
            with valkey.client() as client:
                client.script_flush()
            lines.append(waited("scripts flushed, 64 at once", await asyncio.gather(*(timed(limiter) for _ in range(TASKS)))))
            valkey.kill()
            await asyncio.sleep(0.05)
            lines.append(waited("connection refused", [await timed(limiter) for _ in range(200)]))
    print_table("Without the store (asked: within 25 ms)", ("state", "longest ms", "median ms", "decided by"), lines)


async def timed(limiter: EnterpriseRateLimiter) -> tuple[float, Decision]:
    begun = time.perf_counter()
    decision = await limiter.decide("acme", "ask", kind="read")
    return time.perf_counter() - begun, decision


def waited(title: str, decisions: Sequence[tuple[float, Decision]]) -> tuple[str, ...]:
    waits = [seconds * 1e3 for seconds, _ in decisions]
    by = {decision.degraded or decision.decided_by for _, decision in decisions}
    return title, f"{max(waits):.2f}", f"{statistics.median(waits):.3f}", ", ".join(sorted(by))


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    quick = "--quick" in sys.argv
    with ValkeyProcess() as valkey:
        peers = {} if quick else asyncio.run(installed(valkey.url))
        mine = {
            "floor without timeouts": floor_without_timeouts,
            "ours, three rules (window)": ours(),
            "ours, three rules (gcra)": ours("gcra"),
            "ours, three rules (exact)": ours("exact"),
            "ours, three rules (window), headers rendered": ours(rendered=True),
        }
        asyncio.run(compare(valkey.url, "Let through", {**mine, **peers}, limit=PLENTY, tenants=TENANTS))
        asyncio.run(compare(valkey.url, "Refused (one flooded tenant)", {**mine, **peers}, limit=FLOODED, tenants=1))
        bytes_table(valkey.url)
    asyncio.run(in_memory())
    asyncio.run(without_store())


if __name__ == "__main__":
    main()
