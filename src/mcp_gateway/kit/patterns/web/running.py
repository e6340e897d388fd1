"""What the imported application says a route depends on, told as the code would: each dependency is the one the code shows where
there is one, else its body by the place where it stands, else a name from outside.
"""

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mcp_gateway.kit.patterns.model import LiveDependency, LiveRoute
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Function, Module, Project
from mcp_gateway.kit.patterns.python.names import Symbol, is_kit
from mcp_gateway.kit.patterns.python.trees import walk
from mcp_gateway.kit.patterns.web.model import Dependency, Expression, Route, Target

GUARD: Final = "Guard"


class Running:
    """Finds bodies in the project's modules."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._bodies: dict[tuple[str, int], tuple[Function | ast.Lambda, Module] | None] = {}

    def chain(self, route: Route, live: LiveRoute, shown: Iterable[Dependency]) -> list[Dependency]:
        """All a live route depends on. `shown`: what the code shows of its handler, on whatever way."""
        known = list(shown)
        found: list[Dependency] = []
        for one in live.dependencies or ():
            target = self._target(one, route)
            same = [kept for kept in known if _is_same(kept.target, target)]
            told = next((kept for kept in same if kept.parameter == one.parameter), next(iter(same), None))
            if told is not None and not _is_guard(one):
                target = told.target
            found.append(
                Dependency(
                    target=target,
                    parameter=one.parameter,
                    how=one.how,
                    place=told.place if told is not None else route.place,
                    by=found[one.by] if one.by is not None and one.by < len(found) else None,
                )
            )
        return found

    def _target(self, one: LiveDependency, route: Route) -> Target:
        if is_kit(one.name):
            return Target(symbol=Symbol("external", one.name), call=_made(one, route) if one.made else None)
        found = self._body(one.file, one.line)
        if found is None:
            return Target(symbol=Symbol("external", one.name), call=_made(one, route) if one.made else None)
        body, module = found
        owner = module.enclosing_class(body)
        name = f"{module.path.stem}.{one.name.rpartition('.')[2]}"
        scope = module.around(body)
        symbol = Symbol("function", name, body, scope) if owner is None else Symbol("class", name, owner, module.around(owner))
        return Target(symbol=symbol, body=body, scope=scope, call=_made(one, route) if one.made else None)

    def _body(self, file: str, line: int) -> tuple[Function | ast.Lambda, Module] | None:
        """The function of the project whose code begins at a line, at its first decorator where it has one."""
        key = (file, line)
        if key not in self._bodies:
            path = Path(file)
            inside = bool(file) and path.is_relative_to(self._project.root.resolve())
            module = self._project.module(self._project.root / path.relative_to(self._project.root.resolve())) if inside else None
            self._bodies[key] = None
            for node in walk(module.tree) if module is not None else ():
                if isinstance(node, (*FUNCTIONS, ast.Lambda)) and _first_line(node) == line and module is not None:
                    self._bodies[key] = (node, module)
                    break
        return self._bodies[key]


def _first_line(node: Function | ast.Lambda) -> int:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min(one.lineno for one in (*decorators, node))


def _is_guard(one: LiveDependency) -> bool:
    return is_kit(one.name) and one.name.endswith(f".{GUARD}")


def _is_same(shown: Target, live: Target) -> bool:
    if live.body is not None or shown.body is not None:
        return live.body is shown.body
    return shown.symbol.last == live.symbol.last and (shown.call is None) == (live.call is None)


def _made(one: LiveDependency, route: Route) -> Expression:
    """How it would be written where the route stands: with what a guard holds its handler to."""
    said = {"idempotency": one.idempotency, "deadline_seconds": one.deadline_seconds}
    keywords = [ast.keyword(name, ast.Constant(value)) for name, value in said.items() if value is not None]
    call = ast.Call(func=ast.Name(one.name.rpartition(".")[2], ast.Load()), args=[], keywords=keywords)
    return Expression(ast.copy_location(call, route.call), route.scope)
