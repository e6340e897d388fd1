"""A database schema prepared for questions: the words of every name, what kind of content a column has, how tables hang together.

Made once per schema (`prepare`), pure and immutable afterwards. Knows no question.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import sqrt

from mcp_gateway.ask.engine.form import ColumnRef
from mcp_gateway.ask.engine.key_graph import KeyEdge, KeyGraph, build_key_graph
from mcp_gateway.ask.engine.names import own_words, parts_of, words_of
from mcp_gateway.ask.engine.roles import Role, roles_in, target_of
from mcp_gateway.ask.engine.text import stem_of
from mcp_gateway.core.schema import Column, DatabaseSchema, Scalar, Table

_NUMERIC_TEXT = re.compile(r"[-+]?\d+(?:\.\d+)?")
_DATE_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}.*)?")
_FLAGS = ({"0", "1"}, {"y", "n"}, {"yes", "no"}, {"t", "f"}, {"true", "false"})
_NOTHING = frozenset({"", "null", "none", "n/a", "na", "-"})
_NAME, _TITLE, _ID = stem_of("name"), stem_of("title"), "id"
_PREFIXES = frozenset(
    {"ref", "refer", "tbl", "dim", "fact", "lookup", "lkp", "stg", "vw"}
)  # say what a table is for, not what is in it
_FILLERS = frozenset({"of", "the", "in", "by", "is", "per", "and", "a", "for", "to", "has", "with", "on"})


@dataclass(frozen=True, slots=True)
class PreparedColumn:
    """`slots` are the stems of the name's words with their `weights` (how much each says); `table_slots` those of its table."""

    ref: ColumnRef
    column: Column
    slots: tuple[str, ...]
    weights: tuple[float, ...]
    table_slots: frozenset[str]
    is_numeric: bool
    is_temporal: bool
    is_year: bool
    is_key: bool
    flag_values: tuple[Scalar, Scalar] | None = None

    @property
    def is_measure(self) -> bool:
        """Whether adding its values up makes sense."""
        return self.is_numeric and not self.is_key and not self.is_year

    @property
    def is_text(self) -> bool:
        return self.column.kind == "text"


@dataclass(frozen=True, slots=True)
class PreparedTable:
    """`labels` are the columns that show people which row it is; `key` identifies the row (empty when nothing does).

    `is_named` False: no column is a name or title, the labels are a makeshift. `role`: no table of its own, see roles.py."""

    table: Table
    slots: tuple[str, ...]
    weights: tuple[float, ...]
    columns: tuple[PreparedColumn, ...]
    labels: tuple[ColumnRef, ...]
    key: tuple[ColumnRef, ...]
    is_bridge: bool
    is_named: bool = True
    role: Role | None = None

    @property
    def name(self) -> str:
        return self.table.name


@dataclass(frozen=True, slots=True)
class SchemaIndex:
    """The prepared schema; look-ups by the exact names of the schema."""

    schema: DatabaseSchema
    tables: dict[str, PreparedTable]
    columns: dict[ColumnRef, PreparedColumn]
    keys: KeyGraph
    roles: dict[str, Role] = field(default_factory=dict)
    distances: dict[tuple[str, str], float | None] = field(default_factory=dict)

    def distance(self, left: str, right: str) -> float | None:
        """The cost of joining two tables, remembered; None when they do not hang together."""
        if (left, right) not in self.distances:
            self.distances[left, right] = self.keys.distance(left, right)
        return self.distances[left, right]

    def column(self, ref: ColumnRef) -> PreparedColumn:
        """The prepared column, whichever use of its table is meant."""
        if ref.table in self.roles:
            return next(column for column in self.tables[ref.table].columns if column.ref == ref)
        return self.columns[ref if ref.instance == 0 else ColumnRef(ref.table, ref.column)]


