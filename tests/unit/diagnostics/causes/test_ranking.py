"""From signals to the true cause: each pair that is easily mistaken, and systems that are well however they look."""

from collections.abc import Callable

import pytest
from tests.unit.diagnostics.causes.looks import Looks, healthy

from mcp_gateway.diagnostics.actions.remedies import remedies
from mcp_gateway.diagnostics.causes.process import unfollowed
from mcp_gateway.diagnostics.causes.ranking import LEADS_TO, WEIGHED, find_causes
from mcp_gateway.diagnostics.ports import Deployment
from mcp_gateway.diagnostics.signals.snapshot import Readings, Snapshot
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import CAUSES

READS, DECISIONS, CALLS = "gateway.cache_reads_total", "gateway.limit_decisions_total", "upstream.calls_total"


def keys_without_ttl(looks: Looks) -> None:
    looks.gauge("redis.keys_without_ttl", 3.0, 5_000.0).gauge("redis.sampled_without_ttl_share", 0.0, 0.9, prefix="rate_limit")


def flood(looks: Looks) -> None:
    looks.count(DECISIONS, 0, 9_000, outcome="refused", decided_by="here", tenant="c")


def lower_limit(looks: Looks) -> None:
    looks.gauge("gateway.limit_rules_revision", 3.0, 4.0)
    for tenant in "abcde":
        looks.count(DECISIONS, 0, 120, outcome="refused", decided_by="store", tenant=tenant)
        looks.count(DECISIONS, 200, 80, outcome="allowed", decided_by="store", tenant=tenant)
        looks.count("gateway.limit_refusals_total", 0, 120, rule="chat", tenant=tenant)


def fewer_hits(looks: Looks) -> None:
    looks.count(READS, 500, 100, cache="lists", tenant="a", outcome="near_hit")
    looks.count(READS, 200, 100, cache="lists", tenant="a", outcome="shared_hit")
    looks.count(READS, 60, 500, cache="lists", tenant="a", outcome="miss")


def short_ttl(looks: Looks) -> None:
    fewer_hits(looks)
    looks.count("redis.expired_keys_total", 50, 900).gauge("redis.sampled_ttl_p50_seconds", 30.0, 0.05, prefix="cache")


def evicting(looks: Looks) -> None:
    fewer_hits(looks)
    looks.count("redis.evicted_keys_total", 0, 700).gauge("redis.maxmemory_bytes", 0.0, 1e6)
    looks.gauge("redis.maxmemory_policy", "noeviction", "allkeys-lru")


def full(looks: Looks) -> None:
    looks.count("redis.errors_total", 0, 400, error="OOM").gauge("redis.maxmemory_bytes", 0.0, 1e6)


def deaf(looks: Looks) -> None:
    looks.gauge("redis.subscribers", 2.0, 1.0, channel="cache_coherence:x")


def hung(looks: Looks) -> None:
    looks.gauge("redis.probe_outcome", "ok", "timeout").gauge("redis.up", 1.0, 0.0).count(
        "gateway.limit_away_total", 0, 900, policy="local"
    )
    looks.gauge("gateway.store_state", 2.0, 0.0)


def refused(looks: Looks) -> None:
    looks.gauge("redis.probe_outcome", "ok", "refused").gauge("redis.up", 1.0, 0.0).gauge("gateway.store_state", 2.0, 0.0)


def wrong_store_address(looks: Looks) -> None:
    looks.gauge("gateway.store_state", 2.0, 0.0).count("gateway.limit_away_total", 0, 900, policy="local")


def slow_engine(looks: Looks) -> None:
    looks.timed("upstream.call_ms", 70, 900, upstream="engine", outcome="ok").timed(
        "engine.request_ms", 60, 860, route="/chat", status="200"
    )


def slow_engine_fills_pool(looks: Looks) -> None:
    slow_engine(looks)
    looks.count("gateway.pool_exhausted_total", 0, 80, pool="engine").gauge("gateway.pool_in_use", 2.0, 32.0, pool="engine")
    looks.gauge("upstream.in_flight", 2.0, 32.0, upstream="engine")


def small_pool(looks: Looks) -> None:
    looks.count("gateway.pool_exhausted_total", 0, 80, pool="engine").gauge("gateway.pool_in_use", 2.0, 4.0, pool="engine")
    looks.gauge("gateway.pool_size", 32.0, 4.0, pool="engine").gauge("upstream.in_flight", 2.0, 4.0, upstream="engine")
    looks.timed("upstream.call_ms", 70, 400, upstream="engine", outcome="ok").timed(
        "upstream.pool_wait_ms", 0.5, 300, upstream="engine"
    )


