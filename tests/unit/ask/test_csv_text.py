"""Rows as CSV."""

import csv
import io

import pytest

from mcp_gateway.ask.csv_text import csv_lines
from mcp_gateway.ask.model import QueryRows, ResultColumn
from mcp_gateway.core.errors import Json


def text_of(*values: Json) -> str:
    """One column named v with these values."""
    rows = QueryRows(
        columns=(ResultColumn(name="v", type="X", kind="other"),),
        rows=tuple((value,) for value in values),
        total_rows=None,
        truncated_by=None,
        duration_ms=0.0,
        executed_sql="",
    )
    return "".join(csv_lines(rows))


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (3, "3"),
        (-2.5, "-2.5"),
        ("plain", "plain"),
        ('say "hi", twice\nplease', 'say "hi", twice\nplease'),
        ([1, "ä"], '[1, "ä"]'),
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("-12.50", "-12.50"),
    ],
)
def test_a_value_is_read_back_as_text_and_never_as_a_formula(value: Json, cell: str) -> None:
    assert list(csv.reader(io.StringIO(text_of(value, "end"), newline=""))) == [["v"], [cell] if cell else [""], ["end"]]
