"""What a column is compared with other than a number: an average or maximum, the same column of a role."""

from collections.abc import Iterator
from dataclasses import replace

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.form import ComparisonOperator
from mcp_gateway.ask.engine.grammar.reader import Reader, State, said, step
from mcp_gateway.ask.engine.lexicon import AGGREGATES
from mcp_gateway.ask.engine.sketch import ColumnMention, Compare, Said, Sketch, Statistic

_FACTORS: dict[str, float] = {"twice": 2, "double": 2, "thrice": 3, "triple": 3, "half": 0.5}
_AROUND: dict[str, ComparisonOperator] = {
    **dict.fromkeys(("higher", "greater", "larger", "bigger", "more", "longer", "later", "better"), ">"),
    **dict.fromkeys(("lower", "smaller", "fewer", "less", "shorter", "earlier"), "<"),
}


def statistic_at(
    reader: Reader, mention: ColumnMention, operator: ComparisonOperator, start: int
) -> Iterator[tuple[Said, int, float]]:
    factor, start = factor_at(reader, start)
    found = AGGREGATES.at(reader.tokens, start)
    measure = reader.ordered(mention)
    if found is None or measure is None:
        return
    function, end = found
    yield Compare(measure, operator, Statistic(function, scoped=names_rows(reader, end)), factor), end, 1.0
    at = reader.skip(end, ("of", "the", "all", "for"), 3)
    for other in reader.columns_at(at):
        fitting = reader.ordered(other)
        if fitting is not None:
            scoped = names_rows(reader, other.end)
            yield Compare(measure, operator, Statistic(function, fitting, scoped), factor), other.end, 1.0


def factor_at(reader: Reader, at: int) -> tuple[float, int]:
    """ "twice the average", "3 times their salary": how many times what follows is meant, and where that begins."""
    known = _FACTORS.get(reader.low(at))
    if known is not None:
        return known, reader.skip(at + 1, ("the", "of", "as", "much"), 2)
    number = reader.number_at(at)
    if number is not None and reader.low(at + 1) == "times" and isinstance(number.value, int | float):
        return number.value, reader.skip(at + 2, ("the", "of", "as"), 2)
    return 1, at


def names_rows(reader: Reader, at: int) -> bool:
    """Whether an average is said to be of certain rows: "the average price of all books published in 2020"."""
    if reader.low(at) not in {"of", "for", "among", "in", "from"}:
        return False
    start = reader.skip(at + 1, ("all", "the", "those", "other", "any"), 2)
    return bool(reader.tables_at(start)) or any(reader.tables_at(value.end) for value in reader.values_at(start))


def other_at(
    reader: Reader, mention: ColumnMention, operator: ComparisonOperator, start: int
) -> Iterator[tuple[Said, int, float]]:
    """A comparison with the same column of a role ("earn more than their manager") or with another column of the row."""
    ordered = reader.ordered(mention)
    factor, start = factor_at(reader, start)
    at = reader.skip(start, ("that", "those", "of", "the", "their", "his", "her"), 3)
    for table in reader.tables_at(at):
        if ordered is not None and table.choices[0][0] in reader.schema.roles:
            yield Compare(ordered, operator, table, factor), reader.skip(table.end, ("'s", "does", "do", "did", "is"), 1), 1.0
    for column in reader.columns_at(at):
        other = reader.ordered(column)
        if ordered is not None and other is not None and _comparable(reader, ordered, other):
            yield Compare(ordered, operator, other, factor), other.end, other.choices[0].strength


def around(reader: Reader, state: State) -> Iterator[State]:
    """ "a higher salary than their manager", "more pages than 300": the comparison around its column."""
    operator = _AROUND.get(reader.low(state.position))
    if operator is None:
        return
    for mention in reader.columns_at(state.position + 1):
        ordered = reader.ordered(mention)
        if ordered is None or reader.low(mention.end) != "than":
            continue
        at = reader.skip(mention.end + 1, ("the", "a", "an"), 1)
        number, comparable = reader.number_at(at), reader.numeric(mention)
        found: list[tuple[Said, int, float]] = [*statistic_at(reader, mention, operator, at)]
        found += other_at(reader, mention, operator, at)
        if number is not None and comparable is not None and reader.low(at) != "one":
            found.append((Compare(comparable, operator, number), at + 1, 1.0))
        for what, end, strength in found:
            moved = step(reader, state, mention.end + 1, state.sketch, strength=ordered.choices[0].strength, cue=scoring.GAIN_CUE)
            sketch = _without_verb(said(state, what, state.position), mention, state.position)
            yield step(reader, moved, end, sketch, strength=strength, cue=scoring.PREDICATE)


def _comparable(reader: Reader, one: ColumnMention, other: ColumnMention) -> bool:
    """Whether both name different columns of a kind, each beyond doubt."""
    first, second = reader.prepared(one), reader.prepared(other)
    alike = first.is_temporal == second.is_temporal and first.is_numeric == second.is_numeric
    return alike and first.ref != second.ref and min(one.choices[0].strength, other.choices[0].strength) >= 0.8


def _without_verb(sketch: Sketch, mention: ColumnMention, position: int) -> Sketch:
    """The sketch without the column that a verb right before names too ("earn a higher salary")."""
    last = sketch.wanted[-1] if sketch.wanted else None
    same = last is not None and last.column is not None and last.column.choices[0].column == mention.choices[0].column
    near = last is not None and last.column is not None and position - last.column.end <= 1
    return replace(sketch, wanted=sketch.wanted[:-1]) if same and near else sketch
