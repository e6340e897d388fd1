"""Which key of the store takes most reads, as the clients see it: servers tell that only under an LFU policy.

Counts a share of the reads in bounded memory (the Space-Saving sketch) and forgets with a half-life. Names are hashed: a figure's
label must not show a tenant's key.
"""

import hashlib
from typing import Final

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.kit.figures import NO_FIGURES, Figures, Metric

SHARE: Final = Metric(
    name="store_hot_key_share",
    help="Share of this process's reads of the store that the most read key takes; keys are hashed.",
    kind="gauge",
    labels=("key",),
)
CAPACITY: Final = 128
HALF_LIFE_SECONDS: Final = 4.0
# A share of fewer reads than this says nothing.
FEWEST: Final = 20.0

_CLOCK = SystemClock()


class HotKeys:
    """`note` each read, or a fixed share of them; `report` when somebody asks for the figures."""

    def __init__(
        self, *, figures: Figures = NO_FIGURES, clock: Clock = _CLOCK, half_life_seconds: float = HALF_LIFE_SECONDS
    ) -> None:
        self._figures = figures
        self._monotonic = clock.monotonic
        self._half_life_seconds = half_life_seconds
        self._counts: dict[str, float] = {}
        self._total = 0.0
        self._reported = clock.monotonic()
        self._shown = ""

    def note(self, name: str) -> None:
        counts = self._counts
        self._total += 1
        if name in counts:
            counts[name] += 1
        elif len(counts) < CAPACITY:
            counts[name] = 1
        else:  # as if it had been there as often as the rarest: never too low
            rarest = min(counts, key=counts.__getitem__)
            counts[name] = counts.pop(rarest) + 1

    def hottest(self) -> tuple[str, float]:
        """The hashed name of the most read key and its share; "" and 0 when too little was read."""
        if self._total < FEWEST:
            return "", 0.0
        name = max(self._counts, key=self._counts.__getitem__)
        return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10], self._counts[name] / self._total

    def report(self) -> None:
        """Bring the figure up to date, and forget a little."""
        key, share = self.hottest()
        if self._shown and self._shown != key:
            self._figures.gauge(SHARE, key=self._shown).set(0)
        if key:
            self._figures.gauge(SHARE, key=key).set(share)
        self._shown = key
        now = self._monotonic()
        kept = 0.5 ** ((now - self._reported) / self._half_life_seconds)
        self._reported = now
        self._counts = {name: count * kept for name, count in self._counts.items()}
        self._total *= kept
