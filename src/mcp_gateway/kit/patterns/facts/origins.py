"""Where a value comes from: the authenticated caller, a tenant header, or what anybody may write into a request.

Follows assignments, calls into the project, dependencies and classes; what it cannot follow comes from nowhere.
"""

import ast
import re
from collections.abc import Mapping
from enum import Flag, auto
from typing import Final

from mcp_gateway.kit.patterns.python.expressions import parameter_of, words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Binding, Function, Scope, all_parameters, default_of
from mcp_gateway.kit.patterns.python.names import Names, Symbol
from mcp_gateway.kit.patterns.python.trees import own_nodes
from mcp_gateway.kit.patterns.web.dependencies import Dependencies
from mcp_gateway.kit.patterns.web.model import Expression, Target


class Origin(Flag):
    """`CALLER`: what authentication found; `HEADER`: `X-Tenant-ID` as it came; `INPUT`: path, query, body, cookies."""

    NOWHERE = 0
    CALLER = auto()
    HEADER = auto()
    INPUT = auto()


NOWHERE: Final = Origin.NOWHERE
TENANT: Final = re.compile(r"^(x_)?tenant(_?(id|slug|name|key|code|uuid))?$|^tenant_", re.IGNORECASE)
IDENTITY: Final = re.compile(
    r"(^|_|\.)(caller|principal|identity|auth|authenticated|user|tenant|account|member|credentials?|token|claims|api_?key|session_user)"
    r"(_|$|\.)|current_?(user|tenant|caller)|(verify|decode|authenticate|identify|authorize)",
    re.IGNORECASE,
)
CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
OF_REQUEST: Final[Mapping[str, Origin]] = {
    "state": Origin.CALLER, "user": Origin.CALLER, "auth": Origin.CALLER, "session": Origin.CALLER, "query_params": Origin.INPUT,
    "path_params": Origin.INPUT, "json": Origin.INPUT, "body": Origin.INPUT, "form": Origin.INPUT, "cookies": Origin.INPUT,
    "stream": Origin.INPUT, "url": Origin.INPUT,
}  # fmt: skip
MARKERS: Final = {"Query", "Path", "Body", "Header", "Cookie", "Form", "File"}
PLAIN: Final = {"Request", "Response", "BackgroundTasks", "WebSocket", "HTTPConnection", "SecurityScopes"}
SCHEMES: Final = "fastapi.security."
MAX_DEPTH: Final = 7
Known = Mapping[str, Origin]
_NOTHING: Final[frozenset[tuple[str, Origin]]] = frozenset()


def names_tenant(name: str) -> bool:
    return bool(TENANT.search(name.replace("-", "_")))


def names_identity(name: str) -> bool:
    return bool(IDENTITY.search(CAMEL.sub("_", name)))


