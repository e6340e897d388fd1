"""Figures about questions."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.diagnostics.query_figures import QueryFigures, QueryRecord, percentile


def figures(window_size: int = 1000) -> QueryFigures:
    return QueryFigures(window_size=window_size, clock=FixedClock(datetime(2026, 3, 1, tzinfo=UTC)))


def test_no_question_yet_gives_zeros() -> None:
    window = figures().window()
    assert (window.p50_seconds, window.questions, window.success_rate, window.reuse_rate) == (0.0, 0, 0.0, 0.0)


def test_an_unsure_answer_is_no_failure_and_no_answer() -> None:
    told = figures()
    for outcome in ("answered", "answered", "unsure", "failed"):
        told.record(QueryRecord(seconds=0.1, outcome=outcome))
    window = told.window()
    assert (window.answered, window.unsure, window.failed, window.success_rate) == (2, 1, 1, 0.75)


def test_the_window_forgets_and_the_totals_do_not() -> None:
    told = figures(window_size=2)
    for seconds in (9.0, 0.1, 0.2):
        told.record(QueryRecord(seconds=seconds, outcome="answered", fetched=1, reused=3))
    window = told.window()
    assert (window.questions, window.p99_seconds, window.reuse_rate) == (2, 0.2, 0.75)
    assert sum(told.totals.buckets) == 3
    assert told.totals.reused == 9


def test_a_latency_on_a_bound_counts_below_it() -> None:
    told = figures()
    told.record(QueryRecord(seconds=0.01, outcome="answered"))
    assert told.totals.buckets[0] == 1


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2.0), (0.95, 4.0), (0.25, 1.0), (0.0, 1.0), (1.0, 4.0)])
def test_percentiles_are_values_that_occurred(share: float, expected: float) -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], share) == expected


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 1))
def test_a_percentile_leaves_its_share_at_or_below(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert sum(value <= found for value in ordered) >= share * len(ordered)
