"""Row filters of a policy made ready for a caller and a column, and as conditions of a query.

Fails closed: a value that is missing or does not fit its column, and a column that is not there, let no row through.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Final

from sqlglot import exp

from mcp_gateway.access.data.model import NO_ROWS, RowLimit
from mcp_gateway.access.policy.model import CallerValue, ReadyFilter, RowCondition, Scalar
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.schema import Column, Table

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")
# Types whose values compare with any text as text; others (uuid, enum, inet) refuse texts that are none of theirs.
_PLAIN_TEXT: Final = re.compile(
    r"^(VAR)?CHAR|^CHARACTER|^TEXT|^STRING|^N(VAR)?CHAR|^CLOB|^(TINY|MEDIUM|LONG)TEXT|^$", re.IGNORECASE
)
_ZONED: Final = re.compile(r"TZ|WITH TIME ZONE", re.IGNORECASE)
_WITHOUT_VALUE: Final = frozenset({"is null", "is not null"})
_COMPARISONS: Final[Mapping[str, type[exp.Binary]]] = {
    "=": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
}  # fmt: skip


def limit_for(said: RowCondition, table: Table) -> RowLimit:
    """What the filter, as it holds for a caller, lets be seen of the table."""
    column = table.column(said.column)
    if column is None or said.impossible:
        return NO_ROWS
    if said.operator in _WITHOUT_VALUE:
        return RowLimit(column=column, operator=said.operator)
    read = _READERS.get(column.kind)
    wanted = said.value if isinstance(said.value, tuple) else (said.value,)
    if read is None or not wanted:
        return NO_ROWS
    values = tuple(fitting for value in wanted if value is not None and (fitting := read(value)) is not None)
    return RowLimit(column=column, operator=said.operator, values=values) if len(values) == len(wanted) else NO_ROWS


def deciding_values(filters: Iterable[ReadyFilter], caller: Caller) -> tuple[str | None, ...]:
    """What of the caller's attributes the filters look at."""
    values = (ready.filter.value for ready in filters)
    return tuple(caller.attributes.get(value.attribute) for value in values if isinstance(value, CallerValue))


def is_plain_text(column: Column) -> bool:
    """Whether the column's type takes any text."""
    return _PLAIN_TEXT.search(column.type.strip()) is not None


def condition(limit: RowLimit, alias: str, dialect: str) -> exp.Expr:
    """The limit as a condition on the rows of `alias`. Values become literals of the tree, never text."""
    column = limit.column
    if column is None:
        return exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(0))
    reference: exp.Expr = exp.column(column.name, table=alias, quoted=True)
    is_null = exp.Is(this=reference, expression=exp.Null())
    if limit.operator == "is null":
        return is_null
    if limit.operator == "is not null":
        return exp.Not(this=is_null)
    if column.kind == "text" and not is_plain_text(column):
        reference = exp.cast(reference, exp.DType.TEXT)
    literals = [_literal(value, column, dialect) for value in limit.values]
    if limit.operator in ("in", "not in"):
        within = exp.In(this=reference, expressions=literals)
        return within if limit.operator == "in" else exp.Not(this=within)
    return _COMPARISONS[limit.operator](this=reference, expression=literals[0])


def _read_text(value: Scalar) -> Scalar | None:
    return value if isinstance(value, str) and "\x00" not in value else str(value) if _is_number(value) else None


def _read_integer(value: Scalar) -> Scalar | None:
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _read_number(value: Scalar) -> Scalar | None:
    if isinstance(value, str):
        # Kept as written: a decimal must not become another number on the way.
        return value if _NUMBER.fullmatch(value) else None
    return value if _is_number(value) else None


def _read_truth(value: Scalar) -> Scalar | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.casefold()) if isinstance(value, str) else None


def _read_day(value: Scalar) -> Scalar | None:
    try:
        return date.fromisoformat(value).isoformat() if isinstance(value, str) else None
    except ValueError:
        return None


def _read_moment(value: Scalar) -> Scalar | None:
    try:
        return datetime.fromisoformat(value).isoformat(sep=" ") if isinstance(value, str) else None
    except ValueError:
        return None


def _is_number(value: Scalar) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e18


_READERS: Final[Mapping[str, Callable[[Scalar], Scalar | None]]] = {
    "text": _read_text, "integer": _read_integer, "number": _read_number, "boolean": _read_truth, "date": _read_day,
    "timestamp": _read_moment,
}  # fmt: skip


def _literal(value: Scalar, column: Column, dialect: str) -> exp.Expr:
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if column.kind in ("integer", "number"):
        return exp.Literal.number(str(value).removeprefix("+"))
    text = exp.Literal.string(str(value))
    # SQLite keeps dates as texts.
    if dialect == "sqlite" or column.kind == "text":
        return text
    if column.kind == "date":
        return exp.cast(text, exp.DType.DATE)
    return exp.cast(text, exp.DType.TIMESTAMPTZ if _ZONED.search(column.type) else exp.DType.TIMESTAMP)
