"""What rules are given: one module with its routes, and everything known about the project around it."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from mcp_gateway.kit.patterns.facts.caches import Caches
from mcp_gateway.kit.patterns.facts.limits import Limits
from mcp_gateway.kit.patterns.facts.origins import Origin, Origins
from mcp_gateway.kit.patterns.facts.outbound import Outbound
from mcp_gateway.kit.patterns.facts.reach import Reach, Reached, Wanted
from mcp_gateway.kit.patterns.model import LiveRoute, Order, RuleCard
from mcp_gateway.kit.patterns.python.expressions import argument, words
from mcp_gateway.kit.patterns.python.modules import Function, Module, Project, Scope
from mcp_gateway.kit.patterns.python.names import Names
from mcp_gateway.kit.patterns.python.trees import calls, walk
from mcp_gateway.kit.patterns.web.dependencies import Dependencies
from mcp_gateway.kit.patterns.web.model import Dependency, Expression, Mounting, Route
from mcp_gateway.kit.patterns.web.routers import Routers
from mcp_gateway.kit.patterns.web.routes import Routes
from mcp_gateway.kit.patterns.web.running import Running


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hit:
    """A breach as a rule sees it: the node it is at. `route`: the handler it counts for; None is the whole file."""

    node: ast.AST
    message: str
    route: Route | None = None
    mend: str = ""
    """The name of the fix to try; "" is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A card and what finds its breaches."""

    card: RuleCard
    check: "Callable[[Study], Iterator[Hit]]"


class World:
    """The project as one process reads it: modules, mountings, what is known about bodies."""

    def __init__(self, order: Order, mounting: tuple[Module, ...], project: Project) -> None:
        self.order, self.project = order, project
        self.names = Names(project)
        self.routers = Routers(self.names)
        self.routes = Routes(self.names, self.routers)
        mountings: list[Mounting] = []
        middlewares: dict[ast.AST, list[Expression]] = {}
        for module in mounting:
            mountings += self.routers.mountings(module, mounting)
            for made, expression in self._middlewares(module, mounting):
                middlewares.setdefault(made, []).append(expression)
        self.mountings = tuple(mountings)
        self.dependencies = Dependencies(self.names, self.mountings, middlewares)
        self.limits = Limits(self.names, order.limiters)
        self.origins = Origins(self.names, self.dependencies, order.identities)
        self.reach = Reach(self.names)
        self.caches = Caches(self.names)
        self.outbound = Outbound(self.names, self.dependencies)
        self.running = Running(project)

    @cached_property
    def live_call(self) -> ast.Call | None:
        """The call that makes the imported application; None when nobody asked for one, or nobody can say."""
        if self.order.live is None:
            return None
        named, _, name = self.order.live.named.partition(":")
        module = self.project.named(named)
        if module is None:
            return None
        router = self.routers.of(ast.parse(name or "app", mode="eval").body, module.scope)
        return router.call if router is not None and router.is_application else None

    def _middlewares(self, module: Module, among: tuple[Module, ...]) -> Iterator[tuple[ast.AST, Expression]]:
        """Each middleware with the call that makes its application."""
        for node in walk(module.tree):
            if isinstance(node, ast.Call):
                yield from self._added_middleware(node, module.around(node), among)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                scope = module.around(node)
                for decorator in node.decorator_list:
                    func = decorator.func if isinstance(decorator, ast.Call) else None
                    if isinstance(func, ast.Attribute) and func.attr == "middleware":
                        named = ast.copy_location(ast.Name(node.name, ast.Load()), node)
                        for router in self.routers.meant(func.value, scope, among):
                            yield router.call, Expression(named, scope)

    def _added_middleware(self, node: ast.Call, scope: Scope, among: tuple[Module, ...]) -> Iterator[tuple[ast.AST, Expression]]:
        """`install(app, …)` of the kit, `instrument(app)`, `app.add_middleware(…)`, `FastAPI(middleware=[…])`."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else words(node.func)
        if node.args and (name.startswith("instrument") or self._installs(node, scope)):
            for router in self.routers.meant(node.args[0], scope, among):
                yield router.call, Expression(node.func, scope)
        if isinstance(node.func, ast.Attribute) and name == "add_middleware" and node.args:
            for router in self.routers.meant(node.func.value, scope, among):
                yield router.call, Expression(node.args[0], scope)
        listed = argument(node, "middleware")
        for one in listed.elts if isinstance(listed, ast.List | ast.Tuple) else ():
            if isinstance(one, ast.Call) and one.args:
                yield node, Expression(one.args[0], scope)

    def _installs(self, node: ast.Call, scope: Scope) -> bool:
        installed = self.names.callee(node, scope)
        return installed.last == "install" and ".kit" in installed.dotted

    def includes_routers(self, made: ast.Call) -> bool:
        """Whether an application made by this call is given routers or routes."""
        return any(one.parent is not None and one.parent.call is made for one in self.mountings)

    def known_routes(self, study: "Study") -> Iterator[Route]:
        """The routes of a module and of the project's modules whose routers it includes, however far down."""
        yield from study.routes
        seen, waiting = {study.module}, [study.module]
        while waiting:
            above = waiting.pop()
            for one in self.mountings:
                module = one.child.scope.module
                if one.scope.module is above and module not in seen:
                    seen.add(module)
                    waiting.append(module)
                    yield from self.routes.of(module)

    def study(self, module: Module) -> "Study":
        routes = tuple(self.routes.of(module))
        for route in routes:
            self.origins.enter(route.function)
        return Study(self, module, routes)


