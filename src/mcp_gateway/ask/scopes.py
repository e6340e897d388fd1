"""Who can see which columns in a query: the names in reach of each SELECT, from the gathered schema."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from mcp_gateway.core.schema import DatabaseSchema, Table

# What sqlglot raises over trees of half-right text: two tables under one name, a function without its argument. Such a tree
# cannot be read or printed, which is no fault of ours.
LIBRARY_FAULTS = (SqlglotError, AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)

# None: the columns cannot be known here (a function's rows, an unknown table), so nothing is wrong with any name.
Columns: TypeAlias = "tuple[str, ...] | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One thing in FROM or JOIN: `alias` as the query calls it, `table` when it is a real one."""

    alias: str
    columns: Columns
    table: Table | None = None
    node: exp.Expr | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Select:
    """One SELECT with what it reads. `outer` are the sources of the queries around it, nearest first."""

    node: exp.Expr
    sources: tuple[Source, ...]
    outer: tuple[Source, ...] = ()
    aliases: frozenset[str] = frozenset()
    merged: frozenset[str] = frozenset()
    columns: tuple[exp.Column, ...] = field(default=())

    def source(self, alias: str) -> Source | None:
        """The source of this alias, own ones before the outer ones."""
        folded = alias.casefold()
        return next((source for source in (*self.sources, *self.outer) if source.alias.casefold() == folded), None)


def full_name(table: exp.Table) -> str:
    """The table's name with its schema, as `DatabaseSchema` writes it."""
    return ".".join(part.name for part in table.parts)


def find_table(schema: DatabaseSchema, node: exp.Table) -> Table | None:
    """The real table a node names; its schema may be left out where only one table has the name, or be the default one."""
    name = full_name(node)
    found = schema.table(name) or schema.table(node.name) if _is_default(node) else schema.table(name)
    if found is None and not node.db:
        tails = [table for table in schema.tables if table.name.rpartition(".")[2].casefold() == node.name.casefold()]
        found = tails[0] if len(tails) == 1 else None
    return found


def _is_default(node: exp.Table) -> bool:
    return node.db.casefold() in {"", "main", "public", "dbo"}


def selects(tree: exp.Expr, schema: DatabaseSchema) -> tuple[Select, ...]:
    """Every SELECT of the query, inner ones first."""
    reader = _Reader(schema)
    return tuple(reader.select(scope) for scope in traverse_scope(tree) if isinstance(scope.expression, exp.Select))


class _Reader:
    """Reads scopes of one query; remembers each scope's columns, since the same CTE may be read many times over."""

    def __init__(self, schema: DatabaseSchema) -> None:
        self._schema = schema
        self._columns: dict[int, Columns] = {}

    def select(self, scope: Scope) -> Select:
        node = scope.expression
        outer: list[Source] = []
        parent = scope.parent
        while parent is not None:
            outer.extend(self._sources(parent))
            parent = parent.parent
        return Select(
            node=node,
            sources=tuple(self._sources(scope)),
            outer=tuple(outer),
            aliases=frozenset(alias.casefold() for alias in _output_aliases(node)),
            merged=frozenset(name.casefold() for name in _merged_names(node)),
            columns=tuple(found for found in scope.walk() if isinstance(found, exp.Column)),
        )

    def _sources(self, scope: Scope) -> Iterator[Source]:
        for alias, (node, source) in scope.selected_sources.items():
            if isinstance(source, exp.Table):
                yield self._table_source(alias, source)
            elif isinstance(source, Scope):
                listed = _listed_columns(node)
                yield Source(alias=alias, columns=listed or self._scope_columns(source), node=node)

    def _table_source(self, alias: str, node: exp.Table) -> Source:
        if not isinstance(node.this, exp.Identifier):
            return Source(alias=alias, columns=None, node=node)
        table = find_table(self._schema, node)
        columns = _listed_columns(node) or (tuple(column.name for column in table.columns) if table else None)
        return Source(alias=alias, columns=columns, table=table, node=node)

    def _scope_columns(self, scope: Scope) -> Columns:
        key = id(scope)
        if key not in self._columns:
            self._columns[key] = None  # a recursive query that reads itself here: its columns cannot be known
            self._columns[key] = self._read_scope(scope)
        return self._columns[key]

    def _read_scope(self, scope: Scope) -> Columns:
        """The output names of a subquery or CTE."""
        query = scope.expression
        if scope.outer_columns:
            return tuple(scope.outer_columns)
        if isinstance(query, exp.SetOperation):
            return self._scope_columns(scope.set_operation_scopes[0]) if scope.set_operation_scopes else None
        if not isinstance(query, exp.Select):
            return None
        names: list[str] = []
        for projection in query.selects:
            spread = self._star_columns(scope, projection) if projection.is_star else (projection.alias_or_name,)
            if spread is None:
                return None
            names.extend(spread)
        return tuple(names)

    def _star_columns(self, scope: Scope, star: exp.Expr) -> Columns:
        if isinstance(star, exp.Star) and (star.args.get("rename") or star.args.get("replace")):
            return None
        wanted = star.table if isinstance(star, exp.Column) else ""
        names: list[str] = []
        for source in self._sources(scope):
            if wanted and source.alias.casefold() != wanted.casefold():
                continue
            if source.columns is None:
                return None
            names.extend(source.columns)
        return tuple(names)


def _listed_columns(node: exp.Expr) -> tuple[str, ...]:
    """The names in `AS alias(a, b)`; empty when there are none."""
    named = node.args.get("alias")
    return tuple(column.name for column in named.args.get("columns") or ()) if isinstance(named, exp.TableAlias) else ()


def _output_aliases(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Select):
        for projection in node.selects:
            if isinstance(projection, exp.Alias):
                yield projection.alias
    for window in node.args.get("windows") or ():
        yield window.name


def _merged_names(node: exp.Expr) -> Iterator[str]:
    for join in node.args.get("joins") or ():
        for identifier in join.args.get("using") or ():
            yield identifier.name
