"""A provider's metadata, kept for an hour, and longer while it is away. Whoever asks at once asks together.

Strangers who begin a login make the gateway need it, so a provider that does not answer is not asked again for some seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from mcp_gateway.adapters.oidc.discovery import ProviderMetadata
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.tasks import end_tasks

FRESH_SECONDS: Final = 3_600.0
AGAIN_SECONDS: Final = 5.0

FindMetadata: TypeAlias = Callable[[], Awaitable[ProviderMetadata]]


class KnownMetadata:
    """`find` asks the provider."""

    def __init__(self, name: str, find: FindMetadata, clock: Clock) -> None:
        self._name, self._find, self._clock = name, find, clock
        self.held: ProviderMetadata | None = None
        self._fresh_until = float("-inf")
        self._not_before = float("-inf")
        self._fault: ProviderUnusable | None = None
        self._flight: asyncio.Task[None] | None = None

    async def get(self) -> ProviderMetadata:
        """Raises `ProviderUnusable` when the provider never said, or says something else now that cannot be used."""
        now = self._clock.monotonic()
        if self.held is None or now > self._fresh_until:
            await self._ask(now)
        if self.held is not None and (self._fault is None or self._fault.kind != "issuer"):
            return self.held
        fault = self._fault or ProviderUnusable("metadata", "There is no metadata.")
        raise ProviderUnusable(fault.kind, fault.message, **{name: value for name, value in fault.data.items() if name != "kind"})

    def doubt(self) -> None:
        """What it says did not work: ask again before it is used the next time."""
        self._fresh_until = float("-inf")

    async def aclose(self) -> None:
        await end_tasks(self._flight)

    async def _ask(self, now: float) -> None:
        if self._flight is None or self._flight.done():
            if now < self._not_before:
                return
            self._flight = asyncio.get_running_loop().create_task(self._fetch(), name=f"metadata-{self._name}")
        # Whoever gives up waiting does not end it for the others.
        await asyncio.shield(self._flight)

    async def _fetch(self) -> None:
        try:
            self.held = await self._find()
        except ProviderUnusable as fault:
            self._fault = fault
            self._not_before = self._clock.monotonic() + AGAIN_SECONDS
        else:
            self._fault = None
            self._fresh_until = self._clock.monotonic() + FRESH_SECONDS
