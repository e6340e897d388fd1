"""A bound sketch as a form: targets, groups, order and limits put together, with the joins they need."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcp_gateway.ask.engine.assembly.best_of_each import best_of_each, ranks_single_rows
from mcp_gateway.ask.engine.assembly.bound import Bound, find_head, places_before
from mcp_gateway.ask.engine.assembly.conditions import Conditions, conditions_of
from mcp_gateway.ask.engine.assembly.either_table import of_either_table
from mcp_gateway.ask.engine.assembly.halves import both_halves, counts_rows
from mcp_gateway.ask.engine.assembly.named_groups import named_groups
from mcp_gateway.ask.engine.assembly.totals import totalled
from mcp_gateway.ask.engine.binding import Binding
from mcp_gateway.ask.engine.form import (
    Aggregate,
    ColumnRef,
    Comparison,
    Condition,
    DatePart,
    Expression,
    InQuery,
    Order,
    Query,
    ScalarQuery,
    Select,
    SetOperation,
    TableRef,
    Target,
    Truncation,
)
from mcp_gateway.ask.engine.form_edit import swapped
from mcp_gateway.ask.engine.form_walk import has_aggregate
from mcp_gateway.ask.engine.grammar.reader import Reader
from mcp_gateway.ask.engine.grammar.targets import ADDED_UP
from mcp_gateway.ask.engine.joins import connect
from mcp_gateway.ask.engine.roles import with_instances
from mcp_gateway.ask.engine.sketch import (
    Clause,
    Ranking,
    Related,
    Sketch,
    Wanted,
)

_PARTS_OF_NAMES = frozenset({"first", "last", "family", "given", "sur", "middle", "and", "personal"})
_SIZES = frozenset("highest largest biggest lowest smallest".split())


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the select shows and how it groups, before conditions."""

    targets: tuple[Expression, ...]
    groups: tuple[Expression, ...]
    orders: tuple[Order, ...]
    limit: int | None
    extra: tuple[Condition, ...] = ()
    tables: tuple[str, ...] = ()
    offset: int = 0
    within: tuple[Expression, ...] = ()


def assemble(reader: Reader, sketch: Sketch, binding: Binding) -> Query | None:
    """The form; None when its parts do not fit together."""
    head = find_head(reader, sketch, binding)
    if head is None:
        return None
    made = _query(reader, sketch, binding, head)
    return None if made is None else with_instances(_kept_without(made, reader), reader.schema.roles)


def _kept_without(query: Query, reader: Reader) -> Query:
    """ "Employees and their managers" are all employees: a listing keeps the rows that nobody plays the role for."""
    if not isinstance(query, Select) or query.where or query.group_by or query.order_by or query.distinct:
        return query
    roles = reader.schema.roles
    if any(has_aggregate(target.expression) for target in query.targets):
        return query
    joins = tuple(
        replace(join, outer=join.table.table in roles and roles[join.table.table].above and len(query.joins) == 1)
        for join in query.joins
    )
    return replace(query, joins=joins)


def _query(reader: Reader, sketch: Sketch, binding: Binding, head: str) -> Query | None:
    bound = Bound(reader, sketch, binding, head)
    united = of_either_table(bound)
    if united is not None:
        return united
    halves = both_halves(bound)
    if halves is None:
        return _select(bound, sketch.clauses)
    if counts_rows(bound):
        return _counted_twice(bound, halves)
    left, right = (_select(bound, half) for half in halves)
    return None if left is None or right is None else _intersection(left, right)


def _counted_twice(bound: Bound, halves: tuple[tuple[Clause, ...], tuple[Clause, ...]]) -> Query | None:
    """Figures of the rows that are among both: their keys are found twice."""
    key = bound.key(bound.head)
    keyed = replace(bound, sketch=replace(bound.sketch, wanted=(), distinct=False))
    selects = [_select(keyed, half) for half in halves]
    if len(key) != 1 or any(each is None or each.group_by or each.order_by for each in selects):
        return None
    left, right = (replace(each, targets=(Target(key[0]),), distinct=False) for each in selects if each is not None)
    among = InQuery(key[0], SetOperation("intersect", left, right))
    return Select(TableRef(bound.head), tuple(Target(figure) for figure in _targets(bound)), where=(among,))


def _intersection(left: Select, right: Select) -> Query | None:
    """The rows of both, ordered as the left; None when they are to be ordered by what is not shown."""
    shown = {target.expression for target in left.targets}
    if any(order.expression not in shown for order in left.order_by):
        return None
    first, second = (replace(half, order_by=(), limit=None) for half in (left, right))
    return SetOperation("intersect", first, second, left.order_by, left.limit)


