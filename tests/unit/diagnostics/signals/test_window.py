"""Value, growth and baseline of a signal, and the evidence made from them."""

from datetime import UTC, datetime, timedelta

import pytest

from mcp_gateway.diagnostics.signals.histogram import Histogram, from_cumulative
from mcp_gateway.diagnostics.signals.names import Names
from mcp_gateway.diagnostics.signals.snapshot import Reading, Readings, Snapshot, reading
from mcp_gateway.diagnostics.signals.window import Window

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
RESPONSES = "gateway.responses_total"


def snapshot(seconds: float, *readings: Reading, source: str = "page") -> Snapshot:
    return Snapshot(at=NOON + timedelta(seconds=seconds), sources={source: Readings(readings=readings)})


def lag(*counts: float) -> Reading:
    return reading("gateway.loop_lag_ms", Histogram(bounds=(10.0, 100.0), counts=counts))


def test_a_rate_is_the_growth_between_two_looks_summed_over_the_series_that_carry_the_labels() -> None:
    window = Window(
        first=snapshot(0, reading(RESPONSES, 100, route="a", status="200"), reading(RESPONSES, 5, route="b", status="500")),
        last=snapshot(10, reading(RESPONSES, 150, route="a", status="200"), reading(RESPONSES, 25, route="b", status="500")),
    )
    assert window.rate(RESPONSES) == 7.0
    assert window.rate(RESPONSES, status="500") == 2.0
    assert window.by(RESPONSES, "route") == {"a": 5.0, "b": 2.0}
    assert window.rate(RESPONSES, status="404") is None


def test_a_count_that_fell_began_anew() -> None:
    window = Window(first=snapshot(0, reading(RESPONSES, 900)), last=snapshot(10, reading(RESPONSES, 30)))
    assert window.change(RESPONSES) == 30


def test_a_series_that_is_new_in_a_page_that_was_read_grew_from_nothing() -> None:
    first = snapshot(0, reading(RESPONSES, 10, status="200"))
    last = snapshot(10, reading(RESPONSES, 10, status="200"), reading(RESPONSES, 4, status="500"))
    assert Window(first=first, last=last).change(RESPONSES, status="500") == 4


def test_what_was_not_read_before_has_no_growth() -> None:
    window = Window(first=snapshot(0, source="other"), last=snapshot(10, reading(RESPONSES, 10_000)))
    assert window.rate(RESPONSES) is None
    assert window.evidence(RESPONSES) is None
    assert Window(last=snapshot(10, reading(RESPONSES, 10_000))).rate(RESPONSES) is None


def two_replicas(seconds: float, **totals: float) -> Snapshot:
    sources = {name: Readings(readings=(reading(RESPONSES, total, replica=name),)) for name, total in totals.items()}
    return Snapshot(at=NOON + timedelta(seconds=seconds), sources=sources)


def test_a_replica_that_was_not_read_or_began_anew_distorts_no_other() -> None:
    healthy = (two_replicas(-200, one=0, two=0), two_replicas(-100, one=1_000, two=500), two_replicas(-50, one=1_500))
    first = two_replicas(0, one=2_000, two=1_000)
    unread = Window(healthy=healthy, first=first, last=two_replicas(10, one=2_100))
    assert unread.change(RESPONSES) == 100
    assert unread.baseline(RESPONSES, of="change") == 100, "of that replica alone"
    assert Window(first=two_replicas(0, one=2_000), last=two_replicas(10, one=2_100, two=9_000)).change(RESPONSES) == 100
    anew = Window(healthy=healthy, first=first, last=two_replicas(10, one=2_100, two=30))
    assert anew.change(RESPONSES) == 130
    assert anew.baseline(RESPONSES) == 15


def test_a_percentile_is_that_of_the_window_alone() -> None:
    window = Window(first=snapshot(0, lag(1_000, 0, 0)), last=snapshot(10, lag(1_000, 100, 0)))
    assert window.value("gateway.loop_lag_p50_ms") == pytest.approx(55.0)
    assert window.baseline("gateway.loop_lag_p50_ms") == pytest.approx(5.0)
    assert window.ratio("gateway.loop_lag_p50_ms") == pytest.approx(11.0)