@dataclass(eq=False)
class Study:
    """One module under the rules."""

    world: World
    module: Module
    routes: tuple[Route, ...]
    _chains: dict[Route, list[list[Dependency]]] = field(default_factory=dict)
    _bodies: dict[Route, list[tuple[Dependency, Function | ast.Lambda, Module]]] = field(default_factory=dict)

    @property
    def names(self) -> Names:
        return self.world.names

    @property
    def order(self) -> Order:
        return self.world.order

    def chains(self, route: Route) -> list[list[Dependency]]:
        """All the route depends on, for each way it is mounted: as the imported application says where it has the route, else as
        the code does.
        """
        if route not in self._chains:
            shown = self.world.dependencies.chains(route)
            live = [one for one in self.live(route) if one.dependencies is not None]
            known = [one for chain in shown for one in chain]
            self._chains[route] = [self.world.running.chain(route, one, known) for one in live] or shown
        return self._chains[route]

    def paths(self, route: Route) -> tuple[str, ...]:
        """The whole paths of the route in the imported application; the one it is given in the code where that says none."""
        return tuple(one.path for one in self.live(route)) or (route.path,)

    @cached_property
    def by_function(self) -> dict[ast.AST | None, Route]:
        """The route of each handler; the last of several."""
        return {route.function: route for route in self.routes if route.function is not None}

    @cached_property
    def makes_application(self) -> bool:
        made = (self.world.routers.of(node, self.module.around(node)) for node in calls(self.module.tree))
        return any(one is not None and one.is_application for one in made)

    def reached(self, route: Route, wanted: Wanted | None = None) -> tuple[Reached, ...]:
        """All calls the handler comes to, or those that are `wanted`."""
        return self._calls(route.function, route.scope.module, wanted) if route.function is not None else ()

    def name_of(self, expression: ast.expr) -> str:
        """The last name of what an expression names, whatever it is called here; its last word where nobody can say."""
        symbol = (
            self.names.resolve(expression, self.module.around(expression))
            if isinstance(expression, ast.Name | ast.Attribute)
            else None
        )
        if symbol is not None and symbol.kind in ("external", "class", "function"):
            return symbol.last
        return words(expression).rpartition(".")[2]

    def origin(self, node: ast.AST) -> Origin:
        """Where the value of an expression of this module comes from."""
        return self.world.origins.of(node, self.module.around(node))

    def bodies(self, route: Route, wanted: Wanted | None = None) -> Iterator[tuple[Dependency, tuple[Reached, ...]]]:
        """The project's own dependencies of a route and the calls they come to, or those that are `wanted`."""
        for one, body, module in self._own_dependencies(route):
            yield one, self._calls(body, module, wanted)

    def calls_on_the_way(self, route: Route) -> list[dict[ast.AST, list[Reached]]]:
        """The calls into the project of a handler and of what it depends on, by what they call."""
        functions = [(body, module) for _, body, module in self._own_dependencies(route)]
        functions += [(route.function, route.scope.module)] if route.function is not None else []
        return [self.world.reach.by_called(body, module) for body, module in functions]

    def _calls(self, function: Function | ast.Lambda, module: Module, wanted: Wanted | None) -> tuple[Reached, ...]:
        return self.world.reach.of(function, module) if wanted is None else self.world.reach.those(function, module, wanted)

    def _own_dependencies(self, route: Route) -> list[tuple[Dependency, Function | ast.Lambda, Module]]:
        """Each of the project's own dependencies of a route once, with its body."""
        if route not in self._bodies:
            found: dict[ast.AST, tuple[Dependency, Function | ast.Lambda, Module]] = {}
            for chain in self.chains(route):
                for one in chain:
                    body, scope = one.target.body, one.target.scope
                    if body is not None and scope is not None and body not in found:
                        found[body] = (one, body, scope.module)
            self._bodies[route] = list(found.values())
        return self._bodies[route]

    def live(self, route: Route) -> tuple[LiveRoute, ...]:
        """The routes of the imported application with this handler; () when nobody asked or it has none."""
        function = route.function
        if self.order.live is None or function is None:
            return ()
        first = min([one.lineno for one in getattr(function, "decorator_list", [])] + [function.lineno])
        file = str(self.module.path.resolve())
        return tuple(one for one in self.order.live.routes if one.file == file and first <= one.line <= function.lineno)
