"""The best of each group: "the most expensive product in each category", "top 3 customers per region by revenue".

Only where things are ranked that the groups consist of; "the highest price in each category" is a plain maximum.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_gateway.ask.engine.assembly.bound import Bound, places_before
from mcp_gateway.ask.engine.form import Aggregate, Expression, Order
from mcp_gateway.ask.engine.form_walk import has_aggregate
from mcp_gateway.ask.engine.sketch import Ranking, TableMention


@dataclass(frozen=True, slots=True)
class BestOfEach:
    """`within` are the groups' keys; `group_by` is empty unless a figure ranks."""

    targets: tuple[Expression, ...]
    group_by: tuple[Expression, ...]
    order: Order
    limit: int
    offset: int
    within: tuple[Expression, ...]
    tables: tuple[str, ...]


def best_of_each(
    bound: Bound, targets: Sequence[Expression], keys: Sequence[Expression], labels: Sequence[Expression]
) -> BestOfEach | None:
    """None where nothing is ranked within groups. `keys` are those of the groups, `labels` what is shown for them."""
    ranking = _ranking(bound)
    if ranking is None or not keys or any(has_aggregate(target) for target in targets):
        return None
    shown = targets or (() if bound.sketch.wanted else [column.ref for column in bound.table(bound.head).columns])
    items = [target for target in shown if target not in labels and target not in keys]
    limit = _limit(bound, ranking)
    if not items or limit is None or not _ranks_things(bound, ranking):
        return None
    key = _key(bound, ranking)
    figure = has_aggregate(key)
    told = [key] if ranking.metric is not None or ranking.shown else []
    identifying = {*bound.key(bound.head), *bound.table(bound.head).labels}
    owners = bound.key(bound.head) if identifying.intersection(items) and not ranking.common else ()
    group_by = (*keys, *owners, *labels, *items) if figure else ()
    descending = ranking.descending != (ranking.column is not None and bound.binding.reverse(ranking.column))
    return BestOfEach(
        targets=tuple(dict.fromkeys((*labels, *items, *told))),
        group_by=tuple(dict.fromkeys(group_by)),
        order=Order(key, descending),
        limit=limit,
        offset=places_before(bound.reader, ranking),
        within=tuple(keys),
        tables=(bound.binding.table(ranking.table),) if ranking.table is not None else (),
    )


def ranks_single_rows(bound: Bound) -> bool:
    """Whether each group has but one of the things ranked, so that no best one can be meant ("the region with the most
    orders per customer")."""
    ranking = _ranking(bound)
    if ranking is None or _limit(bound, ranking) is None or any(each.function for each in bound.sketch.wanted):
        return False
    groups = [bound.binding.table(group.item) for group in bound.sketch.groups if isinstance(group.item, TableMention)]
    return any(table != bound.head and _belongs_to_one(bound, table) for table in groups)


def _ranking(bound: Bound) -> Ranking | None:
    rankings = bound.sketch.rankings
    return rankings[0] if len(rankings) == 1 and bound.sketch.groups else None


def _limit(bound: Bound, ranking: Ranking) -> int | None:
    said = bound.sketch.limit
    return said if said is not None and ranking.limit in (None, 1) else ranking.limit


def _ranks_things(bound: Bound, ranking: Ranking) -> bool:
    """Whether rows or values are ranked rather than a figure's maximum asked for."""
    if ranking.common or any(wanted.column is not None and wanted.function is None for wanted in bound.sketch.wanted):
        return True
    if not bound.sketch.entities:
        return False
    plain = ranking.column is not None and not ranking.column.implied
    return not plain or any(entity.end <= ranking.position for entity in bound.sketch.entities)


def _key(bound: Bound, ranking: Ranking) -> Expression:
    if ranking.metric is not None:
        return ranking.metric
    if ranking.function == "count" or ranking.column is None:
        return Aggregate("count")
    ref = bound.ref(ranking.column)
    return ref if ranking.function is None else Aggregate(ranking.function, ref)


def _belongs_to_one(bound: Bound, table: str) -> bool:
    """Whether every row of the table belongs to one row of the head."""
    tree = bound.reader.tree(frozenset((bound.head, table)))
    if tree is None or not tree.edges:
        return False
    reached, edges = {table}, set(tree.edges)
    while edges:
        edge = next((each for each in edges if each.child[0].table in reached), None)
        if edge is None:
            return False
        edges.discard(edge)
        reached.add(edge.parent[0].table)
    return True