def leak(looks: Looks) -> None:
    looks.count("gateway.pool_exhausted_total", 0, 80, pool="engine").gauge("gateway.pool_in_use", 2.0, 32.0, pool="engine")
    looks.gauge("upstream.in_flight", 2.0, 0.0, upstream="engine")


def blocked(looks: Looks) -> None:
    looks.timed("gateway.loop_lag_ms", 2, 800).count("gateway.loop_blocked_total", 0, 90, place="app/chat.py:41")
    looks.timed("gateway.request_ms", 2, 850, route="fast", status="200")
    looks.timed("upstream.call_ms", 70, 520, upstream="engine", outcome="ok")


def hanging(looks: Looks) -> None:
    looks.count(CALLS, 0, 40, upstream="engine", outcome="read_timeout").gauge("engine.in_flight", 2.0, 40.0)


def errors(looks: Looks) -> None:
    looks.count(CALLS, 0, 300, upstream="engine", outcome="http_5xx")


def held_open(looks: Looks) -> None:
    looks.gauge("gateway.breaker_state", 0.0, 2.0, breaker="engine")
    looks.count("gateway.breaker_calls_total", 0, 300, breaker="engine", outcome="refused")
    looks.count("engine.responses_total", 600, 10, route="/chat", status="200")


def open_for_a_reason(looks: Looks) -> None:
    held_open(looks)
    errors(looks)


def wrong_address(looks: Looks) -> None:
    looks.count(CALLS, 0, 200, upstream="engine", outcome="connect_error")


def skewed(looks: Looks) -> None:
    looks.gauge("gateway.clock_skew_seconds", 0.2, 90.0, replica="two:2")
    looks.count("gateway.auth_failures_total", 0, 100, reason="expired")


def rotated(looks: Looks) -> None:
    looks.count("gateway.auth_failures_total", 0, 300, reason="unknown_key")


def hung_server(looks: Looks) -> None:
    looks.count("mcp.calls_total", 0, 40, server="billing", tool="track", outcome="timeout")


def renamed(looks: Looks) -> None:
    looks.gauge("mcp.tools_digest", "d1", "d2", server="billing")
    looks.count("mcp.calls_total", 0, 90, server="billing", tool="track", outcome="invalid")


def lost_index(looks: Looks) -> None:
    looks.timed("sql.query_ms", 2, 90, statement="by_day")


def lost_index_of_a_rare_statement(looks: Looks) -> None:
    looks.timed("sql.query_ms", 2, 90, times=7, statement="by_day")


def leaking(looks: Looks) -> None:
    looks.gauge("gateway.rss_bytes", 9e7, 1.3e8)


def keys_walked(looks: Looks) -> None:
    looks.count("redis.command_usec_total", 0, 900_000, command="keys").count("redis.command_calls_total", 0, 60, command="keys")


def script_lost(looks: Looks) -> None:
    looks.count("redis.errors_total", 0, 400, error="NOSCRIPT").count("gateway.limit_away_total", 0, 400, policy="local")


def big(looks: Looks) -> None:
    looks.gauge("redis.biggest_key_bytes", 900.0, 4_700_000.0, key="a").count("redis.net_output_bytes_total", 1e6, 3e8)


def hot(looks: Looks) -> None:
    looks.gauge("redis.hot_key_share", 0.05, 0.8, key="a")


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (keys_without_ttl, "limiter_keys_without_ttl"),
        (flood, "tenant_flood"),
        (lower_limit, "limit_too_low"),
        (short_ttl, "cache_ttl_too_short"),
        (evicting, "redis_memory_evicting"),
        (full, "redis_memory_full"),
        (deaf, "invalidations_lost"),
        (hot, "hot_key"),
        (big, "big_key"),
        (keys_walked, "slow_redis_command"),
        (hung, "redis_hung"),
        (refused, "redis_refused"),
        (wrong_store_address, "redis_refused"),
        (script_lost, "redis_script_lost"),
        (slow_engine, "engine_slow"),
        (slow_engine_fills_pool, "engine_slow"),
        (errors, "engine_errors"),
        (hanging, "engine_hangs"),
        (held_open, "breaker_stuck_open"),
        (open_for_a_reason, "engine_errors"),
        (small_pool, "upstream_pool_too_small"),
        (leak, "connection_leak"),
        (leaking, "memory_leak"),
        (blocked, "event_loop_blocked"),
        (lost_index, "slow_sql"),
        (lost_index_of_a_rare_statement, "slow_sql"),
        (wrong_address, "upstream_address_wrong"),
        (skewed, "clock_skew"),
        (rotated, "signing_keys_stale"),
        (hung_server, "mcp_server_hung"),
        (renamed, "mcp_schema_changed"),
    ],
)  # fmt: skip
def test_the_true_cause_comes_first_with_evidence_and_a_remedy(fault: Callable[[Looks], None], cause: str) -> None:
    looks = healthy()
    fault(looks)
    window = looks.window()
    found = find_causes(window)
    assert [one.cause for one in found.standing][:1] == [cause]
    assert found.standing[0].supports
    deployment = Deployment(gateway_url="http://gateway:1", engine_url="http://engine:2", shown_redis="store:3/0")
    assert remedies(found.standing[0], window, deployment)


