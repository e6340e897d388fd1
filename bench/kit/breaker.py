"""Our circuit breaker beside others, in one run: `python -m bench.kit.breaker`. Peers: `uv sync --group peers`.

What a guarded call costs; whether 60 % failures open it though never five come in a row; how many calls of 64 a half-open round
lets through to a part that answers, and to one that fails; whether calls their callers cancelled open it; and how many failing
calls of 20 pass after a probe was cancelled.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from bench.figures import print_table
from bench.kit import breaker_peers
from bench.kit.breaker_peers import RECOVERY_SECONDS, Call
from tests.valkey_process import ValkeyProcess

from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.breaker.policy import BreakerPolicy
from mcp_gateway.kit.breaker.windows import CountBased, TimeBased
from mcp_gateway.kit.redis.breaker import RedisBreakerStore
from mcp_gateway.kit.redis.connection import RedisConnection

CALLERS = 64
RUNS = 7
POLICY = BreakerPolicy(
    window=CountBased(calls=20), minimum_calls=10, open_seconds=RECOVERY_SECONDS, open_growth=1, probes=3, report_seconds=0.05
)

_numbers = iter(range(1_000_000))


class Boom(Exception):
    """The part failed."""


async def good() -> str:
    return "answer"


async def bad() -> str:
    raise Boom


async def hang() -> str:
    await asyncio.sleep(5)
    return "late"


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """`calls` is how many are timed in one go; `sleeps` whether a batch of calls must be given a moment to be seen."""

    name: str
    make: Callable[[], Call]
    calls: int = 20_000
    sleeps: bool = False


def ours(policy: BreakerPolicy = POLICY, store: RedisBreakerStore | None = None) -> Call:
    return CircuitBreaker(f"bench-{next(_numbers)}", policy, store=store).call


async def tried(call: Call, work: Callable[[], object], times: int) -> int:
    """How many of `times` calls reached the part."""
    reached = 0

    async def counted() -> object:
        nonlocal reached
        reached += 1
        return await work()  # type: ignore[misc]  # every work here is a coroutine function

    for _ in range(times):
        with contextlib.suppress(Exception):
            await call(counted)
    return reached


async def microseconds(peers: Sequence[Peer]) -> dict[str, float]:
    """The cost of a guarded call over a bare one, by name; in turns, so that a busy moment of the machine hits all alike.

    A peer that is not installed or cannot run has none.
    """
    calls: dict[str, Call] = {}
    for peer in peers:
        with contextlib.suppress(Exception):  # a peer that cannot run is a row of the table
            call = peer.make()
            await call(good)
            calls[peer.name] = call
    best = dict.fromkeys(calls, 1e9)
    for _ in range(RUNS):
        for peer in peers:
            if peer.name not in calls:
                continue
            call, started = calls[peer.name], time.perf_counter()
            for _ in range(peer.calls):
                await good()
            between = time.perf_counter()
            for _ in range(peer.calls):
                await call(good)
            took = time.perf_counter() - between - (between - started)
            best[peer.name] = min(best[peer.name], took / peer.calls * 1e6)
    return best


async def reached_at_sixty_percent(peer: Peer) -> int:
    call, reached = peer.make(), 0
    for number in range(200):
        reached += await tried(call, bad if number % 5 < 3 else good, 1)
        if peer.sleeps and number % 10 == 9:
            await asyncio.sleep(0.06)  # a real part takes time, in which outcomes are reported
    return reached


async def half_open(peer: Peer, *, answers: bool) -> int:
    """How many of 64 callers at once reach the part in the first half-open round."""
    call = await opened(peer)
    reached = 0

    async def slow() -> str:
        nonlocal reached
        reached += 1
        await asyncio.sleep(0.05)
        if not answers:
            raise Boom
        return "answer"

    await asyncio.gather(*(call(slow) for _ in range(CALLERS)), return_exceptions=True)
    return reached


async def opened(peer: Peer) -> Call:
    call = peer.make()
    await tried(call, bad, 30)
    await asyncio.sleep(0.1)
    await tried(call, bad, 1)
    await asyncio.sleep(RECOVERY_SECONDS + 0.3)
    return call


async def after_cancellations(peer: Peer) -> str:
    call = peer.make()
    calls = [asyncio.ensure_future(call(hang)) for _ in range(30)]
    await asyncio.sleep(0.1)
    for one in calls:
        one.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    return "closed" if await tried(call, good, 1) else "OPEN"


async def after_cancelled_probe(peer: Peer) -> int:
    call = await opened(peer)
    probe = asyncio.ensure_future(call(hang))
    await asyncio.sleep(0.05)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    return await tried(call, bad, 20)


async def row(peer: Peer, cost: float | None, own: float) -> tuple[str, ...]:
    if cost is None:
        return peer.name, "not installed, or fails", *["–"] * 6
    return (
        peer.name,
        f"{cost:.2f}",
        f"{cost / own:.1f}",
        str(await reached_at_sixty_percent(peer)),
        str(await half_open(peer, answers=True)),
        str(await half_open(peer, answers=False)),
        await after_cancellations(peer),
        str(await after_cancelled_probe(peer)),
    )


async def store_calls(valkey: ValkeyProcess, connection: RedisConnection) -> None:
    """What a shared circuit asks of the store while it is closed."""
    breaker = CircuitBreaker("bench-calls", POLICY, store=RedisBreakerStore(connection))
    async with breaker:
        with valkey.client() as client:
            before = client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
            started = time.perf_counter()
            for number in range(100_000):
                await breaker.call(good)
                if number % 100 == 0:
                    await asyncio.sleep(0)
            took = time.perf_counter() - started
            made = client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"] - before
    print(f"A shared closed circuit made {made} store calls for 100,000 guarded calls in {took:.2f} s.\n")


async def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    with ValkeyProcess() as valkey:
        async with await RedisConnection.open(valkey.url, timeout_seconds=1.0) as connection:
            store = RedisBreakerStore(connection)
            peers = (
                Peer(name="ours, last 20 calls", make=ours),
                Peer(
                    name="ours, last 10 s",
                    make=lambda: ours(
                        BreakerPolicy(
                            window=TimeBased(seconds=10), minimum_calls=10, open_seconds=RECOVERY_SECONDS, open_growth=1, probes=3
                        )
                    ),
                ),
                Peer(name="ours, shared over Valkey", make=lambda: ours(store=store), sleeps=True),
                Peer(name="circuitbreaker", make=breaker_peers.circuitbreaker),
                Peer(name="aiobreaker", make=breaker_peers.aiobreaker),
                Peer(name="purgatory", make=breaker_peers.purgatory),
                Peer(name="purgatory over Valkey", make=lambda: breaker_peers.purgatory_redis(valkey.url), calls=500),
                Peer(name="cashews over Valkey", make=lambda: breaker_peers.cashews(valkey.url), calls=500),
            )
            costs = await microseconds(peers)
            own = costs[peers[0].name]
            rows = [await row(peer, costs.get(peer.name), own) for peer in peers]
            header = (
                "breaker", "µs per call", "÷ ours", "reached of 200 at 60 % failures", "probes of 64, part good",
                "probes of 64, part bad", "after 30 cancelled calls", "failures passed of 20 after a cancelled probe",
            )  # fmt: skip
            print_table("**Circuit breakers** (bare call subtracted, best of 7)", header, rows)
            await store_calls(valkey, connection)


if __name__ == "__main__":
    asyncio.run(main())
