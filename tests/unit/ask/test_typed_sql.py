"""SQL typed in place of a question is told from words, misspelt keywords included."""

from pathlib import Path

import pytest

from mcp_gateway.ask.keywords import near_keyword
from mcp_gateway.ask.typed_sql import read_typed_sql

LINES = [
    line.split(": ", 1)
    for line in (Path(__file__).parents[2] / "golden" / "typed_sql.txt").read_text().splitlines()
    if ": " in line
]


@pytest.mark.parametrize(("kind", "text"), LINES, ids=lambda value: value)
def test_sql_is_told_from_words(kind: str, text: str) -> None:
    assert (read_typed_sql(text) is not None) == (kind == "sql")


def test_a_code_fence_and_the_final_semicolon_are_taken_off() -> None:
    assert read_typed_sql("```sql\nSELECT 1;\n```") == "SELECT 1"


@pytest.mark.parametrize(
    ("word", "keyword"), [("FORM", "FROM"), ("slect", "SELECT"), ("WEHRE", "WHERE"), ("gruop", "GROUP"), ("ODER", "ORDER")]
)
def test_a_slip_is_read_as_the_keyword(word: str, keyword: str) -> None:
    assert near_keyword(word) == keyword


@pytest.mark.parametrize("word", ["amount", "name", "x", "id", "customers", "by_month", "a1"])
def test_a_name_is_no_keyword(word: str) -> None:
    assert near_keyword(word) is None
