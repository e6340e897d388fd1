"""Health pages and metrics pages read over real connections: what is reached, what is not, and why."""

import asyncio
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from prometheus_client import CollectorRegistry
from tests.loopback_pages import Handler, closed_port, endless, hang, interim_for_ever, json_page, raw, serving, text_page

from mcp_gateway.adapters.deployment.http import Fetcher, checked_base, shown_base
from mcp_gateway.adapters.deployment.page_signals import MAX_READINGS, read_page
from mcp_gateway.adapters.deployment.page_sources import HealthSource, MetricsSource
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.diagnostics.signals.snapshot import Readings, Snapshot
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.kit.fastapi.middleware import REQUEST_SECONDS
from mcp_gateway.kit.prometheus import PrometheusFigures, render_figures
from mcp_gateway.kit.redis.address import read_address

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()
HEALTHY = {"status": "healthy", "parts": {"store": {"healthy": True}, "cache": {"healthy": False, "status": "unreachable"}}}


def window_of(readings: Readings) -> Window:
    return Window(last=Snapshot(at=CLOCK.now(), sources={"page": readings}, blind_spots=readings.blind_spots))


async def health_at(base: str, *, seconds: float = 5.0) -> Window:
    fetcher = Fetcher(clock=CLOCK)
    return window_of(await HealthSource(name="page", part="gateway", base=base, fetcher=fetcher, seconds=seconds).read())


async def metrics_of(pages: Mapping[str, Handler]) -> Window:
    async with serving(pages) as base:
        source = MetricsSource(name="page", part="gateway", base=base, fetcher=Fetcher(clock=CLOCK), seconds=20.0)
        return window_of(await source.read())


async def test_a_health_page_says_how_the_gateway_and_its_parts_are() -> None:
    async with serving({"/health": json_page(HEALTHY)}) as base:
        window = await health_at(base)
    assert window.value("gateway.up") == 1
    assert window.text("gateway.health_word") == "healthy"
    assert window.value("gateway.part_healthy", part="store") == 1
    assert window.text("gateway.part_status", part="cache") == "unreachable"
    assert not window.blind_spots


async def test_the_page_is_found_where_this_product_has_it_too() -> None:
    page = {"status": "degraded", "services": {"database": {"healthy": True, "status": "answering"}}}
    async with serving({"/api/health": json_page(page)}) as base:
        window = await health_at(base)
    assert window.text("gateway.health_word") == "degraded"
    assert window.text("gateway.part_status", part="database") == "answering"


@pytest.mark.parametrize(
    ("pages", "outcome"),
    [
        ({"/health": hang}, "timeout"),
        ({"/health": json_page({"status": "unhealthy"}, status=503)}, "not_ready"),
        ({"/health": json_page({"error": "no"}, status=500)}, "http_error"),
        ({"/health": json_page({}, status=401)}, "unauthorized"),
        ({"/other": json_page({})}, "wrong_host"),
        ({"/health": text_page("<html>It works</html>", content_type="text/html")}, "wrong_host"),
        ({"/health": text_page("%PDF-1.4")}, "garbage"),
        ({"/health": endless}, "garbage"),
        ({"/health": text_page("OK")}, "ok"),
    ],
)
async def test_what_answers_otherwise_is_told_apart(pages: Mapping[str, Handler], outcome: str) -> None:
    async with serving(pages) as base:
        window = await health_at(base, seconds=1.0 if outcome == "timeout" else 20.0)
    assert window.text("gateway.probe_outcome") == outcome
    assert window.value("gateway.up") == float(outcome in {"ok", "unauthorized"})
    assert bool(window.blind_spots) == (outcome not in {"ok", "not_ready"})


@pytest.mark.parametrize("source", [HealthSource, MetricsSource])
@pytest.mark.parametrize(
    ("token", "status", "why"),
    [("", 401, "who asks"), ("abc", 401, "wrong, or has ended"), ("abc", 403, "may not read")],
)
async def test_whose_token_is_missing_wrong_or_too_weak_is_told_which_setting_to_change(
    source: type[HealthSource | MetricsSource], token: str, status: int, why: str
) -> None:
    fetcher = Fetcher(clock=CLOCK, headers={"Authorization": f"Bearer {token}"} if token else {})
    refusing = json_page({}, status=status)
    async with serving({"/health": refusing, "/metrics": refusing}) as base:
        (gateway,) = (await source(name="a", part="gateway", base=base, fetcher=fetcher).read()).blind_spots
        (engine,) = (await source(name="b", part="engine", base=base, fetcher=fetcher).read()).blind_spots
    assert why in gateway.why
    assert "BACKEND_ORCHESTRATOR_TOKEN" in gateway.hint
    assert "--role operator" in gateway.hint
    assert "AI_ENGINE_TOKEN" in engine.hint
    assert "ORCHESTRATOR" not in engine.hint