def _select(bound: Bound, clauses: Sequence[Clause]) -> Select | None:
    conditions = conditions_of(bound, clauses)
    if conditions is None or ranks_single_rows(bound):
        return None
    shape = _shape(bound, conditions)
    select = Select(
        base=TableRef(bound.head),
        targets=tuple(Target(expression) for expression in shape.targets),
        where=(*conditions.where, *shape.extra),
        group_by=shape.groups,
        having=conditions.having,
        order_by=shape.orders,
        limit=shape.limit,
        offset=shape.offset,
        within=shape.within,
        distinct=(bound.sketch.distinct and not any(has_aggregate(target) for target in shape.targets))
        or (shape.offset > 0 and not shape.within and list(shape.targets) == [order.expression for order in shape.orders]),
    )
    connected = connect(
        select, bound.reader.schema.keys, also=(*conditions.tables, *shape.tables, *_related(bound)), find=bound.reader.tree
    )
    return None if connected is None else _without_doubles(bound, _count_once(bound, connected))


def _without_doubles(bound: Bound, select: Select) -> Select:
    """A listing that joins repeat rows of shows each once."""
    if (
        select.group_by
        or select.order_by
        or select.distinct
        or any(has_aggregate(target.expression) for target in select.targets)
    ):
        return select
    refs = [target.expression for target in select.targets if isinstance(target.expression, ColumnRef)]
    if select.joins and refs and all(ref.table == bound.head for ref in refs) and _repeats(bound, select):
        return replace(select, distinct=True)
    if len(refs) == 1 and _asks_for_kinds(bound):
        table = bound.table(refs[0].table)
        if refs[0] not in table.labels and refs[0] not in table.key:
            return replace(select, distinct=True)
    return select


def _asks_for_kinds(bound: Bound) -> bool:
    """ "which brands", "what statuses", "cities where": the values are asked for, not the rows."""
    reader, at = bound.reader, bound.reader.skip(0, ("in", "from", "on", "at", "for"), 1)
    if reader.low(at) in {"which", "what"}:
        return reader.low(at + 1) not in {"is", "are", "was", "were"}
    return bool(reader.columns_at(0)) and not reader.tables_at(0)


def _related(bound: Bound) -> tuple[str, ...]:
    """Tables named in the question that rows must have a partner in."""
    denied = {id(clause.said.table) for clause in bound.sketch.clauses if isinstance(clause.said, Related)}
    role = bound.table(bound.head).role
    rows = (role.source.table,) if role is not None and role.above else ()
    return rows + tuple(bound.binding.table(mention) for mention in bound.sketch.entities if id(mention) not in denied)


def _shape(bound: Bound, conditions: Conditions) -> _Shape:
    targets = _targets(bound)
    groups, group_targets = named_groups(bound, targets)
    best = best_of_each(bound, targets, groups, group_targets)
    if best is not None:
        return _Shape(
            best.targets, best.group_by, (best.order,), best.limit, (), best.tables, offset=best.offset, within=best.within
        )
    targets = totalled(bound, targets, groups)
    aggregated = any(has_aggregate(target) for target in targets)
    grouping_needed = (
        aggregated
        or conditions.having
        or any(
            r.function or r.metric or (r.column is not None and _adds_up(bound, r, bound.ref(r.column)))
            for r in bound.sketch.rankings
        )
    )
    plain = [target for target in targets if not has_aggregate(target)]
    if bound.sketch.groups and not grouping_needed and not bound.sketch.wanted and bound.sketch.entities:
        targets = [Aggregate("count")]
        plain, grouping_needed = [], True
        groups, group_targets = named_groups(bound, targets)
    if bound.sketch.groups and not grouping_needed:
        return _ranked(bound, _Shape((*(t for t in group_targets if t not in targets), *targets), (), (), None), grouped=False)
    if grouping_needed and not groups and (plain or not aggregated):
        groups = _implied_groups(bound, plain)
    shown = (*(target for target in group_targets if target not in targets), *targets)
    keys = tuple(dict.fromkeys((*groups, *(target for target in shown if not has_aggregate(target))))) if groups else ()
    return _in_time(_ranked(bound, _Shape(shown, keys, (), None), grouped=bool(groups)))


