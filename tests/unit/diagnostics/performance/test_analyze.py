"""`analyze_performance_metrics`: a window beside the one before it, read from real pages on loopback as they change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from tests.loopback_pages import json_page, serving
from tests.operations_tools import ADMIN, VIEWER, tools_for

from mcp_gateway.adapters.deployment.readers import Addresses
from mcp_gateway.adapters.deployment.tools import DeploymentTools
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import object_at
from mcp_gateway.diagnostics.history import SnapshotHistory
from mcp_gateway.diagnostics.operations import METRIC_TYPES, MetricsOrder
from mcp_gateway.diagnostics.performance.analyze import PerformanceFound
from mcp_gateway.diagnostics.performance.sparkline import sparkline
from mcp_gateway.diagnostics.sampling import Sampler, nothing_stands_out
from mcp_gateway.kit.cache.figures import READS
from mcp_gateway.kit.fastapi.middleware import REQUEST_SECONDS, TENANT_SECONDS
from mcp_gateway.kit.limits.tallies import DECISIONS, REFUSALS
from mcp_gateway.kit.prometheus import PrometheusFigures, render_figures

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


class World:
    """A gateway whose figures a test moves, looked at by tools whose clock it moves too."""

    def __init__(self, tools: DeploymentTools, clock: FixedClock, history: SnapshotHistory, figures: PrometheusFigures) -> None:
        self.tools, self.clock, self.figures = tools, clock, figures
        self._sampler = Sampler(observing=tools.observing, history=history, judge=nothing_stands_out, clock=clock)

    def serve(self, count: int, *, seconds: float = 0.02, route: str = "chat", status: str = "200") -> None:
        for _ in range(count):
            self.figures.histogram(REQUEST_SECONDS, operation=route, status=status).observe(seconds)

    async def minutes(self, number: int, *, requests: int = 0, seconds: float = 0.02, status: str = "200") -> None:
        """So many requests in each minute, and a snapshot after each."""
        for _ in range(number):
            self.serve(requests, seconds=seconds, status=status)
            self.clock.advance(60)
            await self._sampler.keep()

    async def analyze(self, metric: str, *, minutes: int = 5, tenant: str | None = None) -> PerformanceFound:
        order = MetricsOrder(metric_type=metric, time_window_minutes=minutes, tenant_filter=tenant)  # type: ignore[arg-type]  # of the list
        return await self.tools.analyze_performance(ADMIN, order)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened() as made:
        yield made


@asynccontextmanager
async def opened() -> AsyncIterator[World]:
    figures = PrometheusFigures(namespace="mcp_gateway")
    registry = CollectorRegistry()
    registry.register(figures)

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=render_figures(registry, "")[0], content_type="text/plain")

    clock, history = FixedClock(NOON), SnapshotHistory()
    async with serving({"/health": json_page({"status": "healthy"}), "/metrics": page}) as base:
        tools = tools_for(Addresses(gateway_url=base), history=history, clock=clock)
        made = World(tools, clock, history, figures)
        made.serve(1)
        await made.minutes(1)
        yield made


def results_of(found: PerformanceFound) -> dict[str, Json]:
    results = found.to_dict()["analysis_results"]
    assert isinstance(results, dict)
    return results


def inside(value: Json, *names: str) -> Json:
    for name in names:
        assert isinstance(value, dict)
        value = value[name]
    return value


async def test_latency_is_compared_with_the_window_before(world: World) -> None:
    await world.minutes(5, requests=50, seconds=0.02)
    await world.minutes(5, requests=50, seconds=0.2)
    found = await world.analyze("latency")
    results = results_of(found)
    p50 = inside(results, "requests", "p50_ms")
    assert inside(p50, "measurements") == 250
    assert inside(p50, "standing") == "higher"
    assert inside(p50, "previous") == pytest.approx(17.5, abs=3)
    assert inside(p50, "value") == pytest.approx(175, abs=30)
    assert inside(results, "latency_summary", "assessment") == "poor"
    assert {"service", "latency_ms", "status_code"} <= results["latency_tests"][0].keys()  # type: ignore[index, union-attr]  # JSON
    assert found.two.complete
    assert found.blind_spots == ()


async def test_endpoints_are_told_apart(world: World) -> None:
    world.serve(200, seconds=0.2, route="slow")
    world.serve(300, seconds=0.01, route="quick")
    await world.minutes(5)
    rows = results_of(await world.analyze("latency", minutes=5))["endpoints"]
    assert isinstance(rows, list)
    assert [(inside(row, "route"), inside(row, "measurements")) for row in rows] == [("quick", 300.0), ("slow", 200.0)]


async def test_too_few_requests_are_said_to_be_too_few(world: World) -> None:
    await world.minutes(5, requests=100)
    await world.minutes(5, requests=1, seconds=2.0)
    found = results_of(await world.analyze("latency"))
    assert inside(found, "requests", "p99_ms", "standing") == "too_few"
    assert inside(found, "latency_summary", "assessment_reason") == "too few requests to tell (fewer than 20)"


async def test_a_window_that_reaches_back_too_little_says_so(world: World) -> None:
    await world.minutes(2, requests=50)
    found = await world.analyze("throughput", minutes=60)
    assert not found.two.complete
    assert {spot.what for spot in found.blind_spots} == {"the whole window", "the window before"}
    assert "120 s of the 3600 s" in found.blind_spots[0].why


async def test_throughput_is_a_second_and_by_status(world: World) -> None:
    await world.minutes(5, requests=60)
    await world.minutes(5, requests=120)
    results = results_of(await world.analyze("throughput"))
    whole = inside(results, "requests_per_second")
    assert (inside(whole, "value"), inside(whole, "previous"), inside(whole, "change")) == (2.0, 1.0, 1.0)
    assert inside(results, "by_status", "200", "value") == 2.0


async def test_errors_count_what_failed_and_not_what_was_refused(world: World) -> None:
    await world.minutes(5, requests=60)
    world.serve(30, status="503")
    world.serve(30, status="429")
    await world.minutes(4, requests=60)
    await world.minutes(1)
    results = results_of(await world.analyze("errors"))
    assert results["failed_share"] == 0.1
    assert results["failed_share_before"] == 0.0
    assert inside(results, "by_status", "429", "value") == 0.1


async def test_caches_and_limits_are_told_for_one_tenant(world: World) -> None:
    for tenant, hits, misses, refused in (("acme", 90, 10, 0), ("rival", 10, 90, 40)):
        world.figures.counter(READS, cache="lists", tenant=tenant, outcome="near_hit").add(hits)
        world.figures.counter(READS, cache="lists", tenant=tenant, outcome="miss").add(misses)
        world.figures.counter(DECISIONS, outcome="allowed", decided_by="store", tenant=tenant).add(60)
        world.figures.counter(DECISIONS, outcome="refused", decided_by="store", tenant=tenant).add(refused)
        world.figures.counter(REFUSALS, rule="per-minute", tenant=tenant).add(refused)
    await world.minutes(5)
    acme = results_of(await world.analyze("cache_performance", tenant="acme"))
    assert inside(acme, "hit_rate", "value") == 0.9
    rival = results_of(await world.analyze("rate_limiting", tenant="rival"))
    assert inside(rival, "refused_share", "value") == 0.4
    everybody = results_of(await world.analyze("rate_limiting"))
    assert list(inside(everybody, "refusals_by_tenant")) == ["rival"]  # type: ignore[arg-type]  # JSON
    order = MetricsOrder(metric_type="rate_limiting", time_window_minutes=5)
    assert "rival" not in str((await world.tools.analyze_performance(VIEWER, order)).to_dict())


async def test_each_tenant_has_percentiles_of_its_own(world: World) -> None:
    for tenant, seconds in (("acme", 0.02), ("rival", 0.4)):
        for _ in range(100):
            world.figures.histogram(TENANT_SECONDS, tenant=tenant).observe(seconds)
    await world.minutes(5, requests=40)
    rows = results_of(await world.analyze("latency"))["tenants"]
    assert isinstance(rows, list)
    assert [(inside(row, "tenant"), inside(row, "measurements")) for row in rows] == [("acme", 100.0), ("rival", 100.0)]
    found = await world.analyze("latency", tenant="rival")
    assert inside(results_of(found), "requests", "p50_ms", "value") == pytest.approx(375, abs=50)
    assert [spot.what for spot in found.blind_spots] == ["the window before", "endpoints of one tenant"]
    busy = results_of(await world.analyze("throughput", tenant="acme"))
    assert inside(busy, "requests_per_second", "value") == pytest.approx(100 / 300)


async def test_requests_that_are_not_split_by_tenant_are_said_not_to_be(world: World) -> None:
    await world.minutes(5, requests=60)
    found = await world.analyze("errors", tenant="acme")
    assert "figures by tenant" in {spot.what for spot in found.blind_spots}
    assert results_of(found)["failed_share"] is None


@pytest.mark.parametrize("metric", METRIC_TYPES)
async def test_nothing_reachable_is_an_answer_too(metric: str) -> None:
    found = await tools_for(Addresses()).analyze_performance(ADMIN, MetricsOrder(metric_type=metric))  # type: ignore[arg-type]  # of the list
    assert found.to_dict()["metric_type"] == metric
    assert found.blind_spots


async def test_a_picture_shows_the_way_of_the_figure(world: World) -> None:
    await world.minutes(5, requests=60)
    await world.minutes(5, requests=600)
    results = results_of(await world.analyze("throughput", minutes=10))
    picture = inside(results, "pictures", "requests_per_second")
    assert isinstance(picture, str)
    tree = ElementTree.fromstring(picture)  # noqa: S314  # of our own making
    line = tree.find(f"{SVG}polyline")
    assert line is not None
    heights = [float(point.split(",")[1]) for point in line.get("points", "").split()]
    assert len(heights) == 10
    assert heights[0] > heights[-1]
    points = inside(results, "trends", "requests_per_second", "points")
    assert isinstance(points, list)
    assert (object_at(points[0])["value"], object_at(points[-1])["value"]) == (1.0, 10.0)


def test_a_picture_of_nothing_says_so_and_names_are_escaped() -> None:
    empty = sparkline([], title='<script>"&', unit="ms")
    assert "too few figures yet" in empty
    assert "<script>" not in empty
    ElementTree.fromstring(empty)  # noqa: S314  # of our own making
    ElementTree.fromstring(sparkline([5.0, float("nan"), 5.0], title="same", unit=""))  # noqa: S314  # as above
