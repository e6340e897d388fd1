"""Both windows against the plainest model: a list of every outcome."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.kit.breaker.windows import CountBased, TimeBased, Window
from mcp_gateway.kit.errors import InvalidPolicy

codes = st.integers(0, 3)
steps = st.lists(st.tuples(st.floats(0, 7), codes), max_size=120)


def counted(window: Window) -> tuple[int, int, int]:
    return window.calls, window.failed, window.slow


def expected(outcomes: list[int]) -> tuple[int, int, int]:
    return len(outcomes), sum(code & 1 for code in outcomes), sum(code >> 1 for code in outcomes)


@given(st.integers(1, 9), st.lists(codes, max_size=60))
def test_a_count_window_holds_the_last_calls(size: int, outcomes: list[int]) -> None:
    window = CountBased(calls=size).make()
    for index, code in enumerate(outcomes):
        window.add(code, 0.0)
        assert counted(window) == expected(outcomes[max(0, index + 1 - size) : index + 1])


@given(st.integers(1, 6), steps)
def test_a_time_window_holds_the_buckets_of_its_seconds(buckets: int, calls: list[tuple[float, int]]) -> None:
    window, now, log = TimeBased(seconds=6.0, buckets=buckets).make(), 1_000.0, list[tuple[int, int]]()
    length = 6.0 / buckets
    for waited, code in calls:
        now += waited
        number = int(now / length)
        log.append((number, code))
        window.add(code, now)
        assert counted(window) == expected([code for at, code in log if at > number - buckets])


@given(steps)
def test_a_time_window_never_counts_what_is_older_and_always_what_is_younger(calls: list[tuple[float, int]]) -> None:
    window, now, log = TimeBased(seconds=10.0, buckets=5).make(), 50.0, list[tuple[float, int]]()
    for waited, code in calls:
        now += waited
        log.append((now, code))
        window.add(code, now)
        at_most = sum(now - at < 10.0 for at, _ in log)
        at_least = sum(now - at < 8.0 for at, _ in log)
        assert at_least <= window.calls <= at_most


def test_a_time_window_empties_while_nothing_is_called() -> None:
    window = TimeBased(seconds=10.0, buckets=10).make()
    window.add(3, 5.0)
    window.drop_old(15.0)
    assert counted(window) == (0, 0, 0)


@pytest.mark.parametrize("make", [lambda: CountBased(calls=0), lambda: TimeBased(seconds=0), lambda: TimeBased(buckets=0)])
def test_a_window_of_nothing_is_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(InvalidPolicy):
        make()
