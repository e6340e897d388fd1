"""Looking into a form: every node beneath one, the columns it names, whether it aggregates.

A sub-query is a world of its own: `nodes` does not enter one unless asked to.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import cast

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.form_json import Node, Part


def nodes(root: Part, *, into_queries: bool = False) -> Iterator[Node]:
    """`root` and every node beneath it, outermost first."""
    if isinstance(root, tuple):
        for each in root:
            yield from nodes(each, into_queries=into_queries)
        return
    if root is None or isinstance(root, str | int | float | bool):
        return
    yield root
    for field in fields(root):
        value = cast("Part", getattr(root, field.name))
        if isinstance(value, form.Select | form.SetOperation) and not into_queries and not isinstance(root, form.SetOperation):
            continue
        yield from nodes(value, into_queries=into_queries)


def columns_of(root: Part, *, into_queries: bool = False) -> tuple[form.ColumnRef, ...]:
    """The columns named in `root`, each once, in order of appearance."""
    found = (node for node in nodes(root, into_queries=into_queries) if isinstance(node, form.ColumnRef))
    return tuple(dict.fromkeys(found))


def has_aggregate(root: Part) -> bool:
    """Whether `root` calculates over many rows."""
    return any(
        isinstance(node, form.Aggregate) or (isinstance(node, form.RawExpression) and node.is_aggregate) for node in nodes(root)
    )
