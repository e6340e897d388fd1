"""All calls a handler comes to, in the project's own functions too, and what stands around each on the way there."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Function, Module, Scope
from mcp_gateway.kit.patterns.python.names import Names, Symbol
from mcp_gateway.kit.patterns.python.trees import calls, walk
from mcp_gateway.kit.patterns.web.model import Expression

MAX_DEPTH: Final = 5
MAX_CALLS: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reached:
    """One call. `site`: where the handler's own code leads to it, the call itself when it stands there.

    `around`: what it stands in from the handler on: contexts entered, calls it or its function is handed to, decorators of its
    function.
    `function`: the function it stands in.
    """

    call: ast.Call
    scope: Scope
    symbol: Symbol
    site: ast.AST
    around: tuple[Expression, ...]
    function: Function | ast.Lambda

    @property
    def is_direct(self) -> bool:
        return self.site is self.call


class Reach:
    """Answers are remembered for each function it starts from."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[ast.AST, tuple[Reached, ...]] = {}

    def of(self, function: Function | ast.Lambda, module: Module) -> tuple[Reached, ...]:
        """In the order the calls stand, each followed by what its function comes to."""
        if function not in self._known:
            found: list[Reached] = []
            for one in self._visit(function, module, None, (), MAX_DEPTH, frozenset()):
                found.append(one)
                if len(found) >= MAX_CALLS:
                    break
            self._known[function] = tuple(found)
        return self._known[function]

    def _visit(
        self, function: Function | ast.Lambda, module: Module, site: ast.AST | None, around: tuple[Expression, ...], depth: int,
        through: frozenset[ast.AST],
    ) -> Iterator[Reached]:  # fmt: skip
        if depth <= 0 or function in through:
            return
        through |= {function}
        body = function.body if isinstance(function.body, list) else [function.body]
        for node in (call for statement in body for call in calls(statement)):
            scope = module.around(node)
            symbol = self._names.callee(node, scope)
            here = (*around, *self._context(node, function, module))
            at = site or node
            yield Reached(call=node, scope=scope, symbol=symbol, site=at, around=here, function=function)
            yield from self._follow(symbol, at, here, depth, through)
            for value in [*node.args, *(word.value for word in node.keywords)]:
                if isinstance(value, ast.Name | ast.Attribute):
                    handed = self._names.resolve(value, scope)
                    if handed.function is not None and handed.function not in walk(function):
                        yield from self._follow(handed, at, (*here, Expression(node, scope)), depth, through)

    def _follow(
        self, symbol: Symbol, site: ast.AST, around: tuple[Expression, ...], depth: int, through: frozenset[ast.AST]
    ) -> Iterator[Reached]:
        function = symbol.function
        if function is None or symbol.scope is None or function in through:
            return
        module = symbol.scope.module
        outside = module.around(function)
        decorators = tuple(Expression(one, outside) for one in function.decorator_list)
        yield from self._visit(function, module, site, (*around, *decorators), depth - 1, through)

    def _context(self, node: ast.AST, function: ast.AST, module: Module) -> Iterator[Expression]:
        """What a call stands in inside of its function:

        `with` blocks, calls it is an argument of, functions inside the function.
        """
        child, parent = node, module.parents.get(node)
        while parent is not None and child is not function:
            if isinstance(parent, ast.With | ast.AsyncWith) and child in parent.body:
                yield from (Expression(item.context_expr, module.around(parent)) for item in parent.items)
            elif isinstance(parent, ast.Call) and child is not parent.func:
                yield Expression(parent, module.around(parent))
            elif isinstance(parent, ast.keyword):
                pass
            elif isinstance(parent, FUNCTIONS) and parent is not function:
                yield from self._of_inner(parent, function, module)
            child, parent = parent, module.parents.get(parent)

    def _of_inner(self, inner: Function, function: ast.AST, module: Module) -> Iterator[Expression]:
        """A function made inside another: its decorators, and the calls it is handed to."""
        outside = module.around(inner)
        yield from (Expression(one, outside) for one in inner.decorator_list)
        for node in walk(function):
            if isinstance(node, ast.Call):
                values = [*node.args, *(word.value for word in node.keywords)]
                if any(isinstance(one, ast.Name) and one.id == inner.name for one in values):
                    yield Expression(node, module.around(node))
                    yield from self._context(node, function, module) if node not in walk(inner) else ()
