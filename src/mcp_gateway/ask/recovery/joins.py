"""The shortest way from one table to another over declared and inferred keys."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from mcp_gateway.ask.scopes import Select
from mcp_gateway.core.schema import DatabaseSchema, Table

# Columns of these names are in many tables and tie none together.
_TELLS_NOTHING = frozenset(
    {"id", "name", "title", "type", "status", "date", "description", "comment", "created_at", "updated_at"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hop:
    """One join: `columns` of `table` equal `target_columns` of `target`, pair by pair."""

    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]


def key_path(schema: DatabaseSchema, start: str, goal: str, *, longest: int = 3) -> tuple[Hop, ...] | None:
    """The fewest hops from `start` to `goal`; None when there is no way, or more than one equally short."""
    ways = _ways(schema, start, goal, longest)
    return ways[0] if len(ways) == 1 else None


def _ways(schema: DatabaseSchema, start: str, goal: str, longest: int) -> list[tuple[Hop, ...]]:
    neighbours = _neighbours(schema)
    queue: deque[tuple[str, tuple[Hop, ...]]] = deque([(start, ())])
    found: list[tuple[Hop, ...]] = []
    while queue:
        here, way = queue.popleft()
        if found and len(way) >= len(found[0]):
            break
        for hop in neighbours.get(here, ()):
            if hop.target == goal:
                found.append((*way, hop))
            elif len(way) + 1 < longest and all(hop.target not in (step.table, step.target) for step in way):
                queue.append((hop.target, (*way, hop)))
    shortest = min((len(way) for way in found), default=0)
    return [way for way in found if len(way) == shortest]


def _neighbours(schema: DatabaseSchema) -> dict[str, list[Hop]]:
    neighbours: dict[str, list[Hop]] = {}
    for table in schema.tables:
        for key in table.foreign_keys:
            there = Hop(table=table.name, columns=key.columns, target=key.target_table, target_columns=key.target_columns)
            back = Hop(table=key.target_table, columns=key.target_columns, target=table.name, target_columns=key.columns)
            neighbours.setdefault(table.name, []).append(there)
            neighbours.setdefault(key.target_table, []).append(back)
    return neighbours


def _shared_column(schema: DatabaseSchema, start: str, goal: str) -> Hop | None:
    """Where no key leads: the one telling column both tables have, if each of its values is one row in one of them.

    Where it is not, every row of one table would meet many of the other, and what was counted would be something else.
    """
    left, right = schema.table(start), schema.table(goal)
    if left is None or right is None:
        return None
    shared = [
        column.name for column in left.columns if column.name.casefold() not in _TELLS_NOTHING and right.column(column.name)
    ]
    if len(shared) != 1 or not (_is_unique(left, shared[0]) or _is_unique(right, shared[0])):
        return None
    return Hop(table=start, columns=(shared[0],), target=goal, target_columns=(shared[0],))


def _is_unique(table: Table, name: str) -> bool:
    """By its primary key, or by what was counted."""
    column = table.column(name)
    counted = column is not None and column.distinct_count is not None and column.distinct_count == table.row_count
    return counted or [part.casefold() for part in table.primary_key] == [name.casefold()]


def on_condition(hop: Hop, left: str, right: str) -> exp.Expr:
    """`left.a = right.b AND ...` with the aliases the query uses."""
    pairs = zip(hop.columns, hop.target_columns, strict=True)
    return exp.and_(
        *(exp.EQ(this=exp.column(a, table=left), expression=exp.column(b, table=right)) for a, b in pairs), copy=False
    )


def nearest_way(schema: DatabaseSchema, select: Select, goal: str) -> tuple[str, tuple[Hop, ...]] | None:
    """The alias to start from and the hops to `goal`, from the nearest table of the SELECT; None without one best way."""
    options = [
        (source.alias, path)
        for source in select.sources
        if source.table is not None and (path := key_path(schema, source.table.name, goal)) is not None
    ] or [
        (source.alias, (hop,))
        for source in select.sources
        if source.table is not None and (hop := _shared_column(schema, source.table.name, goal)) is not None
    ]
    if not options:
        return None
    options.sort(key=lambda option: len(option[1]))
    if len(options) > 1 and len(options[0][1]) == len(options[1][1]):
        return None
    return options[0]


def add_joins(select: exp.Select, start: str, path: tuple[Hop, ...], alias: str) -> None:
    """Join the tables of the path onto the SELECT, in place; the last gets `alias`."""
    here = start
    for index, hop in enumerate(path):
        name = alias if index == len(path) - 1 else _free_alias(select, hop.target)
        table: exp.Expr = exp.to_table(hop.target)
        if name != hop.target:
            table = exp.alias_(table, name, table=True)
        select.append("joins", exp.Join(this=table, on=on_condition(hop, here, name)))
        here = name


def _free_alias(select: exp.Select, name: str) -> str:
    taken = {table.alias_or_name for table in select.find_all(exp.Table)}
    return next(candidate for candidate in _numbered(name) if candidate not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in range(2, 100):
        yield f"{name}_{number}"
