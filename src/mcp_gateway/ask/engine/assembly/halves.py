"""Two things said that no single row can fulfil: the rows are found twice ("have both a cat and a dog")."""

from mcp_gateway.ask.engine.assembly.alternatives import may_be_pairs
from mcp_gateway.ask.engine.assembly.bound import Bound
from mcp_gateway.ask.engine.assembly.conditions import through_many
from mcp_gateway.ask.engine.assembly.moments import apart_in_time, date_column
from mcp_gateway.ask.engine.form import ColumnRef, ComparisonOperator, Literal
from mcp_gateway.ask.engine.sketch import Clause, Compare, HasValue, InPeriod


def both_halves(bound: Bound) -> tuple[tuple[Clause, ...], tuple[Clause, ...]] | None:
    """The clauses of each half; None where one query does.

    Rows are counted twice over only where the values stand in another table that may hold several rows for each of them.
    """
    if may_be_pairs(bound.sketch.clauses):
        return None
    counted = counts_rows(bound)
    if not counted and any(wanted.function is not None or wanted.metric is not None for wanted in bound.sketch.wanted):
        return None
    plain = [clause for clause in bound.sketch.clauses if not clause.negated and clause.connector == "and"]
    for index, first in enumerate(plain):
        for second in plain[index + 1 :]:
            if not (_alike(bound, first, second) and _exclude(bound, first, second)):
                continue
            if (counted or _lists_rows(bound, first)) and not through_many(bound, first):
                return None
            rest = [clause for clause in bound.sketch.clauses if clause is not first and clause is not second]
            return (*rest, first), (*rest, second)
    return None


def counts_rows(bound: Bound) -> bool:
    """Whether nothing but the number of the head's rows, or figures of theirs, are asked for."""
    wanted = bound.sketch.wanted
    plain = len(wanted) == 1 and wanted[0].function == "count" and wanted[0].column is None
    own = bool(wanted) and all(
        each.function not in {None, "count"} and each.column is not None and bound.ref(each.column).table == bound.head
        for each in wanted
    )
    return (plain or own) and not (bound.sketch.groups or bound.sketch.rankings)


def _lists_rows(bound: Bound, clause: Clause) -> bool:
    """Whether the rows themselves are listed that have the value: no row has two, so either is meant."""
    if not isinstance(clause.said, HasValue) or bound.sketch.both:
        return False
    table = bound.table(bound.head)
    names = {*(table.key if len(table.key) == 1 else ()), *(table.labels if table.key and table.is_named else ())}
    shown = [bound.ref(wanted.column) for wanted in bound.sketch.wanted if wanted.column is not None]
    return not bound.sketch.wanted or bool(names.intersection(shown))


def _shows_kinds(bound: Bound) -> bool:
    """Whether values are shown that many rows share ("the citizenships of singers born ...")."""
    names = {*bound.key(bound.head), *bound.table(bound.head).labels}
    shown = [bound.ref(wanted.column) for wanted in bound.sketch.wanted if wanted.column is not None]
    return bool(shown) and not names.intersection(shown)


def _alike(bound: Bound, first: Clause, second: Clause) -> bool:
    """Whether both speak of one column, or of one table where the question says "both"."""
    column, other = _column_of(bound, first), _column_of(bound, second)
    if column is None or other is None:
        return False
    return column == other or (bound.sketch.both and column.table == other.table)


def _column_of(bound: Bound, clause: Clause) -> ColumnRef | None:
    said = clause.said
    if isinstance(said, HasValue):
        return bound.binding.value(said.value).column
    if isinstance(said, InPeriod) and said.column is None:
        return date_column(bound, clause.position)
    if isinstance(said, Compare | InPeriod) and said.column is not None:
        return bound.ref(said.column)
    return None


def _exclude(bound: Bound, first: Clause, second: Clause) -> bool:
    if isinstance(first.said, HasValue) and isinstance(second.said, HasValue):
        return bound.binding.value(first.said.value) != bound.binding.value(second.said.value)
    if isinstance(first.said, Compare) and isinstance(second.said, Compare):
        return _apart(first.said, second.said)
    if isinstance(first.said, InPeriod) and isinstance(second.said, InPeriod):
        stretches = (first.said.start, first.said.end), (second.said.start, second.said.end)
        rows = not (through_many(bound, first) or _shows_kinds(bound))
        return not rows and apart_in_time(*stretches)
    return False


def _apart(first: Compare, second: Compare) -> bool:
    """Whether no number can be on the right side of both ("before 1945" and "after 1955")."""
    ends: list[tuple[float, ComparisonOperator]] = []
    for said in (first, second):
        value = said.operand.value if isinstance(said.operand, Literal) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        ends.append((float(value), said.operator))
    (low, below), (high, above) = sorted(ends)
    return below in {"<", "<=", "="} and above in {">", ">=", "="} and low != high
