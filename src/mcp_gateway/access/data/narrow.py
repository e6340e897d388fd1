"""The database and the business words as a caller with fewer rights sees them: what is withheld does not exist.

Comments stay as they are written. Figures and samples of a table with limited rows go, because they speak of every row.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from mcp_gateway.access.data.model import DataRights
from mcp_gateway.core.schema import Column, DatabaseSchema, ForeignKey, Table
from mcp_gateway.core.vocabulary import Expression, Metric, Term, Vocabulary

_WORD = re.compile(r"\w+")


def narrow(schema: DatabaseSchema, columns: Mapping[str, tuple[str, ...]], limited: frozenset[str]) -> DatabaseSchema:
    """Only these columns of these tables. Its version says nothing of what is withheld."""
    tables = tuple(_table(table, columns, is_limited=table.name in limited) for table in schema.tables if table.name in columns)
    structure = repr(tuple(replace(table, row_count=None) for table in tables))
    return DatabaseSchema(dialect=schema.dialect, tables=tables, version=hashlib.sha256(structure.encode()).hexdigest()[:16])


def _table(table: Table, columns: Mapping[str, tuple[str, ...]], *, is_limited: bool) -> Table:
    kept = frozenset(columns[table.name])
    shown = tuple(_blanked(column) if is_limited else column for column in table.columns if column.name in kept)
    return replace(
        table,
        columns=shown,
        primary_key=table.primary_key if kept.issuperset(table.primary_key) else (),
        foreign_keys=tuple(key for key in table.foreign_keys if _leads_on(key, kept, columns)),
        row_count=None if is_limited else table.row_count,
    )


def _blanked(column: Column) -> Column:
    return replace(column, samples=(), distinct_count=None, minimum=None, maximum=None)


def _leads_on(key: ForeignKey, kept: frozenset[str], columns: Mapping[str, tuple[str, ...]]) -> bool:
    return kept.issuperset(key.columns) and frozenset(columns.get(key.target_table, ())).issuperset(key.target_columns)


def narrow_vocabulary(vocabulary: Vocabulary, rights: DataRights) -> Vocabulary:
    """Without the words for what is withheld, and without the names of single things in tables with limited rows."""
    sees = _Sees(rights)
    return Vocabulary(
        entities=tuple(
            one for one in vocabulary.entities if sees.column(one.table, one.column) and not rights.is_limited(one.table)
        ),
        terms=tuple(one for one in vocabulary.terms if sees.term(one)),
        metrics=tuple(one for one in vocabulary.metrics if sees.metric(one)),
        periods=vocabulary.periods,
    )


class _Sees:
    """Whether what a word stands for exists for the caller."""

    def __init__(self, rights: DataRights) -> None:
        self._rights = rights
        self._dialect = rights.schema.dialect

    def column(self, table: str, column: str) -> bool:
        found = self._rights.find(table)
        return found is not None and column.casefold() in {name.casefold() for name in found.columns}

    def term(self, term: Term) -> bool:
        if term.column is not None and not self.column(term.table, term.column):
            return False
        return self._rights.find(term.table) is not None and self._expression(term.condition, term.table)

    def metric(self, metric: Metric) -> bool:
        return self._rights.find(metric.table) is not None and all(
            self._expression(one, metric.table) for one in (metric.expression, metric.condition)
        )

    def _expression(self, expression: Expression, table: str) -> bool:
        return all(self._text(text, "" if dialect == "default" else dialect, table) for dialect, text in expression.items())

    def _text(self, text: str, dialect: str, table: str) -> bool:
        """What cannot be read is judged by its words: any that is withheld hides it."""
        try:
            tree = parse_one(text, dialect=dialect)
        except (SqlglotError, RecursionError, ValueError):
            return self._rights.withheld.isdisjoint(word.casefold() for word in _WORD.findall(text))
        tables = (".".join(part.name for part in one.parts) for one in tree.find_all(exp.Table))
        return all(self._rights.find(name) is not None for name in tables) and all(
            self.column(of, name) for of, name in _columns(tree, table)
        )


def _columns(tree: exp.Expr, table: str) -> Iterator[tuple[str, str]]:
    for column in tree.find_all(exp.Column):
        if not isinstance(column.this, exp.Star):
            yield ".".join(part.name for part in column.parts[:-1]) or table, column.name
