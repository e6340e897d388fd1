"""The budget of extra calls against a list of everything that happened."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.errors import InvalidPolicy
from mcp_gateway.kit.resilience.budget import RetryBudget

events = st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=200)


@given(events, st.sampled_from([0.0, 0.1, 0.2, 1.0]), st.sampled_from([0.0, 0.3, 2.0]))
def test_extra_calls_stay_within_their_share_of_the_window(
    script: list[tuple[float, bool]], share: float, minimum: float
) -> None:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    budget = RetryBudget(share=share, minimum_per_second=minimum, seconds=10, clock=clock)
    calls: list[int] = []
    extra: list[int] = []
    for waited, wants_extra in script:
        clock.advance(waited)
        number = int(clock.monotonic() / 1.0)
        recent_calls = sum(at > number - 10 for at in calls)
        recent_extra = sum(at > number - 10 for at in extra)
        if wants_extra:
            allowed = recent_extra + 1 <= share * recent_calls + minimum * 10 + 1e-9
            assert budget.take() is allowed
            extra += [number] * allowed
        else:
            budget.count_call()
            calls.append(number)


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(InvalidPolicy):
        RetryBudget(share=1.5)
