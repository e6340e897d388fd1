"""Routes, routers, mountings and dependencies as they stand in the code."""

import ast
from dataclasses import dataclass
from typing import Final, Literal

from mcp_gateway.kit.patterns.python.modules import Function, Module, Scope
from mcp_gateway.kit.patterns.python.names import Symbol

METHODS: Final = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "trace"})
READING: Final = frozenset({"get", "head", "options", "trace"})


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """An expression and the scope its names are read in."""

    node: ast.expr
    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Router:
    """Where a router or application is made. Known by that call: all names for it are one router."""

    call: ast.Call
    scope: Scope
    is_application: bool
    class_symbol: Symbol | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mounting:
    """`parent.include_router(child, …)`, or `parent.mount(path, child)`, which hands on what the parent's middlewares let pass
    and nothing else of it (`whole` False). `parent` None when nobody can say which.
    """

    parent: Router | None
    child: Router
    call: ast.Call
    scope: Scope
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Route:
    """One handler under one path. `call`: the decorator or the call that adds it; `function` None for what cannot be followed."""

    module: Module
    function: Function | ast.Lambda | None
    scope: Scope
    methods: frozenset[str]
    path: str
    router: Router | None
    call: ast.Call
    call_scope: Scope
    owner: ast.ClassDef | None = None
    wrappers: tuple[Expression, ...] = ()

    @property
    def name(self) -> str:
        name = self.function.name if isinstance(self.function, ast.FunctionDef | ast.AsyncFunctionDef) else "<lambda>"
        return f"{self.owner.name}.{name}" if self.owner is not None else name

    @property
    def place(self) -> ast.AST:
        """What findings about the whole handler point at."""
        return self.function if self.function is not None else self.call

    @property
    def prefixed_path(self) -> str:
        """The path behind the prefix its router is made with."""
        made = self.router.call.keywords if self.router is not None else ()
        prefix = next((word.value for word in made if word.arg == "prefix"), None)
        return (prefix.value if isinstance(prefix, ast.Constant) and isinstance(prefix.value, str) else "") + self.path

    @property
    def reads(self) -> bool:
        return self.methods <= READING

    def option(self, name: str) -> Expression | None:
        """An argument of the decorator."""
        value = next((one.value for one in self.call.keywords if one.arg == name), None)
        return Expression(value, self.call_scope) if value is not None else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """What a dependency calls:

    a body of the project's, or an outside name. `call`: how an instance or function was made for it.
    """

    symbol: Symbol
    body: Function | ast.Lambda | None = None
    scope: Scope | None = None
    call: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dependency:
    """`parameter`:

    the name it arrives under, "" where nobody takes its value. `by`: the dependency that asks for it, None for the route.
    """

    target: Target
    parameter: str
    how: Literal["parameter", "router", "middleware", "decorator", "class"]
    place: ast.AST
    by: "Dependency | None" = None
