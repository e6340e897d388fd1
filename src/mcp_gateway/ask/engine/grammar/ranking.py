"""Order and superlatives: "sorted by age", "the oldest", "top 3 by", "the most dogs", "the most common"."""

from collections.abc import Iterator
from dataclasses import replace

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.form import AggregateFunction
from mcp_gateway.ask.engine.grammar.reader import Reader, State, affirmed, step
from mcp_gateway.ask.engine.lexicon import (
    AGGREGATES,
    BY,
    COMMON,
    COUNTS,
    EACH,
    ORDERED,
    SUPERLATIVE_ADJECTIVES,
    SUPERLATIVES,
    TOP_SELLING,
    ordinal_word,
)
from mcp_gateway.ask.engine.name_index import measured_by
from mcp_gateway.ask.engine.sketch import Choice, ColumnMention, Ranking, Sketch

_BEFORE_KEY = frozenset("the of their its by in total all a his each values on to them list results it".split())
_LARGEST_FIRST = frozenset("old high large long late new expensive heavy big".split())
_SMALLEST_FIRST = frozenset("young low small short early cheap light".split())
_FROM = {word: word in _LARGEST_FIRST for word in (*_LARGEST_FIRST, *_SMALLEST_FIRST)}


def ranked(state: State, ranking: Ranking) -> Sketch:
    """The sketch with one more ranking."""
    return replace(state.sketch, rankings=(*state.sketch.rankings, ranking))


def ordered(reader: Reader, state: State) -> Iterator[State]:
    """ "sorted by name in descending order", "in alphabetical order of title"."""
    found = ORDERED.at(reader.tokens, state.position)
    if found is None:
        return
    direction, end = found
    if end == state.position + 1 and reader.periods_at(end):
        return
    if state.position == 0 and end == 1:
        yield replace(state, position=1)
        return
    at = end
    while (
        more := ORDERED.at(reader.tokens, reader.skip(at, ("by", "in", "list", "results", "the", "them", "it", ",", "and"), 3))
    ) is not None:
        direction, at = more[0] if more[0] is not None else direction, more[1]
    keys = list(_keys_at(reader, at))
    for ranking, stop, strength in keys:
        turn, last = _direction_at(reader, stop)
        final = replace(ranking, descending=bool(direction if turn is None else turn), position=state.position)
        moved = step(reader, state, at, state.sketch, strength=0.9, cue=scoring.GAIN_CUE)
        moved = step(reader, moved, stop, ranked(moved, final), strength=strength)
        moved = step(reader, moved, last, moved.sketch, strength=0.9)
        yield from _more_keys(reader, replace(affirmed(moved), phase="where"), final)
    if not keys and direction is not None:
        earlier = state.sketch.rankings[-1] if state.sketch.rankings else None
        if earlier is not None and earlier.limit is None:
            turned = replace(state.sketch, rankings=(*state.sketch.rankings[:-1], replace(earlier, descending=direction)))
            yield step(reader, state, at, turned, strength=0.9, cue=scoring.GAIN_CUE)
        else:
            ranking = Ranking(direction, state.position, column=state.column if state.phase == "where" else None)
            yield step(reader, state, at, ranked(state, ranking), strength=0.8, cue=scoring.GAIN_CUE - 0.2)


def _more_keys(reader: Reader, state: State, first: Ranking) -> Iterator[State]:
    """A second key after "and" or "then by"."""
    yield state
    at = reader.skip(state.position, ("and", ",", "then", "by"), 3)
    if at == state.position:
        return
    for ranking, stop, strength in _keys_at(reader, at):
        turn, last = _direction_at(reader, stop)
        final = replace(ranking, descending=first.descending if turn is None else turn, position=state.position)
        yield step(reader, state, last, ranked(state, final), strength=strength, cue=-0.1)


