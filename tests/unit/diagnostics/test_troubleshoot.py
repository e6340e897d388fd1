"""`troubleshoot_production_issue`: the shape that was specified, and more beside it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.diagnostics.causes.looks import NOW, Looks, healthy

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.diagnostics.asking import Rights
from mcp_gateway.diagnostics.errors import InvalidTenantName, InvalidTimeWindow, TenantNotYours
from mcp_gateway.diagnostics.history import SnapshotHistory
from mcp_gateway.diagnostics.operations import TroubleOrder
from mcp_gateway.diagnostics.ports import Deployment
from mcp_gateway.diagnostics.signals.histogram import Histogram
from mcp_gateway.diagnostics.signals.snapshot import Readings, Snapshot, reading
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.troubleshoot import Troubleshoot, judged

pytestmark = pytest.mark.anyio
SOMEBODY = Caller(tenant="a", subject="ann")


class Seen:
    def __init__(self, window: Window) -> None:
        self._window = window

    async def observe(self, *, window_seconds: float, whole: bool = True) -> Window:
        return self._window


def tool(window: Window, history: SnapshotHistory | None = None) -> Troubleshoot:
    rights = Rights(sees_everybody=lambda caller: caller == LOCAL_CALLER, secret=b"s" * 16)
    deployment = Deployment(gateway_url="http://gateway:1", engine_url="http://engine:2", shown_redis="store:3/0")
    return Troubleshoot(observer=Seen(window), deployment=deployment, rights=rights, clock=FixedClock(NOW), history=history)


def flooded() -> Looks:
    return healthy().count("gateway.limit_decisions_total", 0, 9_000, outcome="refused", decided_by="here", tenant="c")


async def ask(window: Window, caller: Caller = LOCAL_CALLER, **order: object) -> dict[str, Any]:
    return (await tool(window)(caller, TroubleOrder(**order))).to_dict()  # type: ignore[arg-type]  # fields by name


async def test_the_specified_members_are_there_and_the_answer_is_json() -> None:
    found = await ask(flooded().window(), issue_type="rate_limiting", tenant_id="c", time_window_minutes=30)
    assert (found["issue_type"], found["tenant_id"]) == ("rate_limiting", "c")
    assert isinstance(found["rate_limiting_analysis"], dict)
    (first, *_) = found["diagnostics"]
    assert {"severity", "message", "impact"} <= set(first)
    (remedy, *_) = found["recommendations"]
    assert {"action", "priority", "command", "kind", "risk", "verify"} <= set(remedy)
    json.dumps(found)


async def test_auto_names_the_kind_of_trouble() -> None:
    found = await ask(flooded().window())
    assert (found["issue_type"], found["found_as"], found["verdict"]) == ("auto", "rate_limiting", "degraded")


async def test_what_is_asked_about_comes_first_and_nothing_is_left_out() -> None:
    looks = flooded().timed("sql.query_ms", 2, 90, statement="by_day")
    causes = [one["cause"] for one in (await ask(looks.window(), issue_type="high_latency"))["hypotheses"]]
    assert causes == ["slow_sql", "tenant_flood"]


async def test_a_system_that_is_well_is_told_to_be_well() -> None:
    found = await ask(healthy().window())
    assert (found["verdict"], found["diagnostics"], found["recommendations"]) == ("healthy", [], [])
    assert found["ruled_out"]


async def test_nobody_sees_another_tenants_name() -> None:
    said = json.dumps(await ask(flooded().window(), SOMEBODY))
    assert "tenant c" not in said
    assert "tenant=c" not in said
    assert "tenant_flood" in said


async def test_a_store_that_hangs_makes_it_unhealthy() -> None:
    looks = healthy().gauge("redis.probe_outcome", "ok", "timeout").gauge("redis.up", 1.0, 0.0)
    looks.count("gateway.limit_away_total", 0, 900, policy="local")
    assert (await ask(looks.window()))["verdict"] == "unhealthy"


async def test_that_a_part_refuses_is_seen_and_not_guessed() -> None:
    found = await ask(healthy().gauge("redis.probe_outcome", "ok", "unauthorized").gauge("redis.up", 1.0, 0.0).window())
    assert (found["verdict"], found["hypotheses"]) == ("unhealthy", [])
    assert found["confidence"] > 0.9


async def test_nothing_read_is_nothing_told() -> None:
    found = await ask(Window(last=Snapshot(at=NOW)))
    assert (found["verdict"], found["confidence"]) == ("could_not_tell", 0.0)


async def test_figures_that_plainly_depart_from_the_usual_are_not_healthy() -> None:
    found = await ask(healthy().timed("gateway.request_ms", 80, 700, route="chat", status="200").window())
    assert (found["verdict"], found["hypotheses"]) == ("degraded", [])
    assert "the cause was not found: chat takes" in found["summary"]
    assert [one["signal"] for one in found["departures"]] == ["gateway.request_p50_ms{route=chat}"]


async def test_a_machine_short_of_processor_time_is_the_reason_that_is_told() -> None:
    looks = healthy().timed("gateway.request_ms", 80, 700, route="chat", status="200")
    looks.count("gateway.machine_waited_seconds_total", 3, 55, replica="one:1")
    found = await ask(looks.window())
    assert (found["verdict"], found["hypotheses"]) == ("degraded", [])
    assert found["summary"].startswith("Otherwise than usual while the machine is short of processor time (92% of the time")
    (waited, *_) = found["departures"]
    assert waited["signal"] == "gateway.machine_waited_seconds_total{replica=one:1}"
    assert waited["baseline"] is not None


async def test_a_leak_whose_line_was_not_followed_says_how_to_find_it() -> None:
    looks = healthy().gauge("gateway.rss_bytes", 9e7, 1.3e8)
    blind = [one for one in (await ask(looks.window()))["blind_spots"] if "lines of code" in one["what"]]
    assert ["USR2" in one["hint"] and "PYTHONTRACEMALLOC=1" in one["hint"] for one in blind] == [True]
    followed = looks.count("gateway.allocation_looks_total", 0, 4)
    assert not [one for one in (await ask(followed.window()))["blind_spots"] if "lines of code" in one["what"]]


async def test_a_gateway_whose_figures_were_not_read_is_not_called_healthy() -> None:
    looks = Looks().gauge("gateway.up", 1.0).gauge("gateway.probe_outcome", "ok").gauge("redis.used_memory_bytes", 1e6)
    found = await ask(looks.window())
    assert found["verdict"] == "could_not_tell"
    assert "too little was read" in found["summary"]
    assert found["confidence"] < 0.5


async def test_what_stayed_otherwise_for_hours_is_usual_again_and_the_answer_says_since_when() -> None:
    window = healthy().window()
    history = SnapshotHistory()
    for minute in range(4 * 60):
        seen = replace(window.last, at=NOW - timedelta(minutes=240 - minute))
        history.add(seen, healthy=not 30 <= minute <= 210, otherwise=30 <= minute <= 210)
    found = (await tool(window, history)(LOCAL_CALLER, TroubleOrder())).diagnosis
    assert found.otherwise_since == NOW - timedelta(minutes=210)
    assert "Since 08:30 UTC figures are otherwise than before." in found.summary
    moment = SnapshotHistory()
    moment.add(replace(window.last, at=NOW), healthy=False, otherwise=True)
    over = (await tool(window, moment)(LOCAL_CALLER, TroubleOrder())).diagnosis
    assert (over.otherwise_since, over.summary) == (None, "What was read is as usual.")


@pytest.mark.parametrize("minutes", [0, -1, 1_441, True])
async def test_an_absurd_window_is_refused(minutes: int) -> None:
    with pytest.raises(InvalidTimeWindow):
        await ask(healthy().window(), time_window_minutes=minutes)


@pytest.mark.parametrize("tenant", ["*", "a:b", "x'; flushall", "a b", "", "-a", "a\n"])
async def test_a_tenant_with_wildcards_or_separators_is_refused(tenant: str) -> None:
    with pytest.raises(InvalidTenantName):
        await ask(healthy().window(), tenant_id=tenant)


async def test_another_tenants_figures_are_not_shown() -> None:
    with pytest.raises(TenantNotYours):
        await ask(healthy().window(), SOMEBODY, tenant_id="b")


async def test_what_began_a_minute_ago_is_found_in_a_long_window() -> None:
    """Twenty minutes of healthy queries before it hide a slow minute; the end of the window by itself does not."""
    long = healthy().timed("sql.query_ms", 2, times=12_000, statement="by_day").window()
    now = healthy().timed("sql.query_ms", 2, 90, times=600, statement="by_day").window()
    assert now.first is not None
    history = SnapshotHistory()
    for one in now.healthy:
        history.add(one, healthy=True)
    window = Window(first=_earlier(long.healthy[0], minutes=20), last=now.last, healthy=long.healthy)
    assert (await tool(window)(LOCAL_CALLER, TroubleOrder())).diagnosis.hypotheses == ()
    found = (await tool(window, history)(LOCAL_CALLER, TroubleOrder())).diagnosis.hypotheses
    assert [one.cause for one in found] == ["slow_sql"]


def _page(seconds: int, quick: int, slow: int) -> Snapshot:
    """Of a gateway whose every request makes one call; each takes 5 ms, or more than a second."""

    def taken(times: int, late: int) -> Histogram:
        return Histogram(bounds=(10.0, 100.0, 1_000.0, 2_000.0), counts=(times, 0, 0, late, 0))

    readings = (
        reading("gateway.request_ms", taken(quick, slow), route="get"),
        reading("upstream.call_ms", taken(quick, slow), upstream="engine", outcome="ok"),
        reading("upstream.calls_total", float(quick + slow), upstream="engine", outcome="ok"),
        reading("gateway.loop_lag_ms", taken(50 * seconds, 0)),
    )
    return Snapshot(at=NOW + timedelta(seconds=seconds), sources={"page": Readings(readings=readings)})


async def test_what_began_some_seconds_ago_and_shows_in_figures_is_looked_at_more_closely() -> None:
    """Of the whole minute only the slowest requests tell, and which part is slow shows in its last seconds."""
    looks = [_page(0, 0, 0), _page(60, 600, 0), _page(120, 1_200, 0), _page(160, 1_600, 0)]
    history = SnapshotHistory()
    for one in looks:
        history.add(one, healthy=True)
    window = Window(first=looks[2], last=_page(180, 1_600, 60), healthy=tuple(looks[:3]))
    found = (await tool(window, history)(LOCAL_CALLER, TroubleOrder())).diagnosis
    assert [one.cause for one in found.hypotheses] == ["engine_slow"]
    unseen = (await tool(window)(LOCAL_CALLER, TroubleOrder())).diagnosis
    assert (unseen.verdict, unseen.hypotheses) == ("degraded", ())


def test_a_look_is_kept_as_healthy_only_when_no_cause_stands_and_figures_are_as_usual() -> None:
    assert judged(healthy().window()) == "well"
    assert judged(flooded().window()) == "unwell"
    assert judged(Window(last=Snapshot(at=NOW))) == "unwell"
    assert judged(healthy().timed("gateway.request_ms", 80, 700, route="chat", status="200").window()) == "otherwise"


def _earlier(snapshot: Snapshot, *, minutes: int) -> Snapshot:
    return Snapshot(at=snapshot.at - timedelta(minutes=minutes), sources=snapshot.sources)