def test_the_last_healthy_time_is_the_baseline_before_all_else() -> None:
    window = Window(
        healthy=(
            snapshot(-200, reading(RESPONSES, 0), reading("redis.keys", 90), reading("redis.maxmemory_policy", "noeviction")),
            snapshot(-150, reading(RESPONSES, 500), reading("redis.keys", 100), reading("redis.maxmemory_policy", "noeviction")),
            snapshot(
                -100, reading(RESPONSES, 1_000), reading("redis.keys", 110), reading("redis.maxmemory_policy", "noeviction")
            ),
        ),
        first=snapshot(0, reading(RESPONSES, 9_000), reading("gateway.uptime_seconds", 10_000)),
        last=snapshot(
            10, reading(RESPONSES, 9_500), reading("redis.keys", 300), reading("redis.maxmemory_policy", "allkeys-lru")
        ),
    )
    found = window.evidence(RESPONSES)
    assert found is not None
    assert (found.value, found.unit, found.baseline) == (50.0, "1/s", 10.0)
    assert found.baseline_from == "healthy 11:56:40 to 11:58:20"
    assert window.baseline("redis.keys") == 100
    policy = window.evidence("redis.maxmemory_policy")
    assert policy is not None
    assert (policy.value, policy.baseline) == ("allkeys-lru", "noeviction")


def test_without_a_healthy_time_a_count_since_the_start_is_the_baseline_and_a_gauge_has_none() -> None:
    first = snapshot(0, reading(RESPONSES, 2_000), reading("gateway.uptime_seconds", 1_000), reading("gateway.rss_bytes", 5e6))
    last = snapshot(10, reading(RESPONSES, 2_100), reading("gateway.rss_bytes", 6e6))
    window = Window(first=first, last=last)
    found, memory = window.evidence(RESPONSES), window.evidence("gateway.rss_bytes")
    assert found is not None
    assert memory is not None
    assert (found.value, found.baseline, found.baseline_from) == (10.0, 2.0, "since its process began")
    assert (memory.value, memory.baseline, memory.baseline_from) == (6e6, None, "")
    assert window.ratio("gateway.rss_bytes") is None


def test_too_few_measurements_are_no_baseline() -> None:
    window = Window(first=snapshot(0, lag(2, 0, 0)), last=snapshot(10, lag(2, 100, 0)))
    assert window.baseline("gateway.loop_lag_p99_ms") is None


def test_a_share_is_of_what_was_counted_within_the_window() -> None:
    def counted(hits: float, misses: float) -> tuple[Reading, ...]:
        return reading("redis.keyspace_hits_total", hits), reading("redis.keyspace_misses_total", misses)

    window = Window(first=snapshot(0, *counted(1_000, 0)), last=snapshot(10, *counted(1_030, 10)))
    assert window.value("redis.hit_share") == 0.75
    assert Window(first=snapshot(0, *counted(9, 1)), last=snapshot(10, *counted(9, 1))).value("redis.hit_share") is None


def test_gauges_are_joined_as_the_catalogue_says() -> None:
    window = Window(
        last=snapshot(
            0,
            *(reading("gateway.up", up, replica=name) for name, up in (("a", 1), ("b", 0))),
            *(reading("gateway.rss_bytes", size, replica=name) for name, size in (("a", 3), ("b", 4))),
            *(reading("gateway.probe_ms", ms, replica=name) for name, ms in (("a", 3), ("b", 40))),
        )
    )
    assert (window.value("gateway.up"), window.value("gateway.rss_bytes"), window.value("gateway.probe_ms")) == (0, 7, 40)
    assert window.value("gateway.up", replica="a") == 1


def test_evidence_names_its_labels_source_and_time() -> None:
    window = Window(last=snapshot(3, reading("gateway.pool_waiting", 4, pool="engine"), source="gateway metrics a:1"))
    found = window.evidence("gateway.pool_waiting", pool="engine")
    assert found is not None
    assert found.to_dict() == {
        "signal": "gateway.pool_waiting{pool=engine}",
        "value": 4.0,
        "unit": "1",
        "baseline": None,
        "baseline_from": None,
        "source": "gateway metrics a:1",
        "at": "2026-11-22T12:00:03+00:00",
    }
    assert found.name == "gateway.pool_waiting"


def test_an_unknown_signal_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Window(last=snapshot(0)).value("gateway.nonsense")


def test_other_tenants_are_hidden_and_their_series_stay_apart() -> None:
    series = [
        reading("gateway.limit_refusals_total", count, rule="r", tenant=name) for name, count in (("mine", 1), ("x", 2), ("y", 3))
    ]
    window = Window(last=snapshot(0, *series, reading("redis.biggest_key_bytes", 9, key="cache:lists:x:1")))
    shown = window.shown_to(Names(own=frozenset({"mine"}), secret=b"s"))
    names = shown.labels("gateway.limit_refusals_total", "tenant")
    assert "mine" in names
    assert len(names) == 3
    assert all(name == "mine" or name.startswith("tenant~") for name in names)
    (key,) = shown.labels("redis.biggest_key_bytes", "key")
    assert key.startswith("cache:…~")
    assert window.shown_to(Names(everybody=True)).labels("gateway.limit_refusals_total", "tenant") == ("mine", "x", "y")


