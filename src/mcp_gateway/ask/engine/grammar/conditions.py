"""What is said about the rows: comparisons, values, texts, ranges, periods, missing values."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal as OneOf

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.form import ComparisonOperator, Literal
from mcp_gateway.ask.engine.grammar.comparing import around, factor_at, names_rows, other_at, statistic_at
from mcp_gateway.ask.engine.grammar.days import on_days
from mcp_gateway.ask.engine.grammar.reader import Reader, State, said, step
from mcp_gateway.ask.engine.lexicon import AFTER_NUMBER, AGGREGATES, COMPARATIVE_ADJECTIVES, COMPARATORS, FILLERS, LIKE
from mcp_gateway.ask.engine.measures import in_column_unit
from mcp_gateway.ask.engine.name_index import measured_by
from mcp_gateway.ask.engine.periods import FoundPeriod
from mcp_gateway.ask.engine.sketch import (
    ColumnMention,
    Compare,
    HasText,
    HasValue,
    InPeriod,
    InRange,
    Missing,
    Said,
    Sketch,
    Statistic,
    ValueMention,
)

_COPULAS = frozenset(
    """is are was were be being of that which has have had a an the been value to as with in named called either both equal also
    : = by at whose they it having from who like on set code greater stay got strictly word only score does do""".split()
)
_NULLS = frozenset({"null", "missing", "empty", "unknown", "blank", "none"})


def column_predicate(reader: Reader, state: State) -> Iterator[State]:
    """A column and what is said about it: "age is above 30", "country France", "name contains 'x'"."""
    for mention in reader.columns_at(state.position):
        at = reader.skip(_after_its_name(reader, mention.end), _COPULAS, 4)
        negated = state.negated
        if reader.low(at) == "not":
            at, negated = reader.skip(at + 1, _COPULAS, 4), True
        for what, end, strength in predicates_at(reader, mention, at):
            inner = step(reader, state, mention.end, state.sketch, strength=mention.choices[0].strength)
            moved = step(
                reader, inner, end, said(state, what, state.position, negated=negated), strength=strength, cue=scoring.PREDICATE
            )
            yield replace(moved, column=mention)


def _after_its_name(reader: Reader, position: int) -> int:
    """ "the state whose name contains": the name of a column's value is the value."""
    if reader.low(position) in {"whose", "with", "having", "that"}:
        at = reader.skip(position + 1, ("has", "have", "a", "the"), 2)
        if reader.low(at) in {"name", "names"} and reader.columns_at(at):
            return at + 1
    return position


def predicates_at(reader: Reader, mention: ColumnMention, at: int) -> Iterator[tuple[Said, int, float]]:
    """What may be said about a column from position `at` on: the condition, its end and its strength."""
    yield from comparisons_at(reader, mention, at)
    yield from _ranges_at(reader, mention, at)
    yield from _texts_at(reader, mention, at)
    for value in reader.values_at(at):
        fitting = _fitting(value, mention)
        if fitting is not None:
            yield HasValue(fitting, mention), fitting.end, fitting.choices[0].strength
    if reader.low(at) in _NULLS:
        yield Missing(mention), at + 1, 1.0
    for period in reader.periods_at(at):
        dated = _dated(reader, mention)
        if dated is not None:
            yield _in_period(period, dated), period.end, 1.0


def _fitting(value: ValueMention, mention: ColumnMention) -> ValueMention | None:
    """The value with only the choices left that lie in the mentioned column."""
    columns = {choice.column for choice in mention.choices}
    kept = tuple(choice for choice in value.choices if choice.column in columns)
    return replace(value, choices=kept) if kept else None


def _in_period(period: FoundPeriod, column: ColumnMention | None) -> InPeriod:
    return InPeriod(period.first, period.last, period.name, column, period.first_texts, period.last_texts)


def _dated(reader: Reader, mention: ColumnMention) -> ColumnMention | None:
    kept = tuple(c for c in mention.choices if (p := reader.schema.column(c.column)).is_temporal or p.is_year)
    return replace(mention, choices=kept) if kept else None


def comparisons_at(reader: Reader, mention: ColumnMention, at: int) -> Iterator[tuple[Said, int, float]]:
    """A comparison with a number or a statistic."""
    found = COMPARATORS.at(reader.tokens, at)
    operator, start = found or ("=", at)
    start = reader.skip(start, ("the", "a", "an", "than", "of", "or", "to", "its", "their", "in", "year"), 3) if found else start
    number = reader.number_at(start) if factor_at(reader, start)[0] == 1 else None
    comparable = reader.numeric(mention)
    if number is not None and comparable is not None:
        end = start + 1
        after = AFTER_NUMBER.at(reader.tokens, end) if found is None else None
        operator, end = after or (operator, end)
        timely = found is not None and reader.periods_at(at) and not reader.prepared(comparable).is_year
        if not _unlikely(reader, comparable, at, end, compared=operator not in {"=", "!="}):
            yield Compare(comparable, operator, number), end, 0.6 if timely else 1.2 if found else 1.0
    elif number is not None and found is None:
        coded = reader.prepared(mention).is_key or reader.prepared(mention).slots[-1] in {"code", "number", "id"}
        if coded:
            yield Compare(mention, operator, Literal(reader.tokens[start].text, "text")), start + 1, 0.85
    if found is not None:
        yield from statistic_at(reader, mention, operator, start)
        yield from other_at(reader, mention, operator, start)


