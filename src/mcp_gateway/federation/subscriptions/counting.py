"""What is counted of changes and of those who want to be told."""

from typing import Final, Protocol

from mcp_gateway.federation.model import Change
from mcp_gateway.kit.figures import Counter, Figures, Metric

CHANGES: Final = Metric(
    name="mcp_changes", help="Changes MCP servers told of, here or elsewhere", kind="counter", labels=("kind",)
)
LISTENERS: Final = Metric(name="mcp_listeners", help="Open streams of changes", kind="gauge")
WATCHES: Final = Metric(name="mcp_watches", help="Subscriptions with MCP servers", kind="gauge")


class Sized(Protocol):
    def __len__(self) -> int: ...


class ChangeFigures:
    """`hear` is for the bus; `look` is to be called now and then."""

    def __init__(self, figures: Figures, listeners: Sized, watches: Sized) -> None:
        self._figures = figures
        self._open = ((figures.gauge(LISTENERS), listeners), (figures.gauge(WATCHES), watches))
        self._counters: dict[str, Counter] = {}

    def hear(self, change: Change) -> None:
        counter = self._counters.get(change.kind)
        if counter is None:
            counter = self._counters[change.kind] = self._figures.counter(CHANGES, kind=change.kind)
        counter.add()

    def look(self) -> None:
        for gauge, what in self._open:
            gauge.set(len(what))
