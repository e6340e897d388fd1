"""The routes of a module: decorators, `add_api_route`, lists of routes, class-based views, decorators of one's own."""

import ast
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.python.expressions import argument
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Function, Module, Scope
from mcp_gateway.kit.patterns.python.names import Names, Symbol
from mcp_gateway.kit.patterns.python.trees import own_nodes, walk
from mcp_gateway.kit.patterns.web.model import METHODS, Expression, Route
from mcp_gateway.kit.patterns.web.routers import Routers

ADDING: Final = {"add_api_route", "add_route"}


class Routes:
    """Finds the routes of one module after the other."""

    def __init__(self, names: Names, routers: Routers) -> None:
        self._names, self._routers = names, routers

    def of(self, module: Module) -> list[Route]:
        """In the order they stand."""
        found: list[Route] = []
        for node in walk(module.tree):
            if isinstance(node, FUNCTIONS):
                found += self._decorated(node, module)
            elif isinstance(node, ast.Call):
                found += self._added(node, module)
        return sorted(found, key=lambda one: (getattr(one.place, "lineno", 0), one.path))

    def _decorated(self, function: Function, module: Module) -> Iterator[Route]:
        if not function.decorator_list:
            return
        scope = module.around(function)
        owner = module.enclosing_class(function)
        routing = [self._routing(one, scope) if isinstance(one, ast.Call) else None for one in function.decorator_list]
        # Another route's decorator hands the function on as it is.
        around = [(at, Expression(one, scope)) for at, one in enumerate(function.decorator_list) if routing[at] is None]
        for index, found in enumerate(routing):
            if found is None:
                continue
            call, where, methods = found
            path = argument(call, "path", 0)
            yield Route(
                module=module, function=function, scope=scope, methods=methods, path=_text(path), call=call, call_scope=where,
                router=self._routers.of(call.func.value, where) if isinstance(call.func, ast.Attribute) else None, owner=owner,
                wrappers=tuple(one for at, one in around if at > index),
            )  # fmt: skip

    def _routing(self, call: ast.Call, scope: Scope, steps: int = 3) -> tuple[ast.Call, Scope, frozenset[str]] | None:
        """The call on a router that a decorator is or comes to, and its methods."""
        if isinstance(call.func, ast.Attribute) and (call.func.attr in METHODS or call.func.attr in ("api_route", "route")):
            if self._routers.is_router(call.func.value, scope):
                methods = {call.func.attr} if call.func.attr in METHODS else self._methods(argument(call, "methods"), scope)
                return call, scope, frozenset(methods)
            return None
        symbol = self._names.callee(call, scope)
        if symbol.kind == "value" and isinstance(symbol.node, ast.Attribute) and symbol.scope is not None and steps > 0:
            renamed = ast.copy_location(ast.Call(func=symbol.node, args=call.args, keywords=call.keywords), call)
            return self._routing(renamed, symbol.scope, steps - 1)
        return self._returned(symbol, steps)

    def _returned(self, symbol: Symbol, steps: int) -> tuple[ast.Call, Scope, frozenset[str]] | None:
        function = symbol.function
        if function is None or symbol.scope is None or steps <= 0:
            return None
        inner = symbol.scope.module.scope_of(function)
        for node in own_nodes(function):
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
                found = self._routing(node.value, inner, steps - 1)
                if found is not None:
                    return found
        return None

    def _methods(self, value: ast.expr | None, scope: Scope) -> set[str]:
        if value is not None and not isinstance(value, ast.List | ast.Tuple | ast.Set):
            symbol = self._names.resolve(value, scope)
            value = symbol.node if isinstance(symbol.node, ast.expr) else None
        if not isinstance(value, ast.List | ast.Tuple | ast.Set):
            return {"get"}
        return {_text(one).lower() for one in value.elts} & METHODS or {"get"}

    def _added(self, call: ast.Call, module: Module) -> Iterator[Route]:
        scope = None
        if isinstance(call.func, ast.Attribute) and call.func.attr in ADDING:
            scope = module.around(call)
            if self._routers.is_router(call.func.value, scope):
                yield from self._endpoints(call, scope, module, call.func.value)
        elif isinstance(call.func, ast.Call) and isinstance(call.func.func, ast.Attribute) and call.args:
            scope = module.around(call)
            found = self._routing(call.func, scope) if call.func.func.attr in METHODS else None
            if found is not None:
                router = found[0].func.value if isinstance(found[0].func, ast.Attribute) else None
                yield from self._handlers(found[0], scope, module, router, call.args[0], found[2], "")
        elif isinstance(call.func, ast.Name | ast.Attribute):
            name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
            if name == "APIRoute":
                yield from self._endpoints(call, module.around(call), module, None)

    def _endpoints(self, call: ast.Call, scope: Scope, module: Module, router: ast.expr | None) -> Iterator[Route]:
        endpoint = argument(call, "endpoint", 1)
        if endpoint is not None:
            methods = frozenset(self._methods(argument(call, "methods"), scope))
            yield from self._handlers(call, scope, module, router, endpoint, methods, _text(argument(call, "path", 0)))

    def _handlers(
        self,
        call: ast.Call,
        scope: Scope,
        module: Module,
        router: ast.expr | None,
        endpoint: ast.expr,
        methods: frozenset[str],
        path: str,
    ) -> Iterator[Route]:
        maker = self._routers.of(router, scope) if router is not None else None
        path = path or _text(argument(call, "path", 0))
        for function, where, owner in self._functions(endpoint, scope):
            yield Route(
                module=module, function=function, scope=where, methods=methods, path=path, router=maker, call=call,
                call_scope=scope,
                owner=owner, wrappers=tuple(Expression(one, where) for one in getattr(function, "decorator_list", ())),
            )  # fmt: skip

    def _functions(
        self, endpoint: ast.expr, scope: Scope, steps: int = 4
    ) -> Iterator[tuple[Function | ast.Lambda, Scope, ast.ClassDef | None]]:
        if isinstance(endpoint, ast.Lambda):
            yield endpoint, scope, None
            return
        if isinstance(endpoint, ast.Call) and endpoint.args and steps > 0:  # a wrapper around the handler
            yield from self._functions(endpoint.args[0], scope, steps - 1)
            return
        symbol = self._names.resolve(endpoint, scope)
        if symbol.function is not None and symbol.scope is not None:
            yield (
                symbol.function,
                symbol.scope.module.around(symbol.function),
                symbol.scope.module.enclosing_class(symbol.function),
            )
        elif isinstance(symbol.node, ast.Lambda) and symbol.scope is not None:
            yield symbol.node, symbol.scope, None
        elif isinstance(symbol.node, ast.For) and isinstance(endpoint, ast.Name) and symbol.scope is not None and steps > 0:
            yield from self._of_loop(endpoint.id, symbol.node, symbol.scope, steps)

    def _of_loop(
        self, name: str, loop: ast.For, scope: Scope, steps: int
    ) -> Iterator[tuple[Function | ast.Lambda, Scope, ast.ClassDef | None]]:
        target = loop.target
        names = [getattr(one, "id", "") for one in target.elts] if isinstance(target, ast.Tuple) else [getattr(target, "id", "")]
        iterated = loop.iter
        symbol = self._names.resolve(iterated, scope)
        listed = iterated if isinstance(iterated, ast.Tuple | ast.List) else symbol.node
        for one in listed.elts if isinstance(listed, ast.Tuple | ast.List) else ():
            parts = one.elts if isinstance(one, ast.Tuple) else [one]
            if name in names and names.index(name) < len(parts):
                yield from self._functions(parts[names.index(name)], symbol.scope or scope, steps - 1)


def _text(value: ast.expr | None) -> str:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    if isinstance(value, ast.JoinedStr):
        return "".join(
            one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else "{}" for one in value.values
        )
    return ""
