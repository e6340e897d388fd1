"""Clauses of a bound sketch as conditions: those on rows, those on groups of rows, and those denied through another table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcp_gateway.ask.engine.assembly.alternatives import add_condition, may_be_pairs, paired
from mcp_gateway.ask.engine.assembly.bound import Bound
from mcp_gateway.ask.engine.assembly.moments import date_column
from mcp_gateway.ask.engine.date_calendar import step
from mcp_gateway.ask.engine.form import (
    Aggregate,
    Arithmetic,
    Between,
    ColumnRef,
    Comparison,
    ComparisonOperator,
    Condition,
    DatePart,
    DateRange,
    Expression,
    InList,
    InQuery,
    IsNull,
    Like,
    Literal,
    Not,
    RawRange,
    ScalarQuery,
    Select,
    TableRef,
    Target,
)
from mcp_gateway.ask.engine.joins import connect, key_between
from mcp_gateway.ask.engine.sketch import (
    Clause,
    ColumnMention,
    Compare,
    CountOf,
    Flagged,
    Given,
    HasText,
    HasValue,
    InPeriod,
    InRange,
    MetricIs,
    Missing,
    OnDays,
    Related,
    Statistic,
    SumOf,
    TableMention,
)

_OLDEST = 500  # years; a larger number is a year itself
_OPPOSITE: dict[ComparisonOperator, ComparisonOperator] = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRRORED: dict[ComparisonOperator, ComparisonOperator] = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Conditions:
    """`tables` must be joined although no column of theirs is used."""

    where: tuple[Condition, ...] = ()
    having: tuple[Condition, ...] = ()
    tables: tuple[str, ...] = ()


def conditions_of(bound: Bound, clauses: Sequence[Clause]) -> Conditions | None:
    """The conditions of some clauses; None when they make no sense together."""
    if may_be_pairs(clauses):
        pairs = paired([_on_row(bound, clause) for clause in clauses])
        if pairs is not None:
            return Conditions((pairs,))
    return _one_by_one(bound, clauses)


def _one_by_one(bound: Bound, clauses: Sequence[Clause]) -> Conditions | None:
    where: list[Condition] = []
    having: list[Condition] = []
    tables: list[str] = []
    denied: list[Clause] = []
    denies = False  # "not from Leeds or York" is neither
    outer, inner = _split_at_scope(clauses)
    if inner:
        made_of = _above_some(bound, outer[-1], inner)
        if made_of is None:
            return None
        where.append(made_of)
        outer = outer[:-1]
    for clause in outer:
        if clause.negated and through_many(bound, clause):
            denied.append(clause)
            continue
        if clause.negated and denied and not isinstance(clause.said, Related):
            clause = replace(clause, negated=False)  # noqa: PLW2901  # "without orders in Germany": the customers are in Germany
        if isinstance(clause.said, CountOf | SumOf | MetricIs):
            made, table = _on_group(bound, clause)
            having.append(made)
            tables.extend(table)
            continue
        if isinstance(clause.said, Related):
            if clause.negated:
                return None
            continue
        if isinstance(clause.said, InPeriod) and _too_fine(bound, clause.said, clause.position):
            return None
        add_condition(where, _on_row(bound, clause), either=clause.connector == "or" and not (clause.negated and denies))
        denies = clause.negated
    if denied:
        without = _denied(bound, denied)
        if without is None:
            return None
        where.append(without)
    return Conditions(tuple(where), tuple(having), tuple(tables))


def _split_at_scope(clauses: Sequence[Clause]) -> tuple[Sequence[Clause], Sequence[Clause]]:
    """The clauses up to a comparison with an average of certain rows, and those that say which rows."""
    for place, clause in enumerate(clauses):
        if isinstance(clause.said, Compare) and isinstance(clause.said.operand, Statistic) and clause.said.operand.scoped:
            return clauses[: place + 1], clauses[place + 1 :]
    return clauses, ()


def _above_some(bound: Bound, clause: Clause, inner: Sequence[Clause]) -> Condition | None:
    """A comparison with an average over only the rows for which the inner clauses hold."""
    said = clause.said
    if not isinstance(said, Compare) or not isinstance(said.operand, Statistic) or clause.negated:
        return None
    plain = _compare(bound, said)
    other = bound.ref(said.operand.column if said.operand.column is not None else said.column)
    conditions = conditions_of(replace(bound, head=other.table), inner)
    if conditions is None or conditions.having or not isinstance(plain, Comparison):
        return None
    select = Select(TableRef(other.table), (Target(Aggregate(said.operand.function, other)),), where=conditions.where)
    connected = connect(select, bound.reader.schema.keys, also=conditions.tables, find=bound.reader.tree)
    return None if connected is None else replace(plain, right=ScalarQuery(connected))


def _tables_of(bound: Bound, clause: Clause) -> tuple[str, ...]:
    """The tables a clause speaks of."""
    said = clause.said
    if isinstance(said, Related):
        return (bound.binding.table(said.table),)
    if isinstance(said, CountOf):
        counted = said.counted
        if counted is None:
            return ()
        return (bound.binding.table(counted) if isinstance(counted, TableMention) else bound.ref(counted).table,)
    if isinstance(said, HasValue):
        return (bound.binding.value(said.value).column.table,)
    if isinstance(said, Given):
        return (said.table,)
    if isinstance(said, MetricIs):
        return said.metric.tables
    if isinstance(said, InPeriod | OnDays) and said.column is None:
        return (date_column(bound, clause.position).table,)
    return (bound.ref(said.column).table,) if said.column is not None else ()


def through_many(bound: Bound, clause: Clause) -> bool:
    """Whether a denied clause speaks of a table that holds several rows (or none) for one row asked about."""
    if isinstance(clause.said, CountOf) and clause.said.counted is None:
        return False
    others = [table for table in _tables_of(bound, clause) if table != bound.head]
    if not others:
        return False
    if isinstance(clause.said, Related):
        return True
    tree = bound.reader.tree(frozenset((bound.head, *others)))
    if tree is None:
        return False
    reached, edges = {bound.head}, set(tree.edges)
    while edges:
        edge = next((e for e in edges if e.child[0].table in reached or e.parent[0].table in reached), None)
        if edge is None or edge.child[0].table not in reached:
            return True
        edges.discard(edge)
        reached.add(edge.parent[0].table)
    return False


def _denied(bound: Bound, clauses: Sequence[Clause]) -> Condition | None:
    """The head's rows that are not among those for which the clauses hold."""
    affirmed = [replace(clause, negated=False) for clause in clauses]
    others = dict.fromkeys(table for clause in affirmed for table in _tables_of(bound, clause) if table != bound.head)
    step = key_between(bound.reader.schema.keys, bound.head, others)
    if step is None:
        return None
    own, neighbour, many = step
    if not many and all(isinstance(clause.said, Related) for clause in clauses):
        return IsNull(own)
    inner_bound = replace(bound, head=neighbour.table)
    inner = conditions_of(inner_bound, [clause for clause in affirmed if not _is_only(bound, clause, neighbour.table)])
    if inner is None:
        return None
    where = inner.where
    if bound.prepared(neighbour).column.nullable and neighbour not in bound.table(neighbour.table).key:
        where = (*where, IsNull(neighbour, negated=True))
    select = Select(TableRef(neighbour.table), (Target(neighbour),), where=where, having=inner.having)
    if inner.having:
        select = replace(select, group_by=(neighbour,))
    connected = connect(select, bound.reader.schema.keys, also=[t for t in (*others, *inner.tables) if t != bound.head])
    return None if connected is None else InQuery(own, connected, negated=True)


