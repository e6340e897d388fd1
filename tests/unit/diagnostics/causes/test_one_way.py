"""A small deployment: every route calls the engine, the engine has no figures of its own, and the machine is small."""

from dataclasses import replace
from datetime import timedelta

from tests.unit.diagnostics.causes.looks import Looks

from mcp_gateway.diagnostics.actions.kinds import told
from mcp_gateway.diagnostics.actions.remedies import remedies
from mcp_gateway.diagnostics.causes.ranking import find_causes
from mcp_gateway.diagnostics.ports import Deployment


def small() -> Looks:
    """A generated router under its guard, with its upstream and its store."""
    looks = Looks()
    looks.gauge("redis.up", 1.0).gauge("redis.probe_outcome", "ok").gauge("redis.probe_ms", 0.6).gauge("gateway.store_state", 2.0)
    looks.gauge("redis.used_memory_bytes", 2e6).gauge("redis.maxmemory_bytes", 5e7).gauge("redis.maxmemory_policy", "noeviction")
    looks.gauge("redis.keys_without_ttl", 3.0).count("redis.evicted_keys_total", 0).count("redis.expired_keys_total", 9)
    looks.count("redis.net_output_bytes_total", 4e5).count("redis.command_usec_total", 50_000, command="evalsha")
    looks.gauge("redis.biggest_key_bytes", 272.0, key="cache:{x}:1:v:products:a:p1")
    looks.gauge("redis.sampled_keys", 40.0, prefix="cache:products").gauge("redis.prefix_keys", 40.0, prefix="cache:products")
    looks.gauge("redis.sampled_bytes_p50", 272.0, prefix="cache:products")
    for route, milliseconds in (("products.get", 7), ("products.create", 20)):
        looks.timed("gateway.request_ms", milliseconds, times=120, route=route, status="200")
    looks.count("gateway.responses_total", 240, route="products.get", status="200")
    looks.timed("gateway.loop_lag_ms", 2, times=3_000).gauge("gateway.rss_bytes", 7e7).gauge("gateway.in_flight", 1.0)
    looks.count("gateway.limit_decisions_total", 240, outcome="allowed", decided_by="store", tenant="a")
    for outcome, number in (("near_hit", 60), ("miss", 100)):
        looks.count("gateway.cache_reads_total", number, cache="products", tenant="a", outcome=outcome)
    looks.count("upstream.calls_total", 180, upstream="products", outcome="ok")
    looks.timed("upstream.call_ms", 4, times=180, upstream="products", outcome="ok")
    looks.timed("upstream.pool_wait_ms", 0.5, times=180, upstream="products")
    looks.gauge("engine.up", 1.0).gauge("engine.probe_outcome", "ok").gauge("engine.probe_ms", 3.0)
    return looks.gauge("gateway.up", 1.0).gauge("gateway.probe_outcome", "ok").gauge("gateway.probe_ms", 4.0)


def slowed(looks: Looks) -> Looks:
    """The upstream takes 1.2 s more for whatever it is asked, its health page too, and so does every route."""
    for route, milliseconds in (("products.get", 7), ("products.create", 20)):
        looks.timed("gateway.request_ms", milliseconds, milliseconds + 1_200, times=60, route=route, status="200")
    return looks.timed("upstream.call_ms", 4, 1_204, times=90, upstream="products", outcome="ok")


def causes(looks: Looks) -> list[str]:
    return [one.cause for one in find_causes(looks.window()).standing]


def test_a_slow_engine_is_named_where_every_route_needs_it() -> None:
    looks = slowed(small()).gauge("engine.probe_ms", 3.0, 1_203.0)
    assert causes(looks) == ["engine_slow"]


def test_a_slow_engine_is_named_by_its_calls_where_its_health_page_is_quick() -> None:
    found = find_causes(slowed(small()).window()).standing
    assert [one.cause for one in found] == ["engine_slow"]
    assert "upstream.call_p50_ms" in {one.name for one in found[0].supports}


