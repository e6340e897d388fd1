"""What kind of thing a database's type name means, and which dialect of SQL a database speaks."""

import re

from mcp_gateway.core.schema import ColumnKind

# First match wins; tried on the upper-case type name.
_KINDS: tuple[tuple[re.Pattern[str], ColumnKind], ...] = (
    (re.compile(r"\[|^(ARRAY|LIST|STRUCT|MAP|UNION|JSON|HSTORE|INTERVAL|GEOMETRY|POINT|VARIANT|\w+RANGE)"), "other"),
    (re.compile(r"^(TIMESTAMP|DATETIME|SMALLDATETIME)"), "timestamp"),
    (re.compile(r"^TIME(TZ)?\b"), "time"),
    (re.compile(r"^DATE\b"), "date"),
    (re.compile(r"^(BOOL|TINYINT\(1\))"), "boolean"),
    (re.compile(r"(BLOB|BYTEA|BINARY|^BIT\b|^VARBIT)"), "binary"),
    (re.compile(r"(CHAR|TEXT|CLOB|STRING|^UUID|^ENUM|^SET\b|^CITEXT|^NAME$|^INET|^CIDR)"), "text"),
    (re.compile(r"(INT|SERIAL|^YEAR|^OID$)"), "integer"),
    (re.compile(r"(DEC|NUM|REAL|DOUBLE|FLOAT|MONEY|^FIXED|^NUMBER)"), "number"),
)

_DIALECT_NAMES = {
    "postgresql": "postgres",
    "mariadb": "mysql",
    "mssql": "tsql",
    "clickhousedb": "clickhouse",
    "clickhouse": "clickhouse",
    "cockroachdb": "postgres",
    "awsathena": "athena",
}


def kind_of_type(type_name: str) -> ColumnKind:
    """The kind of a column by its type's name in any dialect; "other" when the name tells nothing."""
    name = type_name.upper().strip()
    return next((kind for pattern, kind in _KINDS if pattern.search(name)), "other")


def kind_of_values(values: list[object]) -> ColumnKind:
    """The kind that all the non-NULL values share; "other" when there are none or they differ."""
    kinds = {_kind_of_value(value) for value in values if value is not None}
    if kinds == {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else "other"


def _kind_of_value(value: object) -> ColumnKind:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "binary" if isinstance(value, bytes) else "other"


def dialect_of(backend: str) -> str:
    """sqlglot's dialect for SQLAlchemy's name of a backend."""
    return _DIALECT_NAMES.get(backend, backend)
