"""The same rows, easier to read: calculated columns get names, groups nobody asked to sort get an order.

Applied to what is printed, never to the form that is kept: a follow-up builds on what was asked.
"""

import re
from dataclasses import replace

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.form_walk import has_aggregate
from mcp_gateway.ask.engine.plain_names import counted_column, counted_rows, plain, plain_column, plural, singular
from mcp_gateway.ask.engine.role_names import roles_named
from mcp_gateway.ask.engine.schema_index import SchemaIndex

_NOT_IN_A_NAME = re.compile(r"\W+")
_CALLED = {"sum": "total", "avg": "average", "min": "minimum", "max": "maximum"}
# Longer names help nobody, and Postgres cuts at 63.
_LONGEST_NAME = 48


def present(query: form.Query, schema: SchemaIndex) -> form.Query:
    """The query with names for what it calculates and an order for its groups; other queries as they are."""
    return query if isinstance(query, form.SetOperation) else _ordered(_named(query, schema))


def _named(select: form.Select, schema: SchemaIndex) -> form.Select:
    """A name must not be a column's: some databases would then group or filter by that column instead."""
    taken = _column_names(select, schema)
    targets = []
    for target in select.targets:
        name = target.name or _name_of(target.expression, select) or _role_name(target.expression, select)
        if name.casefold() in taken:
            name = ""
        taken.add(name.casefold())
        targets.append(replace(target, name=name))
    return replace(select, targets=tuple(targets))


def _role_name(expression: form.Expression, select: form.Select) -> str:
    """A name for a column of the manager beside the same table's own columns."""
    shown = {t.expression.source for t in select.targets if isinstance(t.expression, form.ColumnRef)}
    role = roles_named(select).get(expression.source) if isinstance(expression, form.ColumnRef) else None
    if role is None or not isinstance(expression, form.ColumnRef) or form.TableRef(expression.table) not in shown:
        return ""
    own = set(singular(plain(expression.table)).split())
    words = [word for word in plain(expression.column).split() if word not in own]
    return _NOT_IN_A_NAME.sub("_", " ".join([role, *words]))[:_LONGEST_NAME]


def _column_names(select: form.Select, schema: SchemaIndex) -> set[str]:
    sources = (select.base.table, *(join.table.table for join in select.joins))
    tables = (schema.schema.table(source) for source in sources)
    return {"", *(column.name.casefold() for table in tables if table for column in table.columns)}


def _name_of(expression: form.Expression, select: form.Select) -> str:
    return _NOT_IN_A_NAME.sub("_", _words_for(expression, select).lower()).strip("_")[:_LONGEST_NAME]


def _words_for(expression: form.Expression, select: form.Select) -> str:
    match expression:
        case form.RawExpression(name):
            return plain(name)
        case form.Truncation(unit, _) | form.DatePart(unit, _):
            return unit
        case form.Aggregate("count", None, False, None):
            return f"number of {counted_rows(select, roles_named(select))}"
        case form.Aggregate("count", form.ColumnRef(table, column) as ref, _, None):
            return f"number of {counted_column(ref) or plural(plain_column(table, column))}"
        case form.Aggregate(function, form.ColumnRef(_, column), _, None):
            words, called = plain(column), _CALLED[function]
            return f"{function} of {words}" if words.startswith(called) else f"{called} {words}"
    return ""


def _ordered(select: form.Select) -> form.Select:
    """Stretches of time run forward; other groups start with the largest, and equal ones keep the order of their names."""
    measures = [target.expression for target in select.targets if has_aggregate(target.expression)]
    if not measures or not select.group_by or select.order_by or select.limit is not None:
        return select
    times = [key for key in select.group_by if isinstance(key, form.Truncation | form.DatePart) and key.unit != "weekday"]
    shown = {target.expression for target in select.targets}
    rest = [key for key in select.group_by if key not in times and key in shown]
    if times:
        return replace(select, order_by=tuple(form.Order(key) for key in (*times, *rest)))
    return replace(select, order_by=(form.Order(measures[0], descending=True), *(form.Order(key) for key in rest)))
