"""The groups a question names: rows of a table, values of a column, stretches of time, days of the week."""

from collections.abc import Sequence

from mcp_gateway.ask.engine.assembly.bound import Bound
from mcp_gateway.ask.engine.assembly.moments import date_column
from mcp_gateway.ask.engine.form import Aggregate, ColumnRef, DatePart, Expression, Truncation
from mcp_gateway.ask.engine.sketch import Grouping, TableMention


def named_groups(bound: Bound, targets: Sequence[Expression]) -> tuple[tuple[Expression, ...], tuple[Expression, ...]]:
    """The keys of the named groups and what to show for them."""
    keys: list[Expression] = []
    shown: list[Expression] = []
    averaged = {
        target.operand.table
        for target in targets
        if isinstance(target, Aggregate) and isinstance(target.operand, ColumnRef) and target.function != "sum"
    }
    for group in bound.sketch.groups:
        if isinstance(group.item, TableMention):
            table = bound.binding.table(group.item)
            if table in averaged and len(averaged) == 1 and len(targets) == 1 and len(bound.table(table).key) == 1:
                continue
            keys.extend(bound.key(table))
            if not any(isinstance(target, ColumnRef) and target.table == table for target in targets):
                shown.extend(bound.table(table).labels if bound.table(table).is_named else bound.key(table))
        else:
            ref = _column_of(bound, group)
            if group.part is not None:
                keys += [DatePart("weekday_number", ref)] if group.part == "weekday" else []
                keys.append(DatePart(group.part, ref))
                shown.append(DatePart(group.part, ref))
                continue
            key: Expression = Truncation(group.unit, ref) if group.unit and not bound.prepared(ref).is_year else ref
            keys.append(key)
            shown.append(key)
    return tuple(dict.fromkeys(keys)), tuple(dict.fromkeys(shown))


def _column_of(bound: Bound, group: Grouping) -> ColumnRef:
    """The column grouped by; the date that is meant where only a unit of time is named."""
    if isinstance(group.item, TableMention):
        raise TypeError("rows of a table are no column")
    if not (group.unit and group.item.implied):
        return bound.ref(group.item)
    found = date_column(bound, group.item.start)
    fitting = [choice.column for choice in group.item.choices]
    return found if found in fitting else next((ref for ref in fitting if ref.table in bound.binding.tables), found)