def _unlikely(reader: Reader, mention: ColumnMention, at: int, end: int, *, compared: bool) -> bool:
    """Whether a number near a column is about something else: "the ratings of the three hotels"."""
    if compared and reader.prepared(mention).is_key:
        named_last = reader.tokens[mention.end - 1].stem == reader.prepared(mention).slots[-1]
        if not named_last or reader.low(end) in {"year", "years"}:
            return True
        return not set(map(reader.low, range(mention.end, at))) <= {"is", "are", "of", "value", "the", "be", "was"} or bool(
            reader.tables_at(end)
        )
    so_many = reader.low(mention.end) in {"of", "for"} and reader.low(at - 1) in {"the", "these", "those"}
    return not compared and so_many and bool(reader.tables_at(end) or reader.tables_at(end + 1))


def _ranges_at(reader: Reader, mention: ColumnMention, at: int) -> Iterator[tuple[Said, int, float]]:
    """ "between 10 and 20", "from 10 to 20"."""
    opener = reader.low(at)
    if opener not in {"between", "from", "ranging"} and reader.number_at(at) is None:
        return
    start = reader.skip(at, ("between", "from", "ranging", "the"), 3)
    low = reader.number_at(start)
    middle = reader.low(start + 1)
    high = reader.number_at(start + 2)
    comparable = reader.numeric(mention)
    spanned = middle in {"to", "-"} or (middle == "and" and start > at)
    if low is not None and high is not None and comparable is not None and spanned:
        yield InRange(comparable, low, high), start + 3, 1.15


_BEFORE_TEXT = frozenset(
    {"the", "a", "an", "letter", "word", "substring", "phrase", "string", "words", "text", "character", "letters", "either"}
)


def _texts_at(reader: Reader, mention: ColumnMention | None, at: int) -> Iterator[tuple[Said, int, float]]:
    """ "contains 'x'", "starts with A", or just a quoted text."""
    found = LIKE.at(reader.tokens, at)
    if found is not None:
        where, start = found
        while start < len(reader.tokens) and reader.tokens[start].text in _BEFORE_TEXT:
            start += 1
        weak = reader.low(at) in {"has", "have", "like", "include", "includes", "including", "with"} and (
            found[1] - at == 1 or reader.low(at + 1) == "a"
        )
        if start < len(reader.tokens) and _is_text(reader, start, weak=weak):
            yield HasText(reader.tokens[start].text, _where(where), mention), start + 1, 1.0
    if at < len(reader.tokens) and reader.tokens[at].kind == "quoted" and not reader.values_at(at):
        yield HasText(reader.tokens[at].text, "equals", mention), at + 1, 0.8


def _is_text(reader: Reader, at: int, *, weak: bool) -> bool:
    """Whether a token is a text to look for rather than a word of the question; `weak`: little speaks for it."""
    token = reader.tokens[at]
    if token.kind == "quoted":
        return True
    if token.kind == "mark" or weak:
        return len(token.text) == 1 and token.text.isalpha()
    if token.kind == "number" or len(token.text) == 1:
        return True
    return not reader.columns_at(at) and not reader.tables_at(at) and token.low not in FILLERS


def _where(name: str) -> OneOf["contains", "starts", "ends"]:
    return "starts" if name == "starts" else "ends" if name == "ends" else "contains"


def loose_text(reader: Reader, state: State) -> Iterator[State]:
    """Text that is said to be contained, with the column named before or after it."""
    for what, end, strength in _texts_at(reader, None, state.position):
        if not isinstance(what, HasText):
            continue
        after = reader.skip(end, ("in", "its", "their", "the", "his", "her", "as", "part", "of", "it", "at", "any"), 4)
        named = reader.columns_at(after) if after > end else ()
        for mention in named:
            sketch = said(state, replace(what, column=mention), state.position)
            moved = step(reader, state, end, sketch, strength=strength)
            yield step(reader, moved, mention.end, sketch, strength=mention.choices[0].strength)
        if not named:
            sketch = said(state, replace(what, column=state.column), state.position)
            yield step(reader, state, end, sketch, strength=strength * 0.9)


