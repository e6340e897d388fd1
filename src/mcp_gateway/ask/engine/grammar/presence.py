"""What rows have without its value being named: "have a phone number", "unpaid", "how many gifts", "over 100"."""

import re
from collections.abc import Iterator
from dataclasses import replace

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.business_words import MetricMention
from mcp_gateway.ask.engine.form import ColumnRef, Literal
from mcp_gateway.ask.engine.grammar.reader import Reader, State, said, step
from mcp_gateway.ask.engine.lexicon import COMPARATORS, COUNTS
from mcp_gateway.ask.engine.schema_index import PreparedColumn, PreparedTable
from mcp_gateway.ask.engine.sketch import Choice, ColumnMention, Compare, Flagged, Missing, TableMention, Wanted
from mcp_gateway.ask.engine.text import stem_of

_HAVE = frozenset({"have", "has", "had", "having", "with", "gave", "given", "left", "provided"})
_ARTICLES = frozenset({"a", "an", "any", "some", "their", "known", "valid"})
_CLOSES = frozenset({"", "?", ".", ",", ";", "and", "but", "or", "who", "that", "which", "on", "at", "stored", "recorded", "in"})
_PREFIXES = ("un", "in", "non")
MONEY = frozenset(
    stem_of(word) for word in "amount total price cost fee sum salary wage pay charge balance fine value budget revenue".split()
)
_OF_TIME = frozenset("before after since prior earlier later newer until".split())
_PRICE = stem_of("price")
_SUM = re.compile(r"\s*SUM\s*\(\s*([A-Za-z_]\w*)\.([A-Za-z_]\w*)\s*\)\s*", re.IGNORECASE)
_AGE = stem_of("age")
_BORN = frozenset({"birth", "born", "dob"})


def has_something(reader: Reader, state: State) -> Iterator[State]:
    """ "who have a phone number": something is stored there. Only of columns that may be empty."""
    word = reader.low(state.position)
    if word not in _HAVE or state.negated:
        return
    at = reader.skip(state.position + 1, _ARTICLES, 2)
    if at == state.position + 1 and word not in {"have", "has", "had"}:
        return
    for mention in reader.columns_at(at):
        empty = tuple(choice for choice in mention.choices if _may_be_empty(reader.schema.column(choice.column)))
        if not empty or reader.low(mention.end) not in _CLOSES or reader.values_at(mention.end + 1):
            continue
        if any(table.end >= mention.end and table.choices[0][1] >= 0.9 for table in reader.tables_at(at)):
            continue
        column = replace(mention, choices=empty)
        sketch = said(state, Missing(column, present=True), state.position)
        moved = step(reader, state, at, sketch, strength=0.9, cue=scoring.GAIN_CUE)
        yield replace(step(reader, moved, mention.end, sketch, strength=empty[0].strength), phase="where")


def _may_be_empty(column: PreparedColumn) -> bool:
    return column.column.nullable and not column.is_key and column.flag_values is None


def without_somebody(reader: Reader, state: State) -> Iterator[State]:
    """ "without a manager" where a key called so may be empty: nobody is named there."""
    if not state.negated or reader.low(state.position - 1) not in {"a", "an", "any", "without", "no"}:
        return
    stem = reader.tokens[state.position].stem
    keys = [c for c, _ in reader.names.columns.get(stem, ()) if c.slots == (stem, "id") and c.column.nullable]
    keys = [c for c in keys if c.ref not in reader.schema.tables[c.ref.table].key and stem not in c.table_slots]
    if keys and not any(table.choices[0][1] >= 0.9 for table in reader.tables_at(state.position)):
        mention = ColumnMention(state.position, state.position + 1, tuple(Choice(c.ref, 0.9) for c in keys))
        affirmative = replace(state, negated=False, denial=-1)
        sketch = said(affirmative, Missing(mention), state.position)
        yield step(reader, affirmative, state.position + 1, sketch, strength=0.9, cue=0.3)


def denied_flag(reader: Reader, state: State) -> Iterator[State]:
    """ "unpaid", "inactive": the flag called like the rest of the word is not set."""
    word = reader.low(state.position)
    prefix = next((each for each in _PREFIXES if word.startswith(each) and len(word) > len(each) + 2), None)
    if prefix is None:
        return
    rest = stem_of(word.removeprefix(prefix).removeprefix("-"))
    flags = [c for c, _ in reader.names.columns.get(rest, ()) if c.flag_values is not None and _all_of(c, rest)]
    if flags:
        mention = ColumnMention(state.position, state.position + 1, tuple(Choice(c.ref, 0.9) for c in flags))
        sketch = said(state, Flagged(mention, yes=False), state.position)
        yield step(reader, state, state.position + 1, sketch, strength=0.9, cue=0.3)


def _all_of(column: PreparedColumn, stem: str) -> bool:
    """Whether a column's name says no more than one word."""
    return set(column.slots) - column.table_slots <= {stem}


