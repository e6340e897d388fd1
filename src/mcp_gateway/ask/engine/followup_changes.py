"""The changes a follow-up can make to a form: other dates, filters, groups, figures, order, columns. None: it cannot be done."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.dates import DateMention
from mcp_gateway.ask.engine.form_edit import condition_columns, rewritten, swapped
from mcp_gateway.ask.engine.form_json import Node
from mcp_gateway.ask.engine.form_walk import columns_of, has_aggregate, nodes
from mcp_gateway.ask.engine.joins import connect
from mcp_gateway.ask.engine.plain_names import plain
from mcp_gateway.ask.engine.roles import with_instances, with_roles
from mcp_gateway.ask.engine.schema_index import SchemaIndex
from mcp_gateway.ask.engine.text import stem_of

_PLACES = frozenset("city town country nation state province county region continent market area district".split())
_FUNCTIONS: dict[str, form.AggregateFunction] = {
    "highest": "max", "maximum": "max", "max": "max", "largest": "max", "biggest": "max", "latest": "max", "most": "max",
    "lowest": "min", "minimum": "min", "min": "min", "smallest": "min", "earliest": "min", "least": "min",
    "average": "avg", "mean": "avg", "avg": "avg", "total": "sum", "sum": "sum",
}  # fmt: skip
_OPERATORS: dict[str, form.ComparisonOperator] = {
    "more than": ">", "over": ">", "above": ">", "less than": "<", "under": "<", "below": "<", "fewer than": "<",
    "at least": ">=", "at most": "<=", "exactly": "=",
}  # fmt: skip
_SMALL_WORDS = frozenset("the a an and its their for of in is was one what about".split())


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The form so far and the schema it is about."""

    previous: form.Select
    index: SchemaIndex

    def at(self, select: form.Select) -> "Dialogue":
        return Dialogue(select, self.index)

    def joined(self, select: form.Select, also: Iterable[str] = ()) -> form.Select | None:
        """The select with its joins worked out anew; `also` are tables to keep although no column of theirs is used."""
        roles, outer = self.index.roles, {join.table for join in select.joins if join.outer}
        connected = connect(with_roles(select, roles), self.index.keys, also=also)
        joined = None if connected is None else with_instances(connected, roles)
        if joined is None or not outer:
            return joined
        return replace(joined, joins=tuple(replace(join, outer=join.table in outer) for join in joined.joins))


def add_dates(dialogue: Dialogue, mention: DateMention) -> form.Select | None:
    """The asked period in place of the earlier one, wherever that stands; else on the main date of what is counted."""
    select, wanted = dialogue.previous, mention.range
    ends = [None if moment is None else moment.isoformat() for moment in (wanted.start, wanted.end)]

    def change(node: Node) -> Node | None:
        if isinstance(node, form.DateRange | form.RawRange):
            return form.DateRange(node.operand, ends[0], ends[1], wanted.phrase)
        return None

    changed = rewritten(select, change)
    if any(isinstance(node, form.DateRange | form.RawRange) for node in nodes(select, into_queries=True)):
        return changed
    column = main_date(dialogue)
    if column is None:
        return None
    return dialogue.joined(replace(select, where=(*select.where, form.DateRange(column, ends[0], ends[1], wanted.phrase))))


def _measured_table(expression: form.Expression) -> str | None:
    """The table whose rows a figure is about."""
    if isinstance(expression, form.RawExpression) and expression.tables:
        return expression.tables[0]
    if isinstance(expression, form.Aggregate) and isinstance(expression.operand, form.ColumnRef):
        return expression.operand.table
    return None


def main_date(dialogue: Dialogue) -> form.ColumnRef | None:
    """The date of what is counted or added up: that of a filter, else the first of its table that is no birthday."""
    select = dialogue.previous
    for node in nodes(select.where):
        if isinstance(node, form.DateRange | form.RawRange) and isinstance(node.operand, form.ColumnRef):
            return node.operand
    measured = [node.tables[0] for node in nodes(select.targets) if isinstance(node, form.RawExpression) and node.tables]
    measured += [
        node.operand.table
        for node in nodes(select.targets)
        if isinstance(node, form.Aggregate) and isinstance(node.operand, form.ColumnRef)
    ]
    for table in dict.fromkeys([*measured, select.base.table, *(join.table.table for join in select.joins)]):
        prepared = dialogue.index.tables.get(table)
        columns = [each for each in prepared.columns if each.is_temporal] if prepared else []
        fitting = [
            each for each in columns if "birth" not in each.ref.column.casefold() and "dob" not in each.ref.column.casefold()
        ]
        if fitting:
            return fitting[0].ref
    return None


