"""Which chart fits a result, judged by the kinds of its columns. None for listings: a table shows those best."""

import re

from mcp_gateway.ask.model import Chart, QueryRows, ResultColumn

_MOST_BARS = 30
_MOST_SERIES = 8
_PERIOD = re.compile(r"\d{4}(-\d{2}|-?Q[1-4]|-W\d{2})?(-\d{2})?")
_PERIOD_NAMES = frozenset({"year", "month", "quarter", "week", "day", "date"})


def suggest_chart(rows: QueryRows, *, is_summary: bool) -> Chart | None:
    """A number for one value, a line over time, bars over few categories, else None.

    `is_summary`: the rows are totals, or a ranking, which is a listing cut off on purpose.
    """
    columns = rows.columns
    if not rows.rows or not columns:
        return None
    if len(rows.rows) == 1 and len(columns) == 1:
        return Chart(kind="number", ys=(columns[0].name,), title=_spoken(columns[0].name)) if _is_measure(columns[0]) else None
    if len({column.name for column in columns}) != len(columns) or not is_summary:
        return None
    axes = [index for index, column in enumerate(columns) if not _is_measure(column) or _is_period(rows, index)]
    measures = tuple(column.name for index, column in enumerate(columns) if index not in axes)
    if not measures or not 1 <= len(axes) <= 2 or len(rows.rows) < 2:
        return None
    return _over_time(rows, axes, measures) or _bars(rows, axes, measures)


def _over_time(rows: QueryRows, axes: list[int], measures: tuple[str, ...]) -> Chart | None:
    times = [index for index in axes if _is_period(rows, index)]
    if len(times) != 1:
        return None
    others = [index for index in axes if index != times[0]]
    series = rows.columns[others[0]].name if others else None
    if others and (len(measures) > 1 or len({row[others[0]] for row in rows.rows if _hashable(row[others[0]])}) > _MOST_SERIES):
        return None
    x = rows.columns[times[0]].name
    return Chart(kind="line", x=x, ys=measures, series=series, title=_title(measures, x))


def _bars(rows: QueryRows, axes: list[int], measures: tuple[str, ...]) -> Chart | None:
    if len(axes) != 1 or len(rows.rows) > _MOST_BARS:
        return None
    x = rows.columns[axes[0]].name
    return Chart(kind="bar", x=x, ys=measures, title=_title(measures, x))


def _title(measures: tuple[str, ...], x: str) -> str:
    return f"{', '.join(map(_spoken, measures))} by {_spoken(x)}"


def _spoken(name: str) -> str:
    return name.replace("_", " ").strip()


def _is_measure(column: ResultColumn) -> bool:
    return column.kind in {"integer", "number"} and not re.search(r"(^|_)id$", column.name.casefold())


def _is_period(rows: QueryRows, index: int) -> bool:
    column = rows.columns[index]
    if column.kind in {"date", "timestamp"}:
        return True
    name_says = bool(_PERIOD_NAMES & set(re.split(r"[^a-z]+", column.name.casefold())))
    values = [row[index] for row in rows.rows]
    if column.kind == "text":
        return all(isinstance(value, str) and _PERIOD.fullmatch(value) for value in values)
    return name_says and all(isinstance(value, int) and 1 <= value <= 2200 for value in values)


def _hashable(value: object) -> bool:
    return isinstance(value, (str, int, float, bool, type(None)))
