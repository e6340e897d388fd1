"""Questions about selling and spending put as questions about a figure, where such a figure is known.

"Who spent the most on paint" asks which customer has the highest revenue, "what sold best" which product has the highest units
sold. Which table holds the customers and which the goods follows from the keys around the figure's table; where that is not
clear, the question stays as it was.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files

from mcp_gateway.ask.engine.derived_words import REVENUE, UNITS
from mcp_gateway.ask.engine.people import STAFF, holds_people
from mcp_gateway.ask.engine.schema_index import PreparedTable, SchemaIndex
from mcp_gateway.ask.engine.wordings import reworded
from mcp_gateway.ask.model import DraftRequest
from mcp_gateway.core.vocabulary import Metric

_FAR = 2.7  # joins between the figure and who it is about
_TIE = 0.5
_VERBS = re.compile(
    r"\b(?:spen[dt]|spends|spenders?|sold|sells?|sellers?|bestsellers?|selling|bought|ordered|purchased)\b", re.IGNORECASE
)


def in_trade_words(request: DraftRequest, schema: SchemaIndex) -> DraftRequest:
    """The request, its verbs of trade replaced by the figures they speak of."""
    if not _VERBS.search(request.question):
        return request
    named = _named(request, schema)
    rules = [
        (pattern, plainer.format_map(named)) for pattern, plainer, needs in _wordings() if all(each in named for each in needs)
    ]
    return reworded(request, rules) if rules else request


@lru_cache(maxsize=1)
def _wordings() -> tuple[tuple[re.Pattern[str], str, tuple[str, ...]], ...]:
    """Pattern, replacement, and the figures and tables the replacement names."""
    text = files(__package__).joinpath("trade.txt").read_text(encoding="utf-8")
    pairs = [line.split(" => ", 1) for line in text.splitlines() if line and not line.startswith("# ")]
    return tuple((re.compile(left, re.IGNORECASE), right, tuple(re.findall(r"\{(\w+)\}", right))) for left, right in pairs)


def _named(request: DraftRequest, schema: SchemaIndex) -> Mapping[str, str]:
    """What the figures and the tables around them are called, as far as they are known."""
    worth, units = _figure(request, REVENUE), _figure(request, UNITS)
    buyers = _customers(schema, worth or units)
    goods = _goods(schema, units or worth)
    found = {
        "worth": worth.name if worth else None,
        "units": units.name if units else None,
        "who": _said(buyers),
        "thing": _said(goods),
    }
    return {key: name for key, name in found.items() if name is not None}


def _figure(request: DraftRequest, name: str) -> Metric | None:
    return next((each for each in request.vocabulary.metrics if each.name.casefold() == name), None)


def _customers(schema: SchemaIndex, metric: Metric | None) -> PreparedTable | None:
    """Those who buy: the people nearest to the figure that are no staff."""
    if metric is None:
        return None
    people = [t for t in schema.tables.values() if holds_people(t) and not STAFF.intersection(t.slots)]
    return _nearest(schema, metric.table, people)


def _goods(schema: SchemaIndex, metric: Metric | None) -> PreparedTable | None:
    """What is sold: the named table that the figure's table points at and that is neither people nor dated."""
    if metric is None:
        return None
    parents = [
        schema.tables[edge.parent[0].table]
        for edge in schema.keys.edges_of.get(metric.table, ())
        if edge.child[0].table == metric.table
    ]
    goods = list(dict.fromkeys(parent.name for parent in parents if parent.is_named and not holds_people(parent)))
    return schema.tables[goods[0]] if len(goods) == 1 else None


def _nearest(schema: SchemaIndex, table: str, others: Iterable[PreparedTable]) -> PreparedTable | None:
    """The nearest of some tables, where one is."""
    found = sorted(
        ((distance, other.name) for other in others if (distance := schema.distance(table, other.name)) is not None),
    )
    if not found or found[0][0] > _FAR or (len(found) > 1 and found[1][0] - found[0][0] < _TIE):
        return None
    return schema.tables[found[0][1]]


def _said(table: PreparedTable | None) -> str | None:
    return None if table is None else table.name.replace("_", " ").lower()
