"""What comes out is said."""

import ast
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Function, Scope
from mcp_gateway.kit.patterns.python.trees import own_nodes
from mcp_gateway.kit.patterns.rules.publicity import is_public
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Expression, Route

VAGUE: Final = {
    "Any",
    "object",
    "dict",
    "Dict",
    "list",
    "List",
    "tuple",
    "set",
    "Mapping",
    "MutableMapping",
    "Sequence",
    "Iterable",
    "JSONResponse",
    "ORJSONResponse",
    "UJSONResponse",
}
# Types whose parts say what is in them.
HOLDERS: Final = {
    "dict",
    "Dict",
    "list",
    "List",
    "tuple",
    "Tuple",
    "set",
    "Mapping",
    "MutableMapping",
    "Sequence",
    "Iterable",
    "frozenset",
}
NO_BODY: Final = {"204", "HTTP_204_NO_CONTENT", "304"}

UNSTATED = RuleCard(
    name="response-model-missing",
    pattern="contracts",
    level="comprehensive",
    severity=Severity.MEDIUM,
    title="Nobody says what the route answers",
    reason=(
        "Without a model whatever the handler returns goes out, internal fields included, and clients have nothing to rely on."
    ),
    remedy="Annotate what the handler returns with a model, or give `response_model=`.",
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]):
    return await items.read(item, tenant=call.tenant)
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    return await items.read(item, tenant=call.tenant)
""",
)


def _unstated(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if is_public(route, study) or _says_nothing_goes_out(route) or not isinstance(route.function, FUNCTIONS):
            continue
        model = route.option("response_model") or _among_responses(route)
        live = {one.answers for one in study.live(route)}
        if live == {"model"}:
            continue
        if "vague" in live:
            yield Hit(node=route.place, route=route, message=f"the model {route.name} answers with says nothing of what is in it")
            continue
        if model is not None:
            if is_vague(model, study) and not _answers_itself(route.function, route.scope, model, study):
                yield Hit(node=route.place, route=route, message=f"response_model says nothing about what {route.name} answers")
            continue
        if route.option("response_class") is not None and "JSON" not in words(route.option("response_class").node):  # type: ignore[union-attr]  # just asked
            continue
        returns = route.function.returns
        if returns is None and _returns_nothing(route.function):
            continue
        if returns is None or is_vague(Expression(returns, route.scope), study):
            yield Hit(
                node=route.place,
                route=route,
                message=f"nothing says what {route.name} answers: no model is returned, no response_model given",
            )


def _answers_itself(function: Function, scope: Scope, model: Expression, study: Study) -> bool:
    """`response_model=None` where nothing is returned, or a response that is no JSON of just anything."""
    if not (isinstance(model.node, ast.Constant) and model.node.value is None):
        return False
    returns = function.returns
    if returns is not None and not isinstance(returns, ast.Constant):
        kind = study.names.resolve(study.names.plain_type(returns, scope)[0], scope)
        return kind.last.endswith("Response") and kind.last not in VAGUE
    return _returns_nothing(function)


def _returns_nothing(function: Function) -> bool:
    given = (one.value for one in own_nodes(function) if isinstance(one, ast.Return))
    return all(one is None or (isinstance(one, ast.Constant) and one.value is None) for one in given)


def _among_responses(route: Route) -> Expression | None:
    """`responses={200: {"model": Item}}`."""
    listed = route.option("responses")
    if listed is None or not isinstance(listed.node, ast.Dict):
        return None
    for key, value in zip(listed.node.keys, listed.node.values, strict=True):
        if isinstance(key, ast.Constant) and str(key.value) in ("200", "201") and isinstance(value, ast.Dict):
            for name, model in zip(value.keys, value.values, strict=True):
                if isinstance(name, ast.Constant) and name.value == "model":
                    return Expression(model, listed.scope)
    return None


def _says_nothing_goes_out(route: Route) -> bool:
    status = route.option("status_code")
    hidden = route.option("include_in_schema")
    if hidden is not None and isinstance(hidden.node, ast.Constant) and hidden.node.value is False:
        return True
    if route.methods <= {"head", "options"}:
        return True
    return status is not None and (_spoken(status.node) in NO_BODY)


def _spoken(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else words(node).rpartition(".")[2]


def is_vague(annotation: Expression, study: Study, steps: int = 6) -> bool:
    """Whether a type says nothing of what is in it: `Any`, `dict`, `list[dict]`, `dict[str, Any]`."""
    node, scope = study.names.plain_type(annotation.node, annotation.scope)
    if isinstance(node, ast.Constant):
        return node.value is None and not _is_return_none(annotation)
    if isinstance(node, ast.Subscript) and steps > 0:
        name = study.names.resolve(node.value, scope).last
        if name in HOLDERS:
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return any(is_vague(Expression(one, scope), study, steps - 1) for one in parts)
        return False
    symbol = study.names.resolve(node, scope)
    if symbol.kind == "value" and isinstance(symbol.node, ast.Subscript) and symbol.scope is not None and steps > 0:
        return is_vague(Expression(symbol.node, symbol.scope), study, steps - 1)
    return symbol.kind == "external" and symbol.last in VAGUE


def _is_return_none(annotation: Expression) -> bool:
    """`-> None` says that nothing comes back; `response_model=None` says nothing at all."""
    holder = annotation.scope.module.parents.get(annotation.node)
    return isinstance(holder, FUNCTIONS)


RULES = (Rule(card=UNSTATED, check=_unstated),)
