"""What a name means, over assignments, imports and modules, and of what type a value is. Nothing is run.

Names of what lies outside of the project are `external` with the dotted name they are imported under; the kit's own count as
such,
even where its source is at hand, so that rules know it by one set of names.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from mcp_gateway.kit.patterns.python.expressions import is_none, quoted, words
from mcp_gateway.kit.patterns.python.modules import (
    FUNCTIONS,
    Binding,
    Function,
    Module,
    Project,
    Scope,
    default_of,
)
from mcp_gateway.kit.patterns.python.trees import own_nodes, walk

KIT: Final = "mcp_gateway.kit"
# Annotations that leave the type to the value.
_BARE: Final = {"Final", "typing.Final", "ClassVar", "typing.ClassVar"}
MAX_STEPS: Final = 24
# Functions that make a thing of another name.
MAKERS: Final = {
    "redis.from_url": "redis.Redis", "redis.asyncio.from_url": "redis.asyncio.Redis", "aioredis.from_url": "redis.asyncio.Redis",
    "sqlalchemy.create_engine": "sqlalchemy.Engine", "sqlalchemy.ext.asyncio.create_async_engine":
    "sqlalchemy.ext.asyncio.AsyncEngine",
    "asyncpg.create_pool": "asyncpg.Pool", "asyncpg.connect": "asyncpg.Connection", "sqlite3.connect": "sqlite3.Connection",
    "psycopg.connect": "psycopg.Connection", "psycopg2.connect": "psycopg2.Connection", "boto3.client": "boto3.Client",
    "requests.session": "requests.Session", "logging.getLogger": "logging.Logger", "structlog.get_logger": "structlog.Logger",
    "structlog.getLogger": "structlog.Logger", "structlog.stdlib.get_logger": "structlog.Logger",
}  # fmt: skip
CLASS_MAKERS: Final = {"from_url", "open", "create", "connect", "from_pool", "from_env", "from_settings", "build", "new"}
WRAPPERS: Final = {"Annotated", "Optional", "Union", "Final", "ClassVar", "Required", "NotRequired", "Awaitable", "Coroutine"}


@dataclass(frozen=True, slots=True, eq=False)
class Symbol:
    """What an expression names. `dotted`: its name from outside; for `unknown` the words in the code. `scope`: where `node`
    stands.

    `value`: an expression nobody named further; `parameter`: what a caller hands over.
    """

    kind: Literal["external", "module", "function", "class", "value", "parameter", "unknown"]
    dotted: str
    node: ast.AST | None = None
    scope: Scope | None = None

    @property
    def last(self) -> str:
        return self.dotted.rpartition(".")[2]

    @property
    def function(self) -> Function | None:
        return self.node if isinstance(self.node, FUNCTIONS) else None

    @property
    def module(self) -> Module | None:
        return self.scope.module if self.scope is not None else None


UNKNOWN: Final = Symbol("unknown", "?")


class Names:
    """Answers are remembered for the life of the project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._known: dict[tuple[ast.AST, Scope], Symbol] = {}
        self._types: dict[tuple[ast.AST, Scope], Symbol | None] = {}

    # -- what it names -------------------------------------------------------------------------------------------------

    def resolve(self, expression: ast.expr, scope: Scope, steps: int = MAX_STEPS) -> Symbol:
        """What the expression names."""
        key = (expression, scope)
        known = self._known.get(key)
        if known is None:
            self._known[key] = UNKNOWN  # a name bound to itself ends here
            known = self._known[key] = self._resolve(expression, scope, steps) if steps > 0 else UNKNOWN
        return known

    def callee(self, call: ast.Call, scope: Scope) -> Symbol:
        return self.resolve(call.func, scope)

    def _resolve(self, expression: ast.expr, scope: Scope, steps: int) -> Symbol:
        if isinstance(expression, ast.Name):
            return self._name(expression.id, scope, steps)
        if isinstance(expression, ast.Attribute):
            return self._attribute(expression, scope, steps)
        if isinstance(expression, ast.Subscript):
            return self.resolve(expression.value, scope, steps - 1)
        if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
            read = quoted(expression.value)
            return self.resolve(read, scope, steps - 1) if read is not None else UNKNOWN
        return Symbol("value", words(expression), expression, scope)

    def _name(self, name: str, scope: Scope, steps: int) -> Symbol:
        found = scope.lookup(name)
        if found is None:
            return self._starred(name, scope, steps) or Symbol("external", f"builtins.{name}")
        where, bindings = found
        return self._bound(name, bindings[-1], where, steps)

    def _starred(self, name: str, scope: Scope, steps: int) -> Symbol | None:
        for binding in scope.module.scope.bindings.get("*", ()):
            module = self.project.imported(binding.dotted, scope.module)
            if module is not None and name in module.scope.bindings and steps > 0:
                return self._name(name, module.scope, steps - 1)
        return None

    def _bound(self, name: str, binding: Binding, scope: Scope, steps: int) -> Symbol:
        if binding.kind == "import":
            return self._imported(binding, scope, steps)
        if binding.kind in ("function", "class"):
            kind: Literal["function", "class"] = "function" if binding.kind == "function" else "class"
            return Symbol(kind, f"{scope.module.path.stem}.{name}", binding.node, scope)
        if binding.kind == "parameter":
            return Symbol("parameter", name, binding.node, scope)
        if binding.kind == "value" and binding.value is not None and binding.index is None:
            if isinstance(binding.value, ast.Name | ast.Attribute) and steps > 0:
                return self.resolve(binding.value, scope, steps - 1)
            return Symbol("value", name, binding.value, scope)
        return Symbol("value", name, binding.node, scope)

    def _imported(self, binding: Binding, scope: Scope, steps: int) -> Symbol:
        dotted = binding.dotted
        if is_kit(dotted):
            return Symbol("external", f"{dotted}.{binding.member}" if binding.member else dotted)
        if binding.member is None:
            module = self.project.imported(dotted, scope.module)
            return Symbol("module", dotted, module.tree, module.scope) if module else Symbol("external", dotted)
        module = self.project.imported(dotted, scope.module)
        joined = f"{dotted}{binding.member}" if dotted.endswith(".") else f"{dotted}.{binding.member}"
        if module is not None and module.scope is not scope and steps > 0:
            found = self._member(module, binding.member, steps)
            if found is not None:
                return found
        inner = self.project.imported(joined, scope.module)
        return Symbol("module", joined, inner.tree, inner.scope) if inner else Symbol("external", joined.lstrip("."))

    def _member(self, module: Module, name: str, steps: int) -> Symbol | None:
        bindings = module.scope.bindings.get(name)
        if bindings:
            return self._bound(name, bindings[-1], module.scope, steps - 1)
        return self._starred(name, module.scope, steps - 1)

    def _attribute(self, expression: ast.Attribute, scope: Scope, steps: int) -> Symbol:
        base = self.resolve(expression.value, scope, steps - 1)
        name = expression.attr
        if base.kind == "external":
            return Symbol("external", f"{base.dotted}.{name}")
        if base.kind == "module" and base.scope is not None:
            found = self._member(base.scope.module, name, steps)
            if found is None:
                inner = self.project.imported(f"{base.dotted}.{name}", scope.module)
                return Symbol("module", f"{base.dotted}.{name}", inner.tree, inner.scope) if inner else UNKNOWN
            return found
        if base.kind == "class":
            return self.attribute_of(base, name) or Symbol("unknown", f"{base.dotted}.{name}")
        kind = self.type_of(expression.value, scope, steps - 1)
        if kind is not None:
            if kind.kind == "class":
                return self.attribute_of(kind, name) or Symbol("unknown", f"{kind.dotted}.{name}")
            return Symbol("external", f"{kind.dotted}.{name}")
        return Symbol("unknown", words(expression))

    # -- classes -------------------------------------------------------------------------------------------------------

    def bases(self, symbol: Symbol) -> Iterator[Symbol]:
        """The class itself and all it inherits from, nearest first."""
        seen, waiting = set(), [symbol]
        while waiting:
            one = waiting.pop(0)
            if one.node in seen and one.node is not None:
                continue
            seen.add(one.node)
            yield one
            if isinstance(one.node, ast.ClassDef) and one.scope is not None:
                waiting += [self.resolve(base, one.scope) for base in one.node.bases]

    def attribute_of(self, symbol: Symbol, name: str) -> Symbol | None:
        """A method or attribute of a class, its own or inherited; None when nobody says."""
        for one in self.bases(symbol):
            if not isinstance(one.node, ast.ClassDef) or one.scope is None:
                if one.kind == "external" and one.dotted not in ("builtins.object", "typing.Protocol"):
                    return Symbol("external", f"{one.dotted}.{name}")
                continue
            inner = one.scope.module.scope_of(one.node)
            bindings = inner.bindings.get(name)
            if bindings:
                return self._bound(name, bindings[-1], inner, MAX_STEPS // 2)
            assigned = self._assigned_in_methods(one.node, one.scope.module, name)
            if assigned is not None:
                return assigned
        return None

    def _assigned_in_methods(self, node: ast.ClassDef, module: Module, name: str) -> Symbol | None:
        found = _assigned(node).get(name)
        if found is None:
            return None
        value, method = found
        inner = module.scope_of(method)
        symbol = self.resolve(value, inner, MAX_STEPS // 2)
        return symbol if symbol.kind != "unknown" else Symbol("value", name, value, inner)

    # -- types ---------------------------------------------------------------------------------------------------------

    def type_of(self, expression: ast.expr, scope: Scope, steps: int = MAX_STEPS) -> Symbol | None:
        """The class an expression is an instance of, a class of the project or an external name; None when nobody says."""
        key = (expression, scope)
        if key not in self._types:
            self._types[key] = None
            self._types[key] = self._type_of(expression, scope, steps) if steps > 0 else None
        return self._types[key]

    def _type_of(self, expression: ast.expr, scope: Scope, steps: int) -> Symbol | None:
        match expression:
            case ast.Await():
                return self.type_of(expression.value, scope, steps - 1)
            case ast.Call():
                return self._type_of_call(expression, scope, steps)
            case ast.BoolOp() | ast.IfExp():
                parts = expression.values if isinstance(expression, ast.BoolOp) else [expression.body, expression.orelse]
                return next((found for one in parts if (found := self.type_of(one, scope, steps - 1))), None)
            case ast.Name():
                bound = scope.lookup(expression.id)
                return self._type_of_binding(expression.id, bound[1][-1], bound[0], steps) if bound else None
            case ast.Attribute():
                return self._type_of_symbol(self.resolve(expression, scope, steps - 1), steps)
        return None

    def _type_of_symbol(self, symbol: Symbol, steps: int) -> Symbol | None:
        if symbol.kind == "value" and symbol.scope is not None:
            if isinstance(symbol.node, ast.AnnAssign):
                return self.named_type(symbol.node.annotation, symbol.scope, steps - 1)
            return self.type_of(symbol.node, symbol.scope, steps - 1) if isinstance(symbol.node, ast.expr) else None
        if symbol.kind == "parameter" and isinstance(symbol.node, ast.arg) and symbol.scope is not None:
            return self._type_of_parameter(symbol.node, symbol.scope, steps)
        return None

    def _type_of_binding(self, name: str, binding: Binding, scope: Scope, steps: int) -> Symbol | None:
        if binding.kind == "import":
            return self._type_of_symbol(self._imported(binding, scope, steps - 1), steps - 1)
        if binding.kind == "parameter" and isinstance(binding.node, ast.arg):
            return self._type_of_parameter(binding.node, scope, steps)
        if binding.annotation is not None and binding.kind == "value" and words(binding.annotation) not in _BARE:
            return self.named_type(binding.annotation, scope, steps - 1)
        if binding.kind in ("value", "context") and binding.value is not None and binding.index is None:
            return self.type_of(binding.value, scope, steps - 1)
        return None

    def _type_of_parameter(self, node: ast.arg, scope: Scope, steps: int) -> Symbol | None:
        holder = scope.node
        outside = scope.parent or scope
        if node.annotation is not None:
            return self.named_type(node.annotation, outside, steps - 1)
        if isinstance(holder, FUNCTIONS):
            owner = scope.module.enclosing_class(holder)
            if owner is not None and holder.args.args and holder.args.args[0] is node:
                return Symbol("class", owner.name, owner, scope.module.around(owner))
            default = default_of(holder.args, node.arg)
            if (
                isinstance(default, ast.Call)
                and default.args
                and words(default.func).rpartition(".")[2] in ("Depends", "Security")
            ):
                made = ast.copy_location(ast.Call(func=default.args[0], args=[], keywords=[]), default)
                return self.type_of(made, outside, steps - 1)
        return None

    def _type_of_call(self, call: ast.Call, scope: Scope, steps: int) -> Symbol | None:
        target = self.resolve(call.func, scope, steps - 1)
        if target.kind == "class":
            return target
        if target.kind == "external":
            return _made_by(target)
        function = target.function
        if function is None or target.scope is None:
            return None
        inner = target.scope.module.scope_of(function)
        if function.returns is not None:
            return self.named_type(function.returns, target.scope, steps - 1)
        returned = [one.value for one in own_nodes(function) if isinstance(one, ast.Return | ast.Yield) and one.value is not None]
        return self.type_of(returned[-1], inner, steps - 1) if returned else None

    def named_type(self, annotation: ast.expr, scope: Scope, steps: int = MAX_STEPS) -> Symbol | None:
        """The class an annotation names, out of `Annotated`, `Optional`, unions with None, iterators and quotes."""
        plain, where = self.plain_type(annotation, scope, steps)
        symbol = self.resolve(plain, where, steps - 1)
        if symbol.kind in ("class", "external"):
            return symbol
        return None

    def plain_type(self, annotation: ast.expr, scope: Scope, steps: int = MAX_STEPS) -> tuple[ast.expr, Scope]:
        """The annotation without its wrappings, and the scope to read it in."""
        for _ in range(max(steps, 0)):
            if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
                read = quoted(annotation.value)
                if read is None:
                    return annotation, scope
                annotation = read
            elif isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
                annotation = annotation.left if not is_none(annotation.left) else annotation.right
            elif isinstance(annotation, ast.Subscript) and self.resolve(annotation.value, scope, steps - 1).last in _UNWRAPPED:
                inside = annotation.slice
                annotation = inside.elts[0] if isinstance(inside, ast.Tuple) and inside.elts else inside
            else:
                symbol = (
                    self.resolve(annotation, scope, steps - 1) if isinstance(annotation, ast.Name | ast.Attribute) else UNKNOWN
                )
                if symbol.kind == "value" and isinstance(symbol.node, ast.Subscript | ast.BinOp) and symbol.scope is not None:
                    annotation, scope = symbol.node, symbol.scope
                else:
                    return annotation, scope
        return annotation, scope

    def metadata(self, annotation: ast.expr | None, scope: Scope, steps: int = 8) -> list[tuple[ast.expr, Scope]]:
        """What stands behind the type in `Annotated[…]`, over aliases and modules."""
        if annotation is None or steps <= 0:
            return []
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return self.metadata(quoted(annotation.value), scope, steps - 1)
        if isinstance(annotation, ast.BinOp):
            return self.metadata(annotation.left, scope, steps - 1) + self.metadata(annotation.right, scope, steps - 1)
        if isinstance(annotation, ast.Subscript):
            inside = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
            name = self.resolve(annotation.value, scope).last
            if name == "Annotated":
                return self.metadata(inside[0], scope, steps - 1) + [(one, scope) for one in inside[1:]]
            if name in ("Optional", "Union"):
                return [found for one in inside for found in self.metadata(one, scope, steps - 1)]
            annotation = annotation.value
        if isinstance(annotation, ast.Name | ast.Attribute):
            symbol = self.resolve(annotation, scope)
            if (
                symbol.kind == "value"
                and isinstance(symbol.node, ast.Subscript | ast.BinOp | ast.Constant)
                and symbol.scope is not None
            ):
                return self.metadata(symbol.node, symbol.scope, steps - 1)
        return []


_UNWRAPPED: Final = WRAPPERS | {"AsyncIterator", "Iterator", "AsyncGenerator", "Generator"}


def _assigned(node: ast.ClassDef) -> dict[str, tuple[ast.expr, Function]]:
    """What the methods of a class assign to attributes of their object, the first assignment of each."""
    kept: dict[str, tuple[ast.expr, Function]] | None = node.__dict__.get("_patterns_assigned")
    if kept is not None:
        return kept
    found: dict[str, tuple[ast.expr, Function]] = {}
    for method in node.body:
        if not isinstance(method, FUNCTIONS) or not method.args.args:
            continue
        me = method.args.args[0].arg
        for one in walk(method):
            targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
            value = one.value if isinstance(one, ast.Assign | ast.AnnAssign) else None
            for target in targets:
                if isinstance(target, ast.Attribute) and words(target.value) == me and value is not None:
                    found.setdefault(target.attr, (value, method))
    node.__dict__["_patterns_assigned"] = found
    return found


def _made_by(target: Symbol) -> Symbol | None:
    known = MAKERS.get(target.dotted)
    if known is not None:
        return Symbol("external", known)
    parts = target.dotted.split(".")
    if parts[-1][:1].isupper():
        return target
    if len(parts) > 1 and parts[-2][:1].isupper() and parts[-1] in CLASS_MAKERS:
        return Symbol("external", ".".join(parts[:-1]))
    return None


def is_kit(dotted: str) -> bool:
    """Whether a dotted name is of the kit that routers are built on."""
    return dotted == KIT or (dotted.startswith(f"{KIT}.") and not dotted.startswith((f"{KIT}.patterns", f"{KIT}.routes")))
