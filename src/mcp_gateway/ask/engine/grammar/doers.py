"""Somebody and something that a question asks for without naming a table: "who", "how many people", "what did Ann buy"."""

from collections.abc import Iterator
from dataclasses import replace

from mcp_gateway.ask.engine.grammar.reader import Reader, State, step
from mcp_gateway.ask.engine.people import doers, holds_people, people_tables
from mcp_gateway.ask.engine.sketch import TableMention

_WHO = frozenset({"who", "whom"})
_DID = frozenset({"did", "does", "do", "has", "have"})
_CUE = 0.25


def who(reader: Reader, state: State) -> Iterator[State]:
    """ "who" at the beginning: the rows of a table of people."""
    if state.position != 0 or reader.low(0) not in _WHO or _by_role(reader):
        return
    choices = doers(people_tables(reader.schema), reader.tokens)
    if choices:
        mention = TableMention(0, 1, choices)
        sketch = replace(state.sketch, entities=(*state.sketch.entities, mention))
        yield replace(step(reader, state, 1, sketch, strength=choices[0][1], cue=_CUE), entity=mention)


def _by_role(reader: Reader) -> bool:
    """Whether the question names somebody by the part they play: "who is the manager of"."""
    named = {name for many in reader.links.tables.values() for mention in many for name, _ in mention.choices}
    return not named.isdisjoint(reader.schema.roles)


def what_did(reader: Reader, state: State) -> Iterator[State]:
    """ "what did Noah buy": the things that rows telling of both point at."""
    if state.position != 0 or not asks_what_somebody_did(reader):
        return
    choices = tuple((name, 0.8) for name in _things(reader))
    if choices:
        mention = TableMention(0, 2, choices)
        sketch = replace(state.sketch, entities=(*state.sketch.entities, mention))
        yield replace(step(reader, state, 2, sketch, strength=0.8, cue=2 * _CUE), entity=mention, phase="where")


def _things(reader: Reader) -> Iterator[str]:
    """Named tables that other rows point at, that are no people and do not tell of them."""
    for table in reader.schema.tables.values():
        edges = reader.schema.keys.edges_of.get(table.name, ())
        pointed_at = any(edge.parent[0].table == table.name for edge in edges)
        of_people = any(holds_people(reader.schema.tables[e.parent[0].table]) for e in edges if e.child[0].table == table.name)
        happened = of_people and any(column.is_temporal for column in table.columns)
        if table.role is None and table.is_named and pointed_at and not happened and not holds_people(table):
            yield table.name


def asks_what_somebody_did(reader: Reader) -> bool:
    """Whether things are asked for by what somebody did with them."""
    return reader.low(0) == "what" and reader.low(1) in _DID and bool(reader.values_at(2) or reader.values_at(3))


RULES = (who, what_did)
