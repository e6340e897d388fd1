"""An answer for people at a terminal. Prints; decides nothing."""

import re

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from mcp_gateway.ask.model import Answer, QueryRows, ResolvedEntity, Step
from mcp_gateway.core.errors import Json

ROWS_SHOWN = 50
CELL_WIDTH = 60
NUMERIC_KINDS = {"integer", "number"}
# Texts and quoted names whole, brackets alone, clause openers with the space before them, anything else a character at a time.
_CLAUSES = r"FROM|WHERE|(?:LEFT |RIGHT |FULL |INNER |CROSS )?JOIN|GROUP BY|HAVING|ORDER BY|LIMIT|UNION ALL|UNION|INTERSECT|EXCEPT"
_SQL_PIECES = re.compile(rf"""'(?:[^']|'')*'|"[^"]*"|`[^`]*`|[()]|\s+(?:{_CLAUSES})\b|\w+|.""", re.DOTALL)
_CLAUSE = re.compile(rf"\s+(?:{_CLAUSES})")
STEP_WORDS = {
    "gather": "reading schema and business words",
    "resolve": "resolving words",
    "draft": "writing SQL",
    "validate": "checking SQL",
    "run": "running SQL",
    "recover": "repairing SQL",
    "answer": "putting the answer together",
}


def render_answer(answer: Answer, *, with_steps: bool) -> RenderableType:
    """Words, SQL, rows, and how it came to be."""
    parts: list[RenderableType] = []
    if answer.entities:
        parts.append(render_entities(answer.entities))
    if answer.sql:
        parts.append(Padding(render_sql(answer.sql), (0, 0, 1, 2)))
    if answer.rows is not None:
        parts.append(render_rows(answer.rows))
    if answer.explanation:
        parts.append(Text(answer.explanation, style="italic"))
    parts.append(_verdict(answer))
    parts += [Text(f"! {warning}", style="yellow") for warning in answer.warnings]
    if with_steps:
        parts.append(render_steps(answer.steps))
    return Group(*parts)


def render_readings(answer: Answer) -> RenderableType:
    """The ways to understand the question, numbered from 1."""
    parts: list[RenderableType] = [Text(answer.reason or "The question can be read in several ways.", style="yellow")]
    if answer.unexplained:
        parts.append(Text(f"Not understood: {', '.join(answer.unexplained)}"))
    for number, reading in enumerate(answer.readings, start=1):
        parts.append(Text.assemble((f"{number}. ", "bold"), reading.description, (f"  {reading.confidence:.0%}", "dim")))
        parts.append(Padding(render_sql(reading.sql), (0, 0, 0, 3)))
    return Group(*parts)


def render_sql(sql: str) -> RenderableType:
    return Syntax(lay_out_sql(sql), "sql", word_wrap=True, background_color="default")


def lay_out_sql(sql: str) -> str:
    """The same SQL, each clause on a line of its own; texts, quoted names and what stands in brackets stay as they are."""
    depth, laid_out = 0, []
    for piece in _SQL_PIECES.findall(sql):
        depth += (piece == "(") - (piece == ")")
        starts_line = depth == 0 and _CLAUSE.fullmatch(piece)
        laid_out.append(f"\n{piece.lstrip()}" if starts_line else piece)
    return "".join(laid_out).strip()


def render_rows(rows: QueryRows) -> RenderableType:
    """At most ROWS_SHOWN rows; says how many there are."""
    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for column in rows.columns:
        table.add_column(escape(column.name), justify="right" if column.kind in NUMERIC_KINDS else "left", overflow="fold")
    for row in rows.rows[:ROWS_SHOWN]:
        table.add_row(*(Text(cell_text(value), style="dim" if value is None else "") for value in row))
    return Group(Padding(table, (0, 0, 0, 2)), Padding(Text(_count_words(rows), style="dim"), (0, 0, 1, 2)))


def render_entities(entities: tuple[ResolvedEntity, ...]) -> RenderableType:
    """Each resolved word, what it was taken to mean, and who said so."""
    lines = [
        Text.assemble("  ", (entity.original_term, "bold cyan"), " = ", _meaning(entity), (f"  ({entity.server})", "dim"))
        for entity in entities
    ]
    return Padding(Group(*lines), (0, 0, 1, 0))


def render_steps(steps: tuple[Step, ...]) -> RenderableType:
    """What happened, in order, with times."""
    table = Table(show_edge=False, pad_edge=False, show_header=False, box=None)
    marks = {"ok": "[green]✓[/]", "failed": "[red]✗[/]", "skipped": "[dim]·[/]"}
    for step in steps:
        facts = ", ".join(f"{name} {_short(value)}" for name, value in step.output.items() if _is_brief(name, value))
        table.add_row(marks[step.status], step.name, f"{step.duration_ms:.1f} ms", Text(facts[:100], style="dim"))
    return Padding(table, (1, 0, 0, 2))


def cell_text(value: Json) -> str:
    """A value as one short line."""
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 0.01 or value == 0 else f"{value:.3g}"
    text = str(value).replace("\n", " ")
    return text if len(text) <= CELL_WIDTH else f"{text[: CELL_WIDTH - 1]}…"


def error_console() -> Console:
    """stderr: progress, questions and complaints, so that stdout holds results alone."""
    return Console(stderr=True, highlight=False)


def _meaning(entity: ResolvedEntity) -> str:
    if entity.label:
        where = f" ({entity.table}.{entity.column} = {entity.value})" if entity.column and entity.value is not None else ""
        return f"{entity.label}{where}"
    if entity.expression:
        return entity.expression
    place = ".".join(part for part in (entity.table, entity.column) if part)
    return f"{place} = {entity.value}" if entity.value is not None else place


def _verdict(answer: Answer) -> Text:
    took = sum(step.duration_ms for step in answer.steps)
    words = [f"{answer.confidence:.0%} sure", answer.source, answer.mode, f"{took:.0f} ms"]
    if answer.recovered:
        words.append(f"repaired after {len(answer.attempts)} failed attempt{'s' if len(answer.attempts) > 1 else ''}")
    if answer.degraded:
        words.append(f"without {', '.join(answer.missing_servers)}")
    return Text(" · ".join(word for word in words if word), style="dim")


def _count_words(rows: QueryRows) -> str:
    shown = min(len(rows.rows), ROWS_SHOWN)
    total = rows.total_rows if rows.total_rows is not None else len(rows.rows)
    if shown == total:
        return f"{total:,} row{'' if total == 1 else 's'}"
    return f"{shown:,} of {total:,} rows shown" if rows.total_rows is not None else f"{shown:,} rows shown, there are more"


def _is_brief(name: str, value: object) -> bool:
    return name != "sql" and value is not None and not isinstance(value, list | dict)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
