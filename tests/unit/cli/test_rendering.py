"""How an answer looks at a terminal."""

import io

import pytest
from rich.console import Console, RenderableType

from mcp_gateway.ask.model import QueryRows, ResultColumn
from mcp_gateway.cli.rendering import cell_text, lay_out_sql, render_rows
from mcp_gateway.core.errors import Json


def text_of(part: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def rows_of(*values: Json, total: int | None) -> QueryRows:
    return QueryRows(
        columns=(ResultColumn(name="[v]", type="X", kind="other"),),
        rows=tuple((value,) for value in values),
        total_rows=total,
        truncated_by=None,
        duration_ms=0.0,
        executed_sql="",
    )


@pytest.mark.parametrize(
    ("sql", "laid_out"),
    [
        ("SELECT a FROM b WHERE c = 1 LIMIT 2", "SELECT a\nFROM b\nWHERE c = 1\nLIMIT 2"),
        ("SELECT ' FROM ' FROM b", "SELECT ' FROM '\nFROM b"),
        ('SELECT " LIMIT " FROM b', 'SELECT " LIMIT "\nFROM b'),
        ("SELECT 'it''s FROM' AS a LEFT JOIN b", "SELECT 'it''s FROM' AS a\nLEFT JOIN b"),
        ("SELECT a FROM (SELECT b FROM c) ORDER BY 1", "SELECT a\nFROM (SELECT b FROM c)\nORDER BY 1"),
        ("SELECT from_date FROM x", "SELECT from_date\nFROM x"),
        ("SELECT a\n FROM b", "SELECT a\nFROM b"),
        ("SELECT 'unclosed FROM b", "SELECT 'unclosed\nFROM b"),
    ],
)
def test_clauses_begin_lines_and_nothing_else_changes(sql: str, laid_out: str) -> None:
    assert lay_out_sql(sql) == laid_out
    assert lay_out_sql(sql).split() == sql.split()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (1234567, "1234567"),
        (1234.5, "1,234.50"),
        (0.00012345, "0.000123"),
        ("a\nb", "a b"),
        ("x" * 99, "x" * 59 + "…"),
    ],
)
def test_a_value_is_one_short_line(value: Json, text: str) -> None:
    assert cell_text(value) == text


def test_rows_say_how_many_there_are_and_markup_stays_text() -> None:
    assert "1 row\n" in text_of(render_rows(rows_of("[bold]x[/]", total=1))).replace(" \n", "\n").replace("  ", "")
    assert "[bold]x[/]" in text_of(render_rows(rows_of("[bold]x[/]", total=1)))
    assert "[v]" in text_of(render_rows(rows_of(1, total=1)))
    assert "50 of 1,200 rows shown" in text_of(render_rows(rows_of(*range(60), total=1200)))
    assert "50 rows shown, there are more" in text_of(render_rows(rows_of(*range(60), total=None)))