def _in_time(shape: _Shape) -> _Shape:
    """Figures by month come in the order of the months unless another order is asked for."""
    moments = [key for key in shape.groups if isinstance(key, Truncation | DatePart) and key.unit != "weekday"]
    if shape.orders or not moments:
        return shape
    return replace(shape, orders=tuple(Order(moment) for moment in moments))


def _targets(bound: Bound) -> list[Expression]:
    sketch = bound.sketch
    targets: list[Expression] = []
    for wanted in sketch.wanted:
        for expression in _target(bound, wanted):
            if expression not in targets:
                targets.append(expression)
    if targets or sketch.everything:
        return targets
    common = next((ranking for ranking in sketch.rankings if ranking.common and ranking.column is not None), None)
    if common is not None and common.column is not None:
        return [bound.ref(common.column)]
    if sketch.groups and not sketch.entities:
        return []
    ranked = [ranking for ranking in sketch.rankings if ranking.column is not None and ranking.function is None]
    if not sketch.entities and not sketch.groups and ranked and ranked[0].column and not ranked[0].column.implied:
        return [bound.ref(ranked[0].column)]
    table = bound.table(bound.head)
    return list(table.labels) if table.is_named else []


def _target(bound: Bound, wanted: Wanted) -> list[Expression]:
    if wanted.metric is not None:
        return [wanted.metric]
    if wanted.function == "count":
        if wanted.column is not None:
            return [Aggregate("count", bound.ref(wanted.column), distinct=True)]
        if wanted.distinct and wanted.table is not None:
            return [Aggregate("count", bound.key(bound.binding.table(wanted.table))[0], distinct=True)]
        return [Aggregate("count")]
    if wanted.column is None:
        return list(bound.table(bound.binding.table(wanted.table)).labels) if wanted.table is not None else []
    ref = bound.ref(wanted.column)
    if wanted.function is not None:
        return [Aggregate(wanted.function, ref)]
    labels = bound.table(ref.table).labels
    spoken = [bound.reader.low(at) for at in range(wanted.column.start, wanted.column.end)]
    whole = spoken[-1:] in (["name"], ["names"]) and not _PARTS_OF_NAMES.intersection(spoken)
    at = wanted.column.start - (2 if bound.reader.low(wanted.column.start - 1) == "and" else 1)
    if whole and ref in labels and bound.reader.low(at) not in _PARTS_OF_NAMES:
        return list(labels)
    return [ref]


def _implied_groups(bound: Bound, plain: Sequence[Expression]) -> tuple[Expression, ...]:
    """Groups for aggregates beside plain columns: the rows those columns belong to, or the columns themselves."""
    common = next((ranking for ranking in bound.sketch.rankings if ranking.common and ranking.column is not None), None)
    if common is not None and common.column is not None:
        return (bound.ref(common.column),)
    columns = [target for target in plain if isinstance(target, ColumnRef)]
    if not columns:
        return tuple(bound.key(bound.head))
    tables = {ref.table for ref in columns}
    if len(tables) == 1:
        table = bound.table(columns[0].table)
        identifies = any(ref in table.labels or ref in table.key for ref in columns)
        return table.key if len(table.key) == 1 and identifies else tuple(columns)
    return tuple(columns)


def _ranked(bound: Bound, shape: _Shape, *, grouped: bool) -> _Shape:
    """The shape with its order and limit; a limit on a plain aggregate becomes a condition."""
    orders: list[Order] = []
    limit, offset = shape.limit, 0
    extra: list[Condition] = []
    tables: list[str] = []
    for ranking in bound.sketch.rankings:
        key = _ranking_key(bound, ranking, shape)
        if key is None:
            continue
        if ranking.table is not None:
            tables.append(bound.binding.table(ranking.table))
        only_aggregates = shape.targets and all(has_aggregate(target) for target in shape.targets) and not shape.groups
        if only_aggregates and isinstance(key, ColumnRef):
            extra.append(_extreme(bound, ranking, key))
            continue
        if ranking.metric is not None and key not in shape.targets:
            shape = replace(shape, targets=(*shape.targets, key))
        descending = ranking.descending != (ranking.column is not None and bound.binding.reverse(ranking.column))
        orders.append(Order(key, descending))
        offset = places_before(bound.reader, ranking)
        named = bound.sketch.limit if ranking.limit == 1 and bound.sketch.limit is not None else ranking.limit
        limit = named if named is not None else limit
        if ranking.shown and key not in shape.targets:
            shape = replace(shape, targets=(*shape.targets, key))
    return replace(shape, orders=tuple(orders), limit=limit, extra=tuple(extra), tables=tuple(tables), offset=offset)


