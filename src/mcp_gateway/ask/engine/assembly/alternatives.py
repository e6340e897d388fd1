"""Which conditions are alternatives of each other: tied by "or", or such that no row can fulfil both."""

from collections.abc import Sequence

from mcp_gateway.ask.engine.assembly.moments import other_time
from mcp_gateway.ask.engine.form import And, Comparison, Condition, Literal, Or
from mcp_gateway.ask.engine.form_walk import columns_of
from mcp_gateway.ask.engine.sketch import Clause, Compare, HasValue


def add_condition(where: list[Condition], condition: Condition, *, either: bool) -> None:
    """One more condition, beside the others or as an alternative to the last."""
    if condition in where:
        return
    if where and (
        either or _same_equality(where[-1], condition) or other_time(where[-1], condition) or _no_year(where[-1], condition)
    ):
        where[-1] = _either(where[-1], condition)
    else:
        where.append(condition)


def may_be_pairs(clauses: Sequence[Clause]) -> bool:
    """Whether as much is said after one "or" as before it, in plain conditions."""
    half = len(clauses) // 2
    plain = all(not clause.negated and isinstance(clause.said, HasValue | Compare) for clause in clauses)
    alternatives = [place for place, clause in enumerate(clauses) if clause.connector == "or"]
    return plain and len(clauses) == 2 * half and half > 1 and alternatives == [half]


def paired(conditions: Sequence[Condition]) -> Condition | None:
    """ "In Leeds and older than 60 or in York and younger than 20": pairs said of the same columns; None for anything else."""
    half = len(conditions) // 2
    columns = [columns_of(each) for each in conditions]
    if columns[:half] != columns[half:] or len(set(columns[:half])) != half:
        return None
    return Or((And(tuple(conditions[:half])), And(tuple(conditions[half:]))))


def _no_year(left: Condition, right: Condition) -> bool:
    """Whether a year would have to lie before an earlier one and after a later one: either is meant."""
    if not (isinstance(left, Comparison) and isinstance(right, Comparison) and left.left == right.left):
        return False
    below, above = sorted((left, right), key=lambda each: each.operator in {">", ">="})
    ends = [each.right.value for each in (below, above) if isinstance(each.right, Literal)]
    numbers = [end for end in ends if isinstance(end, int | float)]
    apart = len(numbers) == 2 and numbers[0] < numbers[1]
    return apart and below.operator in {"<", "<="} and above.operator in {">", ">="}


def _same_equality(left: Condition, right: Condition) -> bool:
    """Two values of one column: no row has both, so "and" means either."""
    first = left.conditions[0] if isinstance(left, Or) else left
    return (
        isinstance(first, Comparison)
        and isinstance(right, Comparison)
        and first.operator == right.operator == "="
        and first.left == right.left
        and isinstance(right.right, Literal)
    )


def _either(left: Condition, right: Condition) -> Condition:
    return Or((*left.conditions, right)) if isinstance(left, Or) else Or((left, right))
