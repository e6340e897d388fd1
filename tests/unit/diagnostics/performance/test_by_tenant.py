"""Times of one tenant's endpoints, where a gateway's page tells them; and that it does not, where it does not."""

from datetime import UTC, datetime, timedelta

import pytest

from mcp_gateway.adapters.deployment.page_signals import read_page
from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.diagnostics.performance.sections import latency, split_by_both, throughput
from mcp_gateway.diagnostics.performance.windows import TwoWindows
from mcp_gateway.diagnostics.signals.snapshot import Snapshot
from mcp_gateway.diagnostics.signals.window import Window

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def objects(value: Json) -> list[JsonObject]:
    assert isinstance(value, list)
    return [one for one in value if isinstance(one, dict)]


def page(acme: int, rival: int) -> str:
    """Cumulative counts: acme is answered within 0.1 s, rival within 1 s."""
    lines = ["# TYPE http_request_duration_seconds histogram"]
    for tenant, count, quick in (("acme", acme, acme), ("rival", rival, 0)):
        labels = f'handler="/chat",status="200",tenant_id="{tenant}"'
        for edge, number in (("0.1", quick), ("1", count), ("+Inf", count)):
            lines.append(f'http_request_duration_seconds_bucket{{{labels},le="{edge}"}} {number}')
        lines.append(f"http_request_duration_seconds_count{{{labels}}} {count}")
    return "\n".join(lines) + "\n"


async def two(first: str, last: str) -> TwoWindows:
    looks = [
        Snapshot(at=at, sources={"page": await read_page(text.encode(), "gateway", now=at.timestamp(), more={}, where="page")})
        for at, text in ((NOW - timedelta(seconds=60), first), (NOW, last))
    ]
    return TwoWindows(now=Window(first=looks[0], last=looks[1]), before=None, steps=(), wanted_seconds=60)


async def test_a_page_that_splits_by_both_tells_each_tenants_endpoints() -> None:
    seen = await two(page(10, 10), page(110, 70))
    assert split_by_both(seen.now)
    rival = latency(seen, {"tenant": "rival"})
    (row,) = objects(rival["endpoints"])
    assert (row["route"], row["measurements"]) == ("/chat", 60.0)
    assert 100 < float(str(object_at(row, "p50_ms")["value"])) <= 1_000
    everybody = latency(seen, {})
    (whole,) = objects(everybody["endpoints"])
    assert whole["measurements"] == 160.0
    assert [one["tenant"] for one in objects(everybody["tenants"])] == ["acme", "rival"]
    assert object_at(throughput(seen, {"tenant": "acme"}), "requests_per_second")["value"] == round(100 / 60, 5)
