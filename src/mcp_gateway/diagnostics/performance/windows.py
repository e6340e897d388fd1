"""The window and the one before it, as far as snapshots were kept; and the way between them, one figure after another."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from mcp_gateway.diagnostics.ports import History
from mcp_gateway.diagnostics.signals.names import Names
from mcp_gateway.diagnostics.signals.snapshot import Snapshot
from mcp_gateway.diagnostics.signals.window import Window

# Of a day only so many steps are computed: a picture shows no more.
MAX_STEPS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class TwoWindows:
    """`before` None: nothing was kept from that time. `steps`: windows between snapshots that follow each other, in order."""

    now: Window
    before: Window | None
    steps: tuple[Window, ...]
    wanted_seconds: float

    @property
    def complete(self) -> bool:
        """Whether the window is nearly as long as it was wanted."""
        return self.now.seconds >= 0.8 * self.wanted_seconds


def two_windows(now: Window, history: History, *, seconds: float, names: Names) -> TwoWindows:
    """`now` is shown already; what is taken from the history is shown to the same caller."""
    began = now.first.at if now.first is not None else now.last.at
    earlier = history.between(began - timedelta(seconds=seconds * 1.5), began)
    before = Window(first=earlier[0], last=earlier[-1]).shown_to(names) if len(earlier) > 1 else None
    kept = [one.shown_to(names) for one in _thinned(history.between(began, now.last.at))]
    steps = tuple(Window(first=one, last=other) for one, other in pairwise([*kept, now.last]) if other.at > one.at)
    return TwoWindows(now=now, before=before, steps=steps, wanted_seconds=seconds)


def _thinned(snapshots: Sequence[Snapshot]) -> Sequence[Snapshot]:
    step = max(1, len(snapshots) // MAX_STEPS)
    return [*snapshots[::step], *([snapshots[-1]] if (len(snapshots) - 1) % step else [])]