def test_an_engine_is_not_blamed_where_the_gateway_itself_comes_late() -> None:
    looks = slowed(small()).timed("gateway.loop_lag_ms", 2, 900, times=100)
    assert "engine_slow" not in causes(looks)


def test_an_engine_is_not_blamed_for_what_a_busy_machine_does_to_calls() -> None:
    busy = small().timed("upstream.call_ms", 4, 9, times=180, upstream="products", outcome="ok")
    assert causes(busy) == []
    busier = small().timed("upstream.call_ms", 4, 40, times=180, upstream="products", outcome="ok")
    for part in ("gateway", "redis", "engine"):
        busier.gauge(f"{part}.probe_ms", 3.0, 12.0)
    assert causes(busier) == []


def test_a_small_deployment_that_is_well_is_accused_of_nothing() -> None:
    assert causes(small()) == []


def stopped(looks: Looks) -> Looks:
    return (
        looks.gauge("engine.up", 1.0, 0.0).gauge("engine.probe_outcome", "ok", "timeout").gauge("engine.probe_ms", 3.0, 2_500.0)
    )


def test_an_engine_that_takes_our_connection_and_says_nothing_hangs_and_is_to_be_restarted() -> None:
    window = stopped(small()).window()
    found = find_causes(window).standing
    assert [one.cause for one in found] == ["engine_hangs"]
    assert [one.kind for one in remedies(found[0], window, Deployment(engine_url="http://engine:2"))] == ["restart_worker"]


def test_values_that_are_not_loaded_anew_come_after_the_engine_that_does_not_answer() -> None:
    looks = stopped(small()).count("redis.expired_keys_total", 9, 90)
    looks.count("gateway.cache_reads_total", 60, 10, cache="products", tenant="a", outcome="near_hit")
    assert causes(looks) == ["engine_hangs", "cache_ttl_too_short"]


def test_where_nobody_answers_us_in_time_the_engine_is_not_to_blame() -> None:
    looks = stopped(small()).gauge("redis.probe_outcome", "ok", "timeout").gauge("gateway.probe_outcome", "ok", "timeout")
    assert "engine_hangs" not in causes(looks)


def flapping(looks: Looks) -> Looks:
    """The gateway's line to the store is too late again and again, and a probe of ours is answered."""
    looks.count("gateway.store_changes_total", 0, 84, state="silent").count("gateway.limit_away_total", 0, 40, policy="local")
    return looks.gauge("gateway.store_state", 2.0, 1.0)


def test_a_store_that_answers_us_is_not_hung_where_the_gateway_does_not_get_to_run() -> None:
    assert causes(flapping(small()).timed("gateway.loop_lag_ms", 2, 40, times=3_000)) == []
    everything_late = flapping(small())
    for part in ("gateway", "engine", "redis"):
        everything_late.gauge(f"{part}.probe_ms", 3.0, 40.0)
    assert causes(everything_late) == []
    assert causes(flapping(small()).count("gateway.cpu_seconds_total", 12, 57)) == []


def test_a_store_that_answers_us_is_not_hung_for_what_a_busy_machine_misses() -> None:
    seldom = small().count("gateway.store_changes_total", 1, 15, state="silent")
    seldom.count("gateway.limit_away_total", 2, 17, policy="local")
    assert causes(seldom) == []
    refusing = junk(flapping(small())).count("redis.errors_total", 0, 800, error="OOM")
    assert causes(refusing) == ["redis_memory_full"]


def test_a_store_that_keeps_us_waiting_too_is_not_excused_by_the_others_for_whom_it_is_late() -> None:
    looks = flapping(small()).gauge("redis.probe_outcome", "ok", "timeout").gauge("redis.up", 1.0, 0.0)
    for part, milliseconds in (("gateway", 40.0), ("engine", 40.0), ("redis", 2_358.0)):
        looks.gauge(f"{part}.probe_ms", 3.0, milliseconds)
    assert causes(looks.gauge("gateway.store_state", 2.0, 2.0)) == ["redis_hung"]