def test_an_address_of_version_six_is_shown_in_brackets() -> None:
    assert shown_base("http://[::1]:8600") == "[::1]:8600"
    assert read_address("redis://[::1]:6380/2").shown == "[::1]:6380/2"


async def test_who_is_not_there_is_told_apart() -> None:
    assert (await health_at(f"http://127.0.0.1:{closed_port()}")).text("gateway.probe_outcome") == "refused"
    assert (await health_at("http://gateway.invalid:8020", seconds=20.0)).text("gateway.probe_outcome") == "dns"
    async with raw(b"") as port:
        assert (await health_at(f"http://127.0.0.1:{port}")).text("gateway.probe_outcome") == "cut_off"
    async with raw(b"SSH-2.0-OpenSSH_9\r\n") as port:
        assert (await health_at(f"http://127.0.0.1:{port}")).text("gateway.probe_outcome") == "garbage"
    async with serving({}) as base:
        assert (await health_at(base.replace("http:", "https:"))).text("gateway.probe_outcome") == "tls"


async def test_a_clock_that_is_ahead_is_seen_in_the_date_header() -> None:
    ahead = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    async with serving({"/health": json_page(HEALTHY, headers={"Date": ahead})}) as base:
        skew = (await health_at(base)).value("gateway.clock_skew_seconds")
    assert skew is not None
    assert 85 < skew < 95


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
        "Mon, 99999999999999999999 Jan 2026 99999999999999999999:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "x" * 2_000,
    ],
)
async def test_a_date_that_is_none_costs_the_skew_and_no_more(date: str) -> None:
    async with serving({"/health": json_page(HEALTHY, headers={"Date": date})}) as base:
        window = await health_at(base)
    assert window.value("gateway.up") == 1
    assert not window.blind_spots


async def test_one_that_answers_without_end_before_its_answer_is_given_up() -> None:
    async with interim_for_ever() as (port, sent):
        window = await health_at(f"http://127.0.0.1:{port}", seconds=20.0)
    assert window.text("gateway.probe_outcome") == "garbage"
    assert sent[0] < 50_000_000


async def test_an_answer_after_a_few_interim_ones_is_read() -> None:
    interim = b"HTTP/1.1 102 Processing\r\n\r\n" * 3
    async with raw(interim + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK") as port:
        assert (await health_at(f"http://127.0.0.1:{port}")).text("gateway.probe_outcome") == "ok"


async def test_a_page_of_the_kit_is_read_as_signals() -> None:
    figures = PrometheusFigures(namespace="kit")
    registry = CollectorRegistry()
    registry.register(figures)
    for milliseconds in range(1, 101):
        figures.histogram(REQUEST_SECONDS, operation="chat", status="200").observe(milliseconds / 1000)
    page, _ = render_figures(registry, "")
    window = await metrics_of({"/metrics": text_page(page.decode())})
    assert window.value("gateway.responses_total", route="chat", status="200") == 100
    p50 = window.value("gateway.request_p50_ms", route="chat")
    assert p50 is not None
    assert 45 < p50 < 55
    assert not window.blind_spots


COMMON = """# HELP http_requests_total requests
http_requests_total{method="get",code="200",handler="/x"} 30 1712000000
http_requests_total{method="post",code="200",handler="/x"} 3
http_request_duration_seconds_bucket{handler="/x",le="0.1"} 1
http_request_duration_seconds_bucket{handler="/x",le="+Inf"} 4
http_request_duration_seconds_sum{handler="/x"} 2.5
http_request_duration_seconds_count{handler="/x"} 4
process_resident_memory_bytes 1.5e+08
process_open_fds 40
process_start_time_seconds 1.0
"""


async def test_a_page_with_the_usual_names_is_understood_too() -> None:
    window = await metrics_of({"/api/metrics/prometheus": text_page(COMMON)})
    assert window.value("gateway.responses_total", route="/x", status="200") == 33
    measured = window.histogram("gateway.request_ms", route="/x")
    assert measured is not None
    assert (measured.count, measured.total, measured.bounds) == (4, 2_500.0, (100.0,))
    assert window.value("gateway.rss_bytes") == 150_000_000
    assert (window.value("gateway.uptime_seconds") or 0) > 1_000_000_000


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        (
            text_page('pg_up 1\npg_stat_database_blks_hit{datname="x"} 5\nprocess_open_fds 3\n'),
            "none of its requests or parts is known",
        ),
        (text_page("<html>not metrics</html>"), "not Prometheus text"),
        (text_page('a{b="' + "\\" * 100_000), "not Prometheus text"),
        (text_page('x{a="b"} 1\n' * 60_000), "more than 50000 samples"),
        (endless, "more than 4000000 bytes"),
        (json_page({}, status=500), "status 500"),
    ],
)
async def test_a_page_of_another_product_or_garbage_is_a_blind_spot(handler: Handler, says: str) -> None:
    window = await metrics_of({"/metrics": handler})
    assert any(says in spot.why for spot in window.blind_spots)
    assert not any(one.name == "gateway.responses_total" for one in window.series("gateway.responses_total"))


