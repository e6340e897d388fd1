"""Which router an expression means, and how routers are put together."""

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from mcp_gateway.kit.patterns.python.expressions import argument, given_to, parameter_of, words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Function, Module, Scope
from mcp_gateway.kit.patterns.python.names import Names, Symbol
from mcp_gateway.kit.patterns.python.trees import calls, own_nodes
from mcp_gateway.kit.patterns.web.model import Mounting, Router

ROUTERS: Final = {"fastapi.APIRouter", "fastapi.routing.APIRouter", "starlette.routing.Router"}
APPLICATIONS: Final = {"fastapi.FastAPI", "fastapi.applications.FastAPI", "starlette.applications.Starlette"}
# Frameworks whose routes look alike and are not ours to judge.
FOREIGN: Final = (
    "flask", "quart", "sanic", "aiohttp", "bottle", "falcon", "litestar", "django", "ninja", "robyn", "blacksheep", "responder",
    "respx",
    "molten", "apistar", "pyramid", "tornado", "cherrypy", "typer", "click", "celery", "httpx", "requests", "unittest",
    "pytest", "mcp",
)  # fmt: skip
# The argument that is put into the other.
MOUNTING: Final = {"include_router": ("router", 0), "mount": ("app", 1), "host": ("app", 1)}


class Routers:
    """Finds routers by what they are, whatever they are called."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[ast.AST, Router] = {}

    def of(self, expression: ast.expr, scope: Scope) -> Router | None:
        """The router an expression means; None when it is not made in the project."""
        return next(iter(self.all_of(expression, scope)), None)

    def all_of(self, expression: ast.expr, scope: Scope, steps: int = 6) -> Iterator[Router]:
        """All routers it may mean: one of a loop over several means each."""
        if isinstance(expression, ast.Call):
            yield from self._of_call(expression, scope, steps)
            return
        symbol = self._names.resolve(expression, scope)
        if symbol.kind == "function" and symbol.function is not None:
            yield from self._returned(symbol, steps)
        if symbol.kind != "value" or symbol.scope is None or steps <= 0:
            return
        if isinstance(symbol.node, ast.Call):
            yield from self._of_call(symbol.node, symbol.scope, steps)
        elif isinstance(symbol.node, ast.For | ast.AsyncFor):
            for one in _elements(symbol.node.iter, symbol.scope, self._names):
                yield from self.all_of(one[0], one[1], steps - 1)

    def is_router(self, expression: ast.expr, scope: Scope) -> bool:
        """Whether it is a router of FastAPI's kind, or may be one that comes from elsewhere."""
        if self.of(expression, scope) is not None:
            return True
        kind = self._names.type_of(expression, scope)
        symbol = kind or self._names.resolve(expression, scope)
        if symbol.kind == "class":
            return self._class_kind(symbol) is not None
        if symbol.dotted.split(".")[0] in FOREIGN:
            return False
        if symbol.dotted in ROUTERS | APPLICATIONS:
            return True
        last = words(expression).rpartition(".")[2].lower()
        return last.endswith(("router", "app", "api", "routes")) and symbol.kind != "function"

    def _of_call(self, call: ast.Call, scope: Scope, steps: int) -> Iterator[Router]:
        known = self._known.get(call)
        if known is not None:
            yield known
            return
        symbol = self._names.callee(call, scope)
        kind = self._kind(symbol)
        if kind is not None:
            router = Router(call=call, scope=scope, is_application=kind == "application", class_symbol=symbol)
            self._known[call] = router
            yield router
        elif symbol.function is not None and steps > 0:
            yield from self._returned(symbol, steps - 1)

    def _kind(self, symbol: Symbol) -> str | None:
        if symbol.kind == "class":
            return self._class_kind(symbol)
        if symbol.kind != "external" or symbol.dotted.split(".")[0] in FOREIGN:
            return None
        if symbol.dotted in APPLICATIONS or symbol.last == "FastAPI":
            return "application"
        return "router" if symbol.last.endswith("Router") else None

    def _class_kind(self, symbol: Symbol) -> str | None:
        for base in self._names.bases(symbol):
            if base.kind == "external":
                kind = self._kind(base)
                if kind is not None:
                    return kind
        return None

    def _returned(self, symbol: Symbol, steps: int) -> Iterator[Router]:
        function = symbol.function
        if function is None or symbol.scope is None:
            return
        inner = symbol.scope.module.scope_of(function)
        for node in own_nodes(function):
            if isinstance(node, ast.Return) and node.value is not None:
                yield from self.all_of(node.value, inner, steps - 1)

    def mountings(self, module: Module, among: Sequence[Module]) -> Iterator[Mounting]:
        """Every `include_router`, `mount` and `host` of a module. `among`: where functions that mount what they are given are
        called.
        """
        for node in calls(module.tree):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            child = argument(node, *MOUNTING[name]) if name in MOUNTING else None
            if child is None or not isinstance(node.func, ast.Attribute):
                continue
            scope = module.around(node)
            parent = next(self.meant(node.func.value, scope, among), None)
            for router in self.meant(child, scope, among):
                yield Mounting(parent=parent, child=router, call=node, scope=scope, whole=name == "include_router")

    def meant(self, expression: ast.expr, scope: Scope, among: Sequence[Module]) -> Iterator[Router]:
        """All routers an expression may mean; of a function's parameter, those the function is called with."""
        found = list(self.all_of(expression, scope))
        holder = scope.node
        symbol = self._names.resolve(expression, scope)
        if found or symbol.kind != "parameter" or not isinstance(holder, FUNCTIONS):
            yield from found
            return
        for module in dict.fromkeys([scope.module, *among]):
            for call in _calls_of(holder, module, self._names):
                given = next((one for one in given_to(call) if parameter_of(holder, call, one) == symbol.dotted), None)
                if given is not None:
                    yield from self.all_of(given, module.around(call))


def _calls_of(function: Function, module: Module, names: Names) -> Iterator[ast.Call]:
    for node in calls(module.tree):
        if words(node.func).rpartition(".")[2] == function.name and names.callee(node, module.around(node)).node is function:
            yield node


def _elements(iterated: ast.expr, scope: Scope, names: Names) -> Iterator[tuple[ast.expr, Scope]]:
    if isinstance(iterated, ast.Tuple | ast.List | ast.Set):
        yield from ((one, scope) for one in iterated.elts)
        return
    symbol = names.resolve(iterated, scope)
    if symbol.kind == "value" and isinstance(symbol.node, ast.Tuple | ast.List) and symbol.scope is not None:
        yield from ((one, symbol.scope) for one in symbol.node.elts)
