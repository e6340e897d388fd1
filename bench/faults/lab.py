"""The rig with somebody watching it: looks at it while it is well, and a diagnosis when it no longer is."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Self

from bench.faults.load import Mix, Seen
from bench.faults.rig import Rig

from mcp_gateway.adapters.deployment.readers import Addresses, observing_of
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.diagnostics.causes.ranking import Causes, find_causes
from mcp_gateway.diagnostics.history import SnapshotHistory
from mcp_gateway.diagnostics.ports import Deployment
from mcp_gateway.diagnostics.signals.window import Window

LOOK_SECONDS = 1.5
# Until the caches hold what they usually do: a cold one is no measure of what is usual.
WARMING_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class Found:
    """A diagnosis, from what, and how long it took."""

    causes: Causes
    window: Window
    seconds: float

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.cause for one in self.causes.standing)


@dataclass
class Lab:
    """Enter it. `observing` begins anew with each `settle`."""

    rig: Rig = field(default_factory=Rig)
    stop_stuttering: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        await self.rig.__aenter__()
        await asyncio.sleep(WARMING_SECONDS)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.rig.__aexit__(None, None, None)

    @property
    def addresses(self) -> Addresses:
        rig = self.rig
        return Addresses(
            gateway_url=rig.replicas[0].url,
            engine_url=rig.engine.url,
            redis_url=rig.store.url,
            signing_keys_url=rig.issuer.url,
            replicas=tuple(one.url for one in rig.replicas[1:]),
            mcp_servers={name: f"{program.url}/mcp" for name, program in rig.servers.items()},
        )

    @property
    def deployment(self) -> Deployment:
        return self.addresses.checked()

    async def settle(self, seconds: float) -> None:
        """Watch the rig while it is well: what is usual from now on."""
        self.observing = observing_of(self.addresses, history=SnapshotHistory(), clock=SystemClock())
        self.began = time.monotonic()
        until = self.began + seconds
        while True:
            self.observing.history.add(await self.observing.look(whole=True), healthy=True)
            if time.monotonic() >= until:
                break
            await asyncio.sleep(min(LOOK_SECONDS, max(0.05, until - time.monotonic())))
        self.usual: Seen = self.rig.load.seen(self.began)
        self.settled = time.monotonic()

    async def mark(self) -> None:
        """A look that a later window may begin with."""
        self.observing.history.add(await self.observing.look(whole=False), healthy=False)

    async def diagnose(self, window_seconds: float) -> Found:
        begun = time.monotonic()
        window = await self.observing.observe(window_seconds=window_seconds)
        causes = find_causes(window)
        return Found(causes=causes, window=window, seconds=time.monotonic() - begun)

    def served_as_usual(self, since: float) -> bool:
        """The objective: as many requests succeed as usual, and none of the kinds takes several times as long."""
        now = self.rig.load.seen(since)
        quick = all(seconds <= 3 * self.usual.p50.get(kind, 1.0) + 0.05 for kind, seconds in now.p50.items())
        return now.count > 10 and now.success >= self.usual.success - 0.03 and quick

    async def heal(self) -> None:
        """Whatever was done to the rig, it is well again."""
        rig = self.rig
        rig.load.mix, rig.load.flood = Mix(), 0.0
        rig.issuer.reset()
        await rig.heal()
