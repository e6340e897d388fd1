"""What comes in is checked before it is used."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, all_parameters, default_of
from mcp_gateway.kit.patterns.python.trees import walk
from mcp_gateway.kit.patterns.rules.contracts import is_vague
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Expression, Route

# Classes that take whatever they are given.
UNCHECKING: Final = {"JSONResponse", "Response", "SimpleNamespace", "Namespace", "Box", "Munch", "UserDict", "OrderedDict"}

UNCHECKED = RuleCard(
    name="input-unvalidated",
    pattern="contracts",
    level="comprehensive",
    severity=Severity.MEDIUM,
    title="The body is taken as it comes",
    reason="Whatever a caller sends reaches the code behind: missing fields, other types, ten thousand keys.",
    remedy="Take a model as parameter, or hand the raw body to `Model.model_validate_json`.",
    bad="""\
@router.put("/items/{item}")
async def write_item(item: str, body: dict[str, Any], items: Items, call: Annotated[Call, Depends(Guard("items.write"))]) -> Item:
    return await items.write(item, body, tenant=call.tenant)
""",
    good="""\
@router.put("/items/{item}")
async def write_item(item: str, body: Item, items: Items, call: Annotated[Call, Depends(Guard("items.write"))]) -> Item:
    return await items.write(item, body, tenant=call.tenant)
""",
)


def _unchecked(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if not isinstance(route.function, FUNCTIONS) or route.reads:
            continue
        yield from _vague_bodies(study, route)
        yield from _raw_bodies(study, route)


def _vague_bodies(study: Study, route: Route) -> Iterator[Hit]:
    function = route.function
    assert isinstance(function, FUNCTIONS)  # noqa: S101  (the caller asked)
    for one in all_parameters(function.args):
        if study.world.dependencies.of_parameter(one, function.args, route.scope) or f"{{{one.arg}" in route.path:
            continue
        if one in (function.args.vararg, function.args.kwarg) or one.arg in ("self", "cls"):
            continue
        markers = {words(node).rpartition(".")[2] for node, _ in study.names.metadata(one.annotation, route.scope)}
        default = default_of(function.args, one.arg)
        markers |= {words(default).rpartition(".")[2]} if isinstance(default, ast.Call) else set()
        if markers & {"Query", "Header", "Path", "Cookie"}:
            continue
        body = bool(markers & {"Body", "Form"})
        vague = body if one.annotation is None else is_vague(Expression(one.annotation, route.scope), study)
        if vague and not _is_validated(one.arg, function):
            yield Hit(node=one, route=route, message=f"{route.name} takes {one.arg} as it comes")


def _raw_bodies(study: Study, route: Route) -> Iterator[Hit]:
    function = route.function
    assert isinstance(function, FUNCTIONS)  # noqa: S101  (as above)
    for node in walk(function):
        is_json = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("json", "form")
        loads = isinstance(node, ast.Call) and words(node.func) in ("json.loads", "orjson.loads", "loads")
        if not (is_json or loads) or not isinstance(node, ast.Call):
            continue
        if is_json and not _is_request(node.func.value, study):  # type: ignore[attr-defined]  # an attribute, as was asked
            continue
        if loads and not any(
            isinstance(one, ast.Call) and words(one.func).endswith(("request.body", "request.stream")) for one in walk(function)
        ):
            continue
        parent = study.module.parents.get(node)
        while isinstance(parent, ast.Await):
            parent = study.module.parents.get(parent)
        if isinstance(parent, ast.keyword) and parent.arg is None:
            parent = study.module.parents.get(parent)
        if _validates(parent):
            continue
        name = words(parent.targets[0]) if isinstance(parent, ast.Assign) else ""
        if name and (_is_validated(name, function) or (_is_form(node) and _is_read_by_name(name, function))):
            continue
        yield Hit(node=node, route=route, message=f"{route.name} takes the body as it comes")


def _is_form(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == "form"


def _is_read_by_name(name: str, function: ast.AST) -> bool:
    """`form["email"]`, `form.get("email")` alone: a form's fields are texts and files, so those named are all that is taken."""
    taken: set[ast.AST] = set()
    for node in walk(function):
        match node:
            case ast.Subscript(value=ast.Name() as form, slice=ast.Constant()) if form.id == name:
                taken.add(form)
            case ast.Call(func=ast.Attribute(value=ast.Name() as form, attr="get" | "getlist"), args=[ast.Constant(), *_]) if (
                form.id == name
            ):
                taken.add(form)
    loads = [one for one in walk(function) if isinstance(one, ast.Name) and one.id == name and isinstance(one.ctx, ast.Load)]
    return bool(loads) and all(one in taken for one in loads)


def _is_request(node: ast.expr, study: Study) -> bool:
    kind = study.names.type_of(node, study.module.around(node))
    return kind.last == "Request" if kind is not None else words(node) in ("request", "req")


def _validates(node: ast.AST | None) -> bool:
    """A call that checks what it is given: of a model, an adapter, a schema."""
    if not isinstance(node, ast.Call):
        return False
    name = words(node.func).rpartition(".")[2]
    return bool(re.search(r"validate|parse|^load$|^from_dict$|^construct_event$", name)) or (
        name[:1].isupper() and name not in UNCHECKING
    )


def _is_validated(name: str, function: ast.AST) -> bool:
    for node in walk(function):
        if isinstance(node, ast.Call) and _validates(node):
            values = [*node.args, *(word.value for word in node.keywords)]
            if any(isinstance(one, ast.Name) and one.id == name for one in values):
                return True
    return False


RULES = (Rule(card=UNCHECKED, check=_unchecked),)
