"""Days of the week as a condition: "orders placed on Mondays"."""

from collections.abc import Iterator

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.grammar.reader import Reader, State, said, step
from mcp_gateway.ask.engine.sketch import OnDays


def on_days(reader: Reader, state: State) -> Iterator[State]:
    """ "On Mondays", "at weekends"."""
    found = reader.times.days.get(state.position)
    if found is not None and any(column.is_temporal for column in reader.schema.columns.values()):
        sketch = said(state, OnDays(found.names), state.position)
        yield step(reader, state, found.end, sketch, strength=0.95, cue=scoring.GAIN_CUE)
