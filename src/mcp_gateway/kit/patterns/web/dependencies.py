"""All that FastAPI resolves before a handler runs, as the code says it:

parameters, aliases, classes, decorators, routers, mountings.
"""

import ast
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.python.expressions import argument, given_to, parameter_of, words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Function, Module, Scope, all_parameters, default_of
from mcp_gateway.kit.patterns.python.names import Names, Symbol
from mcp_gateway.kit.patterns.python.trees import own_nodes, walk
from mcp_gateway.kit.patterns.web.model import Dependency, Expression, Mounting, Route, Router, Target

DEPENDS: Final = {"Depends", "Security"}
MAX_DEPTH: Final = 8
MAX_CHAINS: Final = 16


class Dependencies:
    """Knows the mountings of the whole project."""

    def __init__(self, names: Names, mountings: tuple[Mounting, ...], middlewares: dict[ast.AST, list[Expression]]) -> None:
        """`middlewares`: by the call that makes the application."""
        self._names, self._middlewares = names, middlewares
        self._within: dict[ast.AST, list[Dependency]] = {}
        self._mounted: dict[ast.AST, list[Mounting]] = {}
        for one in mountings:
            self._mounted.setdefault(one.child.call, []).append(one)
        tops = {one.parent.call: one.parent for one in mountings if one.parent is not None and one.parent.is_application}
        self._tops = [router for made, router in tops.items() if made not in self._mounted]

    def chains(self, route: Route) -> list[list[Dependency]]:
        """For each way the route is mounted, all it depends on, with what that depends on in turn. At least one list."""
        own = [*self.of_function(route.function, route.scope), *self._of_option(route.call, route.call_scope, "decorator")]
        if route.owner is not None:
            own += self._of_class(route.owner, route)
        above = self._above(route.router, 0) if route.router is not None else self._anywhere()
        return [self._whole(own + chain) for chain in above[:MAX_CHAINS]]

    def own(self, route: Route) -> list[Dependency]:
        """What the handler's parameters depend on, without what that depends on."""
        found = self.of_function(route.function, route.scope)
        return found + (self._of_class(route.owner, route) if route.owner is not None else [])

    def is_mounted(self, router: Router) -> bool:
        return router.is_application or router.call in self._mounted

    def _above(self, router: Router, depth: int) -> list[list[Dependency]]:
        own = self._of_router(router)
        mountings = self._mounted.get(router.call, [])
        if depth > MAX_DEPTH or (not mountings and router.is_application):
            return [own]
        chains = [] if mountings else [own + chain for chain in self._anywhere()]
        for one in mountings:
            if one.parent is None:
                chains += [own + chain for chain in self._anywhere()]
                continue
            at = self._of_option(one.call, one.scope, "router") if one.whole else []
            parents = self._above(one.parent, depth + 1)
            chains += [own + at + (parent if one.whole else _middlewares(parent)) for parent in parents]
        return chains

    def _anywhere(self) -> list[list[Dependency]]:
        """Where nobody can say what a route is mounted in: whichever application it is, its middlewares see the request."""
        return [self._middlewares_of(top) for top in self._tops] or [[]]

    def _middlewares_of(self, router: Router) -> list[Dependency]:
        return [
            Dependency(target=self._middleware(one.node, one.scope), parameter="", how="middleware", place=one.node)
            for one in self._middlewares.get(router.call, ())
        ]

    def _of_router(self, router: Router) -> list[Dependency]:
        found = self._of_option(router.call, router.scope, "router")
        found += self._middlewares_of(router)
        symbol = router.class_symbol
        if symbol is not None and symbol.kind == "class":
            for base in self._names.bases(symbol):
                if isinstance(base.node, ast.ClassDef) and base.scope is not None:
                    found += self._of_super(base.node, base.scope)
        return found

    def _middleware(self, node: ast.expr, scope: Scope) -> Target:
        """What a middleware does for each request: its `dispatch` or `__call__`."""
        symbol = self._names.resolve(node, scope)
        if symbol.kind == "class":
            for name in ("dispatch", "__call__"):
                found = self._names.attribute_of(symbol, name)
                if found is not None and found.function is not None and found.scope is not None:
                    return Target(symbol=symbol, body=found.function, scope=found.scope)
        if isinstance(symbol.function, ast.FunctionDef) and symbol.scope is not None:
            inner = symbol.scope.module.scope_of(symbol.function)
            for one in own_nodes(symbol.function):  # a function that makes the middleware
                if isinstance(one, ast.Return) and isinstance(one.value, ast.Call):
                    return self._middleware(one.value.func, inner)
        return self.target(node, scope)

    def _of_super(self, node: ast.ClassDef, scope: Scope) -> list[Dependency]:
        """`super().__init__(dependencies=[…])` in a router's own class."""
        found = []
        for method in node.body:
            if isinstance(method, FUNCTIONS) and method.name == "__init__":
                inner = scope.module.scope_of(method)
                for call in own_nodes(method):
                    if isinstance(call, ast.Call) and words(call.func).endswith("__init__"):
                        found += self._of_option(call, inner, "router")
        return found

    def _of_option(self, call: ast.Call, scope: Scope, how: str) -> list[Dependency]:
        value = argument(call, "dependencies")
        return [one for expression in self._listed(value, scope) for one in self._of_depends(expression, how)]

    def _listed(  # noqa: C901  (one branch for each way to write a list)
        self, value: ast.expr | None, scope: Scope, steps: int = 6
    ) -> Iterator[Expression]:
        """The elements of a list of dependencies, over names, sums and unpacking."""
        if value is None or steps <= 0:
            return
        if isinstance(value, ast.List | ast.Tuple):
            for one in value.elts:
                if isinstance(one, ast.Starred):
                    yield from self._listed(one.value, scope, steps - 1)
                else:
                    yield Expression(one, scope)
        elif isinstance(value, ast.BinOp):
            yield from self._listed(value.left, scope, steps - 1)
            yield from self._listed(value.right, scope, steps - 1)
        elif isinstance(value, ast.Name | ast.Attribute):
            symbol = self._names.resolve(value, scope)
            if isinstance(symbol.node, ast.expr) and symbol.kind == "value" and symbol.scope is not None:
                yield from self._listed(symbol.node, symbol.scope, steps - 1)
        elif isinstance(value, ast.Call):
            if words(value.func) in ("list", "tuple") and value.args:
                yield from self._listed(value.args[0], scope, steps - 1)
                return
            symbol = self._names.callee(value, scope)
            if symbol.function is not None and symbol.scope is not None:
                inner = symbol.scope.module.scope_of(symbol.function)
                for node in own_nodes(symbol.function):
                    if isinstance(node, ast.Return):
                        yield from self._listed(node.value, inner, steps - 1)

    def _of_depends(
        self, expression: Expression, how: str, parameter: str = "", annotation: Expression | None = None
    ) -> list[Dependency]:
        """The dependency a `Depends(…)` declares, over names for it; nothing when it is no such call."""
        node, scope = expression.node, expression.scope
        if isinstance(node, ast.Name | ast.Attribute):
            symbol = self._names.resolve(node, scope)
            if symbol.kind != "value" or not isinstance(symbol.node, ast.Call) or symbol.scope is None:
                return []
            node, scope = symbol.node, symbol.scope
        if not isinstance(node, ast.Call):
            return []
        symbol = self._names.callee(node, scope)
        if symbol.kind == "function" and symbol.function is not None and symbol.scope is not None:
            return self._of_maker(symbol, how, parameter)
        if symbol.kind != "external" or symbol.last not in DEPENDS:
            return []
        called = argument(node, "dependency", 0)
        if called is None:
            if annotation is None:
                return []
            called, scope = annotation.node, annotation.scope
        return [Dependency(target=self.target(called, scope), parameter=parameter, how=how, place=node)]  # type: ignore[arg-type]  # one of the words above

    def _of_maker(self, symbol: Symbol, how: str, parameter: str) -> list[Dependency]:
        """`def guarded(op): return Depends(Guard(op))`, used in the place of `Depends(…)`."""
        function = symbol.function
        if function is None or symbol.scope is None:
            return []
        inner = symbol.scope.module.scope_of(function)
        for node in own_nodes(function):
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
                made = self._names.callee(node.value, inner)
                if made.kind == "external" and made.last in DEPENDS:
                    return self._of_depends(Expression(node.value, inner), how, parameter)
        return []

    def of_function(self, function: Function | ast.Lambda | None, scope: Scope) -> list[Dependency]:
        """What its parameters depend on. `scope`: where the function stands."""
        if function is None:
            return []
        found: list[Dependency] = []
        for one in all_parameters(function.args):
            found += self.of_parameter(one, function.args, scope)
        return found

    def of_parameter(self, one: ast.arg, arguments: ast.arguments, scope: Scope) -> list[Dependency]:
        """What one parameter depends on, by its annotation or its default."""
        plain = None
        if one.annotation is not None:
            plain = Expression(*self._names.plain_type(one.annotation, scope))
        declared = [Expression(*found) for found in self._names.metadata(one.annotation, scope)]
        default = default_of(arguments, one.arg)
        if default is not None:
            declared.append(Expression(default, scope))
        return [dep for expression in declared for dep in self._of_depends(expression, "parameter", one.arg, plain)]

    def _of_class(self, owner: ast.ClassDef, route: Route) -> list[Dependency]:
        """A class-based view: what its attributes, its constructor and its bases' depend on."""
        symbol = Symbol("class", owner.name, owner, route.module.around(owner))
        found: list[Dependency] = []
        for base in self._names.bases(symbol):
            if not isinstance(base.node, ast.ClassDef) or base.scope is None:
                continue
            inner = base.scope.module.scope_of(base.node)
            for statement in base.node.body:
                if isinstance(statement, ast.AnnAssign | ast.Assign):
                    found += self.of_attribute(statement, inner)
                elif isinstance(statement, FUNCTIONS) and statement.name == "__init__":
                    found += self.of_function(statement, inner)
        return found

    def of_attribute(self, statement: ast.AnnAssign | ast.Assign, scope: Scope) -> list[Dependency]:
        target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
        name = getattr(target, "id", "")
        declared: list[Expression] = []
        plain = None
        if isinstance(statement, ast.AnnAssign):
            declared = [Expression(*found) for found in self._names.metadata(statement.annotation, scope)]
            plain = Expression(*self._names.plain_type(statement.annotation, scope))
        if statement.value is not None:
            declared.append(Expression(statement.value, scope))
        return [dep for expression in declared for dep in self._of_depends(expression, "class", name, plain)]

    def _whole(self, first: list[Dependency]) -> list[Dependency]:
        """Each with all it depends on in turn."""
        found: list[Dependency] = []
        waiting = [(one, 0) for one in first]
        seen: set[tuple[ast.AST, ast.AST | None]] = set()
        while waiting:
            one, depth = waiting.pop(0)
            found.append(one)
            key = (one.target.body or one.place, one.target.call.node if one.target.call else None)
            if key in seen or depth >= MAX_DEPTH:
                continue
            seen.add(key)
            waiting += [
                (Dependency(target=inner.target, parameter=inner.parameter, how=inner.how, place=inner.place, by=one), depth + 1)
                for inner in self.within(one.target)
            ]
        return found

    def within(self, target: Target) -> list[Dependency]:
        """What a dependency's own parameters depend on."""
        body = target.body
        if body is None or target.scope is None:
            return []
        if body not in self._within:
            self._within[body] = self.of_function(body, target.scope) + self.of_signature(body, target.scope)
        return self._within[body]

    def of_signature(self, body: Function | ast.Lambda, scope: Scope) -> list[Dependency]:
        """What a dependency asks for whose signature is written by code: every `Depends(…)` of what makes it."""
        if "_signature" not in scope.module.source.text:
            return []
        maker = _outermost(body, scope.module)
        decorators = [] if isinstance(body, ast.Lambda) else body.decorator_list
        written = any(words(one.func if isinstance(one, ast.Call) else one).endswith("with_signature") for one in decorators)
        if maker is body or not (written or any(_is_signature(node) for node in walk(maker))):
            return []
        made = (node for node in walk(maker) if isinstance(node, ast.Call) and words(node.func).rpartition(".")[2] in DEPENDS)
        return [one for node in made for one in self._of_depends(Expression(node, scope.module.around(node)), "parameter")]

    # -- what a dependency calls ---------------------------------------------------------------------------------------

    def target(self, called: ast.expr, scope: Scope, steps: int = 6) -> Target:
        """What `Depends(called)` calls."""
        if isinstance(called, ast.Lambda):
            return Target(symbol=Symbol("value", "<lambda>", called, scope), body=called, scope=scope)
        if isinstance(called, ast.Call):
            return self._made(called, scope, steps)
        if isinstance(called, ast.IfExp) and steps > 0:
            return self._chosen(called, scope, steps - 1)
        symbol = self._names.resolve(called, scope)
        if symbol.kind == "value" and isinstance(symbol.node, ast.Call | ast.Lambda) and symbol.scope is not None and steps > 0:
            return self.target(symbol.node, symbol.scope, steps - 1)
        if symbol.function is not None and symbol.scope is not None:
            return Target(symbol=symbol, body=symbol.function, scope=symbol.scope)
        if symbol.kind == "class":
            return self._method(symbol, "__init__", None)
        return Target(symbol=symbol)

    def _chosen(self, node: ast.IfExp, scope: Scope, steps: int) -> Target:
        """One of two, and nobody can say which: the one that asks less, a name where both are outside."""
        one, other = self.target(node.body, scope, steps), self.target(node.orelse, scope, steps)
        return other if one.body is not None else one

    def _made(self, call: ast.Call, scope: Scope, steps: int) -> Target:
        """An instance that is called, a function made by a function, a `partial`."""
        symbol = self._names.callee(call, scope)
        made = Expression(call, scope)
        if symbol.dotted == "functools.partial" and call.args and steps > 0:
            return self.target(call.args[0], scope, steps - 1)
        if symbol.kind == "class":
            return self._method(symbol, "__call__", made)
        if symbol.function is not None and symbol.scope is not None:
            inner = symbol.scope.module.scope_of(symbol.function)
            for node in own_nodes(symbol.function):
                if isinstance(node, ast.Return) and node.value is not None and steps > 0:
                    returned = _decided(node.value, symbol.function, call)
                    found = self.target(returned, inner, steps - 1)
                    return Target(symbol=found.symbol, body=found.body, scope=found.scope, call=found.call or made)
            return Target(symbol=Symbol("unknown", symbol.dotted), call=made)
        return Target(symbol=symbol, call=made)

    def _method(self, symbol: Symbol, name: str, made: Expression | None) -> Target:
        found = self._names.attribute_of(symbol, name)
        if found is not None and found.function is not None and found.scope is not None:
            return Target(symbol=symbol, body=found.function, scope=found.scope, call=made)
        if found is not None and found.kind == "external":
            outside = found.dotted.rpartition(".")[0]
            return Target(symbol=Symbol("external", outside), call=made)
        return Target(symbol=symbol, call=made)


def _outermost(node: ast.AST, module: Module) -> ast.AST:
    """The function or class at the head of the module that a node stands in."""
    parent = module.parents.get(node)
    while parent is not None and not isinstance(parent, ast.Module):
        node, parent = parent, module.parents.get(parent)
    return node


def _is_signature(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "__signature__" and isinstance(node.ctx, ast.Store)


def _middlewares(chain: list[Dependency]) -> list[Dependency]:
    return [one for one in chain if one.how == "middleware"]


def _decided(value: ast.expr, function: Function, call: ast.Call) -> ast.expr:
    """`a if flag else b`, where the call or the default says what the flag is."""
    if not isinstance(value, ast.IfExp) or not isinstance(value.test, ast.Name):
        return value
    name = value.test.id
    said = next((one for one in given_to(call) if parameter_of(function, call, one) == name), default_of(function.args, name))
    if not isinstance(said, ast.Constant):
        return value
    return value.body if said.value else value.orelse
