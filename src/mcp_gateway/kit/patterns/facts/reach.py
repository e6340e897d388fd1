"""All calls a handler comes to, in the project's own functions too, and what stands around each on the way there."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Function, Module, Scope
from mcp_gateway.kit.patterns.python.names import Names, Symbol
from mcp_gateway.kit.patterns.python.trees import calls
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


# Whether a rule wants to hear of a call: by the call and what names mean alone.
Wanted: TypeAlias = Callable[[Reached, Names], bool]


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """A call in a function's own body. `context`: what it stands in there; `handed`: functions from elsewhere it is given."""

    call: ast.Call
    scope: Scope
    symbol: Symbol
    context: tuple[Expression, ...]
    handed: tuple[Symbol, ...]


class Reach:
    """Answers are remembered for each function it starts from, and what is said of a function for each way that leads there."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[ast.AST, tuple[Reached, ...]] = {}
        self._owned: dict[ast.AST, tuple[_Own, ...]] = {}
        self._picked: dict[tuple[Wanted, ast.AST], tuple[Reached, ...]] = {}
        self._called: dict[ast.AST, dict[ast.AST, list[Reached]]] = {}

    def of(self, function: Function | ast.Lambda, module: Module) -> tuple[Reached, ...]:
        """In the order the calls stand, each followed by what its function comes to."""
        if function not in self._known:
            found: list[Reached] = []
            self._visit(function, module, None, (), frozenset(), found)
            self._known[function] = tuple(found)
        return self._known[function]

    def those(self, function: Function | ast.Lambda, module: Module, wanted: Wanted) -> tuple[Reached, ...]:
        """Of them the wanted; each is looked at once, however many handlers come to the function."""
        key = (wanted, function)
        if key not in self._picked:
            self._picked[key] = tuple(one for one in self.of(function, module) if wanted(one, self._names))
        return self._picked[key]

    def by_called(self, function: Function | ast.Lambda, module: Module) -> dict[ast.AST, list[Reached]]:
        """Of them those that call into the project, by the function or class they call."""
        if function not in self._called:
            found = self._called[function] = {}
            for one in self.of(function, module):
                called = one.symbol.node if one.symbol.kind in ("function", "class") else None
                if called is not None:
                    found.setdefault(called, []).append(one)
        return self._called[function]

    def _visit(
        self, function: Function | ast.Lambda, module: Module, site: ast.AST | None, around: tuple[Expression, ...],
        through: frozenset[ast.AST], found: list[Reached],
    ) -> None:  # fmt: skip
        through |= {function}
        for one in self._own(function, module):
            if len(found) >= MAX_CALLS:
                return
            here, at = (*around, *one.context), site or one.call
            found.append(Reached(call=one.call, scope=one.scope, symbol=one.symbol, site=at, around=here, function=function))
            self._follow(one.symbol, at, here, through, found)
            for handed in one.handed:
                self._follow(handed, at, (*here, Expression(one.call, one.scope)), through, found)

    def _follow(
        self, symbol: Symbol, site: ast.AST, around: tuple[Expression, ...], through: frozenset[ast.AST], found: list[Reached]
    ) -> None:
        function = symbol.function
        if function is None or symbol.scope is None or function in through or len(through) >= MAX_DEPTH:
            return
        module = symbol.scope.module
        if function.decorator_list:
            outside = module.around(function)
            around = (*around, *(Expression(one, outside) for one in function.decorator_list))
        self._visit(function, module, site, around, through, found)

    def _own(self, function: Function | ast.Lambda, module: Module) -> tuple[_Own, ...]:
        if function not in self._owned:
            body = function.body if isinstance(function.body, list) else [function.body]
            self._owned[function] = tuple(self._read(call, function, module) for statement in body for call in calls(statement))
        return self._owned[function]

    def _read(self, call: ast.Call, function: Function | ast.Lambda, module: Module) -> _Own:
        scope = module.around(call)
        values = (*call.args, *(word.value for word in call.keywords))
        symbols = (self._names.resolve(one, scope) for one in values if isinstance(one, ast.Name | ast.Attribute))
        handed = tuple(one for one in symbols if one.function is not None and not _stands_in(one.function, function, module))
        context = tuple(self._context(call, function, module))
        return _Own(call, scope, self._names.callee(call, scope), context, handed)

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
        for node in calls(function):
            values = [*node.args, *(word.value for word in node.keywords)]
            if any(isinstance(one, ast.Name) and one.id == inner.name for one in values):
                yield Expression(node, module.around(node))
                yield from self._context(node, function, module) if not _stands_in(node, inner, module) else ()


def _stands_in(node: ast.AST, function: ast.AST, module: Module) -> bool:
    """Whether a node is the function or stands somewhere in it."""
    above: ast.AST | None = node
    while above is not None and above is not function:
        above = module.parents.get(above)
    return above is not None
