"""What is most or in total where it is not named right behind: "is borrowed the most", "most sick days", "total refunds"."""

from collections.abc import Iterator
from dataclasses import replace

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.grammar.presence import MONEY
from mcp_gateway.ask.engine.grammar.ranking import ranked
from mcp_gateway.ask.engine.grammar.reader import Reader, State, said, step
from mcp_gateway.ask.engine.grammar.targets import ADDED_UP
from mcp_gateway.ask.engine.sketch import Choice, ColumnMention, HasValue, Ranking, TableMention, ValueMention, Wanted
from mcp_gateway.ask.engine.text import stem_of

_MOST = {"most": True, "least": False, "fewest": False}
_PAID = frozenset(stem_of(word) for word in "pay paid spend spent earn earned owe owed donate donated cost make made".split()) | {
    "paid",
    "spent",
    "made",
}
_QUANTITY = frozenset(stem_of(word) for word in "qty quantity units pieces".split())
_CLOSES = frozenset(
    {"", "?", ".", ",", "in", "on", "last", "this", "since", "during", "between", "over", "by", "for", "at", "from"}
)


def most_of_all(reader: Reader, state: State) -> Iterator[State]:
    """ "which genre is borrowed the most", "who paid the most": rows counted, or money added up after verbs of paying."""
    upwards = _MOST.get(reader.low(state.position))
    at = state.position + 1
    if upwards is None or not (state.sketch.entities or state.sketch.wanted) or state.sketch.rankings:
        return
    if reader.low(at) not in _CLOSES or not any(reader.is_verb(n) or _speaks(reader, n) for n in range(state.position)):
        return
    if any(reader.tokens[n].stem in _PAID or reader.low(n) in _PAID for n in range(state.position)):
        money = _amounts(reader, state.position, at)
        if money is not None:
            ranking = Ranking(upwards, state.position, column=money, function="sum", limit=1)
            yield step(reader, state, at, ranked(state, ranking), strength=0.8, cue=scoring.GAIN_CUE)
        return
    ranking = Ranking(upwards, state.position, function="count", limit=state.sketch.limit or 1)
    yield step(reader, state, at, ranked(state, ranking), strength=0.9, cue=scoring.GAIN_CUE)


def _speaks(reader: Reader, position: int) -> bool:
    """Whether a word is a verb that names what happened ("attend")."""
    return any(mention.choices[0][1] == scoring.EVENT_BY_VERB for mention in reader.tables_at(position))


def _amounts(reader: Reader, start: int, end: int) -> ColumnMention | None:
    """The amounts of money of any table; the nearest will be meant."""
    columns = [c for c in reader.schema.columns.values() if c.is_measure and MONEY.intersection(c.slots)]
    choices = tuple(Choice(column.ref, 0.8) for column in columns)[: scoring.MAX_CHOICES]
    return ColumnMention(start, end, choices, implied=True) if choices else None


def most_of_some(reader: Reader, state: State) -> Iterator[State]:
    """ "the most cancelled appointments", "most sick days", "the most tiramisu"."""
    upwards = _MOST.get(reader.low(state.position))
    if upwards is None or state.sketch.rankings:
        return
    for value in reader.values_at(state.position + 1):
        sketch = said(state, HasValue(value), value.start)
        limited = replace(state, sketch=sketch)
        for ranking, end, strength in _ranked_by(reader, value, upwards=upwards, position=state.position):
            moved = step(reader, state, value.start, sketch, strength=0.9, cue=scoring.GAIN_CUE)
            moved = step(reader, moved, value.end, sketch, strength=value.choices[0].strength)
            yield step(reader, moved, end, ranked(limited, ranking), strength=strength)