def test_a_walk_over_all_keys_is_ruled_out_where_no_command_walks_them() -> None:
    found = {one.cause: one for one in find_causes(healthy().window()).ruled_out}["slow_redis_command"]
    assert [one.signal for one in found.against] == ["redis.command_usec_total"]


def test_a_system_that_is_well_is_accused_of_nothing() -> None:
    found = find_causes(healthy().window())
    assert found.standing == ()
    assert all(one.why for one in found.ruled_out)


def test_a_rare_statement_is_not_accused_of_what_chance_or_the_machine_does() -> None:
    by_chance, alike = healthy(), healthy()
    by_chance.timed("sql.query_ms", 2, 90, times=2, statement="by_day")
    alike.timed("sql.query_ms", 2, 90, times=7, statement="by_day").timed("sql.query_ms", 2, 80, statement="by_customer")
    assert find_causes(by_chance.window()).standing == ()
    assert "statement by_day" not in [one.component for one in find_causes(alike.window()).standing]


def test_what_is_told_from_few_measurements_says_how_few_they_were() -> None:
    looks = healthy()
    lost_index_of_a_rare_statement(looks)
    evidence = find_causes(looks.window()).standing[0].supports[0]
    assert evidence.baseline is not None
    assert "only 7 measured" in evidence.baseline_from


def test_what_follows_from_another_cause_comes_after_it_and_says_so() -> None:
    looks = healthy()
    keys_without_ttl(looks)
    evicting(looks)
    standing = find_causes(looks.window()).standing
    assert [one.cause for one in standing][:2] == ["limiter_keys_without_ttl", "redis_memory_evicting"]
    assert "limiter_keys_without_ttl" in standing[1].why


def test_where_nothing_could_be_read_no_cause_is_claimed() -> None:
    window = healthy().window()
    empty = Window(first=Snapshot(at=window.last.at), last=Snapshot(at=window.last.at))
    assert find_causes(empty).standing == ()


def test_a_store_that_answers_the_gateway_and_was_late_for_us_alone_is_not_hung() -> None:
    looks = healthy().gauge("redis.probe_outcome", "ok", "timeout").gauge("redis.up", 1.0, 0.0)
    assert find_causes(looks.window()).standing == ()


def test_when_nobody_answers_us_in_time_it_is_not_said_that_the_store_is_hung() -> None:
    looks = healthy()
    hung(looks)
    window = looks.window()
    ours = tuple(one for one in window.last.find("redis.probe_outcome", {}))
    late = Snapshot(at=window.last.at, sources={"test": Readings(readings=ours)})
    assert find_causes(Window(first=window.first, last=late, healthy=window.healthy)).standing == ()


def test_a_cause_whose_own_sign_was_not_read_is_not_claimed_for_the_others() -> None:
    looks = healthy()
    deaf(looks)
    looks.count("gateway.cache_reads_total", 500, 200, cache="lists", tenant="a", outcome="near_hit")
    assert [one.cause for one in find_causes(looks.window()).standing] == ["invalidations_lost"]
    looks.without("redis.subscribers")
    assert find_causes(looks.window()).standing == ()


def test_a_list_of_all_keys_is_not_taken_for_a_large_value() -> None:
    looks = healthy()
    keys_walked(looks)
    looks.count("redis.net_output_bytes_total", 1e6, 3e8).gauge("redis.slowlog_recent", 0.0, 3.0, command="get")
    assert [one.cause for one in find_causes(looks.window()).standing] == ["slow_redis_command"]


def test_a_large_value_that_no_sample_met_is_named_by_its_readers() -> None:
    looks = healthy().count("redis.net_output_bytes_total", 1e6, 3e8).gauge("redis.slowlog_recent", 0.0, 3.0, command="hgetall")
    looks.without("redis.biggest_key_bytes")
    (found,) = find_causes(looks.window()).standing
    deployment = Deployment(gateway_url="http://gateway:1", engine_url="http://engine:2", shown_redis="store:3/0")
    (action,) = remedies(found, looks.window(), deployment)
    assert action.target["key"] == "keys read by HGETALL"


