"""Looking into a form: every node beneath one, the columns it names, whether it aggregates.

A sub-query is a world of its own: `nodes` does not enter one unless asked to.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import cast, get_args

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.form_json import Node, Part

_FIELD_NAMES = {kind.__name__: tuple(field.name for field in fields(kind)) for kind in get_args(Node)}


def nodes(root: Part, *, into_queries: bool = False) -> Iterator[Node]:
    """`root` and every node beneath it, outermost first."""
    waiting: list[Part] = [root]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting.extend(reversed(part))
        elif part is not None and not isinstance(part, str | int | float | bool):
            yield part
            waiting.extend(reversed(_parts(part, into_queries=into_queries or isinstance(part, form.SetOperation))))


def _parts(node: Node, *, into_queries: bool) -> list[Part]:
    """What stands in the node's fields, in order."""
    found = [cast("Part", getattr(node, name)) for name in _FIELD_NAMES[type(node).__name__]]
    return [part for part in found if into_queries or not isinstance(part, form.Select | form.SetOperation)]


def columns_of(root: Part, *, into_queries: bool = False) -> tuple[form.ColumnRef, ...]:
    """The columns named in `root`, each once, in order of appearance."""
    found = (node for node in nodes(root, into_queries=into_queries) if isinstance(node, form.ColumnRef))
    return tuple(dict.fromkeys(found))


def has_aggregate(root: Part) -> bool:
    """Whether `root` calculates over many rows."""
    if isinstance(root, form.ColumnRef | form.Literal):
        return False
    if isinstance(root, form.Aggregate):
        return True
    return any(
        isinstance(node, form.Aggregate) or (isinstance(node, form.RawExpression) and node.is_aggregate) for node in nodes(root)
    )
