"""A figure beside what is usual: what of it means something."""

from datetime import UTC, datetime, timedelta

import pytest

from mcp_gateway.diagnostics.figures import fact
from mcp_gateway.diagnostics.signals.snapshot import Readings, Snapshot, reading
from mcp_gateway.diagnostics.signals.window import Window

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANSWERED = "gateway.responses_total"


def at(second: float, count: float) -> Snapshot:
    told = Readings(readings=(reading(ANSWERED, count, route="chat", status="200"),))
    return Snapshot(at=NOON + timedelta(seconds=second), sources={"x": told})


@pytest.mark.parametrize(("grown", "standing"), [(2, "as_usual"), (8, "as_usual"), (30, "higher")])
def test_a_rate_of_a_few_things_is_as_usual_until_chance_does_not_explain_it(grown: int, standing: str) -> None:
    healthy = (at(0, 0), at(60, 120))
    window = Window(healthy=healthy, first=at(100, 200), last=at(102, 200 + grown))
    found = fact(window, ANSWERED)
    assert found is not None
    assert found.standing == standing


def test_a_rate_that_fell_to_nothing_for_long_is_lower() -> None:
    window = Window(healthy=(at(0, 0), at(60, 120)), first=at(100, 200), last=at(160, 200))
    found = fact(window, ANSWERED)
    assert found is not None
    assert found.standing == "lower"