def _ranking_key(bound: Bound, ranking: Ranking, shape: _Shape) -> Expression | None:
    if ranking.metric is not None:
        return ranking.metric
    if ranking.function == "count":
        return Aggregate("count")
    if ranking.column is None or _goes_by_size(bound, ranking, shape):
        return next(filter(has_aggregate, shape.targets), shape.targets[0]) if shape.targets else None
    ref = bound.ref(ranking.column)
    if ranking.function is None and _adds_up(bound, ranking, ref):
        return Aggregate("sum", ref)
    return Aggregate(ranking.function, ref) if ranking.function is not None else _aggregated(ref, shape)


def _goes_by_size(bound: Bound, ranking: Ranking, shape: _Shape) -> bool:
    """ "Number of guests per level, highest first": a figure is the highest, not the name it stands beside."""
    if ranking.column is None or ranking.function is not None or bound.reader.ordered(ranking.column) is not None:
        return False
    sized = any(bound.reader.low(ranking.position + step) in _SIZES for step in range(3))
    return sized and bool(shape.groups) and any(map(has_aggregate, shape.targets))


def _adds_up(bound: Bound, ranking: Ranking, ref: ColumnRef) -> bool:
    """ "the most tips": those of all rows that belong to one of the rows asked for."""
    words = {bound.reader.low(ranking.position), bound.reader.low(ranking.position + 1)}
    summed = words & {"most", "fewest", "least"} or (
        ranking.limit and "by" in words and ADDED_UP.intersection(bound.prepared(ref).slots)
    )
    if not summed or ref.table == bound.head or not bound.prepared(ref).is_measure:
        return False
    tree = bound.reader.tree(frozenset((bound.head, ref.table)))
    return tree is not None and any(edge.parent[0].table == bound.head for edge in tree.edges)


def _aggregated(ref: ColumnRef, shape: _Shape) -> Expression:
    """In a grouped query the order follows the aggregate shown for this column."""
    for target in shape.targets:
        if shape.groups and isinstance(target, Aggregate) and target.operand == ref:
            return target
    return ref


def _extreme(bound: Bound, ranking: Ranking, ref: ColumnRef) -> Condition:
    largest = ranking.descending != (ranking.column is not None and bound.binding.reverse(ranking.column))
    before = places_before(bound.reader, ranking)
    if before:
        order = (Order(ref, largest),)
        placed = Select(TableRef(ref.table), (Target(ref),), order_by=order, limit=1, distinct=True, offset=before)
        return Comparison(ref, "=", ScalarQuery(placed))
    inner = Select(TableRef(ref.table), (Target(Aggregate("max" if largest else "min", ref)),))
    return Comparison(ref, "=", ScalarQuery(inner))


def _count_once(bound: Bound, select: Select) -> Select:
    """A count of rows that joins would repeat counts them once; a count over groups counts the groups."""
    aggregates = [target.expression for target in select.targets if isinstance(target.expression, Aggregate)]
    own = bool(aggregates) and all(
        isinstance(each.operand, ColumnRef) and each.operand.table == bound.head for each in aggregates
    )
    head_key = bound.table(bound.head).key
    plain = not (select.group_by or select.having or select.order_by) and len(aggregates) == len(select.targets)
    if own and plain and len(head_key) == 1 and select.joins and _repeats(bound, select):
        rows = replace(select, targets=(Target(head_key[0]),))
        return Select(select.base, select.targets, where=(InQuery(head_key[0], rows),))
    counts_rows = [target for target in select.targets if target.expression == Aggregate("count")]
    key = bound.key(bound.head)
    if select.group_by and counts_rows and len(key) == 1 and not set(key) & set(select.group_by) and _repeats(bound, select):
        return swapped(select, Aggregate("count"), Aggregate("count", key[0], distinct=True))
    if len(select.targets) != 1 or not counts_rows or select.group_by:
        return select
    if select.having and key:
        inner = replace(select, targets=(Target(key[0]),), group_by=key)
        return Select(TableRef(bound.head), (Target(Aggregate("count")),), where=(InQuery(key[0], inner),))
    if len(key) == 1 and _repeats(bound, select):
        return replace(select, targets=(Target(Aggregate("count", key[0], distinct=True)),))
    return select


def _repeats(bound: Bound, select: Select) -> bool:
    """Whether a joined table may hold several rows for one of the head."""
    tree = bound.reader.tree(frozenset((bound.head, *(join.table.table for join in select.joins))))
    return tree is not None and any(edge.parent[0].table == bound.head for edge in tree.edges)
