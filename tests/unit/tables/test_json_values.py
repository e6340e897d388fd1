"""Driver values as JSON values."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from mcp_gateway.core.errors import Json
from mcp_gateway.tables.json_values import to_json

WIDE = 1_000_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        (-(2**80), "-1208925819614629174706176"),
        (1.5, 1.5),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (Decimal("10.50"), 10.5),
        (Decimal(12), 12),
        (Decimal("1E+3"), 1000),
        (Decimal("0.1"), 0.1),
        (Decimal("12345678901234567.89"), "12345678901234567.89"),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (Decimal("100000000000000000000.00"), 1e20),
        (Decimal("NaN"), "NaN"),
        (Decimal("-Infinity"), "-Infinity"),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 12, 30, tzinfo=UTC), "2024-02-29T12:30:00+00:00"),
        (time(23, 59, 59, 500), "23:59:59.000500"),
        (timedelta(days=1, hours=2, seconds=3.5), "P1DT2H3.5S"),
        (timedelta(0), "PT0S"),
        (timedelta(minutes=-90), "-PT1H30M"),
        (timedelta(days=3), "P3D"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"\x00\xff", "AP8="),
        (memoryview(b"abc"), "YWJj"),
        ("é", "é"),
        ("lone \ud800 surrogate", "lone ? surrogate"),
        ([1, Decimal("1.5"), None, [math.nan]], [1, 1.5, None, ["NaN"]]),
        ({"a": date(2024, 1, 1), 2: {3}}, {"a": "2024-01-01", "2": [3]}),
        ((1, 2), [1, 2]),
    ],
)
def test_a_value_says_the_same_as_json(value: object, expected: Json) -> None:
    assert to_json(value, WIDE).value == expected


@pytest.mark.parametrize("value", ["x" * 100, "é" * 60, b"x" * 100, ["x" * 100], {"k": "x" * 100}])
def test_a_long_value_is_cut_with_a_visible_mark(value: object) -> None:
    shown = to_json(value, 50)
    assert isinstance(shown.value, str)
    assert "… [cut: " in shown.value
    assert len(shown.value.encode()) <= 50 + 60


class Untouched:
    """A value that nobody may look at."""

    def __str__(self) -> str:
        raise AssertionError("the rest of a long list was converted")


@pytest.mark.parametrize("wrap", [list, tuple, lambda values: dict(enumerate(values))])
def test_of_a_long_list_only_the_beginning_is_converted(wrap: Callable[[list[object]], object]) -> None:
    value = wrap([*range(60), *(Untouched() for _ in range(40))])
    shown = to_json(value, 50)
    assert str(shown.value).endswith("… [cut: 100 values in all]")
    assert len(str(shown.value)) < 50 + 60


def test_endless_nesting_ends_in_text() -> None:
    value: object = "core"
    for _ in range(100):
        value = [value]
    assert "core" in str(to_json(value, WIDE).value)


def test_the_size_is_about_that_of_the_json_text() -> None:
    assert to_json("x" * 1000, WIDE).size == pytest.approx(1002, abs=10)
    assert to_json([1] * 1000, WIDE).size == pytest.approx(3000, rel=0.1)