def value(reader: Reader, state: State) -> Iterator[State]:
    """A stored value; a column that names its kind may stand behind it ("Engineering department")."""
    for mention in reader.values_at(state.position):
        strength = mention.choices[0].strength
        near = state.column if state.column and state.position - state.column.end <= 2 else None
        fitting = _fitting(mention, near) if near else None
        what = HasValue(fitting or mention, near if fitting else None)
        after = reader.skip(mention.end, ("as", "their", "the", "in", "its", "for"), 2)
        for column in reader.columns_at(after):
            named = _fitting(mention, column)
            if named is not None:
                sketch = said(state, HasValue(named, column), state.position)
                moved = step(reader, state, mention.end, sketch, strength=named.choices[0].strength)
                yield step(reader, moved, column.end, sketch, strength=column.choices[0].strength, cue=0.15)
        tables = {choice.column.table for choice in mention.choices}
        cue = 0.4 if any(table.choices[0][0] in tables for table in reader.tables_at(mention.end)) else 0.0
        cue -= scoring.HAPPENED if _happened(reader, mention) else 0.0
        yield step(reader, state, mention.end, said(state, what, state.position), strength=strength, cue=cue)


def _happened(reader: Reader, mention: ValueMention) -> bool:
    """Whether a participle before a time rather says when something happened ("shipped last week" beside a ship date)."""
    last = reader.skip(mention.end, ("in", "on", "during", "over", "within", "the"), 2)
    if mention.end != mention.start + 1 or not any(reader.periods_at(at) for at in range(mention.end, last + 1)):
        return False
    stem = reader.tokens[mention.start].stem
    tables = {choice.column.table for choice in mention.choices}
    return any(
        stem in column.slots for ref, column in reader.schema.columns.items() if ref.table in tables and column.is_temporal
    )


def number_first(reader: Reader, state: State) -> Iterator[State]:
    """ "with more than 4 cylinders", "30 years or older", "at least 3 stars"."""
    found = COMPARATORS.at(reader.tokens, state.position)
    operator, at = found or ("=", state.position)
    at = reader.skip(at, ("the", "a", "an", "than"), 2) if found else at
    number = reader.number_at(at)
    if number is None:
        return
    end = at + 1
    after = AFTER_NUMBER.at(reader.tokens, end) if found is None else None
    operator, end = after or (operator, end)
    column_at = reader.skip(end, ("different", "of", "in", "total", "-", "as", "the", "for", "their", "or", "more", "'s"), 3)
    for mention in reader.columns_at(column_at):
        comparable = reader.numeric(mention)
        if comparable is not None:
            measured = _measured(reader, comparable, number, column_at)
            sketch = said(state, Compare(comparable, operator, measured), state.position)
            moved = step(reader, state, end, sketch, strength=1.0)
            yield step(reader, moved, mention.end, sketch, strength=comparable.choices[0].strength)
    pending = reader.comparable(state.column, number) if state.column else None
    if state.phase == "where" and pending is not None and reader.prepared(pending).is_key:
        pending = None
    free = not (reader.columns_at(column_at) or reader.tables_at(column_at) or reader.periods_at(state.position))
    free = free and reader.low(column_at) not in {"people", "persons", "times", "person", "items", "kinds", "types"}
    if pending is not None and (found or after) and free:
        sketch = said(state, Compare(pending, operator, number), state.position)
        sketch = _without_wanted(state, sketch)
        yield step(reader, state, end, sketch, strength=0.85, cue=-0.1)


def comparison_first(reader: Reader, state: State) -> Iterator[State]:
    """ "above age 20", "above the average age"."""
    found = COMPARATORS.at(reader.tokens, state.position)
    if found is None:
        return
    operator, end = found
    at = reader.skip(end, ("the", "a", "an", "than"), 2)
    for mention in reader.columns_at(at):
        number = reader.number_at(reader.skip(mention.end, ("of", "is"), 1))
        comparable = reader.numeric(mention)
        if number is not None and comparable is not None:
            stop = reader.skip(mention.end, ("of", "is"), 1) + 1
            sketch = said(state, Compare(comparable, operator, number), state.position)
            yield step(reader, state, stop, sketch, strength=comparable.choices[0].strength, cue=0.3)
    aggregate = AGGREGATES.at(reader.tokens, at)
    if aggregate is None:
        return
    inner = reader.skip(aggregate[1], ("of", "the", "all", "for"), 3)
    for mention in reader.columns_at(inner):
        measure = reader.ordered(mention)
        if measure is not None:
            sketch = said(
                state, Compare(measure, operator, Statistic(aggregate[0], scoped=names_rows(reader, mention.end))), state.position
            )
            yield step(reader, state, mention.end, sketch, strength=measure.choices[0].strength, cue=scoring.GAIN_CUE)


