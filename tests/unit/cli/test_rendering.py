"""How an answer looks at a terminal."""

import io

import pytest
from rich.console import Console, RenderableType

from mcp_gateway.ask.model import Answer, QueryRows, Reading, ResolvedEntity, ResultColumn, Step
from mcp_gateway.cli.rendering import lay_out_sql, render_answer, render_readings
from mcp_gateway.cli.row_table import cell_text, render_rows
from mcp_gateway.core.errors import Json


def text_of(part: RenderableType, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
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


def moments(*values: Json) -> QueryRows:
    return QueryRows(
        columns=(ResultColumn(name="at", type="TIMESTAMP", kind="timestamp"),),
        rows=tuple((value,) for value in values),
        total_rows=len(values),
        truncated_by=None,
        duration_ms=0.0,
        executed_sql="",
    )


def test_a_column_of_midnights_is_one_of_days() -> None:
    days = text_of(render_rows(moments("2026-01-01T00:00:00", "2026-02-01T00:00:00+00:00", None)))
    assert "2026-01-01" in days
    assert "00:00" not in days
    assert "2026-01-01 00:00:00" in text_of(render_rows(moments("2026-01-01T00:00:00", "2026-01-01T08:30:00")))


def test_headers_fold_at_their_words_when_the_columns_do_not_fit() -> None:
    rows = QueryRows(
        columns=tuple(ResultColumn(name=name, type="X", kind="integer") for name in ("quantity_on_hand", "reorder_level", "x")),
        rows=((1, 2, 3),),
        total_rows=1,
        truncated_by=None,
        duration_ms=0.0,
        executed_sql="",
    )
    assert "quantity_on_hand" in text_of(render_rows(rows))
    narrow = text_of(render_rows(rows), width=32)
    assert "quantity_on_hand" not in narrow
    for word in ("quantity_", "on_hand", "reorder_", "level"):
        assert word in narrow


def answer_with(**changes: object) -> Answer:
    facts: dict[str, object] = {
        "question": "q", "sql": "SELECT 1", "rows": rows_of(1, total=1), "explanation": "One.", "confidence": 0.998,
        "confident": True, "source": "engine", "mode": "multi_mcp",
    }  # fmt: skip
    return Answer(**{**facts, **changes})  # type: ignore[arg-type]  # one place for the facts that every case shares


def word(term: str, label: str) -> ResolvedEntity:
    return ResolvedEntity(original_term=term, start=0, end=len(term), kind="metric", server="words", priority=1, label=label)


def test_a_word_that_means_itself_is_not_listed() -> None:
    shown = text_of(
        render_answer(answer_with(entities=(word("Revenue", "revenue"), word("takings", "revenue"))), with_steps=False)
    )
    assert "takings = revenue" in shown
    assert "Revenue = revenue" not in shown


def test_nearly_certain_is_not_certain_and_typed_sql_has_no_doubt() -> None:
    assert "99% sure" in text_of(render_answer(answer_with(), with_steps=False))
    assert "<1% sure" in text_of(render_answer(answer_with(confidence=0.004), with_steps=False))
    assert "sure" not in text_of(render_answer(answer_with(source="typed"), with_steps=False))


def test_steps_tell_facts_in_words() -> None:
    output: dict[str, Json] = {
        "tables": 9,
        "follow_up": True,
        "degraded": False,
        "recovered": True,
        "reason": "nothing is wrong",
        "none": None,
    }
    step = Step(name="gather", status="ok", started_ms=0.0, duration_ms=1.0, input={}, output=output)
    shown = text_of(render_answer(answer_with(steps=(step,)), with_steps=True))
    assert "tables 9, follow up, nothing is wrong" in shown


def test_what_was_not_understood_is_said_once_with_how_to_go_on() -> None:
    unsure = answer_with(rows=None, confident=False, reason="nothing fits 'x'.", unexplained=("x",))
    reading = Reading(sql="SELECT 1", description="One", confidence=0.2)
    assert "Not understood" not in text_of(render_readings(unsure))
    assert "Nothing fits" in text_of(render_readings(unsure))
    assert "Say it in other words" in text_of(render_readings(unsure))
    offered = answer_with(rows=None, confident=False, reason="Which?", unexplained=("x",), readings=(reading,))
    assert "Not understood: x" in text_of(render_readings(offered))
    assert "--choose" in text_of(render_readings(offered))