def _direction_at(reader: Reader, at: int) -> tuple[bool | None, int]:
    """ "descending" and the like after a key, with a comma or bracket before it."""
    position = reader.skip(at, (",", "(", "-", "in", "from", "and", "listed"), 2)
    for start in (at, position):
        found = ORDERED.at(reader.tokens, start)
        if found is not None and found[0] is not None:
            return found[0], reader.skip(found[1], (")", "order"), 2)
    return None, at


def _keys_at(reader: Reader, at: int) -> Iterator[tuple[Ranking, int, float]]:
    """What may be ordered by from a position on."""
    position = reader.skip(at, _BEFORE_KEY, 4)
    counted = COUNTS.at(reader.tokens, position)
    if counted is not None:
        inner = reader.skip(counted[1], ("the", "of", "different", "distinct", "their"), 3)
        for table in reader.tables_at(inner):
            yield Ranking(False, at, function="count", table=table), table.end, table.choices[0][1]
        for column in reader.columns_at(inner):
            yield Ranking(False, at, function="count", column=column), column.end, column.choices[0].strength * 0.7
    aggregated = AGGREGATES.at(reader.tokens, position)
    if aggregated is not None:
        inner = reader.skip(aggregated[1], ("the", "of", "number"), 2)
        for column in reader.columns_at(inner):
            measure = reader.ordered(column)
            if measure is not None:
                yield Ranking(False, at, column=measure, function=aggregated[0]), column.end, measure.choices[0].strength
    for column in reader.columns_at(position):
        yield Ranking(False, at, column=column), column.end, column.choices[0].strength
    implied = SUPERLATIVE_ADJECTIVES.at(reader.tokens, position)
    if implied is not None and (choices := measured_by(implied[0][0], reader.names)):
        yield Ranking(False, at, column=ColumnMention(position, implied[1], choices, implied=True)), implied[1], 0.7


def from_to(reader: Reader, state: State) -> Iterator[State]:
    """ "from the oldest to the youngest"."""
    if reader.low(state.position) != "from":
        return
    at = reader.skip(state.position + 1, ("the", "most"), 1)
    first = SUPERLATIVE_ADJECTIVES.at(reader.tokens, at)
    if first is None:
        yield from _plain_from_to(reader, state, at)
        return
    second = SUPERLATIVE_ADJECTIVES.at(reader.tokens, reader.skip(first[1], ("to", "the", "most"), 3))
    choices = measured_by(first[0][0], reader.names)
    if second is not None and choices:
        mention = ColumnMention(at, first[1], choices, implied=True)
        earlier = (
            state.sketch.rankings[:-1]
            if state.sketch.rankings and state.sketch.rankings[-1].limit is None
            else state.sketch.rankings
        )
        sketch = replace(state.sketch, rankings=(*earlier, Ranking(first[0][1], state.position, column=mention)))
        yield step(reader, state, second[1], sketch, strength=0.9, cue=1.7)


def _plain_from_to(reader: Reader, state: State, at: int) -> Iterator[State]:
    """ "from old to young" after a key."""
    last = state.sketch.rankings[-1] if state.sketch.rankings else None
    downwards = _FROM.get(reader.low(at))
    if last is None or last.limit is not None or downwards is None or reader.low(at + 1) != "to":
        return
    end = reader.skip(at + 2, ("the",), 1) + 1
    born = last.column is not None and "birth" in reader.prepared(last.column).slots
    if born and reader.low(at) in {"old", "oldest", "young", "youngest"}:
        downwards = not downwards
    sketch = replace(state.sketch, rankings=(*state.sketch.rankings[:-1], replace(last, descending=downwards)))
    yield step(reader, state, end, sketch, strength=0.9, cue=1.0)


def limit_before(reader: Reader, state: State) -> tuple[int, int]:
    """A number or ordinal right before a superlative ("3 oldest", "second oldest"): the limit, and where that begins."""
    number = reader.number_at(state.position)
    if number is not None and isinstance(number.value, int) and 0 < number.value <= 1000:
        return number.value, state.position + 1
    return 1, state.position + (1 if ordinal_word(reader.low(state.position)) is not None else 0)


