"""How often each tool is called, how long it takes and how it ends."""

from collections.abc import Awaitable
from typing import Final

from mcp_gateway.core.clock import Clock
from mcp_gateway.federation.endings import Ending, observed
from mcp_gateway.federation.model import Reply
from mcp_gateway.federation.pipeline import Onward, Passage
from mcp_gateway.federation.recent import RecentCall, RecentCalls
from mcp_gateway.kit.figures import Counter, Figures, Histogram, Metric

CALLS: Final = Metric(
    name="mcp_calls",
    help="Requests to MCP servers by tool and how they ended",
    kind="counter",
    labels=("server", "tool", "outcome"),
)
SECONDS: Final = Metric(
    name="mcp_call_seconds", help="How long requests to MCP servers took", kind="histogram", labels=("server",)
)
# Beyond so many, tools are counted together: nobody's server may fill the memory of whoever collects the figures.
MAX_TOOLS: Final = 2_000
OTHER: Final = "other"


class Measure:
    """Outside of everything, so that what is refused counts too."""

    def __init__(self, figures: Figures, recent: RecentCalls, clock: Clock) -> None:
        self._figures, self._recent = figures, recent
        self._timestamp, self._monotonic = clock.timestamp, clock.monotonic
        self._counters: dict[tuple[str, str, str], Counter] = {}
        self._durations: dict[str, Histogram] = {}
        self._tools: set[tuple[str, str]] = set()

    def __call__(self, passage: Passage, onward: Onward) -> Awaitable[Reply]:
        begun = self._monotonic()

        async def finish(ending: Ending) -> None:
            outcome = "cancelled" if ending.given_up else "failed" if ending.failed else "answered"
            self._count(passage, begun, outcome if passage.allowed else "refused", ending.code)

        return observed(passage, onward, finish)

    def _count(self, passage: Passage, begun: float, outcome: str, code: str) -> None:
        seconds = self._monotonic() - begun
        server, tool = passage.route.server.name, passage.act.target.tool
        counter = self._counters.get((server, tool, outcome)) or self._new_counter(server, tool, outcome)
        counter.add()
        duration = self._durations.get(server)
        if duration is None:
            duration = self._durations[server] = self._figures.histogram(SECONDS, server=server)
        duration.observe(seconds)
        self._remember(passage, seconds, outcome, code)

    def _new_counter(self, server: str, tool: str, outcome: str) -> Counter:
        if (server, tool) not in self._tools and len(self._tools) >= MAX_TOOLS:
            return self._figures.counter(CALLS, server=server, tool=OTHER, outcome=outcome)
        self._tools.add((server, tool))
        counter = self._counters[server, tool, outcome] = self._figures.counter(CALLS, server=server, tool=tool, outcome=outcome)
        return counter

    def _remember(self, passage: Passage, seconds: float, outcome: str, code: str) -> None:
        recent, client = self._recent, passage.request.client
        recent.number += 1
        recent.add(
            RecentCall(
                number=recent.number,
                at=self._timestamp(),
                tenant=client.caller.tenant,
                subject=client.caller.subject,
                server=passage.route.server.name,
                method=passage.request.method,
                name=passage.act.target.tool,
                outcome=outcome,
                error_code=code,
                duration_ms=seconds * 1000,
                revision=client.revision,
            )
        )
