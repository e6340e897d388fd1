"""SQL is never put together from what comes from outside."""

import ast
import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from mcp_gateway.kit.patterns.facts.reach import Reached
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import given_to, parameter_of, words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Scope, default_of
from mcp_gateway.kit.patterns.python.names import Names
from mcp_gateway.kit.patterns.python.trees import walk
from mcp_gateway.kit.patterns.study import Hit, Rule, Study

RUNNING: Final = {
    "execute",
    "executemany",
    "executescript",
    "fetch",
    "fetchrow",
    "fetchval",
    "fetch_all",
    "fetch_one",
    "fetch_val",
    "scalar",
    "scalars",
    "exec",
    "raw",
    "read_sql",
    "sql",
    "query",
    "exec_driver_sql",
    "execute_many",
    "iterate",
    "prepare",
    "stream",
}
Callers: TypeAlias = list[dict[ast.AST, list[Reached]]]
TEXTS: Final = {"text", "literal_column", "TextClause"}
STATEMENT: Final = re.compile(
    r"^\s*(select|insert|update|delete|with|create|drop|alter|truncate|merge|call|explain|exec|set|grant|copy)\b"
    r"|\b(where|from|values|order by|join)\b",
    re.IGNORECASE,
)
SAFE_MAKERS: Final = {"quote_ident", "Identifier", "quoted_name", "SQL", "Composed", "quote", "int", "float", "len", "bool"}

