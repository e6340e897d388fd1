"""Random histories over two caches and a moved clock: every read is held against what may be served then."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.depth import examples

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.cache.memory import MemorySharedLevel
from mcp_gateway.kit.cache.model import CachePolicy

TTL = 10.0
STALE = 4.0
KEYS = ("a", "b", "c")
TAGS = {"a": ("x",), "b": ("x", "y"), "c": ()}

STEP = st.one_of(
    st.tuples(st.just("read"), st.integers(0, 1), st.sampled_from(KEYS)),
    st.tuples(st.just("write"), st.integers(0, 1), st.sampled_from(KEYS)),
    st.tuples(st.just("tag"), st.integers(0, 1), st.sampled_from(("x", "y", "z"))),
    st.tuples(st.just("wait"), st.sampled_from((1, 3, 6, 11)), st.just("")),
    st.tuples(st.just("settle"), st.just(0), st.just("")),
)


class History:
    """The truth changes all the time; `ended[key]` is the number from which on a read must be, `born` when a number was read."""

    def __init__(self) -> None:
        self.clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.number = 0
        self.born: dict[int, float] = {}
        self.ended = dict.fromkeys(KEYS, 0)
        level = MemorySharedLevel(clock=self.clock, max_entries=2)
        policy = CachePolicy(
            ttl_seconds=TTL, stale_while_revalidate_seconds=STALE, early_refresh=0.3, near_max_entries=2, lease_seconds=1
        )
        self.caches = [Cache("m", level, policy=policy, clock=self.clock) for _ in range(2)]
        self.reads: list[asyncio.Task[None]] = []

    def load(self) -> Callable[[], Awaitable[Json]]:
        async def load() -> Json:
            self.number += 1
            number = self.number
            self.born[number] = self.clock.monotonic()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return number

        return load

    async def read(self, which: int, key: str) -> None:
        at_least, asked = self.ended[key], self.clock.monotonic()
        value = await self.caches[which].get_or_load(key, self.load(), tenant="t", tags=TAGS[key])
        assert isinstance(value, int)
        assert value > at_least, f"{key}: {value} ended with {at_least}"
        assert asked - self.born[value] <= TTL + STALE

    async def run(self, steps: list[tuple[str, int, str]]) -> None:
        for what, number, name in steps:
            if what == "read":
                self.reads.append(asyncio.create_task(self.read(number, name)))
                await asyncio.sleep(0)
            elif what == "wait":
                await asyncio.gather(*self.reads)
                self.clock.advance(number)
            elif what == "settle":
                await asyncio.gather(*self.reads)
            else:
                before = self.number
                keys, tags = ((name,), ()) if what == "write" else ((), (name,))
                await self.caches[number].invalidate(tenant="t", keys=keys, tags=tags, cause="test")
                for key in KEYS:
                    if key in keys or set(tags) & set(TAGS[key]):
                        self.ended[key] = before
        await asyncio.gather(*self.reads)
        for cache in self.caches:
            await cache.close()


@settings(max_examples=examples(100))
@given(st.lists(STEP, max_size=40))
def test_no_read_returns_what_an_earlier_invalidation_ended_or_what_is_too_old(steps: list[tuple[str, int, str]]) -> None:
    async def within_bounds() -> None:
        async with asyncio.timeout(20):
            await History().run(steps)

    asyncio.run(within_bounds())