def test_a_store_that_answers_us_but_often_not_the_gateway_is_told_with_doubt() -> None:
    (found,) = find_causes(flapping(small()).window()).standing
    assert found.cause == "redis_hung"
    assert found.confidence < 0.85
    assert "redis.probe_outcome" in {one.name for one in found.against}


def test_a_store_that_answers_us_is_not_called_hung_where_it_is_not_known_how_often_it_is_late() -> None:
    window = flapping(small()).window()
    assert [one.cause for one in find_causes(replace(window, healthy=())).standing] == []


def junk(looks: Looks) -> Looks:
    """Twenty-four thousand cached values of two kB, which nobody gave a time to live, up to the bound."""
    looks.gauge("redis.used_memory_bytes", 2e6, 5.0e7).gauge("redis.keys_without_ttl", 3.0, 24_600.0)
    key = "cache:junk:acme:17"
    looks.gauge("redis.biggest_key_bytes", 272.0, 2_064.0, key=key).count("redis.net_output_bytes_total", 4e5, 2e6)
    looks.gauge("redis.prefix_keys", 24_600.0, prefix="cache:junk").gauge("redis.sampled_keys", 30.0, prefix="cache:junk")
    looks.gauge("redis.sampled_bytes_p50", 2_064.0, prefix="cache:junk")
    looks.gauge("redis.sampled_without_ttl_share", 1.0, prefix="cache:junk")
    looks.gauge("redis.sampled_without_ttl_share", 0.5, prefix="rate_limit").gauge("redis.prefix_keys", 4.0, prefix="rate_limit")
    return looks.gauge("redis.sampled_keys", 4.0, prefix="rate_limit")


def test_a_full_store_is_told_by_its_state_whatever_was_refused_of_late() -> None:
    looks = junk(small()).count("redis.errors_total", 0, 0, error="OOM")
    found = find_causes(looks.window()).standing
    assert [one.cause for one in found] == ["redis_memory_full"]
    assert {"redis.used_memory_bytes", "redis.maxmemory_bytes"} <= {one.name for one in found[0].supports}


def test_the_room_that_is_to_be_given_is_round_and_has_a_unit() -> None:
    amounts = set()
    for refused in (400, 410, 420):
        window = junk(small()).count("redis.errors_total", 0, refused, error="OOM").window()
        (full, *_) = find_causes(window).standing
        (remedy,) = remedies(full, window, Deployment())
        amounts.add(told(remedy))
    assert len(amounts) == 1
    assert "MiB" in amounts.pop()
    one_lives_long = junk(small()).count("redis.errors_total", 0, 2_400, error="OOM")
    window = one_lives_long.gauge("redis.sampled_ttl_p50_seconds", 86_400.0, prefix="idempotency").window()
    assert "48 MiB" in told(remedies(find_causes(window).standing[0], window, Deployment())[0])


def test_a_store_above_its_bound_gets_room_for_what_it_has_besides() -> None:
    looks = junk(small()).count("redis.errors_total", 0, 400, error="OOM")
    window = looks.gauge("redis.maxmemory_bytes", 1.0).gauge("redis.used_memory_bytes", 30_000_000.0).window()
    (remedy,) = remedies(find_causes(window).standing[0], window, Deployment())
    assert "32 MiB" in told(remedy)


def test_a_name_nobody_knows_is_told_and_nothing_is_to_be_started() -> None:
    looks = small().gauge("redis.probe_outcome", "ok", "dns").gauge("redis.up", 1.0, 0.0)
    window = looks.gauge("gateway.store_state", 2.0, 0.0).window()
    (found,) = find_causes(window).standing
    assert (found.cause, found.title) == ("redis_refused", "The name of the store cannot be resolved")
    assert remedies(found, window, Deployment()) == ()


def test_a_value_as_large_as_many_others_is_not_a_big_one() -> None:
    assert "big_key" not in causes(junk(small()))


def test_keys_that_are_not_the_limiters_are_not_blamed_on_it() -> None:
    assert "limiter_keys_without_ttl" not in causes(junk(small()))


