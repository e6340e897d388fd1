"""Names in a query that mean nothing, or more than one thing, in the gathered schema.

Lenient where the schema cannot know: rows of functions, structs, pseudo columns. The database has the last word there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from mcp_gateway.ask.faults import FaultKind, QueryFault
from mcp_gateway.ask.nearest import nearest
from mcp_gateway.ask.scopes import Select, Source, full_name
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Metric, Vocabulary

_PSEUDO_COLUMNS = frozenset({"rowid", "oid", "_rowid_", "ctid", "xmin"})
_MOST_SUGGESTIONS = 5
_PLAIN_TOTAL = re.compile(r"(?:SUM|AVG|MIN|MAX)\s*\(\s*(?:\w+\.)?(\w+)\s*\)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A fault with the node it is about; `select` is None when the name belongs to no single SELECT."""

    fault: QueryFault
    node: exp.Expr
    select: Select


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """The real names, and the business words that stand for them."""

    schema: DatabaseSchema
    table_synonyms: Mapping[str, tuple[str, ...]]
    column_synonyms: Mapping[tuple[str, str], tuple[str, ...]]

    def columns_like(self, wrong: str, source: Source) -> tuple[str, ...]:
        """The columns of one source nearest to a wrong name, best first."""
        table = source.table.name if source.table else ""
        synonyms = {name: self.column_synonyms.get((table, name), ()) for name in source.columns or ()}
        return tuple(near.name for near in nearest(wrong, source.columns or (), synonyms))


def names_of(schema: DatabaseSchema, vocabulary: Vocabulary) -> Names:
    """Join the schema with the glossary's words for its tables and columns."""
    tables: dict[str, tuple[str, ...]] = {}
    columns: dict[tuple[str, str], tuple[str, ...]] = {}
    for term in vocabulary.terms:
        if term.condition:
            continue
        if term.column is None:
            tables[term.table] = (*tables.get(term.table, ()), *term.aliases)
        else:
            key = (term.table, term.column)
            columns[key] = (*columns.get(key, ()), *term.aliases)
    for metric in vocabulary.metrics:
        total = _totalled_column(metric, schema.dialect)
        if total is not None:
            key = (metric.table, total)
            columns[key] = (*columns.get(key, ()), metric.name, *metric.aliases)
    return Names(schema=schema, table_synonyms=tables, column_synonyms=columns)


def _totalled_column(metric: Metric, dialect: str) -> str | None:
    """The column a plain total like SUM(sales.amount) is over: who writes SUM(revenue) means that column."""
    text = metric.expression.get(dialect) or metric.expression.get("default", "")
    found = _PLAIN_TOTAL.fullmatch(text.strip())
    return found.group(1) if found else None


def find_name_faults(found: Sequence[Select], names: Names) -> tuple[Finding, ...]:
    """All of them, tables first: a column can only be judged once its table is known."""
    tables = tuple(finding for select in found for finding in _unknown_tables(select, names))
    return tables + tuple(finding for select in found for finding in _column_faults(select, names))


def _unknown_tables(select: Select, names: Names) -> Iterator[Finding]:
    for source in select.sources:
        node = source.node
        if (
            source.table is None
            and isinstance(node, exp.Table)
            and isinstance(node.this, exp.Identifier)
            and source.columns is None
        ):
            wrong = full_name(node)
            near = nearest(node.name, (table.name for table in names.schema.tables), names.table_synonyms)
            fault = _fault("unknown_table", f"There is no table {wrong!r}", wrong, tuple(name.name for name in near))
            yield Finding(fault=fault, node=node, select=select)


def _column_faults(select: Select, names: Names) -> Iterator[Finding]:
    for column in select.columns:
        if column.args.get("db"):
            continue
        fault = _qualified_fault(column, select, names) if column.table else _bare_fault(column, select, names)
        if fault is not None:
            yield Finding(fault=fault, node=column, select=select)


def _qualified_fault(column: exp.Column, select: Select, names: Names) -> QueryFault | None:
    source = select.source(column.table)
    if source is None:
        if any(has_column(other, column.table) for other in (*select.sources, *select.outer)):
            return None  # a field of a struct
        near = nearest(column.table, (other.alias for other in select.sources))
        suggestions = tuple(name.name for name in near)
        return _fault("unknown_alias", f"Nothing here is called {column.table!r}", column.name, suggestions, column.table)
    if source.columns is None or column.name == "*" or has_column(source, column.name):
        return None
    near_columns = names.columns_like(column.name, source)
    message = f"There is no column {column.name!r} in {_shown(source)}"
    return _fault("unknown_column", message, column.name, near_columns, column.table)


def _bare_fault(column: exp.Column, select: Select, names: Names) -> QueryFault | None:
    name = column.name
    holders = [source for source in select.sources if has_column(source, name)]
    if len(holders) == 1 or _names_an_output(column, select):
        return None
    if holders:
        if name.casefold() in select.merged or _joins_naturally(select.node):
            return None
        owners = tuple(f"{source.alias}.{name}" for source in holders)
        return _fault("ambiguous_column", f"The column {name!r} is in more than one table", name, owners)
    if _is_excused(column, select):
        return None
    near = [
        f"{source.alias}.{like}" if len(select.sources) > 1 else like
        for source in select.sources
        for like in names.columns_like(name, source)
    ]
    where = " or ".join(_shown(source) for source in select.sources) or "this query"
    return _fault("unknown_column", f"There is no column {name!r} in {where}", name, tuple(near))


def _is_excused(column: exp.Column, select: Select) -> bool:
    """Whether a name found in no table may still be right."""
    folded = column.name.casefold()
    everything = (*select.sources, *select.outer)
    return (
        folded in select.aliases
        or folded in _PSEUDO_COLUMNS
        or any(source.columns is None or source.alias.casefold() == folded for source in everything)
        or any(has_column(source, folded) for source in select.outer)
        or is_text_in_double_quotes(column)
    )


def is_text_in_double_quotes(column: exp.Column) -> bool:
    """SQLite reads "name" as the text 'name' when no column is called so; only where a value may stand is it meant."""
    if not column.this.args.get("quoted"):
        return False
    parent = column.parent
    if isinstance(parent, exp.In):
        return parent.this is not column
    if isinstance(parent, (exp.Binary, exp.Between)):
        return parent.this is not column
    return isinstance(parent, exp.Func)


def has_column(source: Source, name: str) -> bool:
    """Whether the source is known to have the column, letter case aside."""
    folded = name.casefold()
    return any(column.casefold() == folded for column in source.columns or ())


def _names_an_output(column: exp.Column, select: Select) -> bool:
    """ORDER BY and GROUP BY may use the name of a result column."""
    if column.find_ancestor(exp.Order, exp.Group, exp.Having, exp.Qualify, exp.Select) is select.node:
        return False
    folded = column.name.casefold()
    return isinstance(select.node, exp.Select) and any(
        projection.alias_or_name.casefold() == folded and projection is not column for projection in select.node.selects
    )


def _joins_naturally(node: exp.Expr) -> bool:
    return any(join.args.get("method") == "NATURAL" for join in node.args.get("joins") or ())


def _shown(source: Source) -> str:
    return source.table.name if source.table else source.alias


def _fault(kind: FaultKind, message: str, name: str, suggestions: tuple[str, ...], qualifier: str = "") -> QueryFault:
    kept = suggestions[:_MOST_SUGGESTIONS]
    text = f"{message}; nearest: {', '.join(kept)}" if kept else message
    return QueryFault(kind=kind, message=f"{text}.", name=name, qualifier=qualifier, suggestions=kept)
