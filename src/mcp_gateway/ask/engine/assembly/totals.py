"""Figures by group: "amount by month" and "units per product" are totals, though nobody says "total".

Left alone where every row is a group of its own ("the salary of each employee"), and where other columns are listed besides.
"""

from collections.abc import Sequence

from mcp_gateway.ask.engine.assembly.bound import Bound
from mcp_gateway.ask.engine.form import Aggregate, ColumnRef, Expression, Truncation
from mcp_gateway.ask.engine.text import stem_of

# Adding these up says nothing; their average does.
_NOT_ADDED_UP = frozenset(
    stem_of(word)
    for word in (
        "age price rate ratio percent percentage pct score rating grade temperature height weight length width speed latitude "
        "longitude average avg mean level rank position duration"
    ).split()
)


def totalled(bound: Bound, targets: Sequence[Expression], groups: Sequence[Expression]) -> list[Expression]:
    """The targets, with measures added up (or averaged) where each group gathers many of their rows."""
    measures = [target for target in targets if isinstance(target, ColumnRef) and bound.prepared(target).is_measure]
    if not measures or len(measures) != len(targets) or not groups:
        return list(targets)
    if not all(_gathers(bound, group, measures[0].table) for group in groups):
        return list(targets)
    return [Aggregate("avg" if _NOT_ADDED_UP.intersection(bound.prepared(ref).slots) else "sum", ref) for ref in measures]


def _gathers(bound: Bound, group: Expression, table: str) -> bool:
    """Whether many rows of the table share one value of the group."""
    if isinstance(group, Truncation):
        return True
    if not isinstance(group, ColumnRef):
        return False
    rows = bound.table(table).table.row_count
    if group.table != table:
        others = bound.table(group.table).table.row_count
        return rows is not None and others is not None and others < rows
    distinct = bound.prepared(group).column.distinct_count
    if rows is not None and distinct is not None:
        return distinct < rows
    return group not in bound.table(table).key and group not in bound.table(table).labels
