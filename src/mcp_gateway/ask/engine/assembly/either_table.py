"""The same columns of two tables: "the phone numbers of all customers and staff", "cities with both customers and offices"."""

from mcp_gateway.ask.engine.assembly.bound import Bound
from mcp_gateway.ask.engine.form import ColumnRef, Select, SetOperation, TableRef, Target
from mcp_gateway.ask.engine.sketch import ColumnMention

_OF = frozenset({"of", "for", "from", "the", "all", "every", "each"})
_BETWEEN = frozenset({"and", "or", "all", "the", "both", ",", "as", "well"})


def of_either_table(bound: Bound) -> SetOperation | None:
    """The values of either, or those of both where the question says so.

    None unless two tables are named side by side that both have every column asked for.
    """
    sketch = bound.sketch
    columns = [wanted.column for wanted in sketch.wanted if wanted.column is not None and wanted.function is None]
    if not columns or len(columns) != len(sketch.wanted) or len(sketch.entities) != 2:
        return None
    if sketch.clauses or sketch.groups or sketch.rankings or sketch.limit is not None:
        return None
    first, second = sketch.entities
    between = {bound.reader.low(position) for position in range(first.end, second.start)}
    tables = [bound.binding.table(each) for each in (first, second)]
    if not {"and", "or"} & between or not between <= _BETWEEN or tables[0] == tables[1]:
        return None
    last = max(column.end for column in columns)
    of_them = {bound.reader.low(position) for position in range(last, first.start)} <= _OF
    if last > first.start or not (of_them or sketch.both):
        return None
    sides = [[_column_of(column, table) for column in columns] for table in tables]
    left, right = ([each for each in side if each is not None] for side in sides)
    if len(left) != len(columns) or len(right) != len(columns):
        return None
    first_half, second_half = (Select(TableRef(side[0].table), tuple(Target(ref) for ref in side)) for side in (left, right))
    return SetOperation("intersect" if sketch.both else "union", first_half, second_half)


def _column_of(mention: ColumnMention, table: str) -> ColumnRef | None:
    """What the mention names of a table, where it names that as well as anything else."""
    best = mention.choices[0].strength
    return next((each.column for each in mention.choices if each.column.table == table and each.strength >= best - 0.1), None)
