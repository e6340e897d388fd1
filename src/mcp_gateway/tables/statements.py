"""Our own statements over a user's tables, built on trees so that any name is quoted right."""

from typing import Final

from sqlglot import exp

from mcp_gateway.core.schema import Table

# Databases whose tables have no schema in front, so that a dot belongs to the name.
_FLAT: Final = frozenset({"sqlite"})


def table_ref(name: str, dialect: str) -> exp.Table:
    """`sales.orders` as schema and table; the whole as one name where there are no schemas."""
    if dialect in _FLAT or "." not in name:
        return exp.Table(this=exp.to_identifier(name, quoted=True))
    schema, _, table = name.partition(".")
    return exp.Table(this=exp.to_identifier(table, quoted=True), db=exp.to_identifier(schema, quoted=True))


def column_ref(name: str, table: str | None = None) -> exp.Column:
    """The column, quoted; `table` is an alias."""
    return exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier(table, quoted=True) if table else None)


def rows_of(table: Table, dialect: str, most_rows: int | None) -> exp.Table | exp.Subquery:
    """The table, or its first `most_rows` rows in no particular order."""
    source = table_ref(table.name, dialect)
    if most_rows is None:
        return source
    return exp.select("*").from_(source).limit(most_rows).subquery("sampled")


def is_not_null(column: exp.Column) -> exp.Not:
    return exp.Not(this=exp.Is(this=column, expression=exp.Null()))
