"""Rows as a table for people at a terminal. Not for programs: those take --csv or --json."""

import re
from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mcp_gateway.ask.model import QueryRows
from mcp_gateway.core.errors import Json

ROWS_SHOWN = 50
CELL_WIDTH = 60
NUMERIC_KINDS = {"integer", "number"}
_INDENT = 2
_RULE = 3  # characters between two columns
_LEAST_HEADER = 8
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)?")
_MIDNIGHT = re.compile(r"\d{4}-\d\d-\d\dT00:00:00(?:\.0+)?(?:Z|\+00:00)?")


def render_rows(rows: QueryRows) -> RenderableType:
    """At most ROWS_SHOWN rows; says how many there are."""
    return Group(Padding(_Rows(rows), (0, 0, 0, _INDENT)), Padding(Text(_count_words(rows), style="dim"), (0, 0, 1, _INDENT)))


def cell_text(value: Json) -> str:
    """A value as one short line."""
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 0.01 or value == 0 else f"{value:.3g}"
    text = str(value).replace("\n", " ")
    return text if len(text) <= CELL_WIDTH else f"{text[: CELL_WIDTH - 1]}…"


class _Rows:
    """The table; long headers fold at their underscores and spaces when the columns do not fit beside each other."""

    def __init__(self, rows: QueryRows) -> None:
        self._kinds = [column.kind for column in rows.columns]
        self._names = [column.name for column in rows.columns]
        shown = rows.rows[:ROWS_SHOWN]
        self._columns = [list(_cells([row[at] for row in shown], kind)) for at, kind in enumerate(self._kinds)]

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        widths = [max(map(len, cells), default=0) for cells in self._columns]
        natural = sum(max(width, len(name)) + _RULE for width, name in zip(widths, self._names, strict=True))
        table = Table(show_edge=False, pad_edge=False, header_style="bold")
        for name, kind, width in zip(self._names, self._kinds, widths, strict=True):
            header = name if natural <= options.max_width else _folded(name, max(width, _LEAST_HEADER))
            table.add_column(Text(header), justify="right" if kind in NUMERIC_KINDS else "left", overflow="fold")
        for cells in zip(*self._columns, strict=True):
            table.add_row(*cells)
        yield table


def _cells(values: Sequence[Json], kind: str) -> Iterator[Text]:
    """A column of midnights is one of days."""
    moments = kind == "timestamp"
    days = moments and all(value is None or _MIDNIGHT.fullmatch(str(value)) for value in values)
    for value in values:
        moment = _MOMENT.fullmatch(value) if moments and isinstance(value, str) else None
        text = cell_text(value) if moment is None else moment[1] if days else f"{moment[1]} {moment[2]}{moment[3] or ''}"
        yield Text(text, style="dim" if value is None else "")


def _folded(name: str, width: int) -> str:
    """`quantity_on_hand` in lines of at most `width` characters where its words allow it."""
    lines = [""]
    for piece in re.findall(r"[^_\s]*[_\s]?", name):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _count_words(rows: QueryRows) -> str:
    shown = min(len(rows.rows), ROWS_SHOWN)
    total = rows.total_rows if rows.total_rows is not None else len(rows.rows)
    if shown == total:
        return f"{total:,} row{'' if total == 1 else 's'}"
    return f"{shown:,} of {total:,} rows shown" if rows.total_rows is not None else f"{shown:,} rows shown, there are more"
