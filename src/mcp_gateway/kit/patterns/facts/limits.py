"""Whether a call is held to a rate limit before a handler runs, whichever way the limit is applied.

A limiter counts when it can refuse: awaited, its verdict acted upon, on every way, its refusal not swallowed.
"""

import ast
import re
from typing import Final

from mcp_gateway.kit.patterns.facts.statements import awaited_call, catches_all, ends_in_error, is_stub, raises, verdict_used
from mcp_gateway.kit.patterns.python.expressions import words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Function, Module
from mcp_gateway.kit.patterns.python.names import Names, Symbol
from mcp_gateway.kit.patterns.python.paths import Paths
from mcp_gateway.kit.patterns.python.trees import own_nodes, walk
from mcp_gateway.kit.patterns.web.model import Dependency, Expression, Route, Target

LIMITER: Final = re.compile(r"rate_?limit|limiter|throttl|quota|^limit(s|ed|ing)?(_by)?$|slowapi", re.IGNORECASE)
# Not limits of a rate although they are called so.
OTHER_LIMITS: Final = re.compile(r"body|size|upload|length|page|memory|connection|adaptive", re.IGNORECASE)
GUARDS: Final = {"Guard"}
RAISING: Final = re.compile(
    r"^(check(_.*)?|.*_or_raise|enforce.*|require.*|acquire.*|limit.*|hold|wait|consume|throttle.*|__call__)$"
)
ANSWERING: Final = re.compile(
    r"^(decide|hit|is_.*|allow.*|can_.*|test|try_.*|should_.*|has_.*|check_rate_limit|check_limit|increment|incr)$"
)
REFUSALS: Final = {
    "RateLimited",
    "HTTPException",
    "GatewayError",
    "RateLimitExceeded",
    "TooManyRequests",
    "LimitsAway",
    "Unavailable",
}
MAX_DEPTH: Final = 6


def looks_limiting(name: str) -> bool:
    """By its name alone: for what is made outside of the project."""
    return bool(LIMITER.search(name)) and not OTHER_LIMITS.search(name)


