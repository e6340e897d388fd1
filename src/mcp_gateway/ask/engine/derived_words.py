"""Business figures that a shop's tables imply though no glossary names them: revenue, and units sold.

Only where there is one way to calculate them: one table of order lines with a quantity and a price (or an amount), or one
table of invoices, orders or payments with a total. What the glossary, a table or a column is called already is left alone.
"""

import re
from collections.abc import Iterator

from mcp_gateway.ask.engine.schema_index import PreparedColumn, PreparedTable, SchemaIndex
from mcp_gateway.ask.engine.text import stem_of
from mcp_gateway.core.vocabulary import Metric, Vocabulary

REVENUE, UNITS = "revenue", "units sold"


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem_of(word) for word in text.split())


_PLAIN = re.compile(r"(?!(?:order|group|table|user|index|values|select|column|check|case)$)[a-z_][a-z0-9_]*")
_TRADE = _stems("order sale invoice purchase transaction basket cart ticket receipt bill payment checkout")
_LINES = _TRADE | _stems("line item detail position")
_NO_TRADE = _stems(
    "return refund stock inventory delivery shipment supplier vendor expense cost budget payroll salary reservation"
)
_QUANTITY = _stems("qty quantity units pieces")
_TOTALS = _stems("amount total subtotal revenue value")
_NO_TOTAL = _stems("tax vat discount shipping tip refund cost fee paid balance count quantity")
_PRICES = _stems("price")
_REDUCTIONS = _stems("discount rebate")


def with_derived(vocabulary: Vocabulary, schema: SchemaIndex) -> Vocabulary:
    """The vocabulary with the figures it lacks; the same object where there are none to add."""
    known = {word.casefold() for metric in vocabulary.metrics for word in (metric.name, *metric.aliases)}
    if known & {REVENUE, UNITS, "turnover", "sales"}:
        return vocabulary
    metrics = tuple(_derived(schema))
    if not metrics:
        return vocabulary
    return Vocabulary(
        entities=vocabulary.entities,
        terms=vocabulary.terms,
        metrics=(*vocabulary.metrics, *metrics),
        periods=vocabulary.periods,
    )


def _derived(schema: SchemaIndex) -> Iterator[Metric]:
    lines = [table for table in schema.tables.values() if _is_of(table, _LINES) and _one(table, _QUANTITY) is not None]
    if len(lines) > 1:
        return
    if lines:
        quantity = _one(lines[0], _QUANTITY)
        if quantity is not None:
            units = ("quantity sold", "items sold", "pieces sold", "number of units sold", "units")
            yield _metric(UNITS, _free(units, schema), lines[0], f"SUM({_sql(quantity)})")
    worth = _worth(schema, lines[0]) if lines else _total(schema)
    aliases = _free(("turnover", "takings", "sales revenue", "total sales", "sales"), schema)
    if worth is not None and _free((REVENUE,), schema):
        yield _metric(REVENUE, aliases, *worth)


def _metric(name: str, aliases: tuple[str, ...], table: PreparedTable, expression: str) -> Metric:
    return Metric(name=name, aliases=aliases, table=table.name, expression={"default": expression})


def _free(aliases: tuple[str, ...], schema: SchemaIndex) -> tuple[str, ...]:
    """The names that nothing in the schema is called by."""
    taken = {slot for table in schema.tables.values() for slot in table.slots}
    taken |= {slot for column in schema.columns.values() for slot in column.slots}
    return tuple(alias for alias in aliases if len(alias.split()) > 1 or stem_of(alias) not in taken)


def _worth(schema: SchemaIndex, lines: PreparedTable) -> tuple[PreparedTable, str] | None:
    """What the order lines are worth together."""
    quantity, total, price = _one(lines, _QUANTITY), _one(lines, _TOTALS, _NO_TOTAL), _one(lines, _PRICES)
    if total is not None:
        return lines, f"SUM({_sql(total)})"
    if quantity is None or any(_REDUCTIONS.intersection(column.slots) for column in lines.columns):
        return None
    if price is None:
        prices = [found for parent in _parents(schema, lines) if (found := _one(parent, _PRICES)) is not None]
        price = prices[0] if len(prices) == 1 else None
    return None if price is None else (lines, f"SUM({_sql(quantity)} * {_sql(price)})")


def _total(schema: SchemaIndex) -> tuple[PreparedTable, str] | None:
    """The total of the only table of invoices, orders or payments that has one."""
    found = [
        (table, total)
        for table in schema.tables.values()
        if _is_of(table, _TRADE) and (total := _one(table, _TOTALS, _NO_TOTAL)) is not None
    ]
    return (found[0][0], f"SUM({_sql(found[0][1])})") if len(found) == 1 else None


def _is_of(table: PreparedTable, words: frozenset[str]) -> bool:
    return bool(words.intersection(table.slots)) and not _NO_TRADE.intersection(table.slots)


def _one(table: PreparedTable, words: frozenset[str], without: frozenset[str] = frozenset()) -> PreparedColumn | None:
    """The only figure of a table called so; the last word of a name decides."""
    found = [
        column
        for column in table.columns
        if column.is_measure and not column.is_temporal and column.slots[-1] in words and not without.intersection(column.slots)
    ]
    return found[0] if len(found) == 1 else None


def _parents(schema: SchemaIndex, table: PreparedTable) -> Iterator[PreparedTable]:
    for edge in schema.keys.edges_of.get(table.name, ()):
        if edge.child[0].table == table.name:
            yield schema.tables[edge.parent[0].table]


def _sql(column: PreparedColumn) -> str:
    return ".".join(name if _PLAIN.fullmatch(name) else f'"{name}"' for name in (column.ref.table, column.ref.column))