def test_every_server_whose_tools_changed_is_named_and_looked_after() -> None:
    looks = healthy()
    for number in range(7):
        looks.gauge("mcp.tools_digest", "a", "b", server=f"server{number}")
    (found,) = find_causes(looks.window()).standing
    assert found.component == "servers server0, server1, server2, server3, server4 and 2 more"
    deployment = Deployment(gateway_url="http://gateway:1", engine_url="http://engine:2", shown_redis="store:3/0")
    actions = remedies(found, looks.window(), deployment)
    assert [one.target["server"] for one in actions] == [f"server{number}" for number in range(5)]


def test_one_connection_between_being_taken_and_being_used_is_no_leak_of_a_small_pool() -> None:
    looks = healthy()
    small_pool(looks)
    looks.gauge("upstream.in_flight", 2.0, 3.0, upstream="engine")
    assert [one.cause for one in find_causes(looks.window()).standing] == ["upstream_pool_too_small"]


def test_a_hot_key_is_told_without_a_sample_of_sizes() -> None:
    looks = healthy()
    hot(looks)
    looks.without("redis.biggest_key_bytes")
    assert [one.cause for one in find_causes(looks.window()).standing] == ["hot_key"]


def test_of_several_replicas_the_one_that_leaks_is_named() -> None:
    looks = (
        healthy().gauge("gateway.rss_bytes", 9e7, 9e7, replica="one:1").gauge("gateway.rss_bytes", 9e7, 1.3e8, replica="two:1")
    )
    (found,) = find_causes(looks.window()).standing
    assert found.component == "gateway process, replica two:1"
    assert "44 kB for each answered request" in found.why


def leak_at(place: str, *, looked: float = 4, leaks: float = 4e7, usual: float = 0, grown: float = 2.8e7) -> Looks:
    looks = healthy().gauge("gateway.rss_bytes", 9e7, 9e7 + leaks).count("gateway.allocation_looks_total", looked, 4)
    return looks.count("gateway.allocation_growth_bytes_total", usual, grown, place=place)


def test_the_line_that_leaks_is_named_where_allocations_are_followed() -> None:
    window = leak_at("shop/carts.py:12", usual=1e5).window()
    (found,) = find_causes(window).standing
    assert found.component == "gateway process, at shop/carts.py:12"
    assert "shop/carts.py:12 grew 28.0 MB over the window, 31 kB for each answered request" in found.why
    signs = {one.signal: one for one in found.supports}
    assert signs["gateway.allocation_growth_bytes_total{place=shop/carts.py:12}"].baseline is not None
    assert unfollowed([found], window) == ()


def test_a_leak_of_which_no_line_was_followed_says_how_to_follow() -> None:
    looks = healthy()
    leaking(looks)
    (found,) = find_causes(looks.window()).standing
    assert "was not followed" in found.why
    (blind,) = unfollowed([found], looks.window())
    assert "kill -USR2" in blind.hint
    assert unfollowed([], looks.window()) == ()


@pytest.mark.parametrize("looks", [leak_at("a.py:1", grown=2e6), leak_at("a.py:1", usual=2.8e7)])
def test_no_line_is_named_that_holds_little_or_grows_as_usual(looks: Looks) -> None:
    (found,) = find_causes(looks.window()).standing
    assert found.component == "gateway process"
    assert "No line of Python" in found.why


@pytest.mark.parametrize(
    ("looked", "leaks", "grown", "stands"),
    [
        (0, 1.5e7, 1e5, False),  # following began, and took it
        (0, 1.5e7, 5e6, True),  # a line kept much of it
        (0, 4e7, 1e5, True),  # more than following takes, by something compiled
        (4, 1.5e7, 1e5, True),  # it was followed when all was well, too
    ],
)  # fmt: skip
def test_memory_that_following_itself_takes_is_no_leak(looked: float, leaks: float, grown: float, *, stands: bool) -> None:
    window = leak_at("shop/carts.py:12", looked=looked, leaks=leaks, grown=grown).window()
    assert [one.cause for one in find_causes(window).standing] == ["memory_leak"] * stands


def test_a_store_that_was_too_late_for_us_when_all_was_well_is_not_hung() -> None:
    looks = healthy().gauge("redis.probe_outcome", "timeout")
    assert find_causes(looks.window()).standing == ()


def test_the_same_signals_give_the_same_answer() -> None:
    looks = healthy()
    blocked(looks)
    slow_engine_fills_pool(looks)
    assert find_causes(looks.window()) == find_causes(looks.window())


def test_every_cause_is_weighed_and_every_consequence_is_a_cause() -> None:
    assert set(WEIGHED) == set(CAUSES)
    assert {name for leader, led in LEADS_TO.items() for name in (leader, *led)} <= set(CAUSES)
