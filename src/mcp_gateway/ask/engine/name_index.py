"""Which words the names of a schema have: stem to columns and tables. Made once per schema; knows no question."""

from dataclasses import dataclass, field, replace

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.form import ColumnRef
from mcp_gateway.ask.engine.schema_index import PreparedColumn, PreparedTable, SchemaIndex
from mcp_gateway.ask.engine.sketch import Choice
from mcp_gateway.ask.engine.text import stem_of

_DATE = stem_of("date")
_BORN = frozenset({"birth", "born", "dob"})
_AGED = _BORN | {"age"}
# Moments that come after a thing began: its newest rows are not found by them.
_LATER = frozenset(
    stem_of(word)
    for word in "due end ended return returned left updated modified closed cancelled expires expiry until to paid".split()
)


@dataclass(slots=True)
class NameIndex:
    """Stem -> names that have it. Made once per schema."""

    columns: dict[str, list[tuple[PreparedColumn, int]]] = field(default_factory=dict)
    tables: dict[str, list[tuple[PreparedTable, int]]] = field(default_factory=dict)
    column_names: dict[str, list[PreparedColumn]] = field(default_factory=dict)
    columns_of_table_word: dict[str, list[PreparedColumn]] = field(default_factory=dict)
    labels: list[ColumnRef] = field(default_factory=list)
    table_aliases: dict[str, list[PreparedTable]] = field(default_factory=dict)
    moments: list[PreparedColumn] = field(default_factory=list)

    def add_alias(self, schema: SchemaIndex, table: PreparedTable, child: ColumnRef) -> None:
        """What a key that points at a table calls it ("student_id" calls its rows students)."""
        slots = schema.columns[child].slots
        taken = any(slots[0] in other.slots for other in schema.tables.values())
        if len(slots) == 2 and slots[1] in {"id", "code", "number"} and not taken:
            known = self.table_aliases.setdefault(slots[0], [])
            if table not in known:
                known.append(table)


def index_names(schema: SchemaIndex) -> NameIndex:
    """The look-up tables of a prepared schema."""
    index = NameIndex()
    for table in (each for each in schema.tables.values() if each.role is None):
        for position, slot in enumerate(table.slots):
            index.tables.setdefault(slot, []).append((table, position))
            if position == len(table.slots) - 1:
                index.columns_of_table_word.setdefault(slot, []).extend(table.columns)
        if table.is_named and table.labels and table.labels[0] not in table.key and not schema.column(table.labels[0]).is_key:
            index.labels.append(table.labels[0])
        for edge in schema.keys.edges_of.get(table.name, ()):
            if edge.parent[0].table == table.name and edge.child[0] in schema.columns:
                index.add_alias(schema, table, edge.child[0])
        index.moments += [column for column in table.columns if column.is_temporal and column.column.kind != "time"]
        for column in table.columns:
            index.column_names.setdefault(column.column.name.lower(), []).append(column)
            for position, slot in enumerate(column.slots):
                index.columns.setdefault(slot, []).append((column, position))
    return index


def measured_by(words: str, names: NameIndex) -> tuple[Choice, ...]:
    """The number and date columns an adjective speaks of: `words` name them, best first, "-" turns the order round."""
    choices: dict[ColumnRef, Choice] = {}
    for rank, word in enumerate(words.split()):
        reverse, plain = word.startswith("-"), stem_of(word.lstrip("-"))
        for column, position in names.columns.get(plain, ()):
            if not (column.is_numeric or column.is_temporal or column.is_year) or column.ref in choices:
                continue
            if column.is_key or (_BORN.intersection(column.slots) and plain not in _AGED):
                continue
            head = 1.0 if position == len(column.slots) - 1 else 0.85
            share = column.weights[position] / sum(column.weights)
            choices[column.ref] = Choice(column.ref, (0.9 - 0.03 * rank) * head * (0.6 + 0.4 * share), reverse)
        if plain == _DATE:
            for column in names.moments:
                if not _BORN.intersection(column.slots):
                    choices.setdefault(column.ref, Choice(column.ref, 0.4 if _LATER.intersection(column.slots) else 0.6, reverse))
    if "-birth" in words.split():
        choices = _aged_by_birth(choices, names)
    return tuple(sorted(choices.values(), key=lambda choice: -choice.strength)[: scoring.MAX_CHOICES])


def _aged_by_birth(choices: dict[ColumnRef, Choice], names: NameIndex) -> dict[ColumnRef, Choice]:
    """Whoever has a date of birth is old by it, not by any other date of theirs."""
    born = {column.ref for column in names.moments if _BORN.intersection(column.slots)}
    people = {ref.table for ref in born & choices.keys()}
    dates = {column.ref for column in names.moments} - born
    kept = {ref: choice for ref, choice in choices.items() if ref.table not in people or ref not in dates}
    return {ref: replace(choice, strength=max(choice.strength, 0.9)) if ref in born else choice for ref, choice in kept.items()}


def named_by(words: str, names: NameIndex) -> tuple[Choice, ...]:
    """The columns of any kind that one of the words names, best first."""
    choices: dict[ColumnRef, Choice] = {}
    for rank, word in enumerate(words.split()):
        for column, position in names.columns.get(stem_of(word), ()):
            if column.ref not in choices and not column.is_key:
                head = 1.0 if position == len(column.slots) - 1 else 0.85
                choices[column.ref] = Choice(column.ref, (0.9 - 0.05 * rank) * head)
    return tuple(sorted(choices.values(), key=lambda choice: -choice.strength)[: scoring.MAX_CHOICES])
