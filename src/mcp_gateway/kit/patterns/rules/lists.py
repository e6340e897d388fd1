"""What comes out is bounded."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Scope, all_parameters, default_of
from mcp_gateway.kit.patterns.python.trees import own_nodes, walk
from mcp_gateway.kit.patterns.rules.publicity import is_public
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Expression, Route

LISTS: Final = {"list", "List", "Sequence", "tuple", "Tuple", "set", "frozenset", "Iterable"}
LIST_NAME: Final = re.compile(r"^(list|search|find_all|get_all|fetch_all|query|browse)(_|$)|_list$")
SIZE_NAME: Final = re.compile(r"^(limit|page_?size|per_?page|size|first|count|take|top|max_results|n|number)$", re.IGNORECASE)
MAX_PAGE: Final = 10_000

UNBOUNDED = RuleCard(
    name="list-unbounded",
    pattern="contracts",
    level="comprehensive",
    severity=Severity.MEDIUM,
    title="A list without an end",
    reason="The list grows with the tenant; one day it is a million rows, loaded, encoded and sent at once.",
    remedy="Take a limit with a highest value: `limit: Annotated[int, Query(ge=1, le=100)] = 50`, and pass it on.",
    bad="""\
@router.get("/items")
async def list_items(items: Items, call: Annotated[Call, Depends(Guard("items.list"))]) -> list[Item]:
    return await items.list(call.tenant)
""",
    good="""\
@router.get("/items")
async def list_items(
    items: Items, call: Annotated[Call, Depends(Guard("items.list"))], limit: Annotated[int, Query(ge=1, le=100)] = 50
) -> list[Item]:
    return await items.list(call.tenant, limit=limit)
""",
)


def _unbounded(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if "get" not in route.methods or is_public(route, study) or not isinstance(route.function, FUNCTIONS):
            continue
        if not _is_list(route, study):
            continue
        sizes = _sizes(study, route)
        if any(_is_bounded(one, study) and _is_used(one[0].arg, one[1]) for one in sizes) or _is_cut(route, study):
            continue
        why = (
            "its limit has no highest value"
            if sizes and not any(_is_bounded(one, study) for one in sizes)
            else "it takes no limit"
        )
        why = "its limit is not passed on" if any(_is_bounded(one, study) for one in sizes) else why
        yield Hit(node=route.place, route=route, message=f"{route.name} answers a list without an end: {why}")


def _is_list(route: Route, study: Study) -> bool:
    model = route.option("response_model")
    annotation = model or (
        Expression(route.function.returns, route.scope)
        if isinstance(route.function, FUNCTIONS) and route.function.returns
        else None
    )
    if annotation is not None:
        node, scope = study.names.plain_type(annotation.node, annotation.scope)
        if isinstance(node, ast.Subscript):
            name = study.names.resolve(node.value, scope).last
            return name in LISTS or bool(re.search(r"page|paginated|list", name, re.IGNORECASE))
        if isinstance(node, ast.Name | ast.Attribute):
            symbol = study.names.resolve(node, scope)
            named = re.search(r"(Page|List|Collection)$|^(Page|List)", symbol.last) and symbol.last != "list"
            return (
                symbol.last in LISTS
                or bool(named)
                or (isinstance(symbol.node, ast.Subscript) and words(symbol.node.value) in LISTS)
            )
        if not (isinstance(node, ast.Constant)):
            return False
    return bool(LIST_NAME.search(route.name.rpartition(".")[2])) and not route.path.endswith("}")


Size = tuple[ast.arg, ast.AST, Scope]


def _sizes(study: Study, route: Route) -> list[Size]:
    """Parameters that say how many, the handler's own and those of what it depends on, with the function and where it stands."""
    found: list[Size] = []
    if isinstance(route.function, FUNCTIONS):
        found += [(one, route.function, route.scope) for one in all_parameters(route.function.args) if SIZE_NAME.match(one.arg)]
    for chain in study.chains(route):
        for dependency in chain:
            body, scope = dependency.target.body, dependency.target.scope
            if isinstance(body, FUNCTIONS) and scope is not None:
                found += [(one, body, scope) for one in all_parameters(body.args) if SIZE_NAME.match(one.arg)]
            symbol = dependency.target.symbol
            if isinstance(symbol.node, ast.ClassDef) and symbol.scope is not None:
                found += _fields(symbol.node, symbol.scope)
    if isinstance(route.function, FUNCTIONS):  # a model of query parameters
        for one in all_parameters(route.function.args):
            kind = study.names.named_type(one.annotation, route.scope) if one.annotation is not None else None
            if kind is not None and isinstance(kind.node, ast.ClassDef) and kind.scope is not None:
                found += _fields(kind.node, kind.scope)
    return found


