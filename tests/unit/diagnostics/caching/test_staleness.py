"""What a gateway's caches compared with their source is told with numbers; without that, why it is not known."""

from datetime import UTC, datetime, timedelta

from mcp_gateway.diagnostics.caching.advice import advise
from mcp_gateway.diagnostics.caching.sample import KeySample
from mcp_gateway.diagnostics.caching.staleness import COMPARED, not_compared, staleness_of
from mcp_gateway.diagnostics.signals.snapshot import Reading, Readings, Snapshot, reading
from mcp_gateway.diagnostics.signals.window import Window

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def window(before: tuple[Reading, ...], after: tuple[Reading, ...]) -> Window:
    first = Snapshot(at=NOW - timedelta(minutes=15), sources={"page": Readings(readings=before)}, blind_spots=())
    return Window(first=first, last=Snapshot(at=NOW, sources={"page": Readings(readings=after)}, blind_spots=()))


def compared(same: float, stale: float, *, cache: str = "lists") -> tuple[Reading, ...]:
    return (reading(COMPARED, same, cache=cache, outcome="same"), reading(COMPARED, stale, cache=cache, outcome="stale"))


def test_the_share_of_stale_values_is_that_of_the_window() -> None:
    seen = window(compared(100, 2), (*compared(112, 5), *compared(9, 0, cache="items")))
    found = staleness_of(seen)
    assert found is not None
    assert found.to_dict() == {
        "compared": 24,
        "stale": 3,
        "stale_share": 0.125,
        "since": "window",
        "by_cache": [{"cache": "lists", "same": 12, "stale": 3}, {"cache": "items", "same": 9}],
    }
    (advice,) = advise(seen, KeySample(), (), (), found)
    assert (advice.kind, advice.severity) == ("coherence", "high")
    assert advice.message == "3 of 24 values compared in the window were not what the source has: lists."
    assert {one.name for one in advice.evidence} == {"gateway.cache_stale_share", COMPARED}


def test_without_a_comparison_in_the_window_those_since_the_start_are_told() -> None:
    found = staleness_of(window(compared(10, 0), compared(10, 0)))
    assert found is not None
    assert (found.compared, found.stale, found.in_window) == (10, 0, False)
    assert advise(window((), ()), KeySample(), (), (), found) == ()


def test_a_source_that_says_nothing_counts_for_nothing() -> None:
    found = staleness_of(window((), (reading(COMPARED, 4.0, cache="lists", outcome="unsteady"),)))
    assert found is not None
    assert (found.compared, found.to_dict()["stale_share"]) == (0, None)


def test_where_nobody_compares_it_is_said_why_and_how_it_could_be() -> None:
    reads = (reading("gateway.cache_reads_total", 5.0, cache="lists", outcome="near_hit"),)
    assert staleness_of(window(reads, reads)) is None
    assert "compare_every_seconds=60" in not_compared(window(reads, reads)).hint
    assert "no gateway" in not_compared(window((), ())).why