def _is_only(bound: Bound, clause: Clause, table: str) -> bool:
    return isinstance(clause.said, Related)


def _on_group(bound: Bound, clause: Clause) -> tuple[Condition, tuple[str, ...]]:
    said = clause.said
    if isinstance(said, SumOf):
        operator = _OPPOSITE[said.operator] if clause.negated else said.operator
        return Comparison(Aggregate(said.function, bound.ref(said.column)), operator, said.number), ()
    if isinstance(said, MetricIs):
        operator = _OPPOSITE[said.operator] if clause.negated else said.operator
        return Comparison(said.metric, operator, said.number), ()
    if not isinstance(said, CountOf):
        raise TypeError(f"{type(said).__name__} says nothing about groups")
    operator = _OPPOSITE[said.operator] if clause.negated else said.operator
    operand: Expression = Aggregate("count")
    tables: tuple[str, ...] = ()
    if isinstance(said.counted, TableMention):
        tables = (bound.binding.table(said.counted),)
    elif said.counted is not None:
        operand = Aggregate("count", bound.ref(said.counted), distinct=True)
    return Comparison(operand, operator, Literal(said.number, "number")), tables


def _on_row(bound: Bound, clause: Clause) -> Condition:
    """One clause as a condition on a row."""
    said = clause.said
    made: Condition
    match said:
        case Compare():
            made = _compare(bound, said)
        case HasValue():
            choice = bound.binding.value(said.value)
            made = Comparison(choice.column, "=", literal_for(bound, choice.column, choice.value))
            if choice.partial:
                made = Like(choice.column, said.value.text, "contains")
        case HasText():
            made = _text(bound, said)
        case InRange():
            made = Between(bound.ref(said.column), said.low, said.high)
        case InPeriod():
            made = _period(bound, said, clause.position)
        case OnDays():
            day = DatePart("weekday", date_column(bound, clause.position))
            names = tuple(Literal(name) for name in said.names)
            made = Comparison(day, "=", names[0]) if len(names) == 1 else InList(day, names)
        case Missing():
            made = IsNull(bound.ref(said.column), negated=said.present)
        case Flagged():
            made = _flag(bound, said)
        case Given():
            made = said.condition
        case _:
            raise TypeError(f"{type(said).__name__} says nothing about one row")
    return _not(made) if clause.negated else made


