"""The most read key is found in bounded memory, without its name."""

from datetime import UTC, datetime

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.redis.hot_keys import CAPACITY, HotKeys


def made() -> tuple[HotKeys, FixedClock, RecordedFigures]:
    clock, figures = FixedClock(datetime(2026, 1, 1, tzinfo=UTC)), RecordedFigures()
    return HotKeys(figures=figures, clock=clock), clock, figures


def test_one_key_among_many_is_found_and_its_name_is_not_shown() -> None:
    keys, _, figures = made()
    for number in range(CAPACITY * 20):
        keys.note("tenant-a:secret" if number % 2 else f"other-{number}")
    key, share = keys.hottest()
    assert 0.45 < share < 0.55
    assert "secret" not in key
    keys.report()
    assert figures.total("store_hot_key_share", key=key) == share


def test_a_few_reads_say_nothing() -> None:
    keys, _, _ = made()
    for _ in range(5):
        keys.note("a")
    assert keys.hottest() == ("", 0.0)


def test_what_was_hot_is_forgotten() -> None:
    keys, clock, _ = made()
    for _ in range(1_000):
        keys.note("a")
    keys.report()
    clock.advance(60)
    keys.report()
    for number in range(100):
        keys.note(f"b{number}")
    assert keys.hottest()[1] < 0.2
