"""Rows as CSV text (RFC 4180, with a header line), safe to open in a spreadsheet."""

import csv
import io
import json
from collections.abc import Iterator

from mcp_gateway.ask.model import QueryRows
from mcp_gateway.core.errors import Json

# A spreadsheet runs a text cell that begins like this as a formula; a quote before it makes it text again.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(rows: QueryRows) -> Iterator[str]:
    """The header, then one piece of text for each row. NULL is empty; nested values are JSON."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for line in ([column.name for column in rows.columns], *rows.rows):
        writer.writerow([_cell(value) for value in line])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _cell(value: Json) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if value.startswith(FORMULA_STARTS) and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