def _fields(node: ast.ClassDef, scope: Scope) -> list[Size]:
    """The fields of a dataclass or model, as if they were parameters."""
    inner = scope.module.scope_of(node)
    return [
        (ast.copy_location(ast.arg(words(one.target), annotation=one.annotation), one), one, inner)
        for one in node.body
        if isinstance(one, ast.AnnAssign) and SIZE_NAME.match(words(one.target))
    ]


def _is_bounded(size: Size, study: Study) -> bool:
    """Whether a highest value is stated, or the function cuts it off."""
    one, holder, scope = size
    declared = [Expression(*found) for found in study.names.metadata(one.annotation, scope)]
    default = default_of(holder.args, one.arg) if isinstance(holder, FUNCTIONS) else getattr(holder, "value", None)
    if default is not None:
        symbol = study.names.resolve(default, scope) if isinstance(default, ast.Name | ast.Attribute) else None
        declared.append(
            Expression(symbol.node, scope)
            if symbol is not None and isinstance(symbol.node, ast.expr)
            else Expression(default, scope)
        )
    for expression in declared:
        node = expression.node
        if isinstance(node, ast.Name | ast.Attribute):
            found = study.names.resolve(node, expression.scope)
            node = found.node if isinstance(found.node, ast.expr) else node
        for word in node.keywords if isinstance(node, ast.Call) else ():
            if word.arg in ("le", "lt", "max_value") and 0 < _number(word.value, study, expression.scope) <= MAX_PAGE:
                return True
        if isinstance(node, ast.Call) and words(node.func).rpartition(".")[2] in ("Le", "Lt", "Interval") and node.args:
            return True
    if one.annotation is not None:
        plain, _ = study.names.plain_type(one.annotation, scope)
        if "Literal" in words(plain.value if isinstance(plain, ast.Subscript) else plain):
            return True
        kind = words(plain.func).rpartition(".")[2] if isinstance(plain, ast.Call) else ""
        if kind == "conint" and any(word.arg in ("le", "lt") for word in plain.keywords):  # type: ignore[attr-defined]  # a call, as its kind says
            return True
    return isinstance(holder, FUNCTIONS) and _is_clamped(one.arg, holder)


def _number(value: ast.expr, study: Study, scope: Scope) -> float:
    """A number that is written down or named by a constant; one hundred when nobody can say."""
    symbol = study.names.resolve(value, scope) if isinstance(value, ast.Name | ast.Attribute) else None
    node = symbol.node if symbol is not None and isinstance(symbol.node, ast.expr) else value
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow | ast.Mult | ast.LShift):
        left, right = _number(node.left, study, scope), _number(node.right, study, scope)
        return (
            left * right
            if isinstance(node.op, ast.Mult)
            else left ** min(right, 64)
            if isinstance(node.op, ast.Pow)
            else left * 2 ** min(right, 64)
        )
    return 100.0