class Origins:
    """`further`: names the project's settings add, of dependencies that say who calls."""

    def __init__(self, names: Names, dependencies: Dependencies, further: tuple[str, ...] = ()) -> None:
        self._names, self._dependencies, self._further = names, dependencies, further
        self._entries: set[ast.AST] = set()
        self._busy: set[tuple[ast.AST, frozenset[tuple[str, Origin]]]] = set()
        self._kept: dict[tuple[ast.AST, Scope, frozenset[tuple[str, Origin]]], Origin] = {}
        self._targets: dict[ast.AST, Origin] = {}
        self._identifying: dict[ast.AST, bool] = {}

    def enter(self, function: ast.AST | None) -> None:
        """Say that a function is called by the framework: what it takes without more comes from the request."""
        if function is not None:
            self._entries.add(function)

    def of(self, expression: ast.AST, scope: Scope, known: Known | None = None, depth: int = MAX_DEPTH) -> Origin:
        """All the places a value may come from. `known`: origins of parameters in this call."""
        key = (expression, scope, frozenset(known.items()) if known else _NOTHING)
        if key not in self._kept:
            if depth <= 0:
                return NOWHERE
            self._kept[key] = NOWHERE  # a value made of itself
            self._kept[key] = self._of(expression, scope, known or {}, depth)
        return self._kept[key]

    def of_target(self, target: Target, depth: int = MAX_DEPTH) -> Origin:
        """What a dependency hands over."""
        symbol = target.symbol
        if symbol.kind == "external" or target.body is None:
            return self._of_outside(target)
        if symbol.kind == "class" and any(one.dotted.startswith(SCHEMES) for one in self._names.bases(symbol)):
            return Origin.CALLER
        body = target.body
        if body not in self._targets:
            self._targets[body] = NOWHERE
            self.enter(body)
            scope = target.scope
            if scope is None:
                return NOWHERE
            if isinstance(body, FUNCTIONS) and body.name == "__init__":
                inner = scope.module.scope_of(body)
                found = [self._parameter(one, inner, {}, depth - 1) for one in all_parameters(body.args)[1:]]
                self._targets[body] = _joined(found)
            else:
                self._targets[body] = self._returned(body, scope, {}, depth)
        return self._targets[body]

    def identifies(self, target: Target) -> bool:
        """Whether a dependency knows who calls, whether or not it says so to the handler."""
        if self.of_target(target) & (Origin.CALLER | Origin.HEADER):
            return True
        if target.body is None or target.scope is None:
            return False
        body = target.body
        if body not in self._identifying:
            self.enter(body)
            inner = target.scope.module.scope_of(body)
            called = (node for node in own_nodes(body) if isinstance(node, ast.Call | ast.Attribute | ast.Name))
            self._identifying[body] = any(self.of(node, inner) & (Origin.CALLER | Origin.HEADER) for node in called)
        return self._identifying[body]

    def _of_outside(self, target: Target) -> Origin:
        symbol = target.symbol
        dotted = symbol.dotted
        if symbol.last == "Guard" and ".kit" in dotted:
            return Origin.CALLER if target.call is not None else NOWHERE
        if dotted.startswith(SCHEMES) or dotted in self._further or symbol.last in self._further:
            return Origin.CALLER
        if dotted.startswith("builtins.") or symbol.kind not in ("external", "unknown", "value"):
            return NOWHERE
        return Origin.CALLER if names_identity(symbol.last) else NOWHERE

    def _of(self, node: ast.AST, scope: Scope, known: Known, depth: int) -> Origin:
        match node:
            case ast.Name():
                return self._name(node.id, scope, known, depth)
            case ast.Attribute():
                return self._attribute(node, scope, known, depth)
            case ast.Call():
                return self._call(node, scope, known, depth)
            case ast.Subscript():
                of_headers = self._header(node.value, node.slice, scope)
                return of_headers if of_headers is not None else self.of(node.value, scope, known, depth)
            case ast.Constant() | ast.Lambda():
                return NOWHERE
            case ast.Compare():
                return NOWHERE
            case ast.IfExp():
                return self.of(node.body, scope, known, depth) | self.of(node.orelse, scope, known, depth)
        return _joined(
            [self.of(one, scope, known, depth) for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr | ast.keyword)]
        )

    def _name(self, name: str, scope: Scope, known: Known, depth: int) -> Origin:
        found = scope.lookup(name)
        if found is None:
            return NOWHERE
        where, bindings = found
        if where is not scope and not isinstance(where.node, ast.Lambda):
            known = known if where.node is scope.node else {}
        return _joined([self._binding(name, one, where, known, depth) for one in bindings])

    def _binding(self, name: str, binding: Binding, scope: Scope, known: Known, depth: int) -> Origin:
        if binding.kind == "parameter" and isinstance(binding.node, ast.arg):
            return known[name] if name in known else self._parameter(binding.node, scope, known, depth)
        if binding.kind == "import":
            symbol = self._names.resolve(ast.Name(name, ast.Load()), scope)
            return (
                self.of(symbol.node, symbol.scope, {}, depth - 1)
                if isinstance(symbol.node, ast.expr) and symbol.scope
                else NOWHERE
            )
        if binding.value is not None and binding.kind in ("value", "item", "context"):
            return self.of(binding.value, scope, known, depth)
        return NOWHERE

    def _parameter(self, node: ast.arg, scope: Scope, known: Known, depth: int) -> Origin:
        holder = scope.node
        if not isinstance(holder, (*FUNCTIONS, ast.Lambda)):
            return NOWHERE
        outside = scope.parent or scope
        declared = self._dependencies.of_parameter(node, holder.args, outside)
        declared = declared or self._dependencies.of_signature(holder, outside)
        if declared:
            return _joined([self.of_target(one.target, depth - 1) for one in declared])
        marker = self._marker(node, holder, outside)
        if marker is not None:
            return marker
        kind = self._names.named_type(node.annotation, outside) if node.annotation is not None else None
        if kind is not None and kind.last in PLAIN:
            return NOWHERE
        is_self = holder.args.args and holder.args.args[0] is node and node.arg in ("self", "cls")
        return Origin.INPUT if holder in self._entries and not is_self else NOWHERE

    def _marker(self, node: ast.arg, holder: ast.AST, scope: Scope) -> Origin | None:
        """What `Header()`, `Query()` and the like say."""
        declared = [Expression(*found) for found in self._names.metadata(node.annotation, scope)]
        default = default_of(holder.args, node.arg) if isinstance(holder, FUNCTIONS) else None
        declared += [Expression(default, scope)] if default is not None else []
        for one in declared:
            call = one.node if isinstance(one.node, ast.Call) else None
            symbol = self._names.callee(call, one.scope) if call is not None else None
            if call is None or symbol is None or symbol.last not in MARKERS or symbol.kind != "external":
                continue
            if symbol.last != "Header":
                return Origin.INPUT
            alias = next((word.value for word in call.keywords if word.arg == "alias"), None)
            return _of_header(alias.value if isinstance(alias, ast.Constant) else node.arg)
        return None

    def _attribute(self, node: ast.Attribute, scope: Scope, known: Known, depth: int) -> Origin:
        if self._is_request(node.value, scope):
            return OF_REQUEST.get(node.attr, NOWHERE)
        of_self = self._of_self(node, scope, depth)
        return of_self if of_self is not None else self.of(node.value, scope, known, depth)

    def _is_request(self, node: ast.expr, scope: Scope) -> bool:
        kind = self._names.type_of(node, scope)
        if kind is not None:
            return kind.kind == "external" and kind.last in ("Request", "HTTPConnection")
        return isinstance(node, ast.Name) and node.id in ("request", "req")

    def _of_self(self, node: ast.Attribute, scope: Scope, depth: int) -> Origin | None:
        """An attribute of the view a method belongs to."""
        holder = scope
        while holder.parent is not None and isinstance(holder.node, ast.Lambda):
            holder = holder.parent
        if not isinstance(node.value, ast.Name) or not isinstance(holder.node, FUNCTIONS):
            return None
        owner = holder.module.enclosing_class(holder.node)
        if owner is None or not holder.node.args.args or holder.node.args.args[0].arg != node.value.id:
            return None
        inner = holder.module.scope_of(owner)
        for statement in owner.body:
            if isinstance(statement, ast.AnnAssign) and words(statement.target) == node.attr:
                declared = self._dependencies.of_attribute(statement, inner)
                return _joined([self.of_target(one.target, depth - 1) for one in declared])
            if isinstance(statement, ast.Assign) and words(statement.targets[0]) == node.attr:
                declared = self._dependencies.of_attribute(statement, inner)
                return _joined([self.of_target(one.target, depth - 1) for one in declared])
        symbol = self._names.attribute_of(Symbol("class", owner.name, owner, holder.module.around(owner)), node.attr)
        if symbol is not None and symbol.kind == "parameter" and isinstance(symbol.node, ast.arg) and symbol.scope is not None:
            return self._parameter(symbol.node, symbol.scope, {}, depth - 1)
        if symbol is not None and isinstance(symbol.node, ast.expr) and symbol.scope is not None:
            return self.of(symbol.node, symbol.scope, {}, depth - 1)
        return NOWHERE

    def _call(self, node: ast.Call, scope: Scope, known: Known, depth: int) -> Origin:
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "getlist", "pop") and node.args:
            of_headers = self._header(node.func.value, node.args[0], scope)
            if of_headers is not None:
                return of_headers
        given = [(one, self.of(one, scope, known, depth)) for one in [*node.args, *(word.value for word in node.keywords)]]
        symbol = self._names.callee(node, scope)
        if symbol.function is not None and symbol.scope is not None:
            function = symbol.function
            handed = {name: origin for value, origin in given if (name := parameter_of(function, node, value))}
            found = self._returned(function, symbol.scope, handed, depth)
            receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
            return found | (self.of(receiver, scope, known, depth) if receiver is not None else NOWHERE)
        found = _joined([origin for _, origin in given])
        if isinstance(node.func, ast.Attribute):
            found |= self.of(node.func, scope, known, depth)
        # A class called `Caller` is made of what it is given; it finds nothing out.
        outside = symbol.kind == "external" and not symbol.dotted.startswith("builtins.") and not symbol.last[:1].isupper()
        if (outside or symbol.kind == "unknown") and _finds_out(symbol, node):
            found |= Origin.CALLER
        return found

    def _header(self, holder: ast.expr, key: ast.expr, scope: Scope) -> Origin | None:
        """`request.headers[…]`: by the header's name; None when it is nothing of the kind."""
        if not (isinstance(holder, ast.Attribute) and holder.attr == "headers" and self._is_request(holder.value, scope)):
            return None
        if not isinstance(key, ast.Constant):
            symbol = self._names.resolve(key, scope)
            key = symbol.node if isinstance(symbol.node, ast.Constant) else key
        return _of_header(key.value) if isinstance(key, ast.Constant) else Origin.INPUT

    def _returned(self, function: Function | ast.Lambda, scope: Scope, known: Known, depth: int) -> Origin:
        key = (function, frozenset(known.items()))
        if depth <= 0 or key in self._busy:
            return NOWHERE
        self._busy.add(key)
        inner = scope.module.scope_of(function)
        try:
            if isinstance(function, ast.Lambda):
                return self.of(function.body, inner, known, depth - 1)
            given = [
                one.value for one in own_nodes(function) if isinstance(one, ast.Return | ast.Yield | ast.YieldFrom) and one.value
            ]
            return _joined([self.of(one, inner, known, depth - 1) for one in given])
        finally:
            self._busy.discard(key)


def _finds_out(symbol: Symbol, call: ast.Call) -> bool:
    """Whether a call from outside tells who calls: `verify(token)`, `get_current_user()`, `current_tenant.get()`."""
    name = symbol.last
    if name == "get" and not call.args and isinstance(call.func, ast.Attribute):
        return names_identity(words(call.func.value).rpartition(".")[2])
    spoken = name.lower()
    fetches = spoken.startswith(("get", "set", "list", "create", "update", "delete", "fetch", "load", "read"))
    return names_identity(name) and (not fetches or "current" in spoken)


def _of_header(name: object) -> Origin:
    spoken = str(name).lower().replace("_", "-")
    if "tenant" in spoken:
        return Origin.HEADER
    if spoken in ("authorization", "proxy-authorization") or "api-key" in spoken or "token" in spoken:
        return Origin.CALLER
    return Origin.INPUT


def _joined(origins: list[Origin]) -> Origin:
    found = NOWHERE
    for one in origins:
        found |= one
    return found