def prepare(schema: DatabaseSchema) -> SchemaIndex:
    """Everything about a schema that does not depend on the question."""
    known = own_words([table.name for table in schema.tables] + [c.name for table in schema.tables for c in table.columns])
    noise = _common_prefixes(schema)
    table_slots = {t.name: _slots(t.name, known, noise) for t in schema.tables}
    column_slots = {ColumnRef(t.name, c.name): _slots(c.name, known, noise) for t in schema.tables for c in t.columns}
    frequency = Counter(slot for slots in column_slots.values() for slot in set(slots))
    keys = build_key_graph(schema)
    tables: dict[str, PreparedTable] = {}
    for table in schema.tables:
        columns = tuple(
            _column(
                table,
                column,
                column_slots[ColumnRef(table.name, column.name)],
                frozenset(table_slots[table.name]),
                frequency,
                keys,
            )
            for column in table.columns
        )
        tables[table.name] = _table(table, table_slots[table.name], columns, frequency)
    refs = {column.ref: column for table in tables.values() for column in table.columns}
    roles = roles_in(schema, column_slots)
    played = {name: _playing(tables[role.source.table], role) for name, role in roles.items()}
    return SchemaIndex(
        schema=schema, tables={**tables, **played}, columns=refs, keys=keys.with_edges(_role_edges(schema, roles)), roles=roles
    )


def _role_edges(schema: DatabaseSchema, roles: dict[str, Role]) -> list[KeyEdge]:
    edges = []
    for role in roles.values():
        target = target_of(role, schema)
        if target is not None:
            child = role.key if role.above else ColumnRef(role.name, role.key.column)
            parent = ColumnRef(role.name, target.column) if role.above else target
            edges.append(KeyEdge((child,), (parent,)))
    return edges


def _playing(table: PreparedTable, role: Role) -> PreparedTable:
    """The table as its rows play a role."""
    moved = {column.ref: ColumnRef(role.name, column.ref.column) for column in table.columns}
    return replace(
        table,
        columns=tuple(replace(column, ref=moved[column.ref]) for column in table.columns),
        labels=tuple(moved[ref] for ref in table.labels),
        key=tuple(moved[ref] for ref in table.key),
        role=role,
    )


def _common_prefixes(schema: DatabaseSchema) -> frozenset[str]:
    """First parts that nearly every name of a database with several tables begins with: they say nothing."""
    names = [table.name for table in schema.tables]
    firsts = Counter(parts[0] for parts in map(parts_of, names) if len(parts) > 1)
    return frozenset(part for part, count in firsts.items() if len(names) > 2 and count >= 0.75 * len(names))


def _slots(name: str, known: frozenset[str], noise: frozenset[str]) -> tuple[str, ...]:
    words = words_of(name, known)
    kept = tuple(
        word
        for place, word in enumerate(words)
        if word not in noise and word not in _FILLERS and (place or word not in _PREFIXES)
    )
    return kept or words or (name.lower(),)


def _weight(slot: str, frequency: Counter[str]) -> float:
    return 1.0 / (1.0 + 0.35 * sqrt(max(0, frequency[slot] - 1)))


def _column(
    table: Table, column: Column, slots: tuple[str, ...], table_slots: frozenset[str], frequency: Counter[str], keys: KeyGraph
) -> PreparedColumn:
    ref = ColumnRef(table.name, column.name)
    weights = tuple(_weight(s, frequency) * (0.25 if s in table_slots and len(slots) > 1 else 1.0) for s in slots)
    samples = [sample for sample in column.samples if sample is not None]
    texts = [text for sample in samples if (text := str(sample).strip()).lower() not in _NOTHING]
    number_like = bool(texts) and all(_NUMERIC_TEXT.fullmatch(text) for text in texts)
    is_numeric = column.kind in {"integer", "number"} or (column.kind == "text" and number_like)
    is_temporal = column.kind in {"date", "timestamp", "time"} or (bool(texts) and all(_DATE_TEXT.fullmatch(t) for t in texts))
    is_key = slots[-1] == _ID or column.name in table.primary_key or keys.is_key_column(ref)
    return PreparedColumn(
        ref=ref,
        column=column,
        slots=slots,
        weights=weights,
        table_slots=table_slots,
        is_numeric=is_numeric,
        is_temporal=is_temporal,
        is_year="year" in slots[-2:] and not is_temporal,
        is_key=is_key,
        flag_values=_flag(column, samples),
    )


