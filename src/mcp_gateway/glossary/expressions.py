"""Whether SQL text from a glossary is an expression that only reads.

The text goes through the read-only guard here so that a mistake is found when the file is saved, not when somebody asks. It
widens nothing: whatever is built with it later goes through the same guard again.
"""

from typing import Literal

import sqlglot
from sqlglot import exp

from mcp_gateway.core.sql.errors import QueryRefused, QuerySyntaxError
from mcp_gateway.core.sql.read_only import check_read_only

MAX_EXPRESSION = 5_000
DEFAULT = "default"

Role = Literal["condition", "aggregate", "moment"]

_KNOWN_DIALECTS = frozenset(sqlglot.Dialects.__members__[name].value for name in sqlglot.Dialects.__members__) - {""}
_COMMON_MISTAKES = {"postgresql": "postgres", "pg": "postgres", "mariadb": "mysql", "sqlite3": "sqlite", "mssql": "tsql"}


def known_dialect(name: str) -> bool:
    """Whether the key of an expression names `default` or a dialect of sqlglot."""
    return name == DEFAULT or name in _KNOWN_DIALECTS


def dialect_advice(name: str) -> str:
    meant = _COMMON_MISTAKES.get(name.casefold())
    return f"Write {meant}" if meant else "Write default, duckdb, sqlite, postgres, mysql or another of sqlglot's names"


def problem_of(text: str, dialect: str, role: Role) -> tuple[str, str] | None:
    """What is wrong with the expression and how to mend it; None when it is good."""
    if len(text) > MAX_EXPRESSION:
        return f"is longer than {MAX_EXPRESSION} characters", "Shorten it"
    try:
        query = check_read_only(f"SELECT {text}", "" if dialect == DEFAULT else dialect)
    except QueryRefused as refusal:
        if refusal.reason in ("many_statements", "not_a_query"):
            return "is more than one expression", "Write one expression, without ';'"
        return f"may not be run ({refusal.message.rstrip('.')})", refusal.hint.rstrip(".")
    except QuerySyntaxError as error:
        return f"is not an SQL expression ({error.database_message})", "Write what may stand after SELECT or WHERE"
    if not isinstance(query, exp.Select) or not _is_single_value(query):
        return "is more than one expression", "Write one expression, without FROM, WHERE, ';' or a list"
    if any(node.comments for node in query.walk()):
        return "holds a comment", "Remove it"
    return _unfit(query.expressions[0], role)


def _is_single_value(select: exp.Select) -> bool:
    given = {name for name, value in select.args.items() if value}
    if given - {"expressions", "kind"} or select.args.get("kind") or len(select.expressions) != 1:
        return False
    return not isinstance(select.expressions[0], exp.Alias | exp.Star)


def _unfit(tree: exp.Expression, role: Role) -> tuple[str, str] | None:
    outside = tuple(tree.walk(prune=lambda node: isinstance(node, exp.Subquery | exp.Select)))
    columns = [node for node in outside if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star)]
    aggregates = any(isinstance(node, exp.AggFunc) for node in outside)
    if role == "moment" and columns:
        return "names a column", "A period's borders are built from CURRENT_DATE and constants alone"
    bare = next((column for column in columns if not column.table), None)
    if bare is not None:
        return f"names the column {bare.name} without its table", f"Write table.{bare.name}"
    if role == "aggregate" and not aggregates:
        return "does not calculate over rows", "Use SUM, AVG, COUNT, MIN, MAX or another aggregate"
    if role != "aggregate" and aggregates:
        return "calculates over rows", "A condition looks at one row; put the aggregate into a metric"
    return None
