"""How the tables of a schema hang together, and the smallest tree of joins that covers some of them.

Edges are declared keys, keys the tables server inferred, and, where a table would otherwise stand alone, keys inferred here
from equal names. The tree is exact (Dreyfus and Wagner) for up to eight tables, grown table by table beyond that.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from mcp_gateway.ask.engine.form import ColumnRef, Join, TableRef
from mcp_gateway.core.schema import DatabaseSchema, Table

_EXACT_UP_TO = 8
_DECLARED, _INFERRED = 1.0, 1.3


@dataclass(frozen=True, slots=True)
class KeyEdge:
    """`child` columns point at `parent` columns, pair by pair; many rows of the child belong to one of the parent."""

    child: tuple[ColumnRef, ...]
    parent: tuple[ColumnRef, ...]
    cost: float = _DECLARED

    def other(self, table: str) -> str:
        return self.parent[0].table if self.child[0].table == table else self.child[0].table

    def pairs_from(self, table: str) -> tuple[tuple[ColumnRef, ColumnRef], ...]:
        """(column of `table`, column of the other table), pair by pair."""
        pairs = zip(self.child, self.parent, strict=True)
        return tuple((c, p) if self.child[0].table == table else (p, c) for c, p in pairs)


EdgeCost = Callable[[KeyEdge], float]


@dataclass(frozen=True, slots=True)
class Tree:
    """A connected set of edges; `cost` counts joins."""

    cost: float
    edges: frozenset[KeyEdge]


@dataclass(frozen=True, slots=True)
class KeyGraph:
    """`edges_of[table]` are the keys that start or end there."""

    edges_of: Mapping[str, tuple[KeyEdge, ...]]
    key_columns: frozenset[ColumnRef]

    def is_key_column(self, ref: ColumnRef) -> bool:
        return ref in self.key_columns

    def with_edges(self, more: Iterable[KeyEdge]) -> "KeyGraph":
        """The graph with further keys, whose columns stay what they were."""
        edges_of = {table: list(edges) for table, edges in self.edges_of.items()}
        for edge in more:
            for table in dict.fromkeys((edge.child[0].table, edge.parent[0].table)):
                edges_of.setdefault(table, []).append(edge)
        return KeyGraph({table: tuple(edges) for table, edges in edges_of.items()}, self.key_columns)

    def between(self, left: str, right: str) -> tuple[KeyEdge, ...]:
        """The keys that tie two tables directly."""
        return tuple(edge for edge in self.edges_of.get(left, ()) if edge.other(left) == right)

    def smallest_tree(self, tables: Iterable[str], cost: EdgeCost | None = None) -> Tree | None:
        """The cheapest tree that holds all `tables`; None when they do not hang together."""
        wanted = tuple(dict.fromkeys(tables))
        price = cost or (lambda edge: edge.cost)
        if len(wanted) < 2:
            return Tree(0.0, frozenset())
        if len(wanted) > _EXACT_UP_TO:
            return self._grown(wanted, price)
        return _steiner(self, wanted, price)

    def distance(self, left: str, right: str) -> float | None:
        """The cost of joining two tables; None when they do not hang together."""
        tree = self.smallest_tree((left, right))
        return None if tree is None else tree.cost

    def _grown(self, wanted: tuple[str, ...], price: EdgeCost) -> Tree | None:
        edges: frozenset[KeyEdge] = frozenset()
        reached = {wanted[0]}
        for table in wanted[1:]:
            trees = [_steiner(self, (table, other), price) for other in sorted(reached)]
            found = [tree for tree in trees if tree is not None]
            if not found:
                return None
            best = min(found, key=lambda tree: tree.cost)
            edges |= best.edges
            reached |= {t for edge in best.edges for t in (edge.child[0].table, edge.parent[0].table)}
        return Tree(sum(price(edge) for edge in edges), edges)


def joins_along(base: str, edges: frozenset[KeyEdge]) -> tuple[Join, ...]:
    """The joins of a tree, each with a table that stands before it; the order depends on names alone."""
    reached, joins, left = {base}, [], sorted(edges, key=repr)
    while left:
        edge = next((e for e in left if e.child[0].table in reached or e.parent[0].table in reached), None)
        if edge is None:
            break
        left.remove(edge)
        start = edge.child[0].table if edge.child[0].table in reached else edge.parent[0].table
        target = edge.other(start)
        if target not in reached:
            joins.append(Join(TableRef(target), edge.pairs_from(start)))
            reached.add(target)
    return tuple(joins)


def build_key_graph(schema: DatabaseSchema) -> KeyGraph:
    """The graph of a schema's keys."""
    places = {ColumnRef(table.name, column.name): n for table in schema.tables for n, column in enumerate(table.columns)}
    edges = [replace(edge, cost=edge.cost + 0.002 * places[edge.child[0]]) for edge in dict.fromkeys(_declared(schema))]
    edges += [edge for edge in _inferred(schema, edges) if edge not in edges]
    edges_of: dict[str, list[KeyEdge]] = {}
    for edge in edges:
        edges_of.setdefault(edge.child[0].table, []).append(edge)
        if edge.parent[0].table != edge.child[0].table:
            edges_of.setdefault(edge.parent[0].table, []).append(edge)
    columns = frozenset(ref for edge in edges for ref in edge.child)
    return KeyGraph({table: tuple(found) for table, found in edges_of.items()}, columns)


