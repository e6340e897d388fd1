"""The values the tables feature speaks in. Frozen; the wire shapes are made from them at the rim."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mcp_gateway.core.errors import Json
from mcp_gateway.core.schema import ColumnKind, Scalar

TruncatedBy = Literal["rows", "bytes"]
MatchedHow = Literal["exact", "folded", "stem", "prefix", "contains", "fuzzy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one query may take. Bytes are those of the rows as JSON text; a longer cell is cut with a visible mark.

    `may_grow`: the statement may make values far larger than those stored (`core/sql/calm.py`). An engine that cannot hold
    such a one within bounds runs it in a process of its own.
    """

    max_rows: int = 1000
    max_bytes: int = 4 * 1024 * 1024
    max_cell_bytes: int = 32 * 1024
    timeout_seconds: float = 30.0
    may_grow: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultColumn:
    """`type` is the database's name of the type, `kind` ours."""

    name: str
    type: str
    kind: ColumnKind


@dataclass(frozen=True, kw_only=True, slots=True)
class RawResult:
    """What a database gave: JSON-safe rows (`tables/json_values.py`), cut at the limits."""

    columns: tuple[ResultColumn, ...]
    rows: tuple[tuple[Json, ...], ...]
    truncated_by: TruncatedBy | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryResult:
    """The answer of `execute_query`. `total_rows` counts the whole result; None: it was cut and counting took too long.

    `executed_sql` is what the database got: printed anew from the checked tree, without comments, with the row limit.
    """

    columns: tuple[ResultColumn, ...]
    rows: tuple[tuple[Json, ...], ...]
    total_rows: int | None
    truncated_by: TruncatedBy | None
    duration_ms: float
    executed_sql: str
    dialect: str

    def to_dict(self) -> dict[str, Json]:
        """The structured result of the tool, as the wire contract has it."""
        return {
            "columns": [{"name": column.name, "type": column.type, "kind": column.kind} for column in self.columns],
            "rows": [list(row) for row in self.rows],
            "row_count": len(self.rows),
            "total_rows": self.total_rows,
            "truncated": self.truncated_by is not None,
            "truncated_by": self.truncated_by,
            "duration_ms": self.duration_ms,
            "executed_sql": self.executed_sql,
            "dialect": self.dialect,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainedQuery:
    """The database's plan as text, and the tables and columns (`table.column` where known) the query reads."""

    plan: str
    executed_sql: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]

    def to_dict(self) -> dict[str, Json]:
        return {
            "plan": self.plan,
            "executed_sql": self.executed_sql,
            "tables": list(self.tables),
            "columns": list(self.columns),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueMatch:
    """text[start:end] is, or nearly is, the stored `value` of `table`.`column`. `score` is 0..1, 1 for letter-for-letter."""

    start: int
    end: int
    text: str
    table: str
    column: str
    value: Scalar
    score: float
    how: MatchedHow

    def to_dict(self) -> dict[str, Json]:
        return {
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "table": self.table,
            "column": self.column,
            "value": self.value,
            "score": round(self.score, 4),
            "how": self.how,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundValues:
    """Best first. `complete` False: a time bound ended the search before every column was looked at."""

    matches: tuple[ValueMatch, ...]
    complete: bool

    def to_dict(self) -> dict[str, Json]:
        return {"matches": [match.to_dict() for match in self.matches], "complete": self.complete}


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaDocument:
    """One resource: its URI, its JSON, and for how many seconds from now this copy is vouched for."""

    uri: str
    content: Mapping[str, Json]
    ttl_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """Two cheap tokens to compare with earlier ones. `structure` changes whenever tables or columns may have; `data` whenever
    rows may have, None: this database cannot say.
    """

    structure: str
    data: str | None