BUILT = RuleCard(
    name="sql-built-from-text",
    pattern="security",
    level="basic",
    severity=Severity.CRITICAL,
    title="SQL is put together from text",
    reason="A value inside the statement's text can end it and begin another: `x' OR '1'='1` reads every tenant's rows.",
    remedy='Bind values as parameters: `execute(text("… WHERE id = :id"), {"id": item})`;'
    " choose names of columns from a fixed set.",
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, db: Session, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    row = await db.execute(f"SELECT name FROM items WHERE tenant = '{call.tenant}' AND id = '{item}'")
    return Item.model_validate(row.one())
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, db: Session, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    row = await db.execute(BY_ID, {"tenant": call.tenant, "id": item})
    return Item.model_validate(row.one())
""",
)


def _built(study: Study) -> Iterator[Hit]:
    seen: set[ast.AST] = set()
    for route in study.routes:
        calls = [(one, one.site) for one in study.reached(route, _takes_sql)]
        for dependency, inner in study.bodies(route, _takes_sql):
            place = dependency.place if dependency.place in study.module.parents else route.place
            calls += [(one, one.site if one.site in study.module.parents else place) for one in inner]
        callers = study.calls_on_the_way(route) if calls else []
        for one, site in calls:
            if one.call not in seen and _varies(_Text(one.call.args[0], one.scope, study, callers)):
                seen.add(one.call)
                yield Hit(
                    node=site, route=route, message=f"{route.name} runs SQL put together from text ({words(one.call.func)})"
                )


def _takes_sql(one: Reached, _: Names) -> bool:
    name = one.symbol.last if one.symbol.kind == "external" else words(one.call.func).rpartition(".")[2]
    if name not in RUNNING | TEXTS or (name in RUNNING and not isinstance(one.call.func, ast.Attribute)) or not one.call.args:
        return False
    return not (
        name in TEXTS
        and one.symbol.kind == "external"
        and not one.symbol.dotted.startswith(("sqlalchemy", "sqlmodel", "databases"))
    )


class _Text:
    """An expression that may be the text of a statement. `callers`: the calls on the handler's way, by what they call."""

    def __init__(self, node: ast.expr, scope: Scope, study: Study, callers: Callers, steps: int = 10) -> None:
        self.node, self.scope, self.study, self.callers, self.steps = node, scope, study, callers, steps

    def of(self, node: ast.expr, scope: Scope | None = None) -> "_Text":
        return _Text(node, scope or self.scope, self.study, self.callers, self.steps - 1)

    def handed(self, name: str) -> "list[_Text] | None":
        """What a parameter of a function further on is given on this handler's way; None when not every call says."""
        function = self.scope.node
        calls = [one for known in self.callers for one in known.get(function, ())]
        if not isinstance(function, FUNCTIONS) or not calls or self.steps <= 0:
            return None
        found: list[_Text] = []
        for one in calls:
            values = [value for value in given_to(one.call) if parameter_of(function, one.call, value) == name]
            default = default_of(function.args, name)
            if values:
                found.append(self.of(values[0], one.scope))
            elif default is not None:
                found.append(self.of(default, self.scope.parent))
            else:
                return None
        return found


def _varies(text: _Text) -> bool:
    """Whether it reads like SQL and has something in it that is not written down in the code."""
    parts = list(_parts(text))
    spoken = " ".join(one for one in parts if one is not None)
    return None in parts and bool(STATEMENT.search(spoken))


def _parts(text: _Text) -> Iterator[str | None]:
    """Its pieces: what is written down as itself, what is put in as None."""
    node = text.node
    if text.steps <= 0:
        return
    match node:
        case ast.Constant(value=str(value)):
            yield value
        case ast.JoinedStr():
            for one in node.values:
                if isinstance(one, ast.FormattedValue):
                    yield from _put_in(text.of(one.value))
                else:
                    yield from _parts(text.of(one))
        case ast.BinOp(op=ast.Add()):
            yield from _side(text.of(node.left))
            yield from _side(text.of(node.right))
        case ast.BinOp(op=ast.Mod()):
            yield from _parts(text.of(node.left))
            yield from _put_in(text.of(node.right))
        case ast.Call():
            yield from _called(text, node)
        case ast.Name() | ast.Attribute():
            yield from _named(text, node)
        case ast.IfExp():
            yield from _parts(text.of(node.body))
            yield from _parts(text.of(node.orelse))
        case ast.NamedExpr():
            yield from _parts(text.of(node.value))


def _side(text: _Text) -> Iterator[str | None]:
    found = list(_parts(text))
    yield from found or _put_in(text)


def _called(text: _Text, node: ast.Call) -> Iterator[str | None]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else text.study.names.resolve(node.func, text.scope).last
    if name in TEXTS and node.args:
        yield from _parts(text.of(node.args[0]))
    elif name in ("format", "format_map", "replace") and isinstance(node.func, ast.Attribute):
        yield from _parts(text.of(node.func.value))
        for one in [*node.args, *(word.value for word in node.keywords)]:
            yield from _put_in(text.of(one))
    elif name == "join" and isinstance(node.func, ast.Attribute) and node.args:
        yield from _joined(text, node.args[0])
    elif name in ("substitute", "safe_substitute") and isinstance(node.func, ast.Attribute):
        yield from _parts(text.of(node.func.value))
        yield None
    elif name in ("dedent", "strip", "Template", "str", "cleandoc") and (node.args or isinstance(node.func, ast.Attribute)):
        yield from _parts(text.of(node.args[0] if node.args else node.func.value))  # type: ignore[attr-defined]  # one of the two
    else:
        yield from _returned(text, node)


def _returned(text: _Text, node: ast.Call) -> Iterator[str | None]:
    symbol = text.study.names.callee(node, text.scope)
    if symbol.function is None or symbol.scope is None:
        return
    inner = symbol.scope.module.scope_of(symbol.function)
    for one in walk(symbol.function):
        if isinstance(one, ast.Return) and one.value is not None:
            yield from _parts(text.of(one.value, inner))


def _joined(text: _Text, listed: ast.expr) -> Iterator[str | None]:
    if isinstance(listed, ast.List | ast.Tuple):
        for one in listed.elts:
            yield from _side(text.of(one))
    elif isinstance(listed, ast.GeneratorExp | ast.ListComp):
        if not isinstance(listed.elt, ast.Constant):  # `", ".join("?" for _ in ids)` is how placeholders are made
            yield from _side(text.of(listed.elt))
    elif isinstance(listed, ast.Name):
        for binding in _bindings(text, listed.id):
            if binding is not None and isinstance(binding, ast.List | ast.Tuple):
                for one in binding.elts:
                    yield from _side(text.of(one))
        yield from _appended(text, listed.id)


def _appended(text: _Text, name: str) -> Iterator[str | None]:
    for one in walk(text.scope.node):
        if (
            isinstance(one, ast.Call)
            and isinstance(one.func, ast.Attribute)
            and one.func.attr == "append"
            and words(one.func.value) == name
            and one.args
        ):
            yield from _side(text.of(one.args[0]))


def _named(text: _Text, node: ast.expr) -> Iterator[str | None]:
    if isinstance(node, ast.Name):
        for value in _bindings(text, node.id):
            if value is not None:
                yield from _parts(text.of(value))
        for one in walk(text.scope.node):
            if isinstance(one, ast.AugAssign) and words(one.target) == node.id:
                yield from _side(text.of(one.value))
        if _bindings(text, node.id):
            return
    symbol = text.study.names.resolve(node, text.scope)
    if symbol.kind == "value" and isinstance(symbol.node, ast.expr) and symbol.scope is not None and symbol.node is not node:
        yield from _parts(text.of(symbol.node, symbol.scope))


def _bindings(text: _Text, name: str) -> list[ast.expr | None]:
    return [one.value for one in text.scope.bindings.get(name, ()) if one.kind == "value"]


def _put_in(text: _Text) -> Iterator[str | None]:
    """What is put into a text: None unless it is written down, checked against a fixed set, or quoted as a name."""
    node = text.node
    if isinstance(node, ast.Constant):
        yield str(node.value)
        return
    if isinstance(node, ast.Call) and words(node.func).rpartition(".")[2] in SAFE_MAKERS:
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
        yield from _joined(text, node.args[0]) if node.args else ()
        return
    if isinstance(node, ast.Subscript) and _is_fixed(text, node.value):
        return
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get"
        and _is_fixed(text, node.func.value)
    ):
        return
    if isinstance(node, ast.Name | ast.Attribute):
        yield from _put_in_name(text, node)
        return
    if isinstance(node, ast.IfExp):
        yield from _put_in(text.of(node.body))
        yield from _put_in(text.of(node.orelse))
        return
    found = list(_parts(text))
    yield from found or (None,)


