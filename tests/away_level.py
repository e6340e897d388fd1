"""A shared level whose store can go away and come back, for tests of what a cache does then."""

from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.cache.memory import MemorySharedLevel
from mcp_gateway.kit.cache.model import Acknowledgement
from mcp_gateway.kit.cache.ports import Claim, CoherenceListener, Invalidation, Lease, Look, Place
from mcp_gateway.kit.errors import StoreUnavailable


class AwayLevel(MemorySharedLevel):
    """A memory level until `leave`, then unavailable until `come_back`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock)
        self._all: list[CoherenceListener] = []
        self._away = False

    def attach(self, cache: str, listener: CoherenceListener) -> None:
        super().attach(cache, listener)
        self._all.append(listener)

    def leave(self) -> None:
        self._away = True
        self.trusted_until = 0.0
        self.epoch += 1
        for listener in self._all:
            listener.emptied()

    def come_back(self) -> None:
        self._away = False
        self.trusted_until = float("inf")

    async def look(self, place: Place, claim: Claim | None) -> Look:
        self._check()
        return await super().look(place, claim)

    async def fill(self, place: Place, lease: Lease, payload: bytes, fresh_seconds: float, kept_seconds: float) -> bool:
        self._check()
        return await super().fill(place, lease, payload, fresh_seconds, kept_seconds)

    async def invalidate(self, invalidation: Invalidation) -> Acknowledgement:
        self._check()
        return await super().invalidate(invalidation)

    def _check(self) -> None:
        if self._away:
            raise StoreUnavailable
