"""Repairs for functions and syntax of another dialect: read the SQL as that dialect and print it for this one."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.errors import SqlglotError

from mcp_gateway.ask.nearest import clear_winner, nearest
from mcp_gateway.ask.recovery.patient import Patient, Proposal
from mcp_gateway.core.sql.errors import QueryRefused, QuerySyntaxError
from mcp_gateway.core.sql.parsing import parse_bounded

# By how often people bring SQL from there.
_FOREIGN = ("mysql", "postgres", "tsql", "sqlite", "duckdb", "snowflake", "bigquery", "oracle", "spark", "clickhouse")
_PLAIN_NAMES = {
    "LEN": "LENGTH", "ISNULL": "COALESCE", "NVL": "COALESCE", "IFNULL": "COALESCE", "UCASE": "UPPER", "LCASE": "LOWER",
    "SUBSTRING": "SUBSTR", "CEILING": "CEIL", "MEAN": "AVG", "AVERAGE": "AVG", "TOTAL": "SUM", "SUMM": "SUM", "CNT": "COUNT",
    "MAXIMUM": "MAX", "MINIMUM": "MIN", "RND": "ROUND", "GETDATE": "CURRENT_TIMESTAMP", "NOW": "CURRENT_TIMESTAMP",
}  # fmt: skip
_COMMON_FUNCTIONS = (
    "COUNT", "SUM", "AVG", "MIN", "MAX", "ROUND", "ABS", "UPPER", "LOWER", "LENGTH", "SUBSTR", "TRIM", "COALESCE", "CAST",
    "REPLACE", "NULLIF", "CONCAT", "EXTRACT", "FLOOR", "CEIL", "DATE_TRUNC", "STRFTIME", "YEAR", "MONTH", "DAY",
)  # fmt: skip
_SQLITE_PARTS = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "dow": "%w", "dayofweek": "%w"}


def print_anew(patient: Patient) -> Iterator[Proposal]:
    """The same tree printed for this dialect, read as each other dialect that understands it; alike texts once."""
    seen = {patient.sql}
    for dialect in ("", *_FOREIGN):
        if dialect == patient.dialect:
            continue
        sql = _translate(patient.sql, dialect, patient.dialect)
        if sql is not None and sql not in seen and _has_changed_the_fault(sql, patient):
            seen.add(sql)
            yield Proposal(sql=sql, repair=f"translated from {dialect or 'standard SQL'} to {patient.dialect}")


def _translate(sql: str, source: str, target: str) -> str | None:
    try:
        trees = parse_bounded(sql, source)
    except (QueryRefused, QuerySyntaxError):
        return None
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Query):
        return None
    adapted = tree.transform(_for_sqlite) if target == "sqlite" else tree
    try:
        return adapted.sql(dialect=target)
    except (SqlglotError, ValueError):
        return None


def _has_changed_the_fault(sql: str, patient: Patient) -> bool:
    """A print that still calls the function nobody knows will fail the same way."""
    wrong = patient.fault.name
    return patient.fault.kind != "unknown_function" or not wrong or f"{wrong.upper()}(" not in sql.upper()


def _for_sqlite(node: exp.Expr) -> exp.Expr:
    """Parts of dates, which SQLite has under other names and sqlglot leaves as they are."""
    if isinstance(node, (exp.Year, exp.Month, exp.Day)):
        return _part(node.this, type(node).__name__.casefold())
    if isinstance(node, exp.Extract) and node.name.casefold() in _SQLITE_PARTS:
        return _part(node.expression, node.name.casefold())
    return node


def _part(value: exp.Expr, part: str) -> exp.Expr:
    text = exp.Anonymous(this="STRFTIME", expressions=[exp.Literal.string(_SQLITE_PARTS[part]), _unwrapped(value).copy()])
    return exp.cast(text, exp.DType.INT)


def _unwrapped(value: exp.Expr) -> exp.Expr:
    return value.this if isinstance(value, (exp.TsOrDsToDate, exp.TsOrDsToTimestamp)) else value


def rename_function(patient: Patient) -> Iterator[Proposal]:
    """A misspelt function, or one that goes by a plainer name: `CUONT(*)`, `LEN(name)`."""
    wrong = patient.fault.name
    tree = (patient.tree.copy() if patient.tree else _parsed(patient)) if wrong else None
    if tree is None:
        return
    known = _PLAIN_NAMES.get(wrong.upper())
    likely = known or clear_winner(nearest(wrong, (*patient.fault.suggestions, *_COMMON_FUNCTIONS)))
    if likely is None or likely.upper() == wrong.upper():
        return
    calls = [call for call in tree.find_all(exp.Anonymous) if call.name.upper() == wrong.upper()]
    for call in calls:
        call.set("this", likely.upper())
    if calls:
        yield Proposal(sql=tree.sql(dialect=patient.dialect), repair=f"read {wrong} as {likely.upper()}")


def _parsed(patient: Patient) -> exp.Expr | None:
    try:
        trees = parse_bounded(patient.sql, patient.dialect)
    except (QueryRefused, QuerySyntaxError):
        return None
    return trees[0] if trees else None


def quote_everything(patient: Patient) -> Iterator[Proposal]:
    """Names in quotes, for the database that keeps a word for itself which the parser lets through."""
    if patient.tree is not None:
        sql = patient.tree.sql(dialect=patient.dialect, identify=True)
        if sql != patient.sql:
            yield Proposal(sql=sql, repair="put the names in quotes")