def limit_after(reader: Reader, at: int, limit: int) -> tuple[int, int]:
    number = reader.number_at(at)
    if number is not None and isinstance(number.value, int) and 0 < number.value <= 1000:
        return number.value, at + 1
    return limit, at


def superlative(reader: Reader, state: State) -> Iterator[State]:
    """ "the highest salary", "the most dogs", "top 3"."""
    limit, at = limit_before(reader, state)
    found = SUPERLATIVES.at(reader.tokens, at)
    if found is None:
        return
    upwards, end = found
    limit, end = limit_after(reader, end, limit)
    inner = reader.skip(end, ("the", "of", "total", "in", "value", "average", "by", "all"), 2)
    if reader.low(inner) == "amount" and not reader.tables_at(inner + 2):
        inner = reader.skip(inner + 1, ("of", "the"), 2)
    yield from _by_count(reader, state, inner, limit, upwards=upwards)
    for mention in reader.columns_at(inner):
        sortable = reader.ordered(mention)
        if sortable is not None:
            average: AggregateFunction | None = (
                "avg" if reader.low(inner - 1) == "average" else "sum" if reader.low(inner - 1) == "total" else None
            )
            ranking = Ranking(upwards, state.position, column=sortable, function=average, limit=limit)
            moved = step(reader, state, inner, state.sketch, strength=0.9, cue=scoring.GAIN_CUE)
            cost = 0.45 if state.phase == "ask" and not state.sketch.wanted and not state.sketch.entities else 0.0
            if reader.low(state.position) in {"maximum", "minimum", "max", "min"} and state.phase == "ask":
                cost += 0.7
            if EACH.at(reader.tokens, mention.end) is not None:
                cost += 0.5
            yield step(reader, moved, mention.end, ranked(moved, ranking), strength=sortable.choices[0].strength, cue=0.35 - cost)


def _by_count(reader: Reader, state: State, at: int, limit: int, *, upwards: bool) -> Iterator[State]:
    """ "the most dogs", "the largest number of dogs"."""
    counted = COUNTS.at(reader.tokens, at)
    inner = reader.skip(counted[1] if counted else at, ("the", "of", "different", "distinct", "all"), 2)
    if counted is None and reader.low(at - 1) not in {"most", "fewest", "least", "more"}:
        return
    moved = step(reader, state, inner, state.sketch, strength=0.9, cue=scoring.GAIN_CUE + (0.3 if counted else 0.0))
    for table in reader.tables_at(inner):
        ranking = Ranking(upwards, state.position, function="count", table=table, limit=limit)
        yield step(reader, moved, table.end, ranked(moved, ranking), strength=table.choices[0][1])
    if reader.low(inner) == "times":
        ranking = Ranking(upwards, state.position, function="count", limit=limit)
        yield step(reader, moved, inner + 1, ranked(moved, ranking), strength=0.9, cue=0.2)
    for column in reader.columns_at(inner):
        if column.choices[0].strength > 0.5:
            ranking = Ranking(upwards, state.position, function="count", column=column, limit=limit)
            yield step(reader, moved, column.end, ranked(moved, ranking), strength=column.choices[0].strength * 0.75, cue=-0.1)
    if counted is not None and not reader.tables_at(inner) and not reader.columns_at(inner):
        ranking = Ranking(upwards, state.position, function="count", limit=limit)
        yield step(reader, moved, inner, ranked(moved, ranking), strength=0.7, cue=-0.1)


