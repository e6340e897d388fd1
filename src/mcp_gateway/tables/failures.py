"""A database's own words about a failed query, sorted into `QUERY_FAILED` kinds with the name they speak of.

Works on text, because the drivers of three of the engines give nothing else that says which name is meant.
"""

import re

from mcp_gateway.core.sql.errors import FailureKind, QueryFailed

_NAME = r"[\"'`\[]?(?P<name>[^\"'`\]\n]+?)[\"'`\]]?"

# First match wins. Sources: the engines' message catalogues (DuckDB 2.0, SQLite 3.40, Postgres 18, MySQL 8/MariaDB 11).
_WORDS: tuple[tuple[FailureKind, str], ...] = (
    # DuckDB
    ("unknown_table", rf"Table with name {_NAME} does not exist"),
    ("unknown_table", rf"Referenced table {_NAME} not found"),
    ("unknown_column", rf"Referenced column {_NAME} (?:was )?not found"),
    ("unknown_column", rf"Table \S+ does not have a column named {_NAME}(?:\s|$)"),
    ("unknown_column", rf"Values list \S+ does not have a column named {_NAME}(?:\s|$)"),
    ("ambiguous_column", rf"Ambiguous reference to (?:column name )?{_NAME}(?: \(|$|\s)"),
    ("unknown_function", rf"(?:Scalar|Aggregate|Table|Table Macro|Macro|Window)?\s*Function with name {_NAME} does not exist"),
    ("type_mismatch", r"No function matches the given name and argument types '(?P<name>\w+)\("),
    ("not_grouped", rf"column {_NAME} must appear in the GROUP BY clause"),
    ("not_grouped", r"(?:cannot contain|not allowed in|cannot be nested).*aggregat"),
    ("not_grouped", r"aggregat\w* (?:functions? )?(?:calls )?(?:are not allowed|cannot (?:contain|be nested))"),
    ("not_grouped", r"aggregates? not allowed|WHERE clause cannot contain aggregates"),
    ("type_mismatch", r"Conversion Error|Could not convert|Cannot compare values of type|Cannot mix values of type"),
    # SQLite
    ("unknown_table", r"no such table: (?P<name>.+)$"),
    ("unknown_column", r"no such column: (?P<name>.+)$"),
    ("unknown_function", r"no such function: (?P<name>.+)$"),
    ("ambiguous_column", r"ambiguous column name: (?P<name>.+)$"),
    ("not_grouped", r"misuse of aggregate(?: function)?:? (?P<name>\w+)|misuse of window function (?P<window>\w+)"),
    ("syntax", rf"near {_NAME}: syntax error|incomplete input|unrecognized token: {_NAME.replace('name', 'token')}"),
    ("type_mismatch", r"wrong number of arguments to function (?P<name>\w+)"),
    ("permission", r"not authorized|access to \S+ is prohibited|attempt to write a readonly database"),
    # Postgres
    ("unknown_table", rf"relation {_NAME} does not exist"),
    ("unknown_table", rf"missing FROM-clause entry for table {_NAME}(?:\s|$)"),
    ("unknown_table", rf"invalid reference to FROM-clause entry for table {_NAME}(?:\s|$)"),
    ("unknown_column", rf"column {_NAME} does not exist"),
    ("ambiguous_column", rf"column reference {_NAME} is ambiguous"),
    ("not_grouped", rf"column {_NAME} must appear in the GROUP BY"),
    ("unknown_function", r"function (?P<name>[\w.]+)\(.*\) does not exist"),
    ("type_mismatch", r"operator does not exist"),
    ("type_mismatch", r"invalid input syntax for type|cannot be matched|cannot cast|must be type|out of range"),
    ("permission", r"permission denied|must be (?:superuser|owner)|read-only transaction"),
    # MySQL and MariaDB
    ("unknown_table", r"Table '(?:[^'.]+\.)?(?P<name>[^']+)' doesn't exist|Unknown table '(?P<table>[^']+)'"),
    ("unknown_column", r"Unknown column '(?P<name>[^']+)' in"),
    ("ambiguous_column", r"Column '(?P<name>[^']+)' in .* is ambiguous"),
    ("unknown_function", r"FUNCTION (?:\w+\.)?(?P<name>\w+) does not exist"),
    ("not_grouped", r"isn't in GROUP BY|incompatible with sql_mode=only_full_group_by|Invalid use of group function"),
    ("type_mismatch", r"Incorrect \w+ value|Truncated incorrect"),
    ("permission", r"command denied to user|Access denied|READ ONLY transaction|read-only mode|Permission Error"),
    # everybody
    ("syntax", rf"syntax error at or near {_NAME}(?:\s|$)"),
    ("syntax", r"syntax error|error in your SQL syntax|Parser Error|unterminated"),
    ("type_mismatch", r"Binder Error.*type|datatype mismatch"),
)  # fmt: skip
_PATTERNS = tuple((kind, re.compile(words, re.IGNORECASE | re.DOTALL)) for kind, words in _WORDS)
_LINE_MARK = re.compile(r"\n+LINE \d+:.*", re.DOTALL)
_MAX_MESSAGE = 600


def classify_failure(message: str, sql: str, *, position: int | None = None) -> QueryFailed:
    """The error for a database's message; `position` (from 0) when the driver knows it, else the name's only place in `sql`."""
    words = _LINE_MARK.sub("", message).strip()[:_MAX_MESSAGE]
    for kind, pattern in _PATTERNS:
        found = pattern.search(words)
        if found:
            name = next((text.strip() for text in found.groupdict().values() if text), None)
            return QueryFailed(words, kind=kind, name=name, position=position if position is not None else _place(name, sql))
    return QueryFailed(words, kind="other", position=position)


def _place(name: str | None, sql: str) -> int | None:
    if not name:
        return None
    places = [found.start() for found in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE)]
    return places[0] if len(places) == 1 else None
