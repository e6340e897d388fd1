"""Snapshots kept over time, what is healthy among them, and looks that never wait for one who hangs."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Unavailable
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.asking import Rights, checked_tenant, window_seconds
from mcp_gateway.diagnostics.errors import InvalidTenantName, InvalidTimeWindow, TenantNotYours
from mcp_gateway.diagnostics.history import SnapshotHistory
from mcp_gateway.diagnostics.observing import Observing
from mcp_gateway.diagnostics.sampling import Sampler, nothing_stands_out
from mcp_gateway.diagnostics.signals.histogram import Histogram
from mcp_gateway.diagnostics.signals.snapshot import Readings, Snapshot, reading
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.troubleshoot import judged

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(seconds: float) -> Snapshot:
    return Snapshot(at=NOON + timedelta(seconds=seconds))


def seconds_of(snapshots: tuple[Snapshot, ...]) -> list[float]:
    return [(one.at - NOON).total_seconds() for one in snapshots]


def history_of(*kept: tuple[float, bool]) -> SnapshotHistory:
    history = SnapshotHistory()
    for seconds, healthy in kept:
        history.add(at(seconds), healthy=healthy)
    return history


def test_the_snapshot_before_a_moment_is_the_latest_not_after_it() -> None:
    history = history_of((0, True), (10, True), (20, True))
    assert history.before(NOON + timedelta(seconds=15)) == at(10)
    assert history.before(NOON + timedelta(seconds=20)) == at(20)
    assert history.before(NOON - timedelta(seconds=5)) == at(0)
    assert SnapshotHistory().before(NOON) is None


def test_the_baseline_is_the_last_healthy_run_before_the_trouble() -> None:
    history = history_of((0, True), (10, True), (20, False), (30, True), (40, True), (50, True), (60, False), (70, False))
    # Trouble is noticed a while after it begins: the last look before it is not trusted.
    assert seconds_of(history.healthy(until=NOON + timedelta(seconds=70))) == [30, 40]
    assert seconds_of(history.healthy(until=NOON + timedelta(seconds=15))) == [0, 10]


def test_one_healthy_look_amid_trouble_is_no_healthy_time() -> None:
    history = history_of((0, True), (10, True), (20, False), (30, True), (40, False))
    assert seconds_of(history.healthy(until=NOON + timedelta(seconds=40))) == [0, 10]


def test_a_short_healthy_time_after_trouble_does_not_replace_a_long_one() -> None:
    long, trouble, short = [(at, True) for at in range(0, 300, 15)], [(315, False)], [(330, True), (345, True)]
    history = history_of(*long, *trouble, *short)
    assert seconds_of(history.healthy(until=NOON + timedelta(seconds=400)))[0] == 0
    settled = history_of(*long, *trouble, *((at, True) for at in range(330, 600, 15)))
    assert seconds_of(settled.healthy(until=NOON + timedelta(seconds=600)))[0] == 330


def test_the_earliest_healthy_time_of_some_hours_is_remembered() -> None:
    history = history_of(*((at * 60, True) for at in range(180)))
    end = NOON + timedelta(hours=3)
    assert seconds_of(history.remembered(until=end)) == [at * 60 for at in range(16)]
    assert seconds_of(history.healthy(until=end))[0] >= 2 * 3_600
    assert min(seconds_of(history.remembered(until=NOON + timedelta(hours=7)))) >= 3_600


def test_what_is_otherwise_for_hours_is_usual_at_last_and_not_before() -> None:
    history = SnapshotHistory()
    for minute in range(240):
        history.add(at(minute * 60), healthy=not 30 <= minute <= 210, otherwise=30 <= minute <= 210)
        if minute == 200:
            assert seconds_of(history.healthy(until=NOON + timedelta(days=1)))[-1] < 30 * 60
            assert history.otherwise_since() == NOON + timedelta(minutes=30)
    assert seconds_of(history.healthy(until=NOON + timedelta(days=1)))[0] > 100 * 60
    assert history.otherwise_since() == NOON + timedelta(minutes=30)
    assert seconds_of(history.healthy(until=NOON + timedelta(minutes=29)))[0] == 14 * 60
    history.add(at(86_400 + 3_600), healthy=True)
    assert history.otherwise_since() is None


def test_trouble_between_does_not_make_it_otherwise_since_later() -> None:
    history = history_of((0, True), (15, True))
    history.add(at(30), healthy=False, otherwise=True)
    history.add(at(45), healthy=False)
    history.add(at(60), healthy=False, otherwise=True)
    assert history.otherwise_since() == NOON + timedelta(seconds=30)
    history.add(at(75), healthy=True)
    assert history.otherwise_since() is None


def test_a_day_of_looks_is_kept_in_bounds_and_recent_ones_are_all_there() -> None:
    history = SnapshotHistory(most_kept=60, most_recent=30)
    for index in range(5_760):
        history.add(at(index * 15), healthy=index not in range(100, 120))
    assert len(history) <= 60
    end = 5_759 * 15
    assert seconds_of(history.between(NOON + timedelta(seconds=end - 29 * 15), NOON + timedelta(seconds=end))) == [
        end - (29 - index) * 15 for index in range(30)
    ]


def test_what_did_not_change_is_kept_once() -> None:
    def seen(seconds: float, busy: float) -> Snapshot:
        rest = reading("gateway.responses_total", 7.0, tenant="resting")
        work = reading("gateway.responses_total", busy, tenant="working")
        return Snapshot(at=NOON + timedelta(seconds=seconds), sources={"page": Readings(readings=(rest, work))})

    history = SnapshotHistory()
    for number in range(3):
        history.add(seen(number, number), healthy=True)
    first, _, last = (one.sources["page"].readings for one in history.healthy(until=NOON + timedelta(seconds=9)))
    assert first[0] is last[0]
    assert first[1].labels is last[1].labels
    assert (first[1].value, last[1].value) == (0, 2)
    assert history.before(NOON + timedelta(seconds=9)) == seen(2, 2)


class Fine:
    name = "fine"

    async def read(self) -> Readings:
        return Readings(readings=(reading("gateway.up", 1.0),))


class Hanging:
    name = "hanging"

    async def read(self) -> Readings:
        await asyncio.Event().wait()
        raise AssertionError


class Broken:
    name = "broken"

    async def read(self) -> Readings:
        raise ZeroDivisionError


class Away:
    name = "away"

    async def read(self) -> Readings:
        raise Unavailable("It is away.", hint="Wait.")


async def test_who_hangs_breaks_or_is_away_is_a_blind_spot_and_keeps_nobody_waiting() -> None:
    sources = (Fine(), Hanging(), Broken(), Away())
    observing = Observing(always=sources, once=(), history=SnapshotHistory(), clock=FixedClock(NOON), source_seconds=0.05)
    seen = await observing.look(whole=True)
    assert set(seen.sources) == {"fine"}
    assert {spot.what: spot.why for spot in seen.blind_spots} == {
        "hanging": "It did not answer within 0.05 s.",
        "broken": "Reading it failed in a way it should not.",
        "away": "It is away.",
    }


async def test_with_something_kept_one_look_is_enough() -> None:
    clock = FixedClock(NOON)
    history = history_of((-60, True), (-30, True))
    observing = Observing(always=(Fine(),), once=(), history=history, clock=clock, pause_seconds=3_600)
    async with asyncio.timeout(30):
        window = await observing.observe(window_seconds=30)
    assert window.first == at(-30)
    assert window.seconds == 30


async def test_what_is_kept_is_judged_by_who_answered() -> None:
    clock = FixedClock(NOON)
    history = SnapshotHistory()
    well = Sampler(
        observing=Observing(always=(Fine(),), once=(), history=history, clock=clock),
        history=history,
        judge=nothing_stands_out,
        clock=clock,
    )
    assert await well.keep()
    clock.advance(15)
    assert await well.keep()
    assert len(history.healthy(until=clock.now())) == 2
    blind = Sampler(
        observing=Observing(always=(Away(),), once=(), history=history, clock=clock),
        history=history,
        judge=nothing_stands_out,
        clock=clock,
    )
    assert not await blind.keep()


class Requests:
    """A page whose requests become slow."""

    name = "page"

    def __init__(self) -> None:
        self.quick = self.slow = 0.0

    async def read(self) -> Readings:
        taken = Histogram(bounds=(10.0, 100.0, 1_000.0), counts=(self.quick, 0.0, self.slow, 0.0))
        return Readings(readings=(reading("gateway.request_ms", taken, route="chat"),))


async def test_a_slow_time_whose_cause_is_not_known_does_not_become_usual() -> None:
    clock, history, page = FixedClock(NOON), SnapshotHistory(), Requests()
    observing = Observing(always=(page,), once=(), history=history, clock=clock)
    sampler = Sampler(observing=observing, history=history, judge=judged, clock=clock)
    kept = []
    for look in range(60):
        page.quick += 60 if look < 30 else 0
        page.slow += 60 if look >= 30 else 0
        kept.append(await sampler.keep())
        clock.advance(15)
    assert kept[:30] == [True] * 30
    assert not any(kept[31:])
    usual = Window(first=history.before(clock.now() - timedelta(minutes=2)), last=history.before(clock.now()) or at(0))
    usual = replace(usual, healthy=history.healthy(until=clock.now()))
    assert (usual.baseline("gateway.request_p50_ms", route="chat") or 0) < 10


def test_who_does_not_answer_is_not_well() -> None:
    down = Snapshot(at=NOON, sources={"x": Readings(readings=(reading("redis.up", 0.0),))})
    assert nothing_stands_out(Window(last=down)) == "unwell"


@pytest.mark.parametrize(
    "name", ["*", "a*", "a:b", "a/b", "{a}", "", " a", "a\n", "-rf", "a" * 129, "x'; flushall", "ä", "a?b", "[a]"]
)
def test_a_tenant_with_wildcard_or_separator_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(InvalidTenantName) as refused:
        checked_tenant(name)
    assert refused.value.to_dict() == InvalidTenantName().to_dict()


@pytest.mark.parametrize("name", ["demo_dentist", "clinic-a", "a", "team@example.com", "0f.8", "A" * 128])
def test_usual_tenants_are_taken(name: str) -> None:
    assert checked_tenant(name) == name


def test_windows_are_from_a_minute_to_a_day() -> None:
    assert window_seconds(1_440) == 86_400
    for minutes in (0, -5, 1_441, 10**9):
        with pytest.raises(InvalidTimeWindow):
            window_seconds(minutes)


def test_only_those_who_may_see_everybody_ask_about_others() -> None:
    rights = Rights(sees_everybody=lambda caller: "admin" in caller.roles, secret=b"s")
    mine = Caller(tenant="acme", subject="ann")
    assert rights.names(mine, "acme").tenant("rival").startswith("tenant~")
    with pytest.raises(TenantNotYours):
        rights.names(mine, "rival")
    admin = Caller(tenant="acme", subject="bob", roles=frozenset({"admin"}))
    assert rights.names(admin, "rival").tenant("rival") == "rival"


def test_digests_differ_between_processes_and_names_and_stay_within_one() -> None:
    first = Rights(sees_everybody=lambda _: False, secret=b"one").names(Caller(tenant="a", subject="s"))
    second = Rights(sees_everybody=lambda _: False, secret=b"two").names(Caller(tenant="a", subject="s"))
    assert first.tenant("x") == first.tenant("x") != first.tenant("y")
    assert first.tenant("x") != second.tenant("x")
    assert first.key("cache:lists:a:1") == "cache:lists:a:1"
    assert first.key("cache:lists:x:1").startswith("cache:…~")
