"""The figures this gateway exports are understood by its own diagnostics, whole."""

import re

import pytest
from prometheus_client import CollectorRegistry

from mcp_gateway.adapters.deployment.metric_names import OWN
from mcp_gateway.adapters.deployment.page_signals import read_page
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.kit.breaker.policy import BreakerPolicy
from mcp_gateway.kit.prometheus import render_figures
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.traffic import open_traffic

pytestmark = pytest.mark.anyio


async def test_what_a_gateway_exports_of_itself_is_read_as_signals() -> None:
    clock = SystemClock()
    async with open_traffic(load_settings({}), clock=clock) as traffic:
        traffic.breaker("engine", BreakerPolicy(), shared=False)
        registry = CollectorRegistry()
        registry.register(traffic.figures)
        text = render_figures(registry, "")[0].decode()
    found = await read_page(text.encode(), "gateway", now=clock.timestamp(), more={}, where="page")
    names = {one.name for one in found.readings}
    assert {"gateway.loop_lag_ms", "gateway.rss_bytes", "gateway.open_fds", "gateway.tasks", "gateway.uptime_seconds"} <= names
    assert {"gateway.cpu_seconds_total", "gateway.breaker_state"} <= names
    assert not found.blind_spots
    families = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE")}
    unknown = {name for name in families if re.sub(r"^mcp_gateway_|_total$", "", name) not in OWN}
    # Of these nothing is concluded.
    assert not {name for name in unknown if not name.endswith("_created")}, unknown
