"""What is kept of the last looks at a server."""

from mcp_gateway.federation.health.history import SAMPLES, HealthHistory, Sample


def test_a_server_nobody_looked_at_is_unknown() -> None:
    health = HealthHistory().of("shop")
    assert (health.condition, health.samples, health.latency_ms) == ("unknown", (), None)


def test_the_last_hour_is_kept_oldest_first() -> None:
    history = HealthHistory()
    for number in range(SAMPLES + 7):
        history.note("shop", Sample(at=float(number), latency_ms=float(number)), era="modern", revision="2026-07-28")
    health = history.of("shop")
    assert [one.at for one in health.samples] == [float(number) for number in range(7, SAMPLES + 7)]
    assert (health.condition, health.since, health.era, health.revision) == ("up", 0.0, "modern", "2026-07-28")


def test_a_server_is_down_since_it_first_did_not_answer_and_its_latency_is_of_answers() -> None:
    history = HealthHistory()
    history.note("shop", Sample(at=1.0, latency_ms=5.0), era="legacy", revision="2025-11-25")
    for at in (2.0, 3.0):
        history.note("shop", Sample(at=at, latency_ms=10_000.0, code="UPSTREAM_TIMED_OUT"))
    health = history.of("shop")
    assert (health.condition, health.since, health.failures_in_a_row) == ("down", 2.0, 2)
    assert (health.code, health.latency_ms, health.era) == ("UPSTREAM_TIMED_OUT", 5.0, "legacy")
    history.note("shop", Sample(at=4.0, latency_ms=6.0))
    health = history.of("shop")
    assert (health.condition, health.since, health.failures_in_a_row, health.code) == ("up", 4.0, 0, "")


def test_servers_that_are_gone_are_forgotten() -> None:
    history = HealthHistory()
    history.note("shop", Sample(at=1.0, latency_ms=5.0))
    history.note("files", Sample(at=1.0, latency_ms=5.0))
    history.keep_only({"files"})
    assert list(history.all()) == ["files"]