def adjective(reader: Reader, state: State) -> Iterator[State]:
    """ "the oldest singer", "3 cheapest"."""
    limit, at = limit_before(reader, state)
    found = SUPERLATIVE_ADJECTIVES.at(reader.tokens, at)
    if found is None:
        return
    (words, upwards), end = found
    limit, end = limit_after(reader, end, limit)
    choices = measured_by(words, reader.names)
    several = _asks_for_several(reader, at, end) and limit == 1
    near = state.column
    if near is not None and state.position - near.end <= 1 and reader.schema.column(near.choices[0].column).is_temporal:
        choices = tuple(Choice(choice.column, 1.0) for choice in near.choices if reader.schema.column(choice.column).is_temporal)
    choices = _of_what_follows(reader, choices, end)
    if choices and not (_is_part_of_name(reader, at) and not _ends_with_date(reader, state, end)):
        mention = ColumnMention(at, end, choices, implied=True)
        ranking = Ranking(upwards, state.position, column=mention, limit=None if several else limit)
        cost = 0.35 if reader.low(at) in {"first", "last"} else 0.0
        yield step(reader, state, end, ranked(state, ranking), strength=choices[0].strength, cue=scoring.GAIN_CUE - cost)


def _of_what_follows(reader: Reader, choices: tuple[Choice, ...], at: int) -> tuple[Choice, ...]:
    """ "the last order": its own date before the dates of whatever it is joined to."""
    tables = {mention.choices[0][0] for mention in reader.tables_at(at)}
    if not any(choice.column.table in tables for choice in choices):
        return choices
    raised = (replace(c, strength=min(c.strength + 0.25, 0.95)) if c.column.table in tables else c for c in choices)
    return tuple(sorted(raised, key=lambda choice: -choice.strength))


def _asks_for_several(reader: Reader, at: int, end: int) -> bool:
    """ "the newest customers": all of them, the newest first; nobody said how many."""
    plural = reader.low(end).endswith("s") and bool(reader.tables_at(end))
    return plural and reader.low(at) in {"newest", "latest", "recent"} | ({"most"} if reader.low(at + 1) == "recent" else set())


def _ends_with_date(reader: Reader, state: State, end: int) -> bool:
    """Whether a verb of a date stands right before and nothing after: "who was hired last?"."""
    near = state.column
    dated = near is not None and any(reader.schema.column(choice.column).is_temporal for choice in near.choices)
    return dated and near is not None and near.end == end - 1 and reader.low(end) in {"", "?", ".", ","}


def _is_part_of_name(reader: Reader, at: int) -> bool:
    """Whether "first" and "last" belong to a name ("last name")."""
    if reader.low(at) not in {"first", "last"}:
        return False
    after = reader.skip(at + 1, ("and", "or", ",", "/"), 1)
    return after > at + 1 or not (reader.tables_at(after) or reader.number_at(after))


def common(reader: Reader, state: State) -> Iterator[State]:
    """ "the most common breed", "the breed that is most common"."""
    limit, at = limit_before(reader, state)
    found = COMMON.at(reader.tokens, at)
    if found is None:
        return
    upwards, end = found
    limit, end = limit_after(reader, end, limit)
    inner = reader.skip(end, ("the", "of", "type", "kind"), 1)
    for mention in reader.columns_at(inner):
        ranking = Ranking(upwards, state.position, column=mention, function="count", limit=limit, common=True)
        moved = step(reader, state, inner, state.sketch, strength=0.9, cue=scoring.GAIN_CUE)
        yield step(reader, moved, mention.end, ranked(moved, ranking), strength=mention.choices[0].strength)
    for table in reader.tables_at(inner):
        sketch = ranked(state, Ranking(upwards, state.position, function="count", limit=limit))
        sketch = replace(sketch, entities=(*sketch.entities, table))
        moved = step(reader, state, inner, state.sketch, strength=0.9, cue=scoring.GAIN_CUE)
        yield replace(step(reader, moved, table.end, sketch, strength=table.choices[0][1] * 0.95), entity=table)
    ranking = Ranking(
        upwards, state.position, column=state.column, function="count", limit=limit, common=state.column is not None
    )
    yield step(reader, state, end, ranked(state, ranking), strength=0.85, cue=scoring.GAIN_CUE - 0.1)


