"""Walking syntax trees.

Rules walk the same functions over and over: each tree is taken apart once and what was found stays with it. Nodes that say only
how a name is used (`ast.Load`) or which operator stands there are left out: who asks about them asks the node that has them.
"""

import ast
from collections.abc import Callable
from typing import Final, TypeVar

_ALL: Final = "_patterns_all"
_OWN: Final = "_patterns_own"
_CALLS: Final = "_patterns_calls"
_INNER: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
# What holds texts, numbers, contexts and operators, and what is a list with None in it.
_PLAIN: Final = frozenset(
    {
        "ctx", "op", "ops", "id", "attr", "arg", "name", "asname", "module", "level", "kind", "type_comment", "conversion",
        "simple", "is_async", "rest", "kwd_attrs", "type_ignores",
    }
)  # fmt: skip
_GAPPED: Final = frozenset({"keys", "kw_defaults"})
_CHILDLESS: Final = (ast.Constant, ast.MatchSingleton, ast.Global, ast.Nonlocal)
Node = TypeVar("Node", bound=ast.AST)
Found = TypeVar("Found")


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of each kind of node that may hold nodes."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        found = () if kind in _CHILDLESS else tuple(name for name in kind._fields if name not in _PLAIN)
        self[kind] = found
        return found


_FIELDS: Final = _Fields()


def walk(root: ast.AST) -> tuple[ast.AST, ...]:
    """The node and all below it, as they stand in the text."""
    return _kept(root, _ALL) or _keep(root, _ALL, [root, *_below(children(root), through=True)])


def parents(root: ast.AST) -> dict[ast.AST, ast.AST]:
    """Of each node below the root the one right above it; what `walk(root)` answers is found on the way."""
    found: list[ast.AST] = []
    above: dict[ast.AST, ast.AST] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        below = children(node)
        if below:
            for one in below:
                above[one] = node
            below.reverse()
            waiting += below
    _keep(root, _ALL, found)
    return above


def own_nodes(function: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes of a function's body without those of functions, classes and lambdas inside it."""
    body = getattr(function, "body", [])
    first: list[ast.AST] = list(body) if isinstance(body, list) else [body]
    return _kept(function, _OWN) or _keep(function, _OWN, _below(first, through=False))


def calls(root: ast.AST) -> tuple[ast.Call, ...]:
    """The calls among `walk(root)`."""
    found = _kept(root, _CALLS)
    return found if found is not None else _keep(root, _CALLS, [node for node in walk(root) if isinstance(node, ast.Call)])  # type: ignore[return-value]  # calls alone are kept


def remembered(find: Callable[[Node], Found]) -> Callable[[Node], Found]:
    """A reading of a tree that knows nothing but the tree: made once for each node, and its answer stays with it."""
    name = f"_patterns_{find.__module__}.{find.__qualname__}"

    def found(node: Node) -> Found:
        kept = node.__dict__
        if name not in kept:
            kept[name] = find(node)
        answer: Found = kept[name]
        return answer

    return found


def _kept(root: ast.AST, name: str) -> tuple[ast.AST, ...] | None:
    return root.__dict__.get(name)


def _keep(root: ast.AST, name: str, nodes: list[ast.AST]) -> tuple[ast.AST, ...]:
    kept = root.__dict__[name] = tuple(nodes)
    return kept


def _below(first: list[ast.AST], *, through: bool) -> list[ast.AST]:
    """The first nodes and all below them; `through`: also inside of functions and classes among them."""
    found: list[ast.AST] = []
    waiting = first[::-1]
    while waiting:
        node = waiting.pop()
        found.append(node)
        if through or not isinstance(node, _INNER):
            waiting += reversed(children(node))
    return found


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one, in the order of `ast.iter_child_nodes`."""
    found: list[ast.AST] = []
    values = node.__dict__
    for name in _FIELDS[type(node)]:
        value = values.get(name)
        if value.__class__ is list:
            found += value if name not in _GAPPED else [one for one in value if one is not None]
        elif value is not None:
            found.append(value)
    return found
