"""Walking syntax trees.

Rules walk the same functions over and over: each tree is taken apart once and what was found stays with it.
"""

import ast
from collections.abc import Iterator
from typing import Final

_ALL: Final = "_patterns_all"
_OWN: Final = "_patterns_own"
_CALLS: Final = "_patterns_calls"
_INNER: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def walk(root: ast.AST) -> tuple[ast.AST, ...]:
    """The node and all below it, as they stand in the text."""
    return _kept(root, _ALL) or _keep(root, _ALL, [root, *_below([root], through=True)])


def parents(root: ast.AST) -> dict[ast.AST, ast.AST]:
    """Of each node below the root the one right above it; what `walk(root)` answers is found on the way."""
    found: list[ast.AST] = []
    above: dict[ast.AST, ast.AST] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        below = children(node)
        below.reverse()
        for one in below:
            above[one] = node
        waiting.extend(below)
    _keep(root, _ALL, found)
    return above


def own_nodes(function: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes of a function's body without those of functions, classes and lambdas inside it."""
    body = getattr(function, "body", [])
    first: list[ast.AST] = list(body) if isinstance(body, list) else [body]
    return _kept(function, _OWN) or _keep(function, _OWN, [*_under(first)])


def calls(root: ast.AST) -> tuple[ast.Call, ...]:
    """The calls among `walk(root)`."""
    found = _kept(root, _CALLS)
    return found if found is not None else _keep(root, _CALLS, [node for node in walk(root) if isinstance(node, ast.Call)])  # type: ignore[return-value]  # calls alone are kept


def _kept(root: ast.AST, name: str) -> tuple[ast.AST, ...] | None:
    return root.__dict__.get(name)


def _keep(root: ast.AST, name: str, nodes: list[ast.AST]) -> tuple[ast.AST, ...]:
    kept = root.__dict__[name] = tuple(nodes)
    return kept


def _under(first: list[ast.AST]) -> Iterator[ast.AST]:
    for node in first:
        yield node
        if not isinstance(node, _INNER):
            yield from _below([node], through=False)


def _below(roots: list[ast.AST], *, through: bool) -> Iterator[ast.AST]:
    """What stands below, without the roots; `through`: also inside of functions and classes met on the way."""
    waiting: list[ast.AST] = [child for root in reversed(roots) for child in reversed(children(root))]
    while waiting:
        node = waiting.pop()
        yield node
        if through or not isinstance(node, _INNER):
            waiting.extend(reversed(children(node)))


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one, as `ast.iter_child_nodes` has them."""
    found: list[ast.AST] = []
    values = node.__dict__
    for name in node._fields:
        value = values.get(name)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found.extend(one for one in value if isinstance(one, ast.AST))
    return found