def _ranked_by(reader: Reader, value: ValueMention, *, upwards: bool, position: int) -> Iterator[tuple[Ranking, int, float]]:
    """What rows of a value are ranked by: their number, or what is named behind it."""
    for table in reader.tables_at(value.end):
        yield Ranking(upwards, position, function="count", table=table, limit=1), table.end, table.choices[0][1]
    for column in reader.columns_at(value.end):
        measure = reader.measures(column)
        if measure is not None:
            yield Ranking(upwards, position, column=measure, function="sum", limit=1), column.end, measure.choices[0].strength
    if reader.low(value.end) in _CLOSES:
        quantity = [c for c in reader.schema.columns.values() if c.is_measure and c.slots[-1] in _QUANTITY]
        if quantity:
            mention = ColumnMention(position, value.start, tuple(Choice(c.ref, 0.8) for c in quantity), implied=True)
            yield Ranking(upwards, position, column=mention, function="sum", limit=1), value.end, 0.9
        else:
            yield Ranking(upwards, position, function="count", limit=1), value.end, 0.8


def total(reader: Reader, state: State) -> Iterator[State]:
    """ "total of unpaid invoices" where a column is the total, "total sick days", "total refunds"."""
    if reader.low(state.position) not in {"total", "sum"} or state.phase != "ask":
        return
    yield from _total_itself(reader, state)
    at = reader.skip(state.position + 1, ("of", "the", "all", "amount"), 3)
    for value in reader.values_at(at):
        for column in reader.columns_at(value.end):
            measure = reader.measures(column)
            if measure is not None:
                sketch = said(state, HasValue(value), value.start)
                wanted = Wanted(state.position, column=measure, function="sum")
                sketch = replace(sketch, wanted=(*sketch.wanted, wanted))
                moved = step(reader, state, value.end, sketch, strength=value.choices[0].strength, cue=scoring.GAIN_CUE)
                yield replace(step(reader, moved, column.end, sketch, strength=measure.choices[0].strength), column=measure)
    for table in reader.tables_at(at):
        money = _amount_of(reader, table, state.position)
        if money is not None:
            wanted = Wanted(state.position, column=money, function="sum")
            sketch = replace(state.sketch, wanted=(*state.sketch.wanted, wanted), entities=(*state.sketch.entities, table))
            moved = step(reader, state, at, sketch, strength=0.9, cue=scoring.GAIN_CUE)
            yield replace(step(reader, moved, table.end, sketch, strength=table.choices[0][1] * 0.95), entity=table)


def _total_itself(reader: Reader, state: State) -> Iterator[State]:
    for mention in reader.columns_at(state.position):
        measure = reader.measures(mention)
        follows = reader.low(mention.end) in {"of", "for", "", "?", "by", "per"}
        if measure is not None and mention.end == state.position + 1 and follows:
            wanted = Wanted(state.position, column=measure, function="sum")
            sketch = replace(state.sketch, wanted=(*state.sketch.wanted, wanted))
            moved = step(reader, state, mention.end, sketch, strength=measure.choices[0].strength, cue=0.3)
            yield replace(moved, column=measure)


def _amount_of(reader: Reader, table: TableMention, position: int) -> ColumnMention | None:
    """The only amount of money of a table."""
    prepared = reader.schema.tables[table.choices[0][0]]
    money = [column for column in prepared.columns if column.is_measure and ADDED_UP.intersection(column.slots)]
    if len(money) != 1:
        return None
    return ColumnMention(position, position + 1, (Choice(money[0].ref, 0.9),), implied=True)


def highest_total(reader: Reader, state: State) -> Iterator[State]:
    """ "the highest total fines": the rows' only amount of money added up."""
    words = {"highest": True, "largest": True, "biggest": True, "lowest": False, "smallest": False}
    upwards = words.get(reader.low(state.position))
    if upwards is None or reader.low(state.position + 1) not in {"total", "overall", "combined"}:
        return
    for table in reader.tables_at(state.position + 2):
        money = _amount_of(reader, table, state.position)
        if money is not None:
            ranking = Ranking(upwards, state.position, column=money, function="sum", limit=1, table=table)
            moved = step(reader, state, state.position + 2, ranked(state, ranking), strength=0.9, cue=scoring.GAIN_CUE)
            yield step(reader, moved, table.end, moved.sketch, strength=table.choices[0][1])


RULES = (most_of_all, most_of_some, total, highest_total)