def range_first(reader: Reader, state: State) -> Iterator[State]:
    """ "between 100 and 200 pages"."""
    low, high = reader.number_at(state.position + 1), reader.number_at(state.position + 3)
    if reader.low(state.position) not in {"between", "from"} or low is None or high is None:
        return
    if reader.low(state.position + 2) not in {"and", "to", "-"}:
        return
    for mention in reader.columns_at(state.position + 4):
        comparable = reader.numeric(mention)
        if comparable is not None:
            sketch = said(state, InRange(comparable, low, high), state.position)
            moved = step(reader, state, state.position + 4, sketch, strength=1.0, cue=scoring.PREDICATE)
            yield step(reader, moved, mention.end, sketch, strength=comparable.choices[0].strength)


def another(reader: Reader, state: State) -> Iterator[State]:
    """ "grade 9 or 10": one more number or text for what was said last."""
    last = state.sketch.clauses[-1].said if state.sketch.clauses else None
    if reader.low(state.position - 1) not in {"or", "and", ","} or last is None:
        return
    number = reader.number_at(state.position)
    if isinstance(last, Compare) and isinstance(last.operand, Literal) and last.operator in {"=", "!="} and number is not None:
        sketch = said(state, replace(last, operand=number), state.position)
        yield step(reader, state, state.position + 1, sketch, strength=1.0)
    if isinstance(last, HasText):
        token = reader.tokens[state.position]
        if token.kind == "quoted" or (len(token.text) == 1 and token.text.isupper()):
            sketch = said(state, replace(last, text=token.text), state.position)
            yield step(reader, state, state.position + 1, sketch, strength=1.0, cue=0.1)


def _without_wanted(state: State, sketch: Sketch) -> Sketch:
    """The column just taken as wanted among conditions was none: something is said about it after all."""
    last = sketch.wanted[-1] if sketch.wanted else None
    if last is not None and last.column is state.column and state.phase == "where" and last.function is None:
        return replace(sketch, wanted=sketch.wanted[:-1])
    return sketch


def period(reader: Reader, state: State) -> Iterator[State]:
    """ "in 2014", "last month"."""
    for found in reader.periods_at(state.position):
        near = state.column if state.column and found.start - state.column.end <= 3 else None
        dated = _dated(reader, near) if near else None
        sketch = said(state, _in_period(found, dated), state.position)
        if dated is not None:
            sketch = _without_wanted(state, sketch)
        yield step(reader, state, found.end, sketch, strength=0.95)


def comparative(reader: Reader, state: State) -> Iterator[State]:
    """ "older than 30", "heavier than the average"."""
    found = COMPARATIVE_ADJECTIVES.at(reader.tokens, state.position)
    if found is None:
        return
    (words, upwards), end = found
    choices = measured_by(words, reader.names)
    if not choices:
        return
    mention = ColumnMention(state.position, end, choices, implied=True)
    at = reader.skip(end, ("the", "or", "equal", "to", "an", "a", "age", "of"), 3)
    number = reader.number_at(at)
    countable = reader.aged(mention)
    if number is not None and countable is not None:
        measured = _measured(reader, countable, number, at + 1)
        sketch = said(state, Compare(countable, ">" if upwards else "<", measured), state.position)
        stop = at + 1 + (measured != number)
        yield step(reader, state, reader.skip(stop, ("years", "old", "year"), 2), sketch, strength=0.9, cue=scoring.GAIN_CUE)
    operator: ComparisonOperator = ">" if upwards else "<"
    for what, stop, strength in (*statistic_at(reader, mention, operator, at), *other_at(reader, mention, operator, at)):
        yield step(reader, state, stop, said(state, what, state.position), strength=strength * 0.9, cue=scoring.GAIN_CUE)


def _measured(reader: Reader, mention: ColumnMention, number: Literal, unit_at: int) -> Literal:
    """The number in the column's own unit, when another is said with it."""
    if unit_at >= len(reader.tokens) or not isinstance(number.value, (int, float)):
        return number
    value = in_column_unit(number.value, reader.tokens[unit_at].stem, reader.prepared(mention).slots)
    return replace(number, value=value)


def missing(reader: Reader, state: State) -> Iterator[State]:
    """ "without a phone number": nothing stored, when a column is denied."""
    if not state.negated:
        return
    for mention in reader.columns_at(state.position):
        if (
            reader.is_verb(state.position)
            or reader.prepared(mention).is_key
            or any(table.end == mention.end for table in reader.tables_at(state.position))
        ):
            continue
        sketch = said(state, Missing(mention), state.position, negated=False)
        yield step(
            reader, replace(state, negated=False, denial=-1), mention.end, sketch, strength=mention.choices[0].strength * 0.8
        )


RULES = (
    column_predicate,
    value,
    loose_text,
    number_first,
    comparison_first,
    around,
    range_first,
    another,
    period,
    on_days,
    comparative,
    missing,
)
