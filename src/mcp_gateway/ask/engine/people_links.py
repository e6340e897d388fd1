"""Words for anybody ("people", "persons") as mentions of the tables that hold people, where no table is called so."""

from collections.abc import Sequence
from dataclasses import replace

from mcp_gateway.ask.engine.linking import Links
from mcp_gateway.ask.engine.people import doers, people_tables
from mcp_gateway.ask.engine.schema_index import SchemaIndex
from mcp_gateway.ask.engine.sketch import TableMention
from mcp_gateway.ask.engine.text import Token

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
