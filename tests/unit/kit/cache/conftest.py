"""A clock that stands still and a shared level whose store can leave."""

from datetime import UTC, datetime

import pytest
from tests.away_level import AwayLevel

from mcp_gateway.core.clock import FixedClock


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def level(clock: FixedClock) -> AwayLevel:
    return AwayLevel(clock)
