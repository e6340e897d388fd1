"""Faults in how a query is put together: totals in the wrong clause, tables without a join, values of a wrong type."""

import re
from collections.abc import Iterator, Sequence

from sqlglot import exp

from mcp_gateway.ask.faults import QueryFault
from mcp_gateway.ask.names import Finding, has_column
from mcp_gateway.ask.scopes import Select, Source
from mcp_gateway.core.schema import Column

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_DATE = re.compile(r"\s*\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}(:\d{2}){0,2}(\.\d+)?\s*(Z|[+-]\d{2}(:?\d{2})?)?)?\s*")


def find_structure_faults(found: Sequence[Select], dialect: str) -> tuple[Finding, ...]:
    """Those that need no database to be seen. Only for queries whose names are all known."""
    return tuple(
        finding
        for select in found
        for finding in (
            *_misplaced_aggregates(select),
            *_missing_joins(select),
            *_missing_groups(select),
            *_wrong_types(select, dialect),
        )
    )


def _misplaced_aggregates(select: Select) -> Iterator[Finding]:
    where = select.node.args.get("where")
    for aggregate in where.find_all(exp.AggFunc) if where else ():
        if is_total_of(aggregate, select.node):
            text = aggregate.sql()
            message = f"{text} is calculated over groups and cannot stand in WHERE."
            yield Finding(fault=QueryFault(kind="misplaced_aggregate", message=message, name=text), node=aggregate, select=select)


def _missing_joins(select: Select) -> Iterator[Finding]:
    """Real tables set side by side that no condition ties together, unless CROSS JOIN says that this is meant."""
    for source in unconnected(select):
        message = f"Nothing ties {source.alias!r} to the other tables, so every row is paired with every other."
        if source.node is not None:
            yield Finding(
                fault=QueryFault(kind="missing_join", message=message, name=source.alias), node=source.node, select=select
            )


def _says_cross(node: exp.Expr) -> bool:
    return any((join.args.get("kind") or "").upper() == "CROSS" for join in node.args.get("joins") or ())


def unconnected(select: Select) -> list[Source]:
    """The tables that are not reached from the first over conditions naming two of them; none where that may be meant."""
    tables = [source for source in select.sources if source.table is not None]
    if len(tables) < 2 or len(tables) != len(select.sources) or _says_cross(select.node):
        return []
    if any(join.args.get("using") or join.args.get("method") for join in select.node.args.get("joins") or ()):
        return []
    groups = [{source.alias.casefold()} for source in tables]
    for condition in _conditions(select.node):
        named = {alias for column in condition.find_all(exp.Column) if (alias := _alias_of(column, tables))}
        touched = [group for group in groups if group & named]
        if len(touched) > 1:
            groups = [group for group in groups if not group & named] + [set().union(*touched)]
    first = next(group for group in groups if tables[0].alias.casefold() in group)
    return [source for source in tables if source.alias.casefold() not in first]


def _conditions(node: exp.Expr) -> Iterator[exp.Expr]:
    where = node.args.get("where")
    if where is not None:
        yield from where.this.flatten() if isinstance(where.this, exp.And) else (where.this,)
    for join in node.args.get("joins") or ():
        if join.args.get("on") is not None:
            yield join.args["on"]


def _alias_of(column: exp.Column, tables: list[Source]) -> str | None:
    if column.table:
        return column.table.casefold()
    return next((source.alias.casefold() for source in tables if has_column(source, column.name)), None)


def _missing_groups(select: Select) -> Iterator[Finding]:
    """Stored values beside a count or sum without any GROUP BY: an error in most databases, an arbitrary row in SQLite.

    Beside MIN or MAX SQLite gives the row that has it, which people rely on.
    """
    node = select.node
    if not isinstance(node, exp.Select) or node.args.get("group") or node.args.get("distinct"):
        return
    clauses = [*node.selects, *(node.args[key] for key in ("having", "order") if node.args.get(key))]
    totals = [total for clause in clauses for total in clause.find_all(exp.AggFunc) if is_total_of(total, node)]
    if not totals or any(isinstance(total, (exp.Min, exp.Max)) for total in totals):
        return
    for projection in node.selects:
        if (
            projection.find(exp.Column)
            and not projection.is_star
            and not any(is_total_of(t, node) for t in projection.find_all(exp.AggFunc))
        ):
            if projection.find(exp.Window, exp.Subquery):
                continue
            message = f"{projection.sql()} stands beside a total, and nothing says what to group by."
            yield Finding(
                fault=QueryFault(kind="not_grouped", message=message, name=projection.alias_or_name),
                node=projection,
                select=select,
            )


def is_total_of(total: exp.Expr, select: exp.Expr) -> bool:
    """Whether an aggregate totals the rows of this SELECT, not of a subquery or window in it."""
    return not isinstance(total.parent, exp.Window) and total.find_ancestor(exp.Select) is select


def _wrong_types(select: Select, dialect: str) -> Iterator[Finding]:
    for column in select.columns:
        known = column_of(column, select)
        # SQLite keeps whatever it is given, whatever type the column was declared with: there the stored values decide.
        if known is None or (dialect == "sqlite" and not _keeps_its_kind(known)):
            continue
        for literal in compared_literals(column):
            if literal.is_string and not fits(literal.this, known):
                message = f"{column.name} holds a {known.kind}, and {literal.this!r} is none."
                fault = QueryFault(kind="type_mismatch", message=message, name=column.name)
                yield Finding(fault=fault, node=literal, select=select)


def _keeps_its_kind(column: Column) -> bool:
    ends = (column.minimum, column.maximum)
    if column.kind in {"integer", "number"}:
        return all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in ends)
    return all(isinstance(end, str) and _DATE.fullmatch(end) for end in ends)


def fits(text: str, column: Column) -> bool:
    """Whether every database reads this text as a value of the column's kind."""
    if column.kind in {"integer", "number"}:
        return _NUMBER.fullmatch(text) is not None
    if column.kind in {"date", "timestamp"}:
        return _DATE.fullmatch(text) is not None or text.casefold() in {"now", "today", "infinity", "-infinity", "epoch"}
    return True


def column_of(column: exp.Column, select: Select) -> Column | None:
    """The real column a node names; None when it is an expression's, or unclear."""
    if column.table:
        source = select.source(column.table)
        return source.table.column(column.name) if source and source.table else None
    holders = [source.table for source in select.sources if source.table and source.table.column(column.name)]
    return holders[0].column(column.name) if len(holders) == 1 else None


def compared_literals(column: exp.Column) -> Iterator[exp.Literal]:
    """The literals the bare column is compared with: =, <, IN, BETWEEN."""
    parent = column.parent
    if isinstance(parent, _COMPARISONS):
        other = parent.expression if parent.this is column else parent.this
        if isinstance(other, exp.Literal):
            yield other
    elif isinstance(parent, exp.In) and parent.this is column:
        yield from (item for item in parent.expressions if isinstance(item, exp.Literal))
    elif isinstance(parent, exp.Between) and parent.this is column:
        yield from (side for side in (parent.args["low"], parent.args["high"]) if isinstance(side, exp.Literal))
