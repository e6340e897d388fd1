"""What the tests of the cache share: a caller, a loader one can hold back, and a cache without chance."""

import asyncio

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.cache.memory import MemorySharedLevel
from mcp_gateway.kit.cache.model import CachePolicy

ACME = Caller(tenant="acme", subject="ada")


class Source:
    """A loader that counts its calls and can be held back or made to fail."""

    def __init__(self, *values: Json) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self._values = values

    async def __call__(self) -> Json:
        self.calls += 1
        number = self.calls
        self.asked.set()
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return self._values[number - 1] if self._values else number

    def hold(self) -> None:
        self.open.clear()
        self.asked.clear()


def cache_of(level: MemorySharedLevel, clock: FixedClock, policy: CachePolicy | None = None) -> "Cache[Json]":
    return Cache("books", level, policy=policy or CachePolicy(ttl_jitter=0), clock=clock)


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)
