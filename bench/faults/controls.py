"""Controls: nothing is wrong, however it looks; and two faults at once, of which one leads to the other."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from bench.faults import faults_store as store
from bench.faults.explaining import explain
from bench.faults.lab import Lab
from bench.faults.load import Mix
from bench.faults.runs import SETTLING_SECONDS, run_control


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """`expected`: what must be answered, in this order; empty is silence."""

    name: str
    answered: tuple[str, ...]
    expected: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        return self.answered[: len(self.expected)] == self.expected if self.expected else not self.answered


async def nothing(lab: Lab) -> None:
    """C1."""
    await lab.settle(SETTLING_SECONDS)


async def busy(lab: Lab) -> None:
    """C2: peak load, half as much again as usual."""
    await lab.settle(SETTLING_SECONDS)
    lab.rig.load.mix = Mix().times(1.5)


async def alarming(lab: Lab) -> None:
    """C3: many limiter keys and half of all reads missed, as it is by design."""
    lab.rig.load.mix = Mix(distinct_lists=60, distinct_catalog=600)

    def counters() -> None:
        with lab.rig.store.client() as client:
            for index in range(300):
                client.set(f"rate_limit:{{tenant-{index}}}:chat:tenant:w6", 1, ex=60)

    await asyncio.to_thread(counters)
    await asyncio.sleep(2)
    await lab.settle(SETTLING_SECONDS)


async def two_faults(lab: Lab) -> None:
    """C4: counters that never expire fill a store that evicts."""
    await lab.settle(SETTLING_SECONDS)
    await lab.rig.tell_all(keys_without_ttl=40)
    with store.memory_bound(lab, "allkeys-lru", 20_000):
        pass


@contextlib.asynccontextmanager
async def healed(lab: Lab) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await lab.heal()


CONTROLS: tuple[tuple[str, Callable[[Lab], Awaitable[None]], tuple[str, ...]], ...] = (
    ("C1", nothing, ()),
    ("C2", busy, ()),
    ("C3", alarming, ()),
    ("C4", two_faults, ("limiter_keys_without_ttl", "redis_memory_evicting")),
)


async def run_controls(lab: Lab, times: int, *, why: bool) -> list[Control]:
    done = []
    for _ in range(times):
        for name, prepare, expected in CONTROLS:
            begun = time.monotonic()
            async with healed(lab):
                await prepare(lab)
                found = await run_control(lab)
            control = Control(name=name, answered=found.names, expected=expected)
            done.append(control)
            print(
                f"{name}  {'right' if control.right else 'WRONG'} {list(control.answered)} {time.monotonic() - begun:.0f} s",
                file=sys.stderr,
            )
            if why and not control.right:
                explain(found.causes.standing)
    return done