def many_series() -> bytes:
    return b"".join(b'http_request_duration_seconds_bucket{path="%d",le="1"} 1\n' % number for number in range(20_000))


@pytest.mark.parametrize(
    ("line", "counted"),
    [
        (b'a{b="' + b'\\"' * 1_900_000 + b'"} 1', 100),
        (b'a{b="c",' + b" " * 3_000_000 + b"x} 1", 100),
        (b"a " + b"9" * 3_000_000, 100),
        (b'a{b="' + b"\\" * 8_000, 100),
        (b"a{" + b" " * 8_000, 100),
        (b"a{" + b'x="y",' * 1_000 + b"} 1", 100),
        (b"a " + b"9" * 8_000, 100),
        (b"a" * 8_190, 100),
        (b"\xff" * 8_000, 100),
        (b'http_requests_total{path="\xff\\"\\n}",} 7 # {trace="1"} 1', 107),
        (b'http_requests_total {\tpath = "x" , status="200"}\t7', 107),
        (b"http_requests_total\t7 1712000000", 107),
    ],
)
async def test_a_hostile_line_costs_no_more_than_its_length(line: bytes, counted: float) -> None:
    page = b"http_requests_total 5\n" * 20 + line + b"\nhttp_requests_in_progress 3\n"
    tracemalloc.start()
    try:
        found = await read_page(page, "gateway", now=0.0, more={}, where="page")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    window = window_of(found)
    assert window.value("gateway.in_flight") == 3
    assert window.value("gateway.responses_total") == counted
    assert peak < 500_000


async def test_of_a_page_with_endless_series_so_many_are_kept_and_the_rest_is_told() -> None:
    found = await read_page(many_series(), "gateway", now=0.0, more={}, where="page")
    assert len(found.readings) <= MAX_READINGS
    assert any("more than 5000 series" in spot.why for spot in found.blind_spots)


async def test_others_get_their_turn_while_a_large_page_is_read_and_it_can_be_left() -> None:
    reading = asyncio.create_task(read_page(many_series(), "gateway", now=0.0, more={}, where="page"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not reading.done()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


@pytest.mark.parametrize(
    "url",
    ["ftp://a", "http://", "http://user:secret@host", "http://h/?x=1", "http://h:99999", "file:///etc/passwd", "", "http://[::1"],
)
def test_an_address_that_cannot_be_one_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_base(url, "AI_ENGINE_URL")
    assert "secret" not in refused.value.message
    assert "AI_ENGINE_URL" in refused.value.message


@pytest.mark.parametrize("value", ["1e308", "-1e308", "NaN", "+Inf", "1e18"])
async def test_figures_no_system_has_are_not_read(value: str) -> None:
    name = "http_request_duration_seconds"
    lines = [f'{name}_bucket{{handler="/x",le="{edge}"}} {value}' for edge in ("0.1", "1e308", "+Inf")]
    lines += [f'{name}_sum{{handler="/x"}} {value}', f'{name}_count{{handler="/x"}} {value}']
    lines.append(f"process_resident_memory_bytes {value}\n")
    window = await metrics_of({"/metrics": text_page("\n".join(lines))})
    assert window.value("gateway.request_p95_ms") is None
    assert window.value("gateway.rss_bytes") is None
