"""What is in an open DuckDB database: tables, views, columns, keys, comments, estimated row counts."""

from typing import Final

import duckdb

from mcp_gateway.core.schema import Column, ForeignKey, Table
from mcp_gateway.tables.column_kinds import kind_of_type

_TABLES: Final = """
SELECT schema_name, table_name, comment, estimated_size AS row_count, FALSE AS is_view FROM duckdb_tables()
WHERE database_name = current_database() AND NOT internal
UNION ALL
SELECT schema_name, view_name, comment, NULL, TRUE FROM duckdb_views()
WHERE database_name = current_database() AND NOT internal
ORDER BY 1, 2
"""
_COLUMNS: Final = """
SELECT schema_name, table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns()
WHERE database_name = current_database() AND NOT internal ORDER BY schema_name, table_name, column_index
"""
_KEYS: Final = """
SELECT schema_name, table_name, constraint_type, constraint_column_names, referenced_table, referenced_column_names
FROM duckdb_constraints() WHERE database_name = current_database() AND constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')
"""


def read_tables(cursor: duckdb.DuckDBPyConnection) -> tuple[Table, ...]:
    """Tables outside the schema `main` carry their schema's name."""
    columns: dict[tuple[str, str], list[Column]] = {}
    for schema, table, name, type_name, nullable, comment in cursor.execute(_COLUMNS).fetchall():
        columns.setdefault((schema, table), []).append(
            Column(name=name, type=type_name, kind=kind_of_type(type_name), nullable=nullable, comment=comment)
        )
    primary: dict[tuple[str, str], tuple[str, ...]] = {}
    foreign: dict[tuple[str, str], list[ForeignKey]] = {}
    for schema, table, kind, names, target, target_names in cursor.execute(_KEYS).fetchall():
        if kind == "PRIMARY KEY":
            primary[schema, table] = tuple(names)
        elif target:
            foreign.setdefault((schema, table), []).append(
                ForeignKey(columns=tuple(names), target_table=_shown(schema, target), target_columns=tuple(target_names))
            )
    return tuple(
        Table(
            name=_shown(schema, table),
            columns=tuple(columns.get((schema, table), ())),
            primary_key=primary.get((schema, table), ()),
            foreign_keys=tuple(foreign.get((schema, table), ())),
            comment=comment,
            row_count=row_count,
            is_view=is_view,
        )
        for schema, table, comment, row_count, is_view in cursor.execute(_TABLES).fetchall()
    )


def _shown(schema: str, table: str) -> str:
    return table if schema == "main" else f"{schema}.{table}"
