"""Which one column or table each mention of a sketch means, all together: strong links, few joins, names near their owners.

A small beam over the mentions; each way to bind them all is a `Binding` with a score to add to the sketch's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.form import ColumnRef
from mcp_gateway.ask.engine.grammar.reader import Reader
from mcp_gateway.ask.engine.lexicon import COUNTS
from mcp_gateway.ask.engine.sketch import (
    Choice,
    ColumnMention,
    Compare,
    CountOf,
    Given,
    HasValue,
    MetricIs,
    Related,
    Sketch,
    Statistic,
    TableMention,
    ValueChoice,
    ValueMention,
)

_OF = frozenset(
    {
        "of",
        "for",
        "from",
        "in",
        "the",
        "a",
        "all",
        "each",
        "every",
        "on",
        "any",
        "different",
        "and",
        "these",
        "those",
        "its",
        "that",
    }
)
_BEAM = 8
_JOINING = frozenset({"and", "or", ",", "nor", "but", "&", "/"})


@dataclass(frozen=True, slots=True)
class Binding:
    """What each mention means, by the identity of the mention object in the sketch."""

    score: float = 0.0
    tables: frozenset[str] = frozenset()
    table_of: dict[int, str] = field(default_factory=dict)
    column_of: dict[int, Choice] = field(default_factory=dict)
    value_of: dict[int, ValueChoice] = field(default_factory=dict)

    def table(self, mention: TableMention) -> str:
        return self.table_of[id(mention)]

    def column(self, mention: ColumnMention) -> ColumnRef:
        return self.column_of[id(mention)].column

    def reverse(self, mention: ColumnMention) -> bool:
        return self.column_of[id(mention)].reverse

    def value(self, mention: ValueMention) -> ValueChoice:
        return self.value_of[id(mention)]


def bindings(reader: Reader, sketch: Sketch) -> list[Binding]:
    """The best ways to bind a sketch, best first."""
    beam = [Binding(tables=frozenset(_fixed_tables(sketch)))]
    tables = list(tables_of(sketch))
    for mention in tables:
        beam = _cut(_bind_table(beam, mention))
    before: ColumnMention | None = None
    for column in columns_of(sketch):
        owner = _owner(reader, column, tables)
        listed = before if before is not None and _listed(reader, before, column) else None
        beam = _cut(_bind_column(reader, binding, column, owner, listed) for binding in beam)
        before = column
    for value, named in values_of(sketch):
        beam = _cut(_bind_value(reader, binding, value, named) for binding in beam)
    finished = [
        replace(
            binding,
            score=binding.score
            - _join_cost(reader, binding)
            - scoring.SAID_TWICE * (_repeated(reader, sketch, binding) + _crowded(reader, sketch, binding)),
        )
        for binding in beam
    ]
    return sorted(finished, key=lambda binding: -binding.score)[: scoring.BINDINGS]


def _repeated(reader: Reader, sketch: Sketch, binding: Binding) -> int:
    """How many columns asked for are taken as one that is asked for already, apart from names said in pieces."""
    plain = [wanted.column for wanted in sketch.wanted if wanted.column is not None and wanted.function is None]
    return sum(
        1
        for place, column in enumerate(plain)
        if any(
            binding.column(other) == binding.column(column)
            and {"and", ","} & {reader.low(position) for position in range(other.end, column.start)}
            for other in plain[:place]
        )
    )


def _crowded(reader: Reader, sketch: Sketch, binding: Binding) -> int:
    """How many values are taken for one column with no "and" or "or" between: rather they belong to different ones."""
    said = [clause.said.value for clause in sketch.clauses if isinstance(clause.said, HasValue) and not clause.negated]
    return sum(
        1
        for first, second in pairwise(said)
        if binding.value(first).column == binding.value(second).column
        and not _JOINING.intersection(reader.low(position) for position in range(first.end, second.start))
    )


def _fixed_tables(sketch: Sketch) -> Iterator[str]:
    """Tables that metrics and conditions of the glossary stand in."""
    metrics = [wanted.metric for wanted in sketch.wanted] + [ranking.metric for ranking in sketch.rankings]
    for metric in metrics:
        if metric is not None:
            yield from metric.tables
    for clause in sketch.clauses:
        if isinstance(clause.said, MetricIs):
            yield from clause.said.metric.tables
        elif isinstance(clause.said, Given):
            yield from clause.said.condition.tables


def tables_of(sketch: Sketch) -> Iterator[TableMention]:
    """The table mentions of a sketch, each once."""
    seen: set[int] = set()
    given = [clause.said for clause in sketch.clauses]
    found = [
        *sketch.entities,
        *(wanted.table for wanted in sketch.wanted),
        *(group.item for group in sketch.groups),
        *(ranking.table for ranking in sketch.rankings),
        *(said.counted for said in given if isinstance(said, CountOf)),
        *(said.table for said in given if isinstance(said, Related)),
        *(said.operand for said in given if isinstance(said, Compare)),
    ]
    for mention in found:
        if isinstance(mention, TableMention) and id(mention) not in seen:
            seen.add(id(mention))
            yield mention


def columns_of(sketch: Sketch) -> Iterator[ColumnMention]:
    """The column mentions of a sketch, each once, in the order of the question."""
    found: list[object] = [
        *(wanted.column for wanted in sketch.wanted),
        *(group.item for group in sketch.groups if group.unit is None),
    ]
    found += [ranking.column for ranking in sketch.rankings]
    for clause in sketch.clauses:
        said = clause.said
        if isinstance(said, CountOf):
            found.append(said.counted)
        elif not isinstance(said, Related | Given | MetricIs):
            found.append(said.column)
        if isinstance(said, Compare) and isinstance(said.operand, Statistic):
            found.append(said.operand.column)
        elif isinstance(said, Compare):
            found.append(said.operand)
    unique = {id(mention): mention for mention in found if isinstance(mention, ColumnMention)}
    yield from sorted(unique.values(), key=lambda mention: (mention.implied, mention.start))


def values_of(sketch: Sketch) -> Iterator[tuple[ValueMention, ColumnMention | None]]:
    for clause in sketch.clauses:
        if isinstance(clause.said, HasValue):
            yield clause.said.value, clause.said.column


def _cut(many: "Iterator[list[Binding]] | list[Binding]") -> list[Binding]:
    flat = [binding for part in many for binding in (part if isinstance(part, list) else [part])]
    return sorted(flat, key=lambda binding: -binding.score)[:_BEAM]


def _bind_table(beam: list[Binding], mention: TableMention) -> list[Binding]:
    top = mention.choices[0][1]
    return [
        replace(
            binding,
            score=binding.score + strength - top + (scoring.NEAR_ENTITY if table in binding.tables else 0.0),
            tables=binding.tables | {table},
            table_of={**binding.table_of, id(mention): table},
        )
        for binding in beam
        for table, strength in mention.choices
    ]


def _listed(reader: Reader, before: ColumnMention, column: ColumnMention) -> bool:
    """Whether two columns stand in one list ("name and address")."""
    between = {reader.low(position) for position in range(before.end, column.start)}
    return bool(between) and between <= {"and", ",", "the", "their", "its"}


def _bind_column(
    reader: Reader, binding: Binding, mention: ColumnMention, owner: TableMention | None, listed: ColumnMention | None
) -> list[Binding]:
    """`listed`: the column before it in a list, likely of the same table."""
    top = mention.choices[0].strength
    beside = binding.column(listed).table if listed is not None else None
    owned = binding.table_of.get(id(owner)) if owner is not None else None
    first = next(iter(binding.table_of.values()), None)
    made = []
    for choice in mention.choices:
        score = choice.strength - top + _place(reader, binding, choice.column.table)
        if choice.column.table == owned:
            score += scoring.OWNER
        elif choice.column.table == first:
            score += scoring.NEAR_ENTITY
        if choice.column.table == beside:
            score += scoring.LISTED
        made.append(
            replace(
                binding,
                score=binding.score + score,
                tables=binding.tables | {choice.column.table},
                column_of={**binding.column_of, id(mention): choice},
            )
        )
    return made


def _bind_value(reader: Reader, binding: Binding, value: ValueMention, named: ColumnMention | None) -> list[Binding]:
    top = value.choices[0].strength
    fixed = binding.column(named) if named is not None else None
    made = []
    for choice in value.choices:
        score = choice.strength - top + _place(reader, binding, choice.column.table)
        if fixed is not None and choice.column != fixed:
            score -= 1.0
        if reader.schema.column(choice.column).is_key and fixed is None:
            score -= 0.1
        made.append(
            replace(
                binding,
                score=binding.score + score,
                tables=binding.tables | {choice.column.table},
                value_of={**binding.value_of, id(value): choice},
            )
        )
    return made


def _place(reader: Reader, binding: Binding, table: str) -> float:
    """How well a table fits to those already meant."""
    if not binding.tables:
        return 0.0
    if table in binding.tables:
        return 0.0
    return -scoring.SAME_TABLE - scoring.DISTANCE * min(reader.distance(table, other) for other in binding.tables)


def _join_cost(reader: Reader, binding: Binding) -> float:
    tree = reader.tree(binding.tables)
    return scoring.DISCONNECTED if tree is None else scoring.JOIN * tree.cost


def _end_of_list(reader: Reader, position: int) -> int:
    """The position after "and age, of the" and the like: where the owner of a list of columns would stand."""
    while position < len(reader.tokens):
        after = reader.skip(position, (*_OF, ","), 4)
        counted = COUNTS.at(reader.tokens, after)
        inner = reader.skip(counted[1], _OF, 2) if counted is not None else after
        if counted is not None and reader.tables_at(inner):
            end = reader.tables_at(inner)[0].end
            if reader.skip(end, ("for", "in", "of", "each", "every"), 2) - end == 2:
                position = end
                continue
        longest = reader.columns_at(after)
        if after > position and longest and not any(table.choices[0][1] > 0.9 for table in reader.tables_at(after)):
            position = longest[0].end
            continue
        return after
    return position


def _owner(reader: Reader, column: ColumnMention, tables: list[TableMention]) -> TableMention | None:
    """The table a column is said to be of: "name of the singer", "singer's name", "singers and their names"."""
    after = _end_of_list(reader, column.end)
    for table in tables:
        if column.end < table.start == after or table.start <= column.start < table.end:
            return table
    before = [table for table in tables if table.end <= column.start]
    if not before:
        return None
    nearest = max(before, key=lambda table: table.end)
    if reader.low(column.start - 1) in {"its", "their", "his", "her"}:
        return nearest
    between = {reader.low(position) for position in range(nearest.end, column.start)}
    if between <= {"'s", "whose", "with", "their", "its", "'", "the", "a", "highest", "lowest", "that", "have", "has"}:
        return nearest
    return None
