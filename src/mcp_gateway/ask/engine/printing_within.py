"""The first few of each group: an inner query ranks its rows among those of their group, an outer one keeps the best."""

from collections.abc import Callable

from sqlglot import exp

from mcp_gateway.ask.engine import form

_PLACE, _RANKED = "place", "ranked"


def best_within(
    made: exp.Select,
    select: form.Select,
    name: Callable[[str], exp.Identifier],
    expression: Callable[[form.Expression], exp.Expr],
    order: Callable[[form.Order], exp.Expr],
) -> exp.Select:
    """`made` without order and limit, cut to the first `limit` places of each group after the first `offset`."""
    names = _names([each.alias_or_name for each in made.expressions])
    shown = [
        each if each.alias_or_name == called else exp.alias_(each.unalias(), name(called), copy=False)
        for each, called in zip(made.expressions, names, strict=True)
    ]
    rank = exp.Window(
        this=exp.Rank(),
        partition_by=[expression(key) for key in select.within],
        order=exp.Order(expressions=[order(each) for each in select.order_by]),
    )
    made.set("expressions", [*shown, exp.alias_(rank, name(_PLACE), copy=False)])
    inner = made.distinct(copy=False) if select.distinct else made
    column = exp.Column(this=name(_PLACE))
    outer = exp.select(*(exp.Column(this=name(called)) for called in names), copy=False)
    outer = outer.from_(exp.alias_(exp.Subquery(this=inner), name(_RANKED), table=True, copy=False), copy=False)
    last = exp.Literal.number(select.offset + (select.limit or 1))
    kept: exp.Expr = exp.EQ(this=column, expression=last) if select.limit in (None, 1) else exp.LTE(this=column, expression=last)
    if select.offset and select.limit not in (None, 1):
        kept = exp.and_(kept, exp.GT(this=column.copy(), expression=exp.Literal.number(select.offset)), copy=False)
    first = [exp.Column(this=name(names[0])), column.copy()] if names else [column.copy()]
    return outer.where(kept, copy=False).order_by(*first, copy=False)


def _names(names: list[str]) -> list[str]:
    """The names with none empty and none twice."""
    made: list[str] = []
    for place, each in enumerate(names):
        called = each or f"value_{place + 1}"
        while called.casefold() in {_PLACE, *(known.casefold() for known in made)}:
            called = f"{called}_{place + 1}"
        made.append(called)
    return made