def test_a_key_that_is_read_often_among_few_reads_is_not_hot() -> None:
    looks = small().gauge("redis.hot_key_share", 0.05, 0.6, key="a")
    looks.count("redis.keyspace_hits_total", 12, 20).count("redis.keyspace_misses_total", 4)
    assert causes(looks) == []


def test_fewer_hits_among_few_reads_are_chance() -> None:
    looks = small().count("redis.expired_keys_total", 9, 60)
    looks.count("gateway.cache_reads_total", 14, 8, cache="products", tenant="a", outcome="near_hit")
    looks.count("gateway.cache_reads_total", 16, 20, cache="products", tenant="a", outcome="miss")
    assert causes(looks) == []


def test_values_that_have_as_much_time_left_as_usual_do_not_live_too_briefly() -> None:
    """The first values of a new cache expire when its baseline is taken already."""
    looks = small().count("redis.expired_keys_total", 1, 60)
    looks.count("gateway.cache_reads_total", 300, 60, cache="products", tenant="a", outcome="near_hit")
    looks.count("gateway.cache_reads_total", 100, 300, cache="products", tenant="a", outcome="miss")
    assert causes(looks) == ["cache_ttl_too_short"]
    assert causes(looks.count("redis.expired_keys_total", 0, 60)) == []
    looks.count("redis.expired_keys_total", 1, 60)
    assert causes(looks.gauge("redis.sampled_ttl_p50_seconds", 26.0, 36.9, prefix="cache:products")) == []
    assert causes(looks.gauge("redis.sampled_ttl_p50_seconds", 26.0, 2.0, prefix="cache:products")) == ["cache_ttl_too_short"]


def test_a_time_to_live_is_proposed_from_those_of_cached_values() -> None:
    looks = (
        small().count("redis.expired_keys_total", 1, 60).gauge("redis.sampled_ttl_p50_seconds", 604_800.0, prefix="cache_events")
    )
    looks.count("gateway.cache_reads_total", 300, 60, cache="products", tenant="a", outcome="near_hit")
    looks.count("gateway.cache_reads_total", 100, 300, cache="products", tenant="a", outcome="miss")
    window = looks.gauge("redis.sampled_ttl_p50_seconds", 26.0, 2.0, prefix="cache:products").window()
    assert "52 s" in told(remedies(find_causes(window).standing[0], window, Deployment())[0])


def test_memory_that_swings_as_much_when_all_is_well_does_not_leak() -> None:
    window = small().gauge("gateway.rss_bytes", 7e7, 7.5e7).window()
    assert [one.cause for one in find_causes(window).standing] == ["memory_leak"]
    swung = small().gauge("gateway.rss_bytes", 7.6e7).window().healthy[0]
    before = replace(swung, at=swung.at - timedelta(minutes=1))
    assert find_causes(replace(window, healthy=(before, *window.healthy))).standing == ()


def test_the_diagnosis_does_not_accuse_itself_of_holding_the_loop() -> None:
    own = small().timed("gateway.loop_lag_ms", 2, 300, times=3_000)
    own.count("gateway.loop_blocked_total", 0, 50, place="diagnostics/signals/snapshot.py:28")
    assert causes(own) == []
    theirs = own.count("gateway.loop_blocked_total", 0, 20, place="app/chat.py:41")
    assert [one.component for one in find_causes(theirs.window()).standing] == ["app/chat.py:41"]


def test_what_was_not_read_is_neither_standing_nor_ruled_out() -> None:
    found = find_causes(small().window())
    assert all(one.against for one in found.ruled_out)
    unread = {"breaker_stuck_open", "signing_keys_stale", "mcp_server_hung", "slow_sql", "connection_leak", "clock_skew"}
    assert not unread & {one.cause for one in found.ruled_out}
    assert "tenant_flood" in {one.cause for one in found.ruled_out}
    redis_alone = Looks().gauge("redis.up", 1.0, 0.0).gauge("redis.probe_outcome", "ok", "refused")
    found = find_causes(redis_alone.window())
    assert "engine_slow" not in {one.cause for one in found.ruled_out}
    assert "gateway" not in found.standing[0].why
