"""Keys nobody declared: a primary key by its name and its distinct values, a foreign key by its name, its type and containment.

Only what both the names and the rows say is taken, and it is marked `inferred`.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

import structlog
from sqlglot import exp

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import Column, DatabaseSchema, ForeignKey, Table
from mcp_gateway.tables.model import Limits
from mcp_gateway.tables.ports import Database
from mcp_gateway.tables.statements import column_ref, is_not_null, table_ref

_log = structlog.get_logger(__name__)

# So many distinct values decide whether a column lies within another.
_COMPARED_VALUES: Final = 2000
# Real data has a few orphans; one value in fifty may be missing.
_ORPHANS: Final = 50
# In fewer rows values may be distinct by chance.
_TELLING_ROWS: Final = 20
# Column names that say nothing about the table they point at.
_GENERIC: Final = frozenset(
    {"id", "key", "pk", "code", "no", "nr", "num", "number", "name", "title", "type", "date", "year", "uid", "uuid"}
)
_NUMERIC: Final = frozenset({"integer", "number"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    """`rank` 0 is the surest: the whole name fits."""

    column: Column
    target: Table
    target_column: Column
    rank: int


async def infer_keys(
    database: Database, clock: Clock, schema: DatabaseSchema, unique: dict[str, frozenset[str]], *, deadline: float
) -> DatabaseSchema:
    """The schema with inferred keys added. `unique` names per table the columns without repeated or missing values."""
    others = {form: table.name for table in schema.tables for form in _forms(table.name)}
    tables = tuple(_with_primary_key(table, unique.get(table.name, frozenset()), others) for table in schema.tables)
    found = []
    for table in tables:
        keys = list(table.foreign_keys)
        for column in table.columns:
            candidates = [] if _has_key(table, column) else _candidates(table, column, tables)
            for candidate in candidates:
                if clock.monotonic() >= deadline:
                    break
                if await _is_contained(database, table, candidate, deadline - clock.monotonic()):
                    keys.append(_key(candidate))
                    break
        found.append(replace(table, foreign_keys=tuple(keys)))
    return replace(schema, tables=tuple(found))


def _with_primary_key(table: Table, unique: frozenset[str], others: dict[str, str]) -> Table:
    """`others` are the forms of all tables' names: a column that carries another table's name points there, it is no own key."""
    if table.primary_key or table.is_view:
        return table
    wanted = {
        "id",
        *(f"{form}id" for form in _forms(table.name)),
        *(f"{form}{word}" for form in _forms(table.name) for word in ("key", "code")),
    }
    for column in table.columns:
        if column.name in unique and _plain(column.name) in wanted:
            return replace(table, primary_key=(column.name,))
    first = table.columns[0] if table.columns else None
    if first is None or first.name not in unique or (table.row_count or 0) < _TELLING_ROWS:
        return table
    if not re.search(r"(^|_|\b)(?i:id)$|[a-z]I[Dd]$", first.name) or _plain(first.name).removesuffix("id") in others:
        return table
    return replace(table, primary_key=(first.name,))


def _has_key(table: Table, column: Column) -> bool:
    return any(column.name in key.columns for key in table.foreign_keys)


def _candidates(table: Table, column: Column, tables: tuple[Table, ...]) -> list[_Candidate]:
    """Tables whose primary key this column may point at, the surest first."""
    found = []
    for target in tables:
        if target.is_view or len(target.primary_key) != 1:
            continue
        key = target.column(target.primary_key[0])
        if key is None or (target.name == table.name and key.name == column.name) or not _comparable(column, key):
            continue
        rank = _rank(_plain(column.name), _plain(key.name), _forms(target.name))
        # A table's own key points elsewhere only when it carries the other table's name.
        if rank is not None and not (table.primary_key == (column.name,) and rank > 1):
            found.append(_Candidate(column=column, target=target, target_column=key, rank=rank))
    return sorted(found, key=lambda candidate: (candidate.rank, candidate.target.name))


def _rank(column: str, key: str, forms: tuple[str, ...]) -> int | None:
    """How surely a column of this name points at a key of that name in a table of those names; None: it does not."""
    whole = {f"{form}{ending}" for form in forms for ending in {key, "id", "code", "key", "no"} if ending in _GENERIC}
    if column in whole and key in _GENERIC | whole:
        return 0
    if column == key and key not in _GENERIC:
        return 1 if any(key.startswith(form) for form in forms) else 2
    if column in forms:
        return 3
    if any(column.endswith(name) and len(name) > 4 for name in whole | ({key} - _GENERIC)):
        return 4
    return None


def _forms(table: str) -> tuple[str, ...]:
    """The table's name in one word, and its likely singular."""
    name = _plain(table.rpartition(".")[2])
    forms = [name]
    if name.endswith("ies"):
        forms.append(name[:-3] + "y")
    if re.search(r"(s|x|ch|sh)es$", name):
        forms.append(name[:-2])
    if name.endswith("s") and not name.endswith("ss"):
        forms.append(name[:-1])
    return tuple(forms)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _comparable(column: Column, key: Column) -> bool:
    return column.kind == key.kind or (column.kind in _NUMERIC and key.kind in _NUMERIC)


def _key(candidate: _Candidate) -> ForeignKey:
    return ForeignKey(
        columns=(candidate.column.name,),
        target_table=candidate.target.name,
        target_columns=(candidate.target_column.name,),
        inferred=True,
    )


async def _is_contained(database: Database, table: Table, candidate: _Candidate, seconds: float) -> bool:
    """Whether (nearly) every value of the column is a value of the key. Without values the name alone must be sure."""
    dialect = database.dialect
    column = column_ref(candidate.column.name)
    values = (
        exp.select(exp.alias_(column, "value_", quoted=True))
        .distinct()
        .from_(table_ref(table.name, dialect))
        .where(is_not_null(column.copy()))
        .limit(_COMPARED_VALUES)
        .subquery("wanted")
    )
    target = table_ref(candidate.target.name, dialect)
    target.set("alias", exp.TableAlias(this=exp.to_identifier("target", quoted=True)))
    matches = exp.EQ(this=column_ref(candidate.target_column.name, "target"), expression=column_ref("value_", "wanted"))
    query = (
        exp.select(exp.Count(this=exp.Star()), exp.Count(this=column_ref(candidate.target_column.name, "target")))
        .from_(values)
        .join(target, on=matches, join_type="left")
    )
    try:
        raw = await database.run(query.sql(dialect=dialect), Limits(max_rows=1, timeout_seconds=max(seconds, 0.05)))
    except GatewayError as error:
        _log.info("key_inference_failed", table=table.name, column=candidate.column.name, code=error.code)
        return False
    wanted, present = (value if isinstance(value, int) else 0 for value in raw.rows[0])
    if wanted == 0:
        return candidate.rank <= 1
    return (wanted - present) * _ORPHANS <= wanted
