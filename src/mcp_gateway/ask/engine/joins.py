"""The FROM of a select: which tables its columns need and how they are joined."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from mcp_gateway.ask.engine.form import ColumnRef, RawCondition, RawExpression, Select, TableRef
from mcp_gateway.ask.engine.form_walk import nodes
from mcp_gateway.ask.engine.key_graph import KeyGraph, Tree, joins_along

FindTree = Callable[[frozenset[str]], Tree | None]


def tables_needed(select: Select) -> tuple[str, ...]:
    """The tables a select's own columns and glossary expressions stand in, `base` first."""
    parts = (select.targets, select.where, select.group_by, select.having, select.order_by, select.within)
    columns, others = [select.base.table], list[str]()
    for node in nodes(parts):
        if isinstance(node, ColumnRef):
            columns.append(node.table)
        elif isinstance(node, RawCondition | RawExpression):
            others.extend(node.tables)
    return tuple(dict.fromkeys((*columns, *others)))


def connect(select: Select, keys: KeyGraph, *, also: Iterable[str] = (), find: FindTree | None = None) -> Select | None:
    """The select with its joins worked out anew; None when the tables do not hang together.

    `also` are tables to join besides; `find` another way to find the tree.
    """
    tables = tuple(dict.fromkeys((*tables_needed(select), *also)))
    tree = keys.smallest_tree(tables) if find is None else find(frozenset(tables))
    if tree is None:
        return None
    return replace(select, base=TableRef(select.base.table), joins=joins_along(select.base.table, tree.edges))


def key_between(keys: KeyGraph, start: str, others: Iterable[str]) -> tuple[ColumnRef, ColumnRef, bool] | None:
    """The first step from a table towards others:

    its column, the neighbour's column, and whether the neighbour may hold several rows for one of the table.
    """
    tree = keys.smallest_tree((start, *others))
    if tree is None:
        return None
    for edge in sorted(tree.edges, key=repr):
        if start in {edge.child[0].table, edge.parent[0].table}:
            own, other = edge.pairs_from(start)[0]
            return own, other, edge.parent[0].table == start
    return None
