"""Calls that leave the process: what they are, what bounds their time, what guards them."""

import ast
import re
from typing import Final

from mcp_gateway.kit.patterns.facts.reach import Reached
from mcp_gateway.kit.patterns.python.expressions import argument, words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS
from mcp_gateway.kit.patterns.python.names import Names, Symbol
from mcp_gateway.kit.patterns.python.trees import own_nodes, walk
from mcp_gateway.kit.patterns.web.dependencies import Dependencies
from mcp_gateway.kit.patterns.web.model import Expression

VERBS: Final = {"get", "post", "put", "patch", "delete", "head", "options", "request", "stream", "send", "ws_connect"}
UNSAFE_VERBS: Final = {"post", "patch"}
HTTP_CLASSES: Final = {
    "httpx.AsyncClient", "httpx.Client", "aiohttp.ClientSession", "aiohttp.client.ClientSession", "requests.Session",
    "requests.sessions.Session",
    "httpx2.AsyncClient", "httpx2.Client",
}  # fmt: skip
CLIENT_CLASSES: Final = {"AsyncClient", "Client", "ClientSession", "Session"}
HTTP_MODULES: Final = {"httpx", "requests", "aiohttp", "httpx2"}
CLIENT_NAME: Final = re.compile(r"(^|_)(http|client|upstream|engine_client)$", re.IGNORECASE)
BREAKER: Final = re.compile(r"breaker|circuit", re.IGNORECASE)
TIME_LIMITS: Final = {"timeout", "timeout_at", "wait_for", "fail_after", "move_on_after", "within", "time_limit"}


def is_outbound(reached: Reached) -> bool:
    """Whether the call asks another machine over HTTP."""
    symbol, call = reached.symbol, reached.call
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if symbol.kind == "external":
        owner, _, verb = symbol.dotted.rpartition(".")
        if owner in HTTP_CLASSES or owner in HTTP_MODULES:
            return verb in VERBS
        if symbol.dotted == "urllib.request.urlopen":
            return True
    if symbol.kind in ("unknown", "parameter", "value") and method in VERBS and isinstance(call.func, ast.Attribute):
        receiver = words(call.func.value).rpartition(".")[2]
        return bool(CLIENT_NAME.search(receiver)) and bool(call.args) and _looks_like_url(call.args[0])
    return False


class Outbound:
    """Answers about calls found by `Reach`."""

    def __init__(self, names: Names, dependencies: Dependencies) -> None:
        self._names, self._dependencies = names, dependencies

    def is_bounded(self, reached: Reached) -> bool:
        """Whether a time limit is stated for it: at the call, at its client, or around it."""
        given = next((word.value for word in reached.call.keywords if word.arg in ("timeout", "request_timeout")), None)
        if given is not None and not self._is_default(given):
            return not _is_none(given)
        if any(self._limits_time(one) for one in reached.around):
            return True
        made = self._made_with(reached)
        return made is not None and made and given is None

    def is_guarded(self, reached: Reached) -> bool:
        """Whether a circuit breaker stands around it."""
        return any(self._breaks(one) for one in reached.around) or self._decorated(reached)

    def _is_default(self, value: ast.expr) -> bool:
        return words(value).rpartition(".")[2] == "USE_CLIENT_DEFAULT"

    def _limits_time(self, one: Expression) -> bool:
        if not isinstance(one.node, ast.Call):
            return False
        name = words(one.node.func).rpartition(".")[2]
        if name not in TIME_LIMITS:
            return False
        value = (
            argument(one.node, "timeout", 1 if name == "wait_for" else 0)
            or argument(one.node, "seconds")
            or argument(one.node, "delay")
        )
        return value is not None and not _is_none(value)

    def _made_with(self, reached: Reached) -> bool | None:
        """Whether the client was made with a time limit; None when its making cannot be seen."""
        if not isinstance(reached.call.func, ast.Attribute):
            return None
        made = self._maker(reached.call.func.value, reached)
        if made is None:
            return None
        value = next((word.value for word in made.keywords if word.arg == "timeout"), None)
        return value is not None and not _is_none(value)

    def _maker(self, receiver: ast.expr, reached: Reached) -> ast.Call | None:
        """The call that makes the client a method is called on."""
        scope = reached.scope
        if isinstance(receiver, ast.Call):
            return receiver if self._is_client(self._names.callee(receiver, scope)) else None
        symbol = self._names.resolve(receiver, scope)
        found = self._call_in(symbol)
        if found is None and symbol.kind == "parameter" and isinstance(symbol.node, ast.arg) and symbol.scope is not None:
            holder = symbol.scope.node
            if isinstance(holder, (*FUNCTIONS, ast.Lambda)):
                for one in self._dependencies.of_parameter(symbol.node, holder.args, symbol.scope.parent or symbol.scope):
                    body = one.target.body
                    if isinstance(body, FUNCTIONS):
                        found = found or self._made_in(body)
        return found

    def _made_in(self, function: ast.AST) -> ast.Call | None:
        made = (node for node in own_nodes(function) if isinstance(node, ast.Call))
        return next((node for node in made if words(node.func).rpartition(".")[2] in CLIENT_CLASSES), None)

    def _call_in(self, symbol: Symbol) -> ast.Call | None:
        node, scope = symbol.node, symbol.scope
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                if (
                    isinstance(item.context_expr, ast.Call) and words(item.optional_vars) == symbol.dotted
                    if item.optional_vars
                    else False
                ):
                    return item.context_expr if isinstance(item.context_expr, ast.Call) else None
        if isinstance(node, ast.Call) and scope is not None and self._is_client(self._names.callee(node, scope)):
            return node
        return None

    def _is_client(self, symbol: Symbol) -> bool:
        return symbol.kind == "external" and symbol.dotted in HTTP_CLASSES

    def _breaks(self, one: Expression) -> bool:
        node = one.node
        called = node.func if isinstance(node, ast.Call) else node
        if isinstance(node, ast.Call) and isinstance(called, ast.Attribute):
            if called.attr not in ("call", "call_async", "guard", "calling", "context", "protect", "__call__", "run", "execute"):
                return False
            return self._is_breaker(called.value, one)
        return self._is_breaker(called, one)

    def _is_breaker(self, node: ast.expr, one: Expression) -> bool:
        kind = self._names.type_of(node, one.scope)
        if kind is not None and kind.kind == "external":
            return bool(BREAKER.search(kind.last))
        symbol = self._names.resolve(node, one.scope)
        if symbol.function is not None and symbol.scope is not None:
            inner = symbol.function
            return any(isinstance(found, ast.Call) and bool(BREAKER.search(words(found.func))) for found in walk(inner))
        if kind is not None and isinstance(kind.node, ast.ClassDef):
            return bool(BREAKER.search(kind.node.name)) and any(isinstance(found, ast.Raise) for found in walk(kind.node))
        return bool(BREAKER.search(words(node).rpartition(".")[2])) or bool(BREAKER.search(symbol.last))

    def _decorated(self, reached: Reached) -> bool:
        function = reached.function
        if not isinstance(function, FUNCTIONS):
            return False
        outside = reached.scope.module.around(function)
        return any(self._breaks(Expression(one, outside)) for one in function.decorator_list)


def _looks_like_url(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str) and "/" in value.value
    if isinstance(value, ast.JoinedStr):
        return any(isinstance(one, ast.Constant) and "/" in str(one.value) for one in value.values)
    return "url" in words(value).lower() or "path" in words(value).lower()


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