def trailing(reader: Reader, state: State) -> Iterator[State]:
    """ "whose number of products is the largest"."""
    for mention in reader.columns_at(state.position):
        at = reader.skip(mention.end, ("is", "are", "was", "were", "the", "being"), 3)
        found = SUPERLATIVES.at(reader.tokens, at) if at > mention.end else None
        sortable = reader.ordered(mention)
        if found is None or sortable is None or reader.columns_at(found[1]) or reader.tables_at(found[1]):
            continue
        ranking = Ranking(found[0], state.position, column=sortable, limit=1)
        moved = step(reader, state, mention.end, ranked(state, ranking), strength=sortable.choices[0].strength)
        yield step(reader, moved, found[1], moved.sketch, strength=0.9, cue=scoring.GAIN_CUE + 0.3)
    counted = COUNTS.at(reader.tokens, state.position)
    if counted is None:
        return
    for table in reader.tables_at(reader.skip(counted[1], ("the", "of", "their"), 2)):
        at = reader.skip(table.end, ("is", "are", "was", "were", "the", "being"), 3)
        found = SUPERLATIVES.at(reader.tokens, at) if at > table.end else None
        if found is not None:
            ranking = Ranking(found[0], state.position, function="count", table=table, limit=1)
            moved = step(reader, state, table.end, ranked(state, ranking), strength=table.choices[0][1], cue=scoring.GAIN_CUE)
            yield step(reader, moved, found[1], moved.sketch, strength=0.9, cue=scoring.GAIN_CUE)


def _so_many(reader: Reader, state: State) -> Iterator[State]:
    """ "the 5 products with the lowest": how many rows to show."""
    number = reader.number_at(state.position)
    if (
        number is None
        or not isinstance(number.value, int)
        or state.phase != "ask"
        or state.sketch.wanted
        or state.sketch.entities
    ):
        return
    if reader.tables_at(state.position + 1) and number.value > 0:
        sketch = replace(state.sketch, limit=number.value)
        yield step(reader, state, state.position + 1, sketch, strength=0.9, cue=0.3)


def top(reader: Reader, state: State) -> Iterator[State]:
    """ "top 5 countries by": how many, with the order to come."""
    yield from _so_many(reader, state)
    selling = TOP_SELLING.at(reader.tokens, state.position)
    amount = reader.number_at(state.position)
    if amount is not None and isinstance(amount.value, int):
        yield from _so_many(reader, state)
    selling = TOP_SELLING.at(reader.tokens, state.position + 1)
    if selling is not None:
        sketch = replace(state.sketch, limit=amount.value if amount and isinstance(amount.value, int) else 1)
        yield step(reader, state, selling[1], sketch, strength=0.9, cue=scoring.GAIN_CUE)
    word = reader.low(state.position)
    number = reader.number_at(state.position + 1)
    if word in {"top", "bottom", "first", "last"} and number is not None and isinstance(number.value, int):
        sketch = replace(state.sketch, limit=number.value, lowest=word in {"bottom", "last"})
        yield step(reader, state, state.position + 2, sketch, strength=0.9, cue=scoring.GAIN_CUE)
    elif word in {"top", "bottom"} and state.sketch.limit is None:
        one = replace(state.sketch, limit=1, lowest=word == "bottom")
        yield step(reader, state, state.position + 1, one, strength=0.8, cue=0.2)
    found = BY.at(reader.tokens, state.position)
    if found is None or (state.sketch.limit is None and reader.low(0) not in {"rank", "sort", "order"}) or state.sketch.rankings:
        return
    for ranking, stop, strength in _keys_at(reader, found[1]):
        sorts = reader.low(0) in {"sort", "order"}
        turn, last = _direction_at(reader, stop)
        downwards = turn if turn is not None else not (state.sketch.lowest or sorts)
        final = replace(ranking, descending=downwards, position=state.position, limit=state.sketch.limit, shown=not sorts)
        moved = step(reader, state, found[1], state.sketch, strength=0.9, cue=scoring.GAIN_CUE)
        moved = step(reader, replace(moved, phase="where"), stop, ranked(moved, final), strength=strength)
        yield step(reader, moved, last, moved.sketch, strength=0.9)


RULES = (top, ordered, from_to, superlative, adjective, common, trailing)
