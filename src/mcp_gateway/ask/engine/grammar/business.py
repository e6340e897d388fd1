"""Metrics and conditions of the glossary: "revenue by region", "active customers", "customers with revenue above 1000"."""

from collections.abc import Iterator
from dataclasses import replace

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.grammar.groups import compared_at
from mcp_gateway.ask.engine.grammar.ranking import limit_after, limit_before, ranked
from mcp_gateway.ask.engine.grammar.reader import Reader, State, said, step
from mcp_gateway.ask.engine.lexicon import BY, SUPERLATIVES
from mcp_gateway.ask.engine.sketch import Given, MetricIs, Ranking, TableMention, Wanted

_TOTALS = frozenset({"how", "many", "much", "number", "total", "overall", "sum", "combined", "the", "of", "our", "all"})


def metric(reader: Reader, state: State) -> Iterator[State]:
    """A metric is wanted, or compared with a number."""
    at = reader.skip(state.position, _TOTALS, 3) if not reader.metrics_at(state.position) else state.position
    for mention in reader.metrics_at(at):
        start = step(reader, state, at, state.sketch, strength=0.9)
        after = reader.skip(mention.end, ("is", "are", "was", "of", "that", "which", "were"), 2)
        compared = None if reader.periods_at(after) else compared_at(reader, after)
        if compared is not None:
            sketch = said(start, MetricIs(mention.metric, compared[0], compared[1]), state.position)
            moved = step(reader, start, mention.end, sketch, strength=1.0, cue=scoring.BUSINESS_WORD)
            yield step(reader, moved, compared[2], sketch, strength=1.0, cue=scoring.GAIN_CUE)
        if state.denial >= 0:
            # "Without sales" denies the rows; a figure cannot be denied.
            continue
        if state.phase == "where" and reader.low(at - 1) in {"in", "both"}:
            # "Products that appear in sales" speaks of the rows.
            continue
        sketch = replace(state.sketch, wanted=(*state.sketch.wanted, Wanted(state.position, metric=mention.metric)))
        cost = 0.0 if state.phase == "ask" else 0.2
        yield step(reader, start, mention.end, sketch, strength=1.0, cue=scoring.BUSINESS_WORD - cost)


def by_metric(reader: Reader, state: State) -> Iterator[State]:
    """ "the highest revenue", "top 5 products by revenue"."""
    limit, at = limit_before(reader, state)
    found = SUPERLATIVES.at(reader.tokens, at)
    if found is not None:
        upwards, end = found
        limit, end = limit_after(reader, end, limit)
        inner = reader.skip(end, ("the", "of", "in", "total", "number"), 2)
        for mention in reader.metrics_at(inner):
            ranking = Ranking(upwards, state.position, metric=mention.metric, limit=limit)
            yield step(
                reader, state, mention.end, ranked(state, ranking), strength=1.0, cue=scoring.GAIN_CUE + scoring.BUSINESS_WORD
            )
    given = BY.at(reader.tokens, state.position)
    if given is None:
        return
    for mention in reader.metrics_at(reader.skip(given[1], ("the", "their", "total"), 2)):
        limited = state.sketch.limit
        ranking = Ranking(not state.sketch.lowest, state.position, metric=mention.metric, limit=limited)
        yield step(reader, state, mention.end, ranked(state, ranking), strength=1.0, cue=scoring.GAIN_CUE + scoring.BUSINESS_WORD)


def given(reader: Reader, state: State) -> Iterator[State]:
    """ "active customers": a condition, and the rows when the words name them."""
    for mention in reader.given_at(state.position):
        sketch = said(state, Given(mention.condition, mention.table), state.position)
        entity = state.entity
        if mention.names_rows:
            entity = TableMention(mention.start, mention.end, ((mention.table, 1.1),))
            sketch = replace(sketch, entities=(*sketch.entities, entity))
        yield replace(step(reader, state, mention.end, sketch, strength=1.0, cue=scoring.BUSINESS_WORD), entity=entity)


def number_of_metric(reader: Reader, state: State) -> Iterator[State]:
    """ "over 500,000 in revenue"."""
    compared = compared_at(reader, state.position)
    if compared is None:
        return
    for mention in reader.metrics_at(reader.skip(compared[2], ("in", "of", "euros", "dollars", "total", "worth"), 3)):
        sketch = said(state, MetricIs(mention.metric, compared[0], compared[1]), state.position)
        moved = step(reader, state, compared[2], sketch, strength=1.0, cue=scoring.GAIN_CUE)
        yield step(reader, moved, mention.end, sketch, strength=1.0, cue=scoring.BUSINESS_WORD)


RULES = (metric, by_metric, given, number_of_metric)
