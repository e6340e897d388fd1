"""A leak from the process to the answer: what it holds, the page it writes, and the line that the diagnosis names."""

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from mcp_gateway.adapters.deployment.page_signals import read_page
from mcp_gateway.diagnostics.causes.ranking import find_causes
from mcp_gateway.diagnostics.signals.snapshot import Snapshot
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.kit.figures import Metric
from mcp_gateway.kit.prometheus import PrometheusFigures, render_figures
from mcp_gateway.kit.vitals.allocations import AllocationWatch
from mcp_gateway.kit.vitals.process import RSS

pytestmark = pytest.mark.anyio
BEGUN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REQUESTS = Metric(name="request_seconds", help="Requests.", kind="histogram", labels=("operation", "status"))


@pytest.fixture
def followed() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


class Gateway:
    """Answers ten requests a minute and keeps what it is told to of each."""

    def __init__(self) -> None:
        self.figures, self.kept = PrometheusFigures(), [b""]
        self.watch = AllocationWatch(figures=self.figures)

    async def minute(self, at: int, *, keeps: int = 0) -> Snapshot:
        for _ in range(10):
            self.kept.append(bytes(keeps))
            self.figures.histogram(REQUESTS, operation="chat", status="200").observe(0.01)
        self.figures.gauge(RSS).set(80_000_000 + sum(map(len, self.kept)))
        await self.watch.look()
        registry = CollectorRegistry()
        registry.register(self.figures)
        body, _ = render_figures(registry, "")
        now = BEGUN + timedelta(minutes=at)
        read = await read_page(body, "gateway", now=now.timestamp(), more={"replica": "one:1"}, where="page")
        return Snapshot(at=now, sources={"page": read})


@pytest.mark.usefixtures("followed")
async def test_the_line_that_keeps_memory_is_in_the_diagnosis() -> None:
    gateway = Gateway()
    well = [await gateway.minute(at) for at in range(2)]
    last = await gateway.minute(2, keeps=1_000_000)
    (found,) = find_causes(Window(first=well[-1], last=last, healthy=well)).standing
    place = f"adapters/deployment/test_leaks.py:{Gateway.minute.__code__.co_firstlineno + 2}"
    assert (found.cause, found.component) == ("memory_leak", f"gateway process, at {place}")
    assert f"{place} grew 10.0 MB over the window, 1000 kB for each answered request" in found.why
    assert f"gateway.allocation_growth_bytes_total{{place={place}}}" in {one.signal for one in found.supports}
