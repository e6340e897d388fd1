"""An answer as text, for clients that show nothing else and for the model behind them. Decides nothing."""

from collections.abc import Iterator

from mcp_gateway.ask.model import Answer, QueryRows
from mcp_gateway.core.errors import Json

SHOWN_ROWS = 50
SHOWN_CELL = 200


def answer_text(answer: Answer) -> str:
    """What was understood, the rows as a Markdown table, the SQL; or, when unsure, the readings to choose from."""
    parts = [answer.explanation or answer.reason]
    if answer.rows is not None:
        parts.append("\n".join(_table(answer.rows)))
    else:
        parts.extend(_choices(answer))
    if answer.sql and answer.rows is not None:
        parts.append(f"```sql\n{answer.sql}\n```")
    parts.append("\n".join(_remarks(answer)))
    return "\n\n".join(part for part in parts if part)


def _table(rows: QueryRows) -> Iterator[str]:
    yield "| " + " | ".join(_cell(column.name) for column in rows.columns) + " |"
    yield "|" + " --- |" * len(rows.columns)
    for row in rows.rows[:SHOWN_ROWS]:
        yield "| " + " | ".join(_cell(value) for value in row) + " |"
    missing = (rows.total_rows or len(rows.rows)) - min(len(rows.rows), SHOWN_ROWS)
    if missing > 0:
        yield f"({missing} more rows are not shown here; up to {len(rows.rows)} are in the structured content.)"
    elif rows.truncated_by is not None:
        yield "(There are more rows.)"


def _choices(answer: Answer) -> Iterator[str]:
    if not answer.readings:
        return
    lines = [
        f"{number}. {reading.description} (confidence {reading.confidence:.0%})\n   {reading.sql}"
        for number, reading in enumerate(answer.readings, start=1)
    ]
    yield "Nothing was run, because the question can be read in more than one way:\n" + "\n".join(lines)
    yield "Ask again in the words of one of these, or run its SQL with execute_query."


def _remarks(answer: Answer) -> Iterator[str]:
    for entity in answer.entities:
        meaning = entity.label or entity.expression or ".".join(part for part in (entity.table, entity.column) if part)
        yield f"- “{entity.original_term}” was taken as {meaning} ({entity.server})"
    if answer.unexplained:
        yield f"- not used: {', '.join(answer.unexplained)}"
    if answer.recovered:
        yield "- the SQL had to be repaired"
    if answer.missing_servers:
        yield f"- not available, so something may be missing: {', '.join(answer.missing_servers)}"
    for warning in answer.warnings:
        yield f"- {warning}"
    if answer.session_id:
        yield f"- session_id for a follow-up question: {answer.session_id}"


def _cell(value: Json) -> str:
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    flat = " ".join(text.replace("|", "\\|").split())
    return flat if len(flat) <= SHOWN_CELL else f"{flat[:SHOWN_CELL]}…"
