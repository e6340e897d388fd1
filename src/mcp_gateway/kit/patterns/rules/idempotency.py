"""A write that is sent twice is carried out once."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.facts.reach import Reached
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import argument, words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, all_parameters
from mcp_gateway.kit.patterns.python.names import Names
from mcp_gateway.kit.patterns.python.trees import remembered, walk
from mcp_gateway.kit.patterns.rules.publicity import is_entrance, proves_caller
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Dependency, Expression, Route

# Posts that change nothing, and posts that set a state: twice is the same as once.
ASKING: Final = re.compile(
    r"(^|/)(search|query|queries|preview|validate|check|estimate|simulate|render|count|ask|explain|dry-run|compare|test"
    r"|enable|disable|activate|deactivate|approve|block|unblock|archive|lock|unlock|revoke|refresh|sign-out)/?$"
)
KEYED: Final = re.compile(r"idempoten|dedup|once|already_(seen|done|processed)|seen_before|claim_event", re.IGNORECASE)

MISSING = RuleCard(
    name="write-not-idempotent",
    pattern="resilience",
    level="production_ready",
    severity=Severity.MEDIUM,
    title="A write that may be carried out twice",
    reason="A client that heard nothing sends again; without a key the order is made twice.",
    remedy=(
        'Guard it with `Guard("orders.create", idempotency="required")` on a GuardedRoute, or run it through `Idempotency.run`.'
    ),
    bad="""\
@router.post("/items", status_code=201)
async def create_item(item: Item, items: Items, call: Annotated[Call, Depends(Guard("items.create"))]) -> Item:
    return await items.create(item, tenant=call.tenant)
""",
    good="""\
@router.post("/items", status_code=201)
async def create_item(
    item: Item, items: Items, call: Annotated[Call, Depends(Guard("items.create", idempotency="required"))]
) -> Item:
    return await items.create(item, tenant=call.tenant)
""",
)


def _missing(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if "post" not in route.methods or route.function is None or ASKING.search(route.path):
            continue
        if is_entrance(route, study) or proves_caller(route):
            continue
        if all(any(_keeps(one, study) for one in chain) for chain in study.chains(route)) or _in_body(study, route):
            continue
        if any(
            KEYED.search(words(one.node)) and study.names.resolve(_called(one), one.scope).kind != "function"
            for one in route.wrappers
        ):
            continue
        yield Hit(
            node=route.place,
            route=route,
            message=f"{route.name} may be carried out twice: no idempotency key is asked for or used",
        )


def _called(one: Expression) -> ast.expr:
    return one.node.func if isinstance(one.node, ast.Call) else one.node


def _keeps(dependency: Dependency, study: Study) -> bool:
    """A Guard that says so, or a dependency that is made for it."""
    target = dependency.target
    if target.symbol.last == "Guard" and target.call is not None and isinstance(target.call.node, ast.Call):
        value = argument(target.call.node, "idempotency")
        if isinstance(value, ast.Name | ast.Attribute):
            found = study.names.resolve(value, target.call.scope)
            value = found.node if isinstance(found.node, ast.expr) else value
        return value is not None and not (isinstance(value, ast.Constant) and value.value is None)
    if target.symbol.kind == "external":
        return bool(KEYED.search(target.symbol.last))
    body = target.body
    if body is None or not isinstance(body, FUNCTIONS) or target.scope is None:
        return False
    return _uses(body)


def _in_body(study: Study, route: Route) -> bool:
    """`once.run(keyed, work)` and the like, awaited; or the key of the header, handed on."""
    return isinstance(route.function, FUNCTIONS) and (
        _uses(route.function) or any(_is_awaited(one.call, study) for one in study.reached(route, _runs_once))
    )


@remembered
def _uses(function: ast.AST) -> bool:
    keys = _key_names(function)
    for node in walk(function):
        if isinstance(node, ast.Call) and not words(node.func).startswith(("log", "logger")):
            values = [*node.args, *(word.value for word in node.keywords)]
            if any(isinstance(inner, ast.Name) and inner.id in keys for one in values for inner in walk(one)):
                name = words(node.func).rpartition(".")[2]
                if name not in ("len", "str", "print", "strip", "bool") and "log" not in words(node.func).lower():
                    return True
    return False


def _key_names(function: ast.AST) -> set[str]:
    """Parameters and names that hold an idempotency key."""
    found = (
        {one.arg for one in all_parameters(function.args) if re.search(r"idempoten", one.arg, re.IGNORECASE)}
        if isinstance(function, FUNCTIONS)
        else set()
    )
    for one in all_parameters(function.args) if isinstance(function, FUNCTIONS) else ():
        if one.annotation is not None and "idempotency-key" in ast.dump(one.annotation).lower():
            found.add(one.arg)
    for node in walk(function):
        if isinstance(node, ast.Assign) and "idempotency-key" in ast.dump(node.value).lower():
            found |= {one.id for one in node.targets if isinstance(one, ast.Name)}
    return found


def _runs_once(one: Reached, _: Names) -> bool:
    symbol = one.symbol
    if symbol.kind == "external" and symbol.dotted.endswith("Idempotency.run"):
        return True
    return symbol.function is None and bool(re.search(r"idempoten|dedup", words(one.call.func), re.IGNORECASE))


def _is_awaited(call: ast.Call, study: Study) -> bool:
    parent = study.module.parents.get(call)
    return not isinstance(parent, ast.Expr) if parent is not None else True


RULES = (Rule(card=MISSING, check=_missing),)
