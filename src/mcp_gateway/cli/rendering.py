"""An answer for people at a terminal. Prints; decides nothing."""

import contextlib
import re
import sys
from typing import Any, TextIO, cast

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from mcp_gateway.ask.model import Answer, ResolvedEntity, Step
from mcp_gateway.cli.row_table import render_rows

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
_DRAFTED_BY = {"engine": "drafted by the embedded engine", "model": "drafted by the language model", "typed": "your SQL"}
# The verdict line says how sure and by whom; the step has its own time.
_UNTOLD = {"sql", "source", "confidence", "confident", "duration_ms", "recovered"}
_SAID_BARE = {"reason", "message"}
CHOOSE = "Take one with --choose and its number, or ask in other words."
SAY_OTHERWISE = "Say it in other words, or name the table and the columns you mean."


def render_answer(answer: Answer, *, with_steps: bool) -> RenderableType:
    """Words, SQL, rows, and how it came to be."""
    parts: list[RenderableType] = []
    telling = tuple(entity for entity in answer.entities if _meaning(entity).casefold() != entity.original_term.casefold())
    if telling:
        parts.append(render_entities(telling))
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
    """Why nothing was run, the ways to understand the question numbered from 1, and how to go on."""
    reason = answer.reason or "The question can be read in several ways."
    parts: list[RenderableType] = [Text(f"{reason[0].upper()}{reason[1:]}", style="yellow")]
    if any(word not in reason for word in answer.unexplained):
        parts.append(Text(f"Not understood: {', '.join(answer.unexplained)}"))
    for number, reading in enumerate(answer.readings, start=1):
        parts.append(Text.assemble((f"{number}. ", "bold"), reading.description, (f"  {_percent(reading.confidence)}", "dim")))
        parts.append(Padding(render_sql(reading.sql), (0, 0, 0, 3)))
    parts.append(Text(CHOOSE if answer.readings else SAY_OTHERWISE, style="dim"))
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
        facts = ", ".join(_fact(name, value) for name, value in step.output.items() if _is_brief(name, value))
        table.add_row(marks[step.status], step.name, f"{step.duration_ms:.1f} ms", Text(facts[:100], style="dim"))
    return Padding(table, (1, 0, 0, 2))


def error_console() -> Console:
    """stderr: progress, questions and complaints, so that stdout holds results alone.

    It is silent where nobody reads any more, for a pipe that ended or a terminal that was closed ends no work.
    """
    stream = getattr(sys.stderr, "rich_proxied_file", sys.stderr)  # what is shown beside a spinner
    return Console(stderr=True, file=None if stream is None else cast("TextIO", _Heedless(stream)), highlight=False)


class _Heedless:
    """A stream whose failures to write are nobody's concern."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


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
    words = [f"{_percent(answer.confidence)} sure", _DRAFTED_BY.get(answer.source, answer.source), f"{took:,.0f} ms"]
    if answer.source == "typed":
        words.pop(0)
    if answer.recovered:
        words.append(f"repaired after {len(answer.attempts)} failed attempt{'s' if len(answer.attempts) > 1 else ''}")
    if answer.degraded:
        words.append(f"without {', '.join(answer.missing_servers)}")
    return Text(" · ".join(word for word in words if word), style="dim")


def _percent(share: float) -> str:
    """Rounded down, as on the page: 99.6 % is not certainty; and 0.4 % is not nothing."""
    if 0 < share < 0.01:
        return "<1%"
    return f"{int(share * 100)}%"


def _is_brief(name: str, value: object) -> bool:
    return name not in _UNTOLD and value is not None and value is not False and not isinstance(value, list | dict)


def _fact(name: str, value: object) -> str:
    spoken = name.replace("_", " ")
    if value is True:
        return spoken
    return _short(value) if name in _SAID_BARE else f"{spoken} {_short(value)}"


def _short(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