def test_a_tenant_who_is_hidden_is_so_in_routes_families_channels_and_words() -> None:
    series = (
        reading("gateway.tenant_responses_total", 1, tenant="rival"),
        reading("gateway.cache_reads_total", 1, cache="prices", tenant="rival", outcome="hit"),
        reading("gateway.responses_total", 1, route="/tenants/rival/orders", status="200"),
        reading("redis.slowlog_client", "rival", command="get"),
        reading("redis.subscribers", 1, channel="cache_coherence:rival-space"),
        *(reading("redis.prefix_keys", 1, prefix=name) for name in ("rival", "cache:rival", "cache:prices", "rate_limit")),
    )
    window = Window(last=snapshot(0, *series))
    shown = window.shown_to(Names(own=frozenset({"mine"}), secret=b"s"))
    assert "rival" not in str(shown.last.sources)
    assert {"cache:prices", "rate_limit"} < set(shown.labels("redis.prefix_keys", "prefix"))
    (route,) = shown.labels("gateway.responses_total", "route")
    assert route.startswith("/tenants/tenant~")
    assert "rival" not in str(window.shown_to(Names(own=frozenset({"mine"}), secret=b"t")).last.sources)


def test_a_tenant_who_is_hidden_is_so_within_the_names_of_rules_caches_and_parts() -> None:
    series = (
        reading("gateway.limit_refusals_total", 1, rule="chat.rival", tenant="rival"),
        reading("gateway.limit_refusals_total", 1, rule="chat", tenant="big-rival.eu"),
        reading("gateway.cache_reads_total", 1, cache="prices_rival", tenant="rival", outcome="hit"),
        reading("gateway.breaker_state", 2, breaker="engine-big-rival.eu-2"),
        reading("gateway.part_healthy", 0, part="rival@db"),
        reading("mcp.connected", 0, server="arrivals"),
        reading("redis.prefix_keys", 1, prefix="cache:prices_rival"),
    )
    shown = Window(last=snapshot(0, *series)).shown_to(Names(own=frozenset({"mine"}), secret=b"s"))
    assert "rival" not in str(shown.last.sources).replace("arrivals", "")
    (breaker,) = shown.labels("gateway.breaker_state", "breaker")
    (tenant,) = set(shown.labels("gateway.limit_refusals_total", "tenant")) & {breaker[len("engine-") : -len("-2")]}
    assert tenant.startswith("tenant~")
    assert shown.labels("mcp.connected", "server") == ("arrivals",)


def test_a_key_is_whole_for_its_tenant_alone_wherever_the_name_stands() -> None:
    mine = Names(own=frozenset({"mine"}), secret=b"s")
    for key in ("rate_limit:{mine}:chat:r", "cache:lists:mine:1", "cache:{gateway}:0a:v:lists:mine:1", "session:mine:1"):
        assert mine.key(key) == key
    for key in (
        "rival:mine:1",
        "cache:rival:mine:1",
        "cache:lists:rival:mine",
        "cache:{rival}:0a:v:lists:mine:1",
        "mine",
        "x:mine",
    ):
        assert "rival" not in mine.key(key)
        assert mine.key(key) != key


def test_percentiles_lie_between_the_edges_of_their_bucket() -> None:
    one = Histogram(bounds=(10.0, 20.0, 40.0), counts=(0, 10, 0, 0))
    assert one.quantile(0.5) == 15.0
    assert one.quantile(1.0) == 20.0
    assert Histogram(bounds=(10.0,), counts=(0, 5)).quantile(0.5) == 10.0
    assert Histogram(bounds=(10.0,), counts=(0, 0)).quantile(0.5) is None
    assert Histogram(bounds=(10.0, 20.0), counts=(5, 5, 10)).share_above(20.0) == 0.5


def test_running_counts_that_fall_are_no_histogram() -> None:
    inf = float("inf")
    assert from_cumulative({0.1: 5, 0.2: 3, inf: 9}, 1.0) is None
    assert from_cumulative({0.1: 5, 0.2: 7}, 1.0) is None
    made = from_cumulative({0.1: 5, inf: 9}, 2.0, scale=1_000)
    assert made == Histogram(bounds=(100.0,), counts=(5, 4), total=2_000.0)