def add_conditions(dialogue: Dialogue, fresh: tuple[form.Condition, ...], *, alternative: bool) -> form.Select | None:
    """Conditions in place of those on the same column, or, as an alternative, on another column that names a place."""
    kept = tuple(
        each for each in dialogue.previous.where if not any(_displaces(new, each, alternative=alternative) for new in fresh)
    )
    return dialogue.joined(replace(dialogue.previous, where=(*kept, *(each for each in fresh if each not in kept))))


def _displaces(new: form.Condition, old: form.Condition, *, alternative: bool) -> bool:
    if isinstance(new, form.RawCondition) and isinstance(old, form.RawCondition):
        return alternative and new.tables == old.tables
    if isinstance(new, form.Comparison) and new.operator == "!=":
        return False
    ours, theirs = condition_columns(new), condition_columns(old)
    if set(ours) & set(theirs):
        return True
    return alternative and _is_place(ours) and _is_place(theirs)


def _is_place(columns: tuple[form.ColumnRef, ...]) -> bool:
    return bool(columns) and all(_PLACES & set(plain(column.column).split()) for column in columns)


def remove_conditions(dialogue: Dialogue, words: str) -> form.Select | None:
    """Without the filters named ("the status filter"), or without any when none is named."""
    select = dialogue.previous
    named = {stem_of(word) for word in re.findall(r"[^\W_]+", words.lower())}
    named -= {stem_of(word) for word in ("filter", "filters", "condition", "restriction", "on", "for", "all", "the", "limit")}
    if not named and re.search(r"\blimit", words):
        return replace(select, limit=None)
    kept = tuple(each for each in select.where if named and not _is_named(each, named))
    if kept == select.where:
        return None
    return dialogue.joined(replace(select, where=kept))


def _is_named(condition: form.Condition, named: set[str]) -> bool:
    if isinstance(condition, form.DateRange | form.RawRange) and named & {stem_of(word) for word in ("date", "time", "period")}:
        return True
    texts = [f"{plain(column.column)} {plain(column.table)}" for column in columns_of(condition)]
    texts += [str(node.value) for node in nodes(condition) if isinstance(node, form.Literal)]
    texts += [node.name for node in nodes(condition) if isinstance(node, form.RawCondition)]
    return bool(named & {stem_of(word) for text in texts for word in re.findall(r"[^\W_]+", text.lower())})


def add_group(
    dialogue: Dialogue, keys: tuple[form.Expression, ...] | None, unit: form.Unit | None, *, added: bool
) -> form.Select | None:
    """Figures for each of `keys`, or by a unit of time, in place of the earlier grouping of the same kind."""
    select = dialogue.previous
    if select.limit is not None:
        return None
    if keys is None:
        column = main_date(dialogue)
        if column is None:
            return None
        keys = (form.Truncation(unit or "month", column),)
    timely = isinstance(keys[0], form.Truncation)
    dropped = [each for each in select.group_by if isinstance(each, form.Truncation) == timely and (timely or not added)]
    groups = (*keys, *(each for each in select.group_by if each not in dropped and each not in keys))
    measures = tuple(target for target in select.targets if has_aggregate(target.expression))
    if not measures:
        measures = (form.Target(form.Aggregate("count")),)
    shown = tuple(target for target in select.targets if target.expression in groups and target.expression not in keys)
    orders = tuple(each for each in select.order_by if each.expression not in dropped)
    if timely:
        orders = (form.Order(keys[0]), *orders)
    first = tuple(form.Target(key) for key in keys[: 1 if not timely and len(keys) > 1 else len(keys)])
    return dialogue.joined(replace(select, targets=(*first, *shown, *measures), group_by=groups, order_by=orders, distinct=False))


