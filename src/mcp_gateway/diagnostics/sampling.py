"""Keeping snapshots in the background, so that later there is something to compare with.

What is kept as healthy is judged by whoever knows causes; a look that could read nothing is kept as not healthy. Nor is one
whose figures are otherwise than usual, though no cause is known for it: trouble that is not understood is no measure.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, TypeAlias

from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.observing import Observing
from mcp_gateway.diagnostics.ports import History
from mcp_gateway.diagnostics.signals.snapshot import Snapshot
from mcp_gateway.diagnostics.signals.window import Window

Judged: TypeAlias = Literal["well", "otherwise", "unwell"]
# Looks at a window that ends now and says whether all is well in it, or at least nothing but figures otherwise than usual.
Judge: TypeAlias = Callable[[Window], Judged]

# Between two looks.
INTERVAL_SECONDS = 15.0
# A judgement compares with what was so long ago.
JUDGED_SECONDS = 60.0
# The keys' sample costs more than the rest, and changes slowly.
WHOLE_EVERY = 4


@dataclass(kw_only=True, slots=True)
class Sampler:
    """One per process that diagnoses. `judge` sees the window since about a minute ago, in a thread of its own."""

    observing: Observing
    history: History
    judge: Judge
    clock: Clock
    looks: int = 0

    async def keep(self) -> bool:
        """Look once and keep what was read; whether it was healthy."""
        snapshot = await self.observing.look(whole=self.looks % WHOLE_EVERY == 0)
        self.looks += 1
        earlier = self.history.before(snapshot.at - timedelta(seconds=JUDGED_SECONDS))
        healthy = self.history.healthy(until=earlier.at) if earlier is not None else ()
        window = Window(first=earlier, last=snapshot, healthy=healthy)
        judged = await asyncio.to_thread(self._judged, window, self.history.remembered(until=snapshot.at))
        self.history.add(snapshot, healthy=judged == "well", otherwise=judged == "otherwise")
        return judged == "well"

    def _judged(self, window: Window, remembered: Sequence[Snapshot]) -> Judged:
        """Healthy is only what is so beside the last healthy time and beside the one that is remembered."""
        if not window.last.sources:
            return "unwell"
        judged = self.judge(window)
        if judged == "well" and remembered and window.healthy and remembered[0].at < window.healthy[0].at:
            return "otherwise" if self.judge(replace(window, healthy=remembered)) == "otherwise" else "well"
        return judged


def nothing_stands_out(window: Window) -> Judged:
    """Without anybody who knows causes: whoever was asked answered."""
    answered = all(one.value == 1 for part in ("gateway", "engine", "redis") for one in window.series(f"{part}.up"))
    return "well" if answered else "unwell"
