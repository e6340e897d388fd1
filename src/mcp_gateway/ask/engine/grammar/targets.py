"""What the question wants to see: columns, rows of a table, everything, counts and other aggregates."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.form import AggregateFunction
from mcp_gateway.ask.engine.grammar.reader import Reader, State, said, step
from mcp_gateway.ask.engine.lexicon import AGGREGATES, COUNTS, DISTINCT, EACH, HOW_MEASURE
from mcp_gateway.ask.engine.name_index import measured_by, named_by
from mcp_gateway.ask.engine.sketch import ColumnMention, Flagged, Related, Sketch, TableMention, Wanted
from mcp_gateway.ask.engine.text import stem_of

_BEFORE_NOUN = (
    "the",
    "of",
    "all",
    "a",
    "an",
    "any",
    "for",
    "its",
    "their",
    "'s",
    "each",
    "value",
    "values",
    "his",
    "her",
    "these",
    "those",
)
_BEFORE_COUNTED = (*_BEFORE_NOUN, "are", "is", "there", "in", "total", "times")
_AMOUNTS = frozenset({"number", "paper", "order", "water", "power", "quarter", "over", "meter", "liter", "dollar"})
ADDED_UP = frozenset(stem_of(word) for word in "amount total sum fee fine charge value payment".split())
_EDGES: dict[str, AggregateFunction] = {"last": "max", "latest": "max", "newest": "max", "first": "min", "earliest": "min"}
_EVERYTHING = frozenset(
    {"information", "info", "details", "detail", "data", "records", "columns", "fields", "attributes", "content", "contents"}
)


def column(reader: Reader, state: State) -> Iterator[State]:
    """A column named while asking is wanted; named among conditions it may still be, at a price."""
    for mention in reader.columns_at(state.position):
        strength = mention.choices[0].strength
        yes = [choice for choice in mention.choices if reader.schema.column(choice.column).flag_values]
        if yes and reader.low(state.position) not in {"sex", "gender"}:
            flag = replace(mention, choices=tuple(yes))
            sketch = said(state, Flagged(flag), state.position)
            known = 0.35 if state.sketch.entities or state.sketch.wanted else 0.0
            yield step(reader, state, mention.end, sketch, strength=flag.choices[0].strength * 0.9, cue=known)
        if mention.end == state.position + 1 and _is_participle(reader, state, mention):
            passed = step(reader, state, mention.end, state.sketch, strength=strength, cue=-scoring.CONTEXT_COLUMN)
            yield replace(passed, column=mention)
            continue
        if reader.low(state.position - 1) == "(" and state.column and state.column.choices[0].column == mention.choices[0].column:
            yield step(reader, state, mention.end, state.sketch, strength=strength)
        wanted = Wanted(state.position, column=mention, distinct=False)
        sketch = replace(state.sketch, wanted=(*state.sketch.wanted, wanted))
        cost = 0.0 if state.phase == "ask" and not state.negated else scoring.BARE_COLUMN_IN_WHERE
        cost += scoring.LIKE_A_TABLE if _is_table(reader, mention) else 0.0
        last = state.sketch.groups[-1].item if state.sketch.groups else None
        cost += scoring.BARE_COLUMN_IN_WHERE if isinstance(last, TableMention) and last.end == state.position else 0.0
        guided = state.phase == "ask" and _after_preposition(reader, state)
        cost += scoring.AFTER_PREPOSITION if guided else 0.0
        moved = step(reader, state, mention.end, sketch, strength=strength, cue=-cost)
        yield replace(moved, column=mention)
        if (state.phase == "where" or guided) and reader.low(state.position - 1) not in {"each", "every", "per"}:
            passed = step(reader, state, mention.end, state.sketch, strength=strength, cue=-scoring.CONTEXT_COLUMN)
            yield replace(passed, column=mention, passed=state.passed + 1)


def _is_participle(reader: Reader, state: State, mention: ColumnMention) -> bool:
    """Whether a verb speaks of a column in passing: "hired most recently", "the launched product"."""
    if not reader.is_verb(state.position):
        return False
    begun = bool(state.entity or state.sketch.wanted or reader.tables_at(mention.end))
    return begun or mention.choices[0].strength < 0.99 or reader.low(0) == "who"


def _is_table(reader: Reader, mention: ColumnMention) -> bool:
    """Whether the same words name a table in full."""
    return any(table.end == mention.end and table.choices[0][1] >= 0.99 for table in reader.tables_at(mention.start))


def _after_preposition(reader: Reader, state: State) -> bool:
    """Whether a name follows "by", "in" and the like once something is wanted already."""
    at = state.position - 1
    while reader.low(at) in {"the", "a", "an", "their", "its", "any", "some", "'s"}:
        at -= 1
    wanted = state.sketch.wanted or state.sketch.entities
    return bool(wanted) and reader.low(at) in {
        "by",
        "in",
        "with",
        "for",
        "on",
        "from",
        "to",
        "at",
        "within",
        "as",
        "per",
        "through",
        "under",
    }


def entity(reader: Reader, state: State) -> Iterator[State]:
    """A table named: the rows asked about, or rows they are related to."""
    for mention in reader.tables_at(state.position):
        if state.negated and _named_again(state, mention):
            yield step(reader, state, mention.end, state.sketch, strength=mention.choices[0][1])
            continue
        sketch = replace(state.sketch, entities=(*state.sketch.entities, mention))
        if state.negated:
            sketch = said(replace(state, sketch=sketch), Related(mention), state.position)
        exact = scoring.EXACT_TABLE if mention.choices[0][1] >= 0.99 else 0.0
        after = step(reader, state, mention.end, sketch, strength=mention.choices[0][1], cue=exact)
        yield replace(after, entity=mention)
        if mention.choices[0][0] in reader.schema.roles and _belongs(reader, mention) and not state.negated:
            listed = replace(sketch, wanted=(*sketch.wanted, Wanted(state.position, table=mention)))
            yield replace(step(reader, state, mention.end, listed, strength=1.0, cue=exact + 0.2), entity=mention)
        theirs = reader.skip(mention.end, ("and", "with", "along", "together"), 3)
        listed_with = reader.low(theirs) in {"their", "its"} or bool(reader.metrics_at(theirs))
        if theirs > mention.end and listed_with and state.phase == "ask" and not state.sketch.wanted:
            listed = replace(sketch, wanted=(*sketch.wanted, Wanted(state.position, table=mention)))
            again = step(reader, state, mention.end, listed, strength=mention.choices[0][1], cue=exact + 0.1)
            yield replace(again, entity=mention)


def _named_again(state: State, mention: TableMention) -> bool:
    """ "All stadiums except stadiums that ...": what is denied is said next."""
    return any(entity.choices[0][0] == mention.choices[0][0] for entity in state.sketch.entities)


def _belongs(reader: Reader, mention: TableMention) -> bool:
    """Whether a role is listed beside the rows it belongs to ("employees and their managers")."""
    at = mention.start - 1
    while reader.low(at) in {"respective", "direct", "own"}:
        at -= 1
    return reader.low(at) in {"their", "its", "his", "her"} and reader.low(mention.end) != "'s"


def distinct(reader: Reader, state: State) -> Iterator[State]:
    """ "different", "distinct": no doubles among what is wanted."""
    found = DISTINCT.at(reader.tokens, state.position)
    if found is None or state.phase != "ask":
        return
    end = found[1]
    following = reader.skip(end, _BEFORE_NOUN)
    if reader.columns_at(following) or reader.tables_at(following):
        yield step(reader, state, end, replace(state.sketch, distinct=True), strength=0.9, cue=scoring.GAIN_CUE)


def everything(reader: Reader, state: State) -> Iterator[State]:
    """ "all information about": every column."""
    position = reader.skip(state.position, ("all", "the", "full", "every", "complete"), 3)
    word = reader.low(position)
    if (
        word == "everything"
        or (word in _EVERYTHING and position > state.position)
        or (word in {"information", "details"} and not state.sketch.wanted)
    ):
        named = reader.columns_at(position)
        if named and position == state.position and named[0].choices[0].strength >= 0.5:
            return
        price = 0.3 if named else 0.0
        yield step(reader, state, position + 1, replace(state.sketch, everything=True), strength=0.9, cue=0.5 - price)


def how_measure(reader: Reader, state: State) -> Iterator[State]:
    """ "how old", "when", "where": the column that answers."""
    found = HOW_MEASURE.at(reader.tokens, state.position)
    if found is None or state.sketch.wanted or state.phase != "ask":
        return
    words, end = found
    if reader.low(state.position + 1) == "much" and reader.links.metrics:
        return
    choices = measured_by(words, reader.names) if reader.low(state.position) != "where" else named_by(words, reader.names)
    if choices:
        mention = ColumnMention(state.position, end, choices, implied=True)
        sketch = replace(state.sketch, wanted=(*state.sketch.wanted, Wanted(state.position, column=mention)))
        yield replace(step(reader, state, end, sketch, strength=0.8, cue=0.2), column=mention)
        yield from _summed(reader, state, mention)


def _summed(reader: Reader, state: State, mention: ColumnMention) -> Iterator[State]:
    """ "how much did they pay": what was paid altogether, where that can be added up."""
    if reader.low(state.position + 1) != "much" or reader.low(mention.end) not in {"did", "have", "has", "was", "were"}:
        return
    amounts = tuple(
        c for c in mention.choices if (p := reader.schema.column(c.column)).is_measure and ADDED_UP.intersection(p.slots)
    )
    if amounts and not (reader.low(mention.end) in {"was", "were"} and reader.low(mention.end + 1) == "the"):
        added = replace(mention, choices=amounts)
        wanted = Wanted(state.position, column=added, function="sum")
        sketch = replace(state.sketch, wanted=(*state.sketch.wanted, wanted))
        yield replace(step(reader, state, mention.end, sketch, strength=0.85, cue=0.5), column=added)


def count(reader: Reader, state: State) -> Iterator[State]:
    """ "how many singers", "the number of different countries"."""
    found = COUNTS.at(reader.tokens, state.position)
    if found is None or _ends_a_name(reader, state.position):
        return
    at = reader.skip(found[1], _BEFORE_COUNTED, 4)
    different = DISTINCT.at(reader.tokens, at)
    if different is not None:
        at = reader.skip(different[1], _BEFORE_NOUN)
    cost = 0.0 if state.phase == "ask" else scoring.BARE_COLUMN_IN_WHERE
    for sketch, end, strength, entity_found in _counted(reader, state, at, distinct=different is not None):
        after = step(reader, state, at, state.sketch, strength=0.9, cue=scoring.GAIN_CUE - cost)
        moved = step(reader, after, end, sketch, strength=strength)
        yield replace(moved, entity=entity_found or state.entity)
    described = bool(reader.values_at(at) or reader.given_at(at))
    if described or not (reader.columns_at(at) or reader.tables_at(at)):
        wanted = Wanted(state.position, function="count")
        sketch = replace(state.sketch, wanted=(*state.sketch.wanted, wanted))
        yield step(reader, state, found[1], sketch, strength=0.9, cue=scoring.GAIN_CUE - cost - 0.1)


def _ends_a_name(reader: Reader, position: int) -> bool:
    """Whether "number" belongs to the name before it ("phone number of all suppliers")."""
    if reader.low(position) not in {"number", "numbers", "amount", "count", "quantity"} or position == 0:
        return False
    before = position - 1
    return any(
        mention.end in {position, position + 1} and mention.choices[0].strength > 0.5
        for start in (before, before - 1)
        for mention in reader.columns_at(start)
    )


def _counted(
    reader: Reader, state: State, at: int, *, distinct: bool
) -> Iterable[tuple[Sketch, int, float, TableMention | None]]:
    for mention in reader.tables_at(at):
        if distinct and any(named.end > mention.end and named.choices[0].strength >= 0.9 for named in reader.columns_at(at)):
            continue
        wanted = Wanted(state.position, table=mention, function="count", distinct=distinct)
        sketch = replace(state.sketch, wanted=(*state.sketch.wanted, wanted), entities=(*state.sketch.entities, mention))
        exact = 1.1 if mention.choices[0][1] >= 0.99 else 1.0
        yield sketch, mention.end, mention.choices[0][1] * exact, mention
    for column_mention in reader.columns_at(at):
        if reader.prepared(column_mention).is_measure and not distinct and not _is_whom(reader, column_mention):
            wanted = Wanted(state.position, column=column_mention, function="sum")
        else:
            wanted = Wanted(state.position, column=column_mention, function="count", distinct=True)
        sketch = replace(state.sketch, wanted=(*state.sketch.wanted, wanted))
        factor = 0.7 if _is_table(reader, column_mention) else 1.0 if distinct else 0.92
        yield sketch, column_mention.end, column_mention.choices[0].strength * factor, None


def _is_whom(reader: Reader, mention: ColumnMention) -> bool:
    """Whether numbers of a column stand for somebody or something rather than an amount: "advisors", "friend ids"."""
    slots = reader.prepared(mention).slots
    kinds = {"level", "grade", "rank", "id", "code", "class", "year"}
    return not kinds.isdisjoint(slots) or (slots[-1].endswith(("or", "er")) and slots[-1] not in _AMOUNTS)


def aggregates_at(reader: Reader, position: int) -> tuple[tuple[AggregateFunction, ...], int] | None:
    """One or several aggregates named together: "minimum, maximum and average"."""
    functions: list[AggregateFunction] = []
    at = end = position
    while found := AGGREGATES.at(reader.tokens, at):
        functions.append(found[0])
        end = found[1]
        at = reader.skip(end, (",", "and", "the", "as", "well", "also", "/", "or"), 4)
    return (tuple(functions), end) if functions else None


def aggregate(reader: Reader, state: State) -> Iterator[State]:
    """ "the average and maximum age"."""
    found = aggregates_at(reader, state.position)
    if found is None or state.phase != "ask":
        return
    functions, end = found
    at = reader.skip(end, (*_BEFORE_NOUN, "number"), 4)
    for mention in reader.columns_at(at):
        fitting = reader.ordered(mention) if set(functions) <= {"min", "max"} else reader.measures(mention)
        if fitting is None:
            continue
        wanted = tuple(Wanted(state.position, column=fitting, function=function) for function in functions)
        sketch = replace(state.sketch, wanted=(*state.sketch.wanted, *wanted))
        moved = step(reader, state, at, sketch, strength=0.9, cue=scoring.GAIN_CUE + 0.15 - _far(reader, state))
        moved = step(reader, moved, mention.end, sketch, strength=fitting.choices[0].strength)
        yield replace(moved, column=fitting)
        yield from _more_columns(reader, moved, functions)


def _more_columns(reader: Reader, state: State, functions: tuple[AggregateFunction, ...]) -> Iterator[State]:
    """ "the average latitude and longitude": the second column is averaged too."""
    at = reader.skip(state.position, ("and", ",", "the"), 3)
    if at == state.position:
        return
    for mention in reader.columns_at(at):
        fitting = reader.measures(mention)
        if fitting is not None and reader.prepared(fitting).is_measure:
            wanted = tuple(Wanted(at, column=fitting, function=function) for function in functions)
            sketch = replace(state.sketch, wanted=(*state.sketch.wanted, *wanted))
            yield step(reader, state, mention.end, sketch, strength=fitting.choices[0].strength, cue=0.05)


def afterwards(reader: Reader, state: State) -> Iterator[State]:
    """ "on average", "in total" after what is meant."""
    words = (reader.low(state.position), reader.low(state.position + 1))
    last = state.sketch.wanted[-1] if state.sketch.wanted else None
    if words == ("on", "average") and last is not None and last.column is not None and last.function is None:
        fitting = reader.measures(last.column)
        if fitting is not None:
            sketch = replace(state.sketch, wanted=(*state.sketch.wanted[:-1], replace(last, column=fitting, function="avg")))
            yield step(reader, state, state.position + 2, sketch, strength=0.9, cue=scoring.GAIN_CUE)
    alone = words[0] in {"altogether", "overall"}
    if (words == ("in", "total") or alone) and last is not None and last.column is not None and last.function is None:
        fitting = reader.measures(last.column)
        if fitting is not None and not state.sketch.groups:
            summed = replace(state.sketch, wanted=(*state.sketch.wanted[:-1], replace(last, column=fitting, function="sum")))
            yield step(reader, state, state.position + (1 if alone else 2), summed, strength=0.9, cue=scoring.GAIN_CUE)
    if (words in {("in", "total"), ("in", "all")} or alone) and last is not None and (last.function or last.metric):
        yield step(reader, state, state.position + (1 if alone else 2), state.sketch, strength=0.9, cue=0.1)


def latest(reader: Reader, state: State) -> Iterator[State]:
    """ "the last order date of each customer": the largest date of each."""
    function = _EDGES.get(reader.low(state.position))
    if function is None or state.phase != "ask":
        return
    yield from _of_rows(reader, state, function)
    for mention in reader.columns_at(state.position + 1):
        dated = tuple(choice for choice in mention.choices if reader.schema.column(choice.column).is_temporal)
        if dated and (EACH.at(reader.tokens, mention.end) is not None):
            wanted = Wanted(state.position, column=replace(mention, choices=dated), function=function)
            sketch = replace(state.sketch, wanted=(*state.sketch.wanted, wanted))
            yield step(reader, state, mention.end, sketch, strength=dated[0].strength, cue=scoring.GAIN_CUE * 2)


def _of_rows(reader: Reader, state: State, function: AggregateFunction) -> Iterator[State]:
    """ "the latest visit date of Nora": the day of her last visit, whatever its column is called."""
    for mention in reader.tables_at(state.position + 1):
        dates = tuple(choice for choice in measured_by("date", reader.names) if choice.column.table == mention.choices[0][0])
        named = any(column.end > mention.end for column in reader.columns_at(state.position + 1))
        if reader.low(mention.end) != "date" or not dates or named:
            continue
        wanted = Wanted(state.position, column=ColumnMention(state.position, mention.end, dates, implied=True), function=function)
        sketch = replace(state.sketch, wanted=(*state.sketch.wanted, wanted), entities=(*state.sketch.entities, mention))
        yield replace(
            step(reader, state, mention.end + 1, sketch, strength=mention.choices[0][1], cue=scoring.GAIN_CUE * 2), entity=mention
        )


def _far(reader: Reader, state: State) -> float:
    """Once plain columns are wanted, "highest" is rather a ranking than a maximum."""
    plain = any(wanted.function is None for wanted in state.sketch.wanted)
    word = reader.low(state.position)
    strict = word in {"average", "mean", "avg", "total", "sum", "maximum", "minimum", "max", "min"}
    if strict:
        return scoring.FAR_AGGREGATE if plain and word in {"maximum", "minimum", "max", "min"} else 0.0
    return scoring.FAR_AGGREGATE + (scoring.FAR_AGGREGATE if plain or state.sketch.entities else 0.0)


RULES = (column, entity, distinct, everything, how_measure, count, aggregate, afterwards, latest)