def swap_measure(dialogue: Dialogue, alone: form.Select | None, rest: str = "") -> form.Select | None:
    """Another figure in place of the earlier one, everything else kept."""
    select = dialogue.previous
    old = next((target for target in select.targets if has_aggregate(target.expression)), None)
    if old is None:
        return None
    if alone is None:
        return _other_function(select, old, rest)
    fresh = next((target.expression for target in alone.targets if has_aggregate(target.expression)), None)
    if fresh is None:
        fresh = form.Aggregate("count")
    base = alone.base if isinstance(old.expression, form.Aggregate) and old.expression.operand is None else select.base
    if isinstance(fresh, form.Aggregate) and fresh.operand is None:
        base = alone.base
    changed = replace(swapped(select, old.expression, fresh), base=base)
    if base != select.base:
        changed = _moved_dates(dialogue.at(changed))
    return dialogue.joined(changed)


def _other_function(select: form.Select, old: form.Target, rest: str) -> form.Select | None:
    words = [word for word in re.findall(r"[^\W_]+", rest.lower()) if word not in _SMALL_WORDS]
    function = _FUNCTIONS.get(words[0]) if len(words) == 1 else None
    if function is None or not isinstance(old.expression, form.Aggregate) or old.expression.operand is None:
        return None
    return swapped(select, old.expression, replace(old.expression, function=function, distinct=False))


def _moved_dates(dialogue: Dialogue) -> form.Select:
    """A period moves to the main date of the new thing counted."""
    select = dialogue.previous
    without = replace(select, where=tuple(each for each in select.where if not isinstance(each, form.DateRange | form.RawRange)))
    column = main_date(dialogue.at(without))
    if column is None:
        return select
    return replace(
        select,
        where=tuple(
            replace(each, operand=column) if isinstance(each, form.DateRange | form.RawRange) else each for each in select.where
        ),
    )


def showing_the_same(dialogue: Dialogue, narrowed: form.Select) -> form.Select | None:
    """The narrowed rows with the columns shown before; None where those are figures."""
    targets = dialogue.previous.targets
    if any(has_aggregate(target.expression) for target in targets):
        return None
    return dialogue.joined(replace(narrowed, targets=targets, distinct=narrowed.distinct or dialogue.previous.distinct))


def other_number(dialogue: Dialogue, rest: str) -> form.Select | None:
    """Another number in the one comparison with a number there is ("how about more than 3")."""
    match = re.fullmatch(
        r"\s*(more than|over|above|less than|under|below|fewer than|at least|at most|exactly)?\s*(\d+)[\s?.!]*", rest.lower()
    )
    select = dialogue.previous
    numeric = [
        each
        for each in (*select.where, *select.having)
        if isinstance(each, form.Comparison) and isinstance(each.right, form.Literal) and each.right.kind == "number"
    ]
    if match is None or len(numeric) != 1:
        return None
    operator = _OPERATORS.get(match.group(1) or "", numeric[0].operator)
    return swapped(select, numeric[0], replace(numeric[0], operator=operator, right=form.Literal(int(match.group(2)), "number")))


def within(dialogue: Dialogue, query: form.Select) -> form.Select | None:
    """Another question asked of only those rows that the earlier one was about."""
    previous = dialogue.previous
    tables = {query.base.table, *(join.table.table for join in query.joins)}
    if previous.base.table not in tables:
        return None
    where: tuple[form.Condition, ...] = previous.where
    if previous.having or previous.limit is not None:
        key = dialogue.index.tables[previous.base.table].key
        if len(key) != 1 or (previous.group_by and key[0] not in previous.group_by):
            return None
        where = (form.InQuery(key[0], replace(previous, targets=(form.Target(key[0]),), distinct=False)),)
    return dialogue.joined(replace(query, where=(*where, *(each for each in query.where if each not in where))), also=tables)


def top(dialogue: Dialogue, number: int, *, descending: bool) -> form.Select | None:
    """The first or last so many by the order there is, or else by the figure shown."""
    select = dialogue.previous
    orders = select.order_by
    if not orders or isinstance(orders[0].expression, form.Truncation):
        figure = next((target.expression for target in select.targets if has_aggregate(target.expression)), None)
        if figure is None or not select.group_by:
            return None
        orders = (form.Order(figure, descending),)
    first = replace(orders[0], descending=descending)
    return replace(select, order_by=(first, *orders[1:]), limit=number)


