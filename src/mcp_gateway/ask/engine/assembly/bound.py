"""A sketch with its binding: what every mention means, and which rows the question is about."""

from dataclasses import dataclass

from mcp_gateway.ask.engine.binding import Binding
from mcp_gateway.ask.engine.form import ColumnRef
from mcp_gateway.ask.engine.grammar.reader import Reader
from mcp_gateway.ask.engine.lexicon import ordinal_word
from mcp_gateway.ask.engine.schema_index import PreparedColumn, PreparedTable
from mcp_gateway.ask.engine.sketch import ColumnMention, HasValue, Ranking, Related, Sketch, TableMention


@dataclass(frozen=True, slots=True)
class Bound:
    """`head` is the table whose rows are asked about."""

    reader: Reader
    sketch: Sketch
    binding: Binding
    head: str

    def ref(self, mention: ColumnMention) -> ColumnRef:
        return self.binding.column(mention)

    def prepared(self, ref: ColumnRef) -> PreparedColumn:
        return self.reader.schema.column(ref)

    def table(self, name: str) -> PreparedTable:
        return self.reader.schema.tables[name]

    def key(self, name: str) -> tuple[ColumnRef, ...]:
        """What tells the rows of a table apart: its key, or its labels where it has none."""
        table = self.table(name)
        return table.key or table.labels


def places_before(reader: Reader, ranking: Ranking) -> int:
    """How many better ones a ranking leaves out: 1 for "second highest"."""
    return (ordinal_word(reader.low(ranking.position)) or 1) - 1 if ranking.limit == 1 else 0


def find_head(reader: Reader, sketch: Sketch, binding: Binding) -> str | None:
    """The table whose rows are asked about: counted, or of the first column wanted, or named first."""
    for wanted in sketch.wanted:
        if wanted.function == "count" and wanted.table is not None:
            return binding.table(wanted.table)
    only_metrics = bool(sketch.wanted) and all(wanted.metric is not None for wanted in sketch.wanted)
    if only_metrics and sketch.wanted[0].metric is not None:
        return sketch.wanted[0].metric.tables[0]
    denied = {id(clause.said.table) for clause in sketch.clauses if isinstance(clause.said, Related)}
    named = [binding.table(mention) for mention in sketch.entities if id(mention) not in denied]
    named = [_not_told_of(reader, sketch, binding, table) for table in named]
    columns = [binding.column(wanted.column).table for wanted in sketch.wanted if wanted.column is not None]
    if columns:
        return _rows_of_each(reader, sketch, binding, next((table for table in named if table in columns), columns[0]))
    if named:
        return named[0]
    grouped = [group.item for group in sketch.groups if group.unit is None]
    for item in grouped:
        return binding.table(item) if isinstance(item, TableMention) else binding.column(item).table
    for ranking in sketch.rankings:
        if ranking.column is not None:
            return binding.column(ranking.column).table
    tables = sorted(binding.tables)
    return tables[0] if tables else None


def _not_told_of(reader: Reader, sketch: Sketch, binding: Binding, table: str) -> str:
    """ "Who has the manager Ada?": the rows themselves are asked for, not the role something is said of."""
    role = reader.schema.roles.get(table)
    told = any(
        isinstance(clause.said, HasValue) and binding.value(clause.said.value).column.table == table for clause in sketch.clauses
    )
    return role.source.table if role is not None and role.above and told else table


def _rows_of_each(reader: Reader, sketch: Sketch, binding: Binding, table: str) -> str:
    """ "For each employee, the manager's name": the rows are the employees."""
    role = reader.schema.roles.get(table)
    groups = [binding.table(group.item) for group in sketch.groups if isinstance(group.item, TableMention)]
    return role.source.table if role is not None and role.source.table in groups else table