class Limits:
    """Answers about dependencies and bodies; `further` are names the project's settings add."""

    def __init__(self, names: Names, further: tuple[str, ...] = ()) -> None:
        self._names, self._further = names, further
        self._known: dict[ast.AST, bool] = {}

    def hold(self, route: Route, chain: list[Dependency]) -> bool:
        """Whether a limit is applied to this route on this way of mounting it."""
        if any(self.of_target(one.target) for one in chain):
            return True
        if any(self._of_wrapper(one) for one in route.wrappers):
            return True
        return route.function is not None and self.in_body(route.function, route.module)

    def of_target(self, target: Target) -> bool:
        """Whether a dependency limits."""
        symbol = target.symbol
        if symbol.kind == "external":
            if symbol.last in GUARDS and ".kit" in symbol.dotted:
                return target.call is not None
            return self._named(symbol)
        if target.body is not None and target.scope is not None:
            return self.in_body(target.body, target.scope.module)
        return symbol.kind in ("unknown", "value") and self._named(symbol) and target.call is None

    def _named(self, symbol: Symbol) -> bool:
        if symbol.dotted in self._further or symbol.last in self._further:
            return True
        return looks_limiting(symbol.last) and not symbol.dotted.startswith("builtins.")

    def _of_wrapper(self, expression: Expression) -> bool:
        """A decorator under the route's: of a limiting library, or one of the project whose wrapper limits."""
        node = expression.node
        called = node.func if isinstance(node, ast.Call) else node
        symbol = self._names.resolve(called, expression.scope)
        if symbol.function is not None and symbol.scope is not None:
            module = symbol.scope.module
            inner = [one for one in walk(symbol.function) if isinstance(one, FUNCTIONS) and one is not symbol.function]
            return any(self.in_body(one, module) for one in inner)
        if symbol.last in ("exempt", "shared_exempt"):
            return False
        parts = symbol.dotted.split(".")[-2:] if symbol.kind != "value" else [words(called)]
        return any(looks_limiting(one) or one in self._further for one in parts)

    # -- bodies --------------------------------------------------------------------------------------------------------

    def in_body(self, function: Function | ast.Lambda, module: Module, depth: int = MAX_DEPTH) -> bool:
        """Whether every way through it that ends well has asked a limiter that could refuse."""
        known = self._known.get(function)
        if known is None and depth > 0:
            self._known[function] = False
            paths = Paths(
                does=lambda node: self._asks(node, function, module, depth),
                forgives=_forgives,
                may_lack=lambda name: looks_limiting(_tail(name)),
            )
            known = self._known[function] = paths.always(function.body)
        return bool(known)

    def _asks(self, node: ast.AST, function: Function | ast.Lambda, module: Module, depth: int) -> bool:
        if isinstance(node, ast.withitem):
            return isinstance(node.context_expr, ast.Call) and self._limits(
                node.context_expr, node, function, module, depth, waited=True
            )
        call = awaited_call(node)
        if call is not None:
            return self._limits(call, node, function, module, depth, waited=True)
        return isinstance(node, ast.Call) and self._limits(node, node, function, module, depth, waited=False)

    def _limits(
        self, call: ast.Call, node: ast.AST, function: Function | ast.Lambda, module: Module, depth: int, *, waited: bool
    ) -> bool:
        scope = module.around(call)
        symbol = self._names.callee(call, scope)
        if symbol.function is not None and symbol.scope is not None:
            return self._followed(symbol, call, node, function, module, depth, waited=waited)
        method = call.func.attr if isinstance(call.func, ast.Attribute) else words(call.func)
        named = symbol.dotted if symbol.kind in ("external", "unknown") else words(call.func)
        owner = named.rpartition(".")[0].rpartition(".")[2] or _tail(words(call.func).rpartition(".")[0])
        if not (looks_limiting(owner) or (symbol.kind in ("external", "parameter") and self._named(symbol))):
            return False
        if not waited and isinstance(function, ast.AsyncFunctionDef) and not symbol.dotted.startswith("limits."):
            return False
        if ANSWERING.match(method):
            return verdict_used(node, function, module)
        return bool(RAISING.match(method)) or looks_limiting(method)

    def _followed(
        self,
        symbol: Symbol,
        call: ast.Call,
        node: ast.AST,
        function: Function | ast.Lambda,
        module: Module,
        depth: int,
        *,
        waited: bool,
    ) -> bool:
        """A call into the project: it limits when its own body does, or when it is a limiter's own method and no stub."""
        called = symbol.function
        if called is None or symbol.scope is None or (isinstance(called, ast.AsyncFunctionDef) and not waited):
            return False
        if self.in_body(called, symbol.scope.module, depth - 1):
            return True
        owner = symbol.scope.module.enclosing_class(called)
        if owner is None:
            return self._answers(called, symbol.scope.module, depth) and verdict_used(node, function, module)
        if not looks_limiting(owner.name):
            return False
        if any(words(base).rpartition(".")[2] in ("Protocol", "ABC") for base in owner.bases):
            return bool(RAISING.match(called.name)) or verdict_used(node, function, module)
        if is_stub(called) or not any(isinstance(one, ast.Await | ast.Call) for one in own_nodes(called)):
            return False
        return raises(called.body) or (
            any(isinstance(one, ast.Return) for one in own_nodes(called)) and verdict_used(node, function, module)
        )

    def _answers(self, function: Function, module: Module, depth: int) -> bool:
        """Whether it hands out a limiter's verdict."""
        if depth <= 0:
            return False
        for one in own_nodes(function):
            if isinstance(one, ast.Return) and one.value is not None:
                for inner in walk(one.value):
                    if self._asks(inner, function, module, depth - 1):
                        return True
        return False


def _forgives(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    refusal = any(one is not None and _tail(words(one)) in REFUSALS for one in kinds)
    return (catches_all(handler) or refusal) and not ends_in_error(handler.body)


def _tail(name: str) -> str:
    return name.rpartition(".")[2]