def _declared(schema: DatabaseSchema) -> Iterable[KeyEdge]:
    for table in schema.tables:
        for key in table.foreign_keys:
            target = schema.table(key.target_table)
            if target is None:
                continue
            pairs = [(table.column(a), target.column(b)) for a, b in zip(key.columns, key.target_columns, strict=False)]
            child = tuple(ColumnRef(table.name, a.name) for a, b in pairs if a is not None and b is not None)
            parent = tuple(ColumnRef(target.name, b.name) for a, b in pairs if a is not None and b is not None)
            if child and table.name != target.name:
                yield KeyEdge(child, parent, _INFERRED if key.inferred else _DECLARED)


def _inferred(schema: DatabaseSchema, declared: list[KeyEdge]) -> Iterable[KeyEdge]:
    """A column named like another table's single key, or like that table and its key, in tables no declared key ties."""
    tied = {frozenset((edge.child[0].table, edge.parent[0].table)) for edge in declared}
    used = {ref for edge in declared for ref in edge.child}
    for parent in schema.tables:
        key = _single_key(parent)
        if key is None:
            continue
        names = _names_of_key(parent, key)
        for child in schema.tables:
            if child is parent or frozenset((child.name, parent.name)) in tied:
                continue
            for column in child.columns:
                if column.name.casefold().replace("_", "") in names and ColumnRef(child.name, column.name) not in used:
                    yield KeyEdge((ColumnRef(child.name, column.name),), (ColumnRef(parent.name, key),), _INFERRED)


def _single_key(table: Table) -> str | None:
    if len(table.primary_key) == 1:
        return table.primary_key[0]
    if table.primary_key or not table.columns:
        return None
    first = table.columns[0]
    unique = table.row_count and first.distinct_count == table.row_count
    return first.name if unique and first.name.casefold().endswith("id") else None


def _names_of_key(table: Table, key: str) -> frozenset[str]:
    plain, folded = table.name.rsplit(".", 1)[-1].casefold().replace("_", ""), key.casefold().replace("_", "")
    singular = plain[:-3] + "y" if plain.endswith("ies") else plain.removesuffix("s")
    names = {singular + folded, plain + folded}
    if folded not in {"id", "name", "code", "key", "no", "number", "year", "date", "type"}:
        names.add(folded)
    return frozenset(names)


_Rooted = dict[int, dict[str, Tree]]  # subset of the wanted tables -> root table -> best tree


def _steiner(graph: KeyGraph, wanted: tuple[str, ...], price: EdgeCost) -> Tree | None:
    """Dreyfus and Wagner: the best tree for each subset of the wanted tables, rooted at each table."""
    full = (1 << (len(wanted) - 1)) - 1
    best: _Rooted = {}
    for mask in range(1, full + 1):
        single = mask & (mask - 1) == 0
        seeds = {wanted[mask.bit_length() - 1]: Tree(0.0, frozenset())} if single else _merged(mask, best)
        best[mask] = _spread(graph, seeds, price, until=wanted[-1] if mask == full else None)
    return best[full].get(wanted[-1])


def _merged(mask: int, best: _Rooted) -> dict[str, Tree]:
    """Two smaller trees that meet in one table, for every way to part the subset."""
    seeds: dict[str, Tree] = {}
    part = (mask - 1) & mask
    while part:
        rest = best[mask ^ part]
        for table, tree in best[part].items():
            other = rest.get(table)
            if other is not None and (table not in seeds or tree.cost + other.cost < seeds[table].cost):
                seeds[table] = Tree(tree.cost + other.cost, tree.edges | other.edges)
        part = (part - 1) & mask
    return seeds


def _spread(graph: KeyGraph, seeds: dict[str, Tree], price: EdgeCost, *, until: str | None) -> dict[str, Tree]:
    """The cheapest walk from a seed to every table, keeping the edges walked; it ends at the table `until`."""
    heap = [(tree.cost, number, table, tree) for number, (table, tree) in enumerate(sorted(seeds.items(), key=lambda e: e[0]))]
    heapq.heapify(heap)
    number, done = len(heap), dict[str, Tree]()
    while heap:
        cost, _, table, tree = heapq.heappop(heap)
        if table in done:
            continue
        done[table] = tree
        if table == until:
            break
        for edge in graph.edges_of.get(table, ()):
            other = edge.other(table)
            if other not in done:
                number += 1
                heapq.heappush(heap, (cost + price(edge), number, other, Tree(cost + price(edge), tree.edges | {edge})))
    return done
