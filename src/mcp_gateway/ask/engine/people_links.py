"""Who and what happened: words for anybody as mentions of the tables of people, verbs as mentions of what they tell of.

"People" are the rows of a table of people where no table is called so. "Borrowed" means loans for sure where loans point at
borrowers or books; elsewhere a verb is only likely to speak of a table called like it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.lexicon import IRREGULAR_VERBS
from mcp_gateway.ask.engine.linking import Links
from mcp_gateway.ask.engine.people import doers, holds_people, people_tables
from mcp_gateway.ask.engine.schema_index import SchemaIndex
from mcp_gateway.ask.engine.sketch import TableMention
from mcp_gateway.ask.engine.text import Token

Choices: TypeAlias = tuple[tuple[str, float], ...]
_BY_VERB = 0.55  # less is only a part of a table's name
_ANYBODY = frozenset({"people", "persons", "person", "individuals", "folks", "somebody", "anybody", "everybody"})


def with_people_linked(tokens: Sequence[Token], links: Links, schema: SchemaIndex) -> Links:
    """The links with such words; the same links where there are none."""
    places = [
        n
        for n, token in enumerate(tokens)
        if token.low in _ANYBODY and not links.tables.get(n) and not links.columns.get(n) and not links.values.get(n)
    ]
    choices = doers(people_tables(schema), tokens) if places else ()
    if not choices:
        return links
    return replace(links, tables={**links.tables, **{n: (TableMention(n, n + 1, choices),) for n in places}})


def with_events_linked(tokens: Sequence[Token], links: Links, schema: SchemaIndex) -> Links:
    """The links with verbs trusted that name rows which tell of people or things elsewhere."""
    tables = dict(links.tables)
    for place, mentions in links.tables.items():
        if _is_verb(tokens, place):
            tables[place] = tuple(
                replace(each, choices=_events(each.choices, schema)) if each.end == place + 1 else each for each in mentions
            )
    return replace(links, tables=tables)


def _is_verb(tokens: Sequence[Token], place: int) -> bool:
    word = tokens[place].low
    asked = any(token.low in {"did", "do", "does"} for token in tokens[max(0, place - 6) : place])
    return word.endswith("ed") or word in IRREGULAR_VERBS or (asked and not word.endswith("s"))


def _events(choices: Choices, schema: SchemaIndex) -> Choices:
    """The choices with those trusted that tell of others; who does it is not meant beside what is done."""
    found = {name for name, strength in choices if _BY_VERB <= strength < scoring.VERB_TRUST and _tells(name, schema)}
    if not found:
        return choices
    kept = [(name, scoring.EVENT_BY_VERB if name in found else strength) for name, strength in choices]
    kept = [(name, strength) for name, strength in kept if name in found or not holds_people(schema.tables[name])]
    return tuple(sorted(kept, key=lambda choice: (-choice[1], choice[0])))


def _tells(name: str, schema: SchemaIndex) -> bool:
    """Whether the rows tell when something happened, or of two others at once."""
    own = [edge for edge in schema.keys.edges_of.get(name, ()) if edge.child[0].table == name]
    dated = any(column.is_temporal for column in schema.tables[name].columns)
    return len({edge.parent[0].table for edge in own}) >= (1 if dated else 2)