def _not(condition: Condition) -> Condition:
    match condition:
        case Comparison():
            return replace(condition, operator=_OPPOSITE[condition.operator])
        case Like() | Between() | IsNull() | InQuery() | InList():
            return replace(condition, negated=not condition.negated)
    return Not(condition)


def literal_for(bound: Bound, ref: ColumnRef, value: object) -> Literal:
    """A constant in the type of the column it is compared with."""
    kind = bound.prepared(ref).column.kind
    if isinstance(value, bool):
        return Literal(value, "boolean")
    if kind in {"integer", "number"} and isinstance(value, int | float):
        return Literal(value, "number")
    if kind == "date" and isinstance(value, str):
        return Literal(value, "date")
    return Literal(
        value if isinstance(value, int | float) else str(value),
        "number" if isinstance(value, int | float) and kind != "text" else "text",
    )


def _compare(bound: Bound, said: Compare) -> Condition:
    made = _compared(bound, said)
    if said.factor == 1:
        return made
    return replace(made, right=Arithmetic("*", Literal(said.factor, "number"), made.right))


def _compared(bound: Bound, said: Compare) -> Comparison:
    ref = bound.ref(said.column)
    operator = said.operator
    if bound.binding.reverse(said.column):
        operator = _MIRRORED[operator]
    if isinstance(said.operand, ColumnMention):
        return Comparison(ref, operator, bound.ref(said.operand))
    if isinstance(said.operand, TableMention):
        return Comparison(ref, operator, ColumnRef(bound.binding.table(said.operand), ref.column))
    if isinstance(said.operand, Statistic):
        other = bound.ref(said.operand.column) if said.operand.column is not None else ref
        inner = Select(TableRef(other.table), (Target(Aggregate(said.operand.function, other)),))
        return Comparison(ref, operator, ScalarQuery(inner))
    if bound.binding.reverse(said.column) and (since := born_before(bound, ref, said.operand)) is not None:
        return Comparison(ref, operator, since)
    return Comparison(ref, operator, literal_for(bound, ref, said.operand.value))


def born_before(bound: Bound, ref: ColumnRef, age: Literal) -> Literal | None:
    """The moment so many years ago, where a column holds when something began; None for a number that is no age."""
    prepared, today = bound.prepared(ref), bound.reader.today
    if not isinstance(age.value, int) or isinstance(age.value, bool) or not 0 <= age.value < _OLDEST or today is None:
        return None
    if prepared.is_temporal:
        return Literal(step("year", today, -age.value).isoformat(), "date")
    return literal_for(bound, ref, today.year - age.value) if prepared.is_year else None


def _text(bound: Bound, said: HasText) -> Condition:
    ref = bound.ref(said.column) if said.column is not None else bound.table(bound.head).labels[0]
    if said.where == "equals":
        return Comparison(ref, "=", Literal(said.text, "text"))
    return Like(ref, said.text, said.where)


def _period(bound: Bound, said: InPeriod, position: int) -> Condition:
    ref = bound.ref(said.column) if said.column is not None else date_column(bound, position)
    if said.first:
        return RawRange(ref, said.name, said.first, said.last)
    prepared = bound.prepared(ref)
    if not prepared.is_year:
        return DateRange(ref, said.start, said.end, said.name)
    first = int(said.start[:4]) if said.start else None
    last = int(said.end[:4]) - (1 if said.end[5:10] == "01-01" else 0) if said.end else None
    if first is None or last is None:
        bound_year, operator = (last, "<") if first is None else (first, ">=")
        year = (bound_year or 0) + (1 if first is None else 0)
        made: ComparisonOperator = "<" if operator == "<" else ">="
        return Comparison(ref, made, literal_for(bound, ref, year))
    if first == last:
        return Comparison(ref, "=", literal_for(bound, ref, first))
    return Between(ref, literal_for(bound, ref, first), literal_for(bound, ref, last))


def _too_fine(bound: Bound, said: InPeriod, position: int) -> bool:
    """Whether a period begins or ends within a year although the column holds years alone."""
    ref = bound.ref(said.column) if said.column is not None else date_column(bound, position)
    ends = [end for end in (said.start, said.end) if end is not None]
    return bound.prepared(ref).is_year and not all(end[5:10] == "01-01" for end in ends)


def _flag(bound: Bound, said: Flagged) -> Condition:
    ref = bound.ref(said.column)
    values = bound.prepared(ref).flag_values or (1, 0)
    return Comparison(ref, "=", literal_for(bound, ref, values[0] if said.yes else values[1]))
