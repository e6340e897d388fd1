"""What a database looks like: tables, columns, keys, sample values.

Written by `tables` (which reads a live database) and read by `ask` (which gets it over MCP as three JSON documents).
The documents are the wire contract of the tables server's resources `tables://schema`, `tables://keys` and
`tables://samples`; `core/schema_documents.py` turns the value into them and back.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Scalar: TypeAlias = bool | int | float | str | None

ColumnKind = Literal["text", "integer", "number", "boolean", "date", "timestamp", "time", "binary", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """`type` is the database's own name for the type; `samples` are a few stored values, commonest first."""

    name: str
    type: str
    kind: ColumnKind
    nullable: bool = True
    comment: str | None = None
    samples: tuple[Scalar, ...] = ()
    distinct_count: int | None = None
    minimum: Scalar = None
    maximum: Scalar = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignKey:
    """`columns` of the owning table point at `target_columns`, pair by pair. `inferred`: not declared in the database."""

    columns: tuple[str, ...]
    target_table: str
    target_columns: tuple[str, ...]
    inferred: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """`name` is what SQL must say, with its schema when it is not the default one (`sales.orders`).

    `row_count` may be an estimate; None means unknown.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    comment: str | None = None
    row_count: int | None = None
    is_view: bool = False

    def column(self, name: str) -> Column | None:
        """The column of this name, letter case aside; None when there is none."""
        folded = name.casefold()
        return next((column for column in self.columns if column.name.casefold() == folded), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseSchema:
    """`dialect` is sqlglot's name for it (duckdb, sqlite, postgres, mysql, ...).

    `version` changes whenever the structure does.
    """

    dialect: str
    tables: tuple[Table, ...]
    version: str = ""

    def table(self, name: str) -> Table | None:
        """The table of this name, letter case aside; None when there is none."""
        folded = name.casefold()
        return next((table for table in self.tables if table.name.casefold() == folded), None)