def _is_clamped(name: str, holder: ast.AST) -> bool:
    """`min(limit, 100)`, or a refusal above a bound."""
    for node in own_nodes(holder):
        if (
            isinstance(node, ast.Call)
            and words(node.func) == "min"
            and any(isinstance(one, ast.Name) and one.id == name for one in node.args)
        ):
            return True
        if (
            (
                isinstance(node, ast.If)
                and isinstance(node.test, ast.Compare)
                and any(isinstance(one, ast.Raise) for one in walk(node))
            )
            and words(node.test.left) == name
            and isinstance(node.test.ops[0], ast.Gt | ast.GtE)
        ):
            return True
    return False


def _is_used(name: str, holder: ast.AST) -> bool:
    """A limit nobody passes on bounds nothing; fields of a class are used by who takes the class."""
    if not isinstance(holder, FUNCTIONS):
        return True
    return any(
        isinstance(one, ast.Name) and one.id == name and isinstance(one.ctx, ast.Load)
        for statement in holder.body
        for one in walk(statement)
    )


def _is_cut(route: Route, study: Study) -> bool:
    """`rows[:100]`, `.limit(100)`, `limit=50` with a number written down, or a literal list."""
    for node in walk(route.function) if route.function is not None else ():
        if (
            isinstance(node, ast.Slice)
            and isinstance(node.upper, ast.Constant | ast.Name | ast.Attribute)
            and words(node.upper) not in _given(route)
        ):
            return True
        if (
            (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("limit", "fetchmany", "head", "islice")
            )
            and node.args
            and not set(_names_in(node.args[0])) & _given(route)
        ):
            return True
        if (
            isinstance(node, ast.keyword)
            and node.arg
            and SIZE_NAME.match(node.arg)
            and isinstance(node.value, ast.Constant | ast.Name | ast.Attribute)
        ):
            inside_default = isinstance(study.module.parents.get(node), ast.Call)
            if inside_default and words(node.value) not in _given(route) and not _is_nothing(node.value):
                return True
        if isinstance(node, ast.Call) and words(node.func).rpartition(".")[2] == "islice":
            return True
    last = route.function.body[-1] if isinstance(route.function, FUNCTIONS) else None
    return isinstance(last, ast.Return) and last.value is not None and _is_written_down(last.value, study)


def _is_written_down(value: ast.expr, study: Study) -> bool:
    """A list in the code, or one made of such a list or of a module's own: as long as somebody has written it."""
    if isinstance(value, ast.ListComp):
        return len(value.generators) == 1 and _is_written_down(value.generators[0].iter, study)
    if isinstance(value, ast.Call):
        called = words(value.func).rpartition(".")[2]
        if isinstance(value.func, ast.Attribute) and called in ("items", "keys", "values") and not value.args:
            return _is_written_down(value.func.value, study)
        return called in ("list", "sorted", "tuple") and len(value.args) == 1 and _is_written_down(value.args[0], study)
    if isinstance(value, ast.Name | ast.Attribute):
        symbol = study.names.resolve(value, study.module.around(value))
        if symbol.kind == "class":
            return any(base.last in ("Enum", "StrEnum", "IntEnum") for base in study.names.bases(symbol))
        if symbol.kind != "value" or symbol.scope is None or not isinstance(symbol.scope.node, ast.Module):
            return False
        value = symbol.node if isinstance(symbol.node, ast.expr) else value
        return isinstance(value, ast.List | ast.Tuple | ast.Set | ast.Dict) and _has_parts(value)
    return isinstance(value, ast.List | ast.Tuple)


def _has_parts(value: ast.List | ast.Tuple | ast.Set | ast.Dict) -> bool:
    """An empty one at a module's head is there to be filled."""
    return bool(value.values if isinstance(value, ast.Dict) else value.elts)


def _is_nothing(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _given(route: Route) -> set[str]:
    return {one.arg for one in all_parameters(route.function.args)} if route.function is not None else set()


def _names_in(node: ast.AST) -> Iterator[str]:
    yield from (one.id for one in walk(node) if isinstance(one, ast.Name))


RULES = (Rule(card=UNBOUNDED, check=_unbounded),)
