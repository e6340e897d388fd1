"""Which moment of the rows a time in the question is about, and how two stretches of it stand to each other."""

from mcp_gateway.ask.engine.assembly.bound import Bound
from mcp_gateway.ask.engine.form import ColumnRef, Condition, DateRange, Or
from mcp_gateway.ask.engine.schema_index import PreparedColumn
from mcp_gateway.ask.engine.sketch import CountOf, MetricIs, TableMention


def date_column(bound: Bound, position: int) -> ColumnRef:
    """The date or year column a period without one is about.

    The nearest to the metric's table; of what happened (orders) rather than to whom (customers), unless the question's words
    speak of it ("signed up last week"); of what is counted, or of the table named last before the period; a birth last.
    """
    dated = [column for column in bound.reader.schema.columns.values() if column.is_temporal or column.is_year]
    if not dated:
        return bound.table(bound.head).columns[0].ref
    favourites = _event_tables(bound, position)
    tables = bound.binding.tables | {bound.head}
    metric = next(iter(_metric_tables(bound)), None)
    happened = _happened(bound, tables)
    stems = {token.stem for token in bound.reader.tokens}

    def rank(column: PreparedColumn) -> tuple[float, ...]:
        table = column.ref.table
        others = tables if metric is None else (metric,)
        near = 0.0 if metric is None and table in tables | happened else min(bound.reader.distance(table, o) for o in others)
        place = favourites.index(table) if table in favourites else len(favourites)
        said = sum(1 for slot in column.slots if slot in stems and slot not in {"date", "year", "time"})
        aside = 1.0 if happened and table not in happened and not said else 0.0
        return (near, 1.0 if "birth" in column.slots else 0.0, aside, place, -said)

    return min(dated, key=rank).ref


def _happened(bound: Bound, tables: frozenset[str]) -> frozenset[str]:
    """Of the tables to be joined, those that tell of people and things elsewhere: orders rather than customers."""
    tree = bound.reader.tree(tables)
    return frozenset() if tree is None else frozenset(edge.child[0].table for edge in tree.edges)


def _metric_tables(bound: Bound) -> list[str]:
    """The tables whose rows the figures asked for add up."""
    sketch = bound.sketch
    metrics = [wanted.metric for wanted in sketch.wanted] + [ranking.metric for ranking in sketch.rankings]
    found = [metric.tables[0] for metric in metrics if metric is not None]
    return found + [clause.said.metric.tables[0] for clause in sketch.clauses if isinstance(clause.said, MetricIs)]


def _event_tables(bound: Bound, position: int) -> list[str]:
    """The tables a moment is likely about, likeliest first."""
    sketch = bound.sketch
    found = _metric_tables(bound)
    found += [
        bound.binding.table(clause.said.counted)
        for clause in sketch.clauses
        if isinstance(clause.said, CountOf) and isinstance(clause.said.counted, TableMention)
    ]
    found += [bound.binding.table(ranking.table) for ranking in sketch.rankings if ranking.table is not None]
    before = sorted((mention for mention in sketch.entities if mention.end <= position), key=lambda mention: -mention.end)
    found += [bound.binding.table(mention) for mention in before]
    return [*found, bound.head]


def other_time(left: Condition, right: Condition) -> bool:
    """Two stretches of time of one moment that have nothing in common: "in 2024 and 2025" means either."""
    first = left.conditions[0] if isinstance(left, Or) else left
    if not (isinstance(first, DateRange) and isinstance(right, DateRange)) or first.operand != right.operand:
        return False
    return apart_in_time((first.start, first.end), (right.start, right.end))


def apart_in_time(first: tuple[str | None, str | None], second: tuple[str | None, str | None]) -> bool:
    """Whether no moment lies in both stretches, each (start, end) in ISO with the end left out."""
    (_, early), (late, _) = sorted((first, second), key=lambda stretch: stretch[0] or "")
    return early is not None and late is not None and early <= late
