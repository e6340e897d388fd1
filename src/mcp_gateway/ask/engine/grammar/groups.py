"""Rows taken together: "for each country", "per month", "with at least 3 dogs", "more than once"."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.form import ComparisonOperator, Literal, Unit
from mcp_gateway.ask.engine.grammar.reader import Reader, State, affirmed, said, step
from mcp_gateway.ask.engine.grammar.targets import aggregates_at
from mcp_gateway.ask.engine.lexicon import AFTER_NUMBER, COMPARATORS, COUNTS, EACH
from mcp_gateway.ask.engine.schema_index import PreparedColumn
from mcp_gateway.ask.engine.sketch import Choice, ColumnMention, CountOf, Given, Grouping, SumOf, TableMention, Wanted

_BEFORE = (
    "the",
    "number",
    "different",
    "distinct",
    "of",
    "a",
    "other",
    "unique",
    "individual",
    "single",
    "value",
    "type",
    "given",
)


_UNITS: dict[str, Unit] = {"year": "year", "quarter": "quarter", "month": "month", "week": "week", "day": "day", "hour": "hour"}


def each(reader: Reader, state: State) -> Iterator[State]:
    """ "for each singer", "per country", "by month"."""
    found = EACH.at(reader.tokens, state.position)
    by = reader.low(state.position) == "by" and found is None
    wanted = state.sketch.wanted
    lists = bool(wanted) and not any(each.function or each.metric for each in wanted) and not _figures(reader, wanted)
    if found is None and (not by or lists):
        return
    at = reader.skip(found[1] if found else state.position + 1, _BEFORE, 2)
    figure = any(metric.end == state.position for many in reader.links.metrics.values() for metric in many)
    cue = scoring.GAIN_CUE if found or figure or not reader.is_verb(state.position - 1) else 0.05
    weak = (
        found is not None
        and reader.low(state.position) in {"of", "in", "across", "for"}
        and "each" not in {reader.low(at - 1), reader.low(at - 2)}
    )
    moved = step(reader, affirmed(state), at, state.sketch, strength=0.9, cue=cue - (0.35 if weak else 0.0))
    named = max((column.end for column in reader.columns_at(at) if column.choices[0].strength >= 0.9), default=at)
    for table in reader.tables_at(at):
        if found is None and _is_one(reader, table.end):
            continue
        if table.end < named:
            continue
        sketch = replace(state.sketch, groups=(*state.sketch.groups, Grouping(table)))
        after = replace(step(reader, moved, table.end, sketch, strength=table.choices[0][1]), entity=table)
        yield after
        yield from _second_key(reader, after)
    for given in reader.given_at(at):
        rows = TableMention(given.start, given.end, ((given.table, 1.0),))
        sketch = replace(
            said(moved, Given(given.condition, given.table), state.position), groups=(*state.sketch.groups, Grouping(rows))
        )
        yield replace(step(reader, moved, given.end, sketch, strength=1.0, cue=scoring.BUSINESS_WORD), entity=rows)
    for column in reader.columns_at(at):
        sketch = replace(state.sketch, groups=(*state.sketch.groups, Grouping(column)))
        after = step(reader, moved, column.end, sketch, strength=column.choices[0].strength)
        yield replace(after, column=column)
        yield from _second_key(reader, replace(after, column=column))


def _figures(reader: Reader, wanted: Sequence[Wanted]) -> bool:
    """Whether only columns that can be added up are asked for ("amount by city")."""
    return all(each.column is not None and reader.prepared(each.column).is_measure for each in wanted)


def _is_one(reader: Reader, position: int) -> bool:
    """Whether a name follows, so that one row is meant ("by the artist 'Metallica'")."""
    quoted = position < len(reader.tokens) and reader.tokens[position].kind == "quoted"
    return quoted or bool(reader.values_at(position)) or reader.low(position) in {"named", "called", "with"}


def unit(reader: Reader, state: State) -> Iterator[State]:
    """ "by month", "each year", "monthly": units of a date column."""
    found = reader.times.units.get(state.position)
    if found is None:
        return
    hourly = "hour" in {found.unit, found.part}
    dates = _date_columns(reader, state.position, hourly=hourly)
    if dates is None:
        return
    sketch = replace(state.sketch, groups=(*state.sketch.groups, Grouping(dates, found.unit, found.part)))
    after = step(reader, state, found.end, sketch, strength=0.9, cue=scoring.GAIN_CUE)
    yield after
    yield from _second_key(reader, after)


def _second_key(reader: Reader, state: State) -> Iterator[State]:
    """ "for each city and state"."""
    at = reader.skip(state.position, ("and", ",", "each", "every"), 2)
    if reader.low(state.position) != "and":
        return
    unit_named = _UNITS.get(reader.low(at))
    dates = None if unit_named is None else _date_columns(reader, at, hourly=unit_named == "hour")
    if dates is not None:
        sketch = replace(state.sketch, groups=(*state.sketch.groups, Grouping(dates, unit_named)))
        yield step(reader, state, at + 1, sketch, strength=0.9, cue=0.3)
    named = max((column.end for column in reader.columns_at(at) if column.choices[0].strength >= 0.9), default=at)
    for table in reader.tables_at(at):
        if table.end >= named and not _is_one(reader, table.end):
            sketch = replace(state.sketch, groups=(*state.sketch.groups, Grouping(table)))
            yield replace(step(reader, state, table.end, sketch, strength=table.choices[0][1], cue=0.3), entity=table)
    for column in reader.columns_at(at):
        sketch = replace(state.sketch, groups=(*state.sketch.groups, Grouping(column)))
        yield replace(step(reader, state, column.end, sketch, strength=column.choices[0].strength, cue=0.05), column=column)


def _date_columns(reader: Reader, at: int, *, hourly: bool) -> ColumnMention | None:
    dated = [column for column in reader.schema.columns.values() if column.is_temporal and (not hourly or _has_hours(column))]
    choices = tuple(Choice(column.ref, 0.4 if "birth" in column.slots else 0.8) for column in dated)
    return ColumnMention(at, at + 1, choices, implied=True) if choices else None


def _has_hours(column: PreparedColumn) -> bool:
    """Whether a column holds the time of day, not days alone."""
    return column.column.kind in {"timestamp", "time"} or any(":" in str(sample) for sample in column.column.samples)


def having_count(reader: Reader, state: State) -> Iterator[State]:
    """ "more than 3 dogs", "at least two", "more than once"."""
    found = COMPARATORS.at(reader.tokens, state.position)
    operator, at = found or ("=", state.position)
    at = reader.skip(at, ("a", "an", "the"), 1) if found else at
    number = reader.number_at(at)
    if number is None and found is not None and reader.low(at - 1) in {"a", "an"} and reader.tables_at(at):
        number, at = Literal(1, "number"), at - 1
    if number is None or not isinstance(number.value, int):
        return
    end = at + 1
    after = AFTER_NUMBER.at(reader.tokens, end) if found is None else None
    operator, end = after or (operator, end)
    word = reader.low(at)
    stop = end if word in {"once", "twice", "thrice"} else end + 1
    later = AFTER_NUMBER.at(reader.tokens, stop) if found is None and after is None else None
    if (
        word in {"once", "twice", "thrice"}
        and found is None
        and after is None
        and later is None
        and reader.low(state.position - 1) not in {"only", "exactly"}
    ):
        return
    if word in {"once", "twice", "thrice"} or reader.low(end) in {"time", "times"}:
        operator, stop = later or (operator, stop)
        sketch = said(state, CountOf(operator, number.value), state.position)
        yield step(reader, state, stop, sketch, strength=0.9, cue=0.3)
        return
    inner = reader.skip(end, ("different", "of", "the", "distinct", "or", "more", "other", "its", "their"), 2)
    for table in reader.tables_at(inner):
        later = AFTER_NUMBER.at(reader.tokens, table.end) if found is None and after is None else None
        if state.phase == "ask" and not (state.sketch.wanted or state.sketch.entities):
            continue
        if later is not None:
            sketch = said(state, CountOf(later[0], number.value, table), state.position)
            moved = step(reader, state, table.end, sketch, strength=table.choices[0][1], cue=0.1)
            yield step(reader, moved, later[1], sketch, strength=0.9, cue=0.3)
        sketch = said(state, CountOf(operator, number.value, table), state.position)
        moved = step(reader, state, inner, sketch, strength=1.0, cue=0.1)
        yield replace(step(reader, moved, table.end, sketch, strength=table.choices[0][1]), entity=state.entity)
    for column in reader.columns_at(inner):
        if not reader.prepared(column).is_measure and (found or after):
            sketch = said(state, CountOf(operator, number.value, column), state.position)
            moved = step(reader, state, inner, sketch, strength=0.9)
            yield step(reader, moved, column.end, sketch, strength=column.choices[0].strength * 0.7, cue=-0.1)


def having_number_of(reader: Reader, state: State) -> Iterator[State]:
    """ "whose number of dogs is above 3"."""
    counted = COUNTS.at(reader.tokens, state.position)
    if counted is None:
        return
    inner = reader.skip(counted[1], ("the", "of", "different", "their"), 2)
    for table in reader.tables_at(inner):
        at = reader.skip(table.end, ("is", "are", "was", "were", "that", "be", "which"), 2)
        compared = compared_at(reader, at)
        if compared is not None and isinstance(compared[1].value, int):
            sketch = said(state, CountOf(compared[0], compared[1].value, table), state.position)
            yield step(reader, state, compared[2], sketch, strength=0.95, cue=scoring.GAIN_CUE)


def compared_at(reader: Reader, at: int) -> tuple[ComparisonOperator, Literal, int] | None:
    """A comparison with a number at a position: operator, number, end."""
    found = COMPARATORS.at(reader.tokens, at)
    if found is None:
        return None
    start = reader.skip(found[1], ("the", "a", "an", "than"), 1)
    number = reader.number_at(start)
    return None if number is None else (found[0], number, start + 1)


def having_aggregate(reader: Reader, state: State) -> Iterator[State]:
    """ "whose average age is above 30"."""
    found = aggregates_at(reader, state.position)
    if found is None or len(found[0]) != 1:
        return
    at = reader.skip(found[1], ("the", "of", "all", "their", "its"), 2)
    for column in reader.columns_at(at):
        measure = reader.measures(column)
        compared = compared_at(reader, reader.skip(column.end, ("is", "are", "was", "were", "that", "of", "which", "be"), 2))
        if measure is not None and compared is not None:
            sketch = said(state, SumOf(found[0][0], measure, compared[0], compared[1]), state.position)
            moved = step(
                reader, state, column.end, sketch, strength=measure.choices[0].strength, cue=scoring.GAIN_CUE + scoring.PREDICATE
            )
            yield step(reader, moved, compared[2], sketch, strength=1.0)


RULES = (each, unit, having_count, having_number_of, having_aggregate)
