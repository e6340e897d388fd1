"""Numbers said in another unit than the column's."""

import pytest

from mcp_gateway.ask.engine.measures import in_column_unit
from mcp_gateway.ask.engine.text import stem_of


@pytest.mark.parametrize(
    ("number", "said", "column", "expected"),
    [
        (2, "hours", ["minutes"], 120),
        (90, "seconds", ["duration", "minutes"], 1.5),
        (3, "km", ["distance", "meters"], 3_000),
        (500, "grams", ["weight", "kg"], 0.5),
        (30, "minutes", ["minutes"], 30),
        (30, "minutes", ["duration"], 30),
        (30, "hours", ["weight", "kg"], 30),
        (30, "people", ["minutes"], 30),
    ],
)
def test_a_number_takes_the_unit_of_its_column(number: float, said: str, column: list[str], expected: float) -> None:
    assert in_column_unit(number, stem_of(said), [stem_of(word) for word in column]) == pytest.approx(expected)
