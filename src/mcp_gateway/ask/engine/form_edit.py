"""Changing a form: replace nodes anywhere in it, set its joins anew. Sub-queries are entered."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TypeVar, cast

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.form_json import Node, Part

PartT = TypeVar("PartT", bound=Part)
Change = Callable[[Node], Node | None]


def rewritten(part: PartT, change: Change) -> PartT:
    """The part with every node for which `change` gives another node replaced, outermost first; a replacement is not entered."""
    return cast("PartT", _rewritten(part, change))


def _rewritten(part: Part, change: Change) -> Part:
    if isinstance(part, tuple):
        return tuple(_rewritten(each, change) for each in part)
    if part is None or isinstance(part, str | int | float | bool):
        return part
    changed = change(part)
    if changed is not None:
        return changed
    values = {each.name: cast("Part", getattr(part, each.name)) for each in fields(part)}
    inner = {name: _rewritten(value, change) for name, value in values.items()}
    return part if all(inner[name] is values[name] or inner[name] == values[name] for name in values) else replace(part, **inner)  # type: ignore[arg-type]  # each field keeps its own type


def swapped(part: PartT, old: Node, new: Node) -> PartT:
    """The part with every node equal to `old` replaced by `new`."""
    return rewritten(part, lambda node: new if node == old else None)


def condition_columns(condition: form.Condition) -> tuple[form.ColumnRef, ...]:
    """The columns a plain condition compares; empty for one that is tied to no single place (a sub-query, AND, OR)."""
    match condition:
        case form.Comparison(form.ColumnRef() as column, _, form.Literal()):
            return (column,)
        case (
            form.InList(form.ColumnRef() as column)
            | form.Like(form.ColumnRef() as column)
            | form.Between(form.ColumnRef() as column)
        ):
            return (column,)
        case form.IsNull(form.ColumnRef() as column):
            return (column,)
        case form.Not(inner):
            return condition_columns(inner)
        case _:
            return ()


def negated(condition: form.Condition) -> form.Condition:
    """The rows for which the condition does not hold, said without NOT where that can be."""
    match condition:
        case form.Comparison(left, "=", right):
            return form.Comparison(left, "!=", right)
        case form.InList() | form.InQuery() | form.Like() | form.Between() | form.IsNull() | form.Exists():
            return replace(condition, negated=not condition.negated)
        case form.Not(inner):
            return inner
        case _:
            return form.Not(condition)
