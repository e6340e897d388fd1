"""Keeping snapshots in the background, so that later there is something to compare with.

What is kept as healthy is judged by whoever knows causes; a look that could read nothing is kept as not healthy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.observing import Observing
from mcp_gateway.diagnostics.ports import History
from mcp_gateway.diagnostics.signals.window import Window

# Looks at a window that ends now and says whether all is well in it.
IsWell: TypeAlias = Callable[[Window], bool]

# Between two looks.
INTERVAL_SECONDS = 15.0
# A judgement compares with what was so long ago.
JUDGED_SECONDS = 60.0
# The keys' sample costs more than the rest, and changes slowly.
WHOLE_EVERY = 4


@dataclass(kw_only=True, slots=True)
class Sampler:
    """One per process that diagnoses. `is_well` sees the window since about a minute ago."""

    observing: Observing
    history: History
    is_well: IsWell
    clock: Clock
    looks: int = 0

    async def keep(self) -> bool:
        """Look once and keep what was read; whether it was healthy."""
        snapshot = await self.observing.look(whole=self.looks % WHOLE_EVERY == 0)
        self.looks += 1
        earlier = self.history.before(snapshot.at - timedelta(seconds=JUDGED_SECONDS))
        healthy = self.history.healthy(until=earlier.at) if earlier is not None else ()
        well = bool(snapshot.sources) and self.is_well(Window(first=earlier, last=snapshot, healthy=healthy))
        self.history.add(snapshot, healthy=well)
        return well


def nothing_stands_out(window: Window) -> bool:
    """Without anybody who knows causes: whoever was asked answered."""
    return all(one.value == 1 for part in ("gateway", "engine", "redis") for one in window.series(f"{part}.up"))