def flagged_rows(reader: Reader, state: State) -> Iterator[State]:
    """ "how many gifts": the rows whose flag of that name is set."""
    found = COUNTS.at(reader.tokens, state.position)
    if found is None or state.phase != "ask":
        return
    at = reader.skip(found[1], ("the", "of", "all", "are", "there", "were", "was"), 3)
    for mention in reader.columns_at(at):
        flags = tuple(choice for choice in mention.choices if reader.schema.column(choice.column).flag_values is not None)
        if not flags or reader.tables_at(mention.end):
            continue
        column = replace(mention, choices=flags)
        wanted = Wanted(state.position, function="count")
        asked = replace(state, sketch=replace(state.sketch, wanted=(*state.sketch.wanted, wanted)))
        sketch = said(asked, Flagged(column), at)
        moved = step(reader, asked, at, sketch, strength=0.9, cue=scoring.GAIN_CUE)
        yield step(reader, moved, mention.end, sketch, strength=flags[0].strength)


def bare_number(reader: Reader, state: State) -> Iterator[State]:
    """ "invoices over 100", "patients over 30": the one figure a number can be about."""
    entity = state.entity
    found = COMPARATORS.at(reader.tokens, state.position)
    if found is None or entity is None or state.position - entity.end > 2 or found[0] in {"=", "!="}:
        return
    if _OF_TIME.intersection(reader.low(at) for at in range(state.position, found[1])):
        return
    number = reader.number_at(found[1])
    end = reader.skip(found[1] + 1, ("years", "year", "old", "of", "age"), 3)
    if number is None or isinstance(number.value, bool) or _says_more(reader, end):
        return
    choices = [choice for table, _ in entity.choices if (choice := _figure(reader, table, number)) is not None]
    if choices:
        mention = ColumnMention(state.position, end, tuple(choices), implied=True)
        sketch = said(state, Compare(mention, found[0], number), state.position)
        yield step(reader, state, end, sketch, strength=0.85, cue=0.2)


def figure_of_rows(reader: Reader, state: State) -> Iterator[State]:
    """ "refunds over 500" where refunds are a figure of the glossary: the rows whose own share of it is that large."""
    if state.sketch.entities or state.sketch.wanted:
        return
    for mention in reader.metrics_at(state.position):
        at = reader.skip(mention.end, ("of", "that", "are", "were", "with"), 2)
        found = COMPARATORS.at(reader.tokens, at)
        number = reader.number_at(found[1]) if found is not None else None
        ref = _added_up(reader, mention)
        if found is None or number is None or ref is None or _says_more(reader, found[1] + 1):
            continue
        if reader.periods_at(at) or reader.low(at) in _OF_TIME:
            continue
        rows = TableMention(mention.start, mention.end, ((ref.table, 1.0),))
        column = ColumnMention(mention.start, mention.end, (Choice(ref, 1.0),), implied=True)
        sketch = said(state, Compare(column, found[0], number), state.position)
        sketch = replace(sketch, entities=(*sketch.entities, rows))
        moved = step(reader, state, mention.end, sketch, strength=1.0, cue=scoring.BUSINESS_WORD + scoring.GAIN_CUE)
        yield replace(step(reader, moved, found[1] + 1, sketch, strength=1.0, cue=0.2), entity=rows, phase="where")


def _added_up(reader: Reader, mention: MetricMention) -> ColumnRef | None:
    """The column a figure is the plain sum of."""
    texts = dict(mention.metric.texts)
    match = _SUM.fullmatch(texts.get(reader.schema.schema.dialect, texts.get("default", "")))
    if match is None or mention.metric.condition is not None:
        return None
    ref = ColumnRef(match.group(1), match.group(2))
    return ref if ref in reader.schema.columns else None


def _says_more(reader: Reader, at: int) -> bool:
    """Whether what is compared is named behind the number."""
    return bool(reader.columns_at(at) or reader.tables_at(at) or reader.low(at) in {"times", "time", "%"})


def _figure(reader: Reader, table: str, number: Literal) -> Choice | None:
    """The age where rows are people, else the only amount of money; None when it may be either."""
    prepared = reader.schema.tables[table]
    aged = [column for column in prepared.columns if column.is_numeric and _AGE in column.slots]
    born = [column for column in prepared.columns if _BORN.intersection(column.slots)]
    small = isinstance(number.value, int) and number.value < 120
    if aged and small:
        return Choice(aged[0].ref, 0.85)
    if born and small:
        return Choice(born[0].ref, 0.8, reverse=True)
    money = _amounts(prepared)
    if len(money) > 1:
        money = [column for column in money if _PRICE in column.slots]
    return Choice(money[0].ref, 0.8) if len(money) == 1 and not (aged or born) else None


def _amounts(table: PreparedTable) -> list[PreparedColumn]:
    return [column for column in table.columns if column.is_measure and MONEY.intersection(column.slots)]


RULES = (has_something, without_somebody, denied_flag, flagged_rows, bare_number, figure_of_rows)