def reorder(dialogue: Dialogue, words: str, alone: form.Select | None) -> form.Select | None:
    """Another order, or the other way round."""
    select = dialogue.previous
    said = set(re.findall(r"[^\W_]+", words.lower()))
    down = _direction(said)
    if alone is not None and alone.order_by:
        wanted = alone.order_by[0].expression
        shown = next((target.expression for target in select.targets if target.expression == wanted), wanted)
        return dialogue.joined(replace(select, order_by=(form.Order(shown, down is not False),)))
    figure = next((target.expression for target in select.targets if has_aggregate(target.expression)), None)
    if figure is not None and (said & {"number", "count", "amount", "total", "value", "figure"} or _speaks_of(figure, said)):
        return replace(select, order_by=(form.Order(figure, down is not False),))
    if down is None and not said & {"reverse", "reversed", "round", "around"}:
        return None
    if select.order_by:
        turned = not select.order_by[0].descending if down is None else down
        return replace(select, order_by=(replace(select.order_by[0], descending=turned), *select.order_by[1:]))
    first = figure or next((target.expression for target in select.targets), None)
    return None if first is None else replace(select, order_by=(form.Order(first, bool(down)),))


def _direction(said: set[str]) -> bool | None:
    if said & {"highest", "largest", "biggest", "newest", "latest", "descending", "most"}:
        return True
    return False if said & {"lowest", "smallest", "oldest", "earliest", "ascending", "least", "alphabetically"} else None


def _speaks_of(figure: form.Expression, said: set[str]) -> bool:
    if isinstance(figure, form.RawExpression):
        return bool(said & set(plain(figure.name).split()))
    return any(said & set(plain(column.column).split()) for column in columns_of(figure))


def show_more(dialogue: Dialogue, alone: form.Select | None) -> form.Select | None:
    """More columns beside those shown; only for lists of rows, since a total has no single value of them."""
    select = dialogue.previous
    if alone is None or select.group_by or any(has_aggregate(target.expression) for target in (*select.targets, *alone.targets)):
        return None
    fresh = tuple(
        target for target in alone.targets if target not in select.targets and isinstance(target.expression, form.ColumnRef)
    )
    return dialogue.joined(replace(select, targets=(*select.targets, *fresh))) if fresh and select.targets else None


def as_count(dialogue: Dialogue) -> form.Select | None:
    """How many rows the earlier answer has, where that is a plain list."""
    select = dialogue.previous
    if select.group_by or select.having or any(has_aggregate(target.expression) for target in select.targets):
        return None
    counted: form.Expression = form.Aggregate("count")
    if select.distinct and len(select.targets) == 1:
        counted = form.Aggregate("count", select.targets[0].expression, distinct=True)
    elif select.joins:
        key = dialogue.index.tables[select.base.table].key if select.base.table in dialogue.index.tables else ()
        if len(key) != 1:
            return None
        counted = form.Aggregate("count", key[0], distinct=True)
    return replace(select, targets=(form.Target(counted),), order_by=(), distinct=False, limit=None)


def as_share(dialogue: Dialogue) -> form.Select | None:
    """Each group's figure in percent of the figure over all rows."""
    select = dialogue.previous
    figure = next((target for target in select.targets if has_aggregate(target.expression)), None)
    if figure is None or not select.group_by or select.limit is not None:
        return None
    table = _measured_table(figure.expression) or select.base.table
    whole = dialogue.joined(form.Select(form.TableRef(table), (form.Target(figure.expression),), where=select.where))
    if whole is None:
        return None
    share = form.Arithmetic("/", form.Arithmetic("*", form.Literal(100, "number"), figure.expression), form.ScalarQuery(whole))
    targets = tuple(form.Target(share, "percent_of_total") if target == figure else target for target in select.targets)
    orders = tuple(replace(each, expression=share) if each.expression == figure.expression else each for each in select.order_by)
    return replace(select, targets=targets, order_by=orders)