def _flag(column: Column, samples: Sequence[Scalar]) -> tuple[Scalar, Scalar] | None:
    """The stored values for yes and no of a column that holds nothing else."""
    if column.kind == "boolean" and not samples:
        return (True, False)
    folded = {str(sample).strip().lower(): sample for sample in samples}
    if not folded or (column.distinct_count or len(folded)) > 2:
        return None
    for pair in _FLAGS:
        if set(folded) <= pair:
            yes, no = sorted(pair, key=lambda word: word in {"1", "y", "yes", "t", "true"}, reverse=True)
            like = next(iter(folded.values()))
            return (_as_stored(yes, like), _as_stored(no, like))
    return None


def _as_stored(word: str, like: Scalar) -> Scalar:
    if isinstance(like, bool):
        return word in {"true", "1"}
    if isinstance(like, int | float):
        return int(word) if word.isdigit() else int(word in {"y", "yes", "t", "true"})
    return word.upper() if str(like).isupper() else word.title() if str(like)[:1].isupper() else word


def _table(table: Table, slots: tuple[str, ...], columns: tuple[PreparedColumn, ...], frequency: Counter[str]) -> PreparedTable:
    key = tuple(ColumnRef(table.name, name) for name in table.primary_key) or _unique_id(table, columns)
    foreign = {name for foreign_key in table.foreign_keys for name in foreign_key.columns}
    others = [column for column in columns if not column.is_key]
    is_bridge = (
        len(table.foreign_keys) > 1
        and all(column.is_key for column in columns if column.column.name in foreign)
        and len(others) == 0
    )
    return PreparedTable(
        table=table,
        slots=slots,
        weights=tuple(1.0 for _ in slots),
        columns=columns,
        labels=_labels(columns, frozenset(slots), key),
        key=key,
        is_bridge=is_bridge,
        is_named=not key or any(_names_rows(c, slots, key) for c in columns),
    )


def _unique_id(table: Table, columns: tuple[PreparedColumn, ...]) -> tuple[ColumnRef, ...]:
    """The first column as the key of a table that declares none, where it is an id and every row has another one."""
    first = columns[0] if columns else None
    unique = first is not None and first.is_key and table.row_count and first.column.distinct_count == table.row_count
    return (first.ref,) if first is not None and unique else ()


def _names_rows(column: PreparedColumn, slots: tuple[str, ...], key: tuple[ColumnRef, ...]) -> bool:
    """Whether a column is called a name or title, or like the table itself."""
    named = column.slots[-1] in {_NAME, _TITLE} or (column.slots == slots and column.is_text)
    return named and not (column.is_key and column.ref not in key)


def _labels(
    columns: tuple[PreparedColumn, ...], table_slots: frozenset[str], key: tuple[ColumnRef, ...]
) -> tuple[ColumnRef, ...]:
    """What to show for a row nobody asked a column of: a name, first and last name, a title, else the first text."""
    named: list[tuple[float, int, PreparedColumn]] = []
    for position, column in enumerate(columns):
        own = [slot for slot in column.slots if slot not in table_slots]
        if column.slots[-1] in {_NAME, _TITLE} and not (column.is_key and column.ref not in key):
            rank = 0.0 if own in ([_NAME], [_TITLE]) else 0.5 if own[:1] == ["full"] else 3.0
            named.append((rank, position, column))
        elif column.is_text and not column.is_key and table_slots == frozenset(column.slots):
            named.append((0.5, position, column))
    named.sort(key=lambda entry: entry[:2])
    if named and named[0][0] < 1:
        return (named[0][2].ref,)
    pair = {column.slots[-2]: column for _, _, column in named if len(column.slots) > 1}
    for first, last in (("first", "last"), ("given", "famili"), ("person", "famili"), ("forenam", "surnam")):
        if first in pair and last in pair:
            return (pair[first].ref, pair[last].ref)
    if named:
        return (named[0][2].ref,)
    text = next((column.ref for column in columns if column.is_text and not column.is_key and not column.is_temporal), None)
    if text is not None:
        return (text,)
    return key or (columns[0].ref,)