def _put_in_name(text: _Text, node: ast.expr) -> Iterator[str | None]:
    if isinstance(node, ast.Name):
        bound = _bindings(text, node.id)
        if bound and text.steps > 0:
            for value in bound:
                yield from _put_in(text.of(value)) if value is not None else (None,)
            return
        if _is_checked(text, node.id):
            return
        handed = text.handed(node.id)
        if handed is not None:
            for one in handed:
                yield from _put_in(one)
            return
    symbol = text.study.names.resolve(node, text.scope)
    if (
        symbol.kind == "value"
        and isinstance(symbol.node, ast.expr)
        and symbol.scope is not None
        and isinstance(symbol.scope.node, ast.Module)
    ):
        yield from _put_in(text.of(symbol.node, symbol.scope)) if text.steps > 0 else (None,)
        return
    if _is_of_lasting_self(text, node) or (symbol.kind == "external" and _is_imported(text, node)):
        return  # a constant from elsewhere
    yield None


def _is_of_lasting_self(text: _Text, node: ast.expr) -> bool:
    """`self.schema` of an object that was there before the request."""
    holder = text.scope.node
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and isinstance(holder, FUNCTIONS)):
        return False
    owner = text.scope.module.enclosing_class(holder)
    first = holder.args.args[0].arg if holder.args.args else ""
    return owner is not None and node.value.id == first and not any(owner in known for known in text.callers)


def _is_imported(text: _Text, node: ast.expr) -> bool:
    """Whether its first word is a name some import binds: not a parameter's attribute."""
    found = text.scope.lookup(words(node).partition(".")[0])
    return found is not None and found[1][-1].kind == "import"


def _is_fixed(text: _Text, node: ast.expr) -> bool:
    """A mapping written down in the module."""
    symbol = text.study.names.resolve(node, text.scope)
    return isinstance(symbol.node, ast.Dict) and symbol.kind == "value"


def _is_checked(text: _Text, name: str) -> bool:
    """`if column not in COLUMNS: raise`, or a parameter whose type lists what it may be."""
    for one in walk(text.scope.node):
        if (
            isinstance(one, ast.If)
            and isinstance(one.test, ast.Compare)
            and words(one.test.left) == name
            and any(isinstance(inner, ast.Raise) for inner in walk(one))
        ) and isinstance(one.test.ops[0], ast.NotIn):
            return True
    for binding in text.scope.bindings.get(name, ()):
        if binding.annotation is not None:
            plain, scope = text.study.names.plain_type(binding.annotation, text.scope)
            spoken = words(plain.value if isinstance(plain, ast.Subscript) else plain).rpartition(".")[2]
            if spoken in ("Literal", "int", "float", "bool"):
                return True
            symbol = text.study.names.resolve(plain, scope)
            if symbol.kind == "class" and any(
                base.last in ("Enum", "StrEnum", "IntEnum") for base in text.study.names.bases(symbol)
            ):
                return True
    return False


RULES = (Rule(card=BUILT, check=_built),)
