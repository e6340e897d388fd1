"""Every operation is held to a rate limit that can refuse somebody."""

import ast
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.facts.caches import seconds_of
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import argument
from mcp_gateway.kit.patterns.python.modules import Scope
from mcp_gateway.kit.patterns.python.trees import calls
from mcp_gateway.kit.patterns.rules.publicity import is_public
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Expression

# Calls a second. One Redis counts fewer, so no caller ever comes to a limit above: it is none, whatever its window.
MAX_RATE: Final = 100_000.0
KIT: Final = "mcp_gateway.kit"

MISSING = RuleCard(
    name="rate-limit-missing",
    pattern="rate_limiting",
    level="basic",
    severity=Severity.HIGH,
    title="Missing EnterpriseRateLimiter",
    reason="One caller can take all there is: a route nobody limits is the way round every limit on the others.",
    remedy=(
        'Hold the operation to its limits: `call: Annotated[Call, Depends(Guard("items.read"))]` on a GuardedRoute, '
        "or await `EnterpriseRateLimiter.check_or_raise` in a dependency of the router."
    ),
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, caller: CurrentCaller) -> Item: ...
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item: ...
""",
)


def _missing(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if is_public(route, study) or all(study.world.limits.hold(route, chain) for chain in study.chains(route)):
            continue
        partly = any(study.world.limits.hold(route, chain) for chain in study.chains(route))
        where = "on one of the ways it is mounted " if partly else ""
        yield Hit(
            node=route.place,
            route=route,
            message=f"Missing EnterpriseRateLimiter: nothing that can refuse limits {route.name} {where}".rstrip(),
        )


def _void(study: Study) -> Iterator[Hit]:
    """What holds for all routes of an application: its face has a limiter, and the limiter a rule that refuses."""
    live = study.world.live_call
    asked = live is not None and live in study.module.parents and study.order.live is not None
    if asked and study.order.live is not None and study.order.live.unlimited:
        yield Hit(
            node=live or study.module.tree, message="Missing EnterpriseRateLimiter: the application's guards have no limiter"
        )
    for node in calls(study.module.tree):
        scope = study.module.around(node)
        symbol = study.names.callee(node, scope)
        if symbol.kind != "external" or not symbol.dotted.startswith(KIT):
            continue
        if symbol.last == "Face" and not asked and _has_no_limiter(study, node, scope):
            yield Hit(node=node, message="Missing EnterpriseRateLimiter: guards of a Face without a limiter limit nobody")
        elif symbol.last == "EnterpriseRateLimiter" and _refuses_nobody(study, node, scope):
            yield Hit(node=node, message="Missing EnterpriseRateLimiter: no rule of this one can ever refuse a call")


def _has_no_limiter(study: Study, face: ast.Call, scope: Scope) -> bool:
    if face.args or any(word.arg is None for word in face.keywords):
        return False
    given = argument(face, "limiter")
    return given is None or _is_constant(_plain(study, Expression(given, scope)), None)


def _refuses_nobody(study: Study, limiter: ast.Call, scope: Scope) -> bool:
    """Whether its rules are written down and each is switched off, only watched, or far above what ever comes."""
    given = argument(limiter, "rules", 0)
    rules = _rules(study, Expression(given, scope)) if given is not None else None
    return rules is not None and all(_is_void(study, one) for one in rules)


def _rules(study: Study, given: Expression) -> list[Expression] | None:
    """The rules of a set, each as it is made; None when not all of them are written down."""
    found = _plain(study, given)
    node = found.node
    if isinstance(node, ast.Call) and study.names.callee(node, found.scope).last == "RuleSet":
        if node.args or any(word.arg not in ("rules", "reads", "revision") for word in node.keywords):
            return None
        inner = argument(node, "rules")
        return _rules(study, Expression(inner, found.scope)) if inner is not None else []
    if not isinstance(node, ast.List | ast.Tuple):
        return None
    rules = [_plain(study, Expression(one, found.scope)) for one in node.elts]
    made = all(isinstance(one.node, ast.Call) and study.names.callee(one.node, one.scope).last == "Rule" for one in rules)
    return rules if made else None


def _is_void(study: Study, rule: Expression) -> bool:
    call = rule.node
    if not isinstance(call, ast.Call):
        return False
    shadow, enabled = (argument(call, name) for name in ("shadow", "enabled"))
    if shadow is not None and _is_constant(_plain(study, Expression(shadow, rule.scope)), True):
        return True
    if enabled is not None and _is_constant(_plain(study, Expression(enabled, rule.scope)), False):
        return True
    limit, window = argument(call, "limit", 1), argument(call, "window_seconds", 2)
    most = seconds_of(limit, rule.scope, study.names) if limit is not None else None
    seconds = seconds_of(window, rule.scope, study.names) if window is not None else None
    return most is not None and seconds is not None and seconds > 0 and most / seconds > MAX_RATE


def _plain(study: Study, value: Expression) -> Expression:
    """What a name stands for; an attribute's default is not what an instance has."""
    if isinstance(value.node, ast.Name | ast.Attribute):
        symbol = study.names.resolve(value.node, value.scope)
        whole = symbol.scope is not None and not isinstance(symbol.scope.node, ast.ClassDef)
        if symbol.kind == "value" and isinstance(symbol.node, ast.expr) and symbol.scope is not None and whole:
            return Expression(symbol.node, symbol.scope)
    return value


def _is_constant(value: Expression, wanted: object) -> bool:
    return isinstance(value.node, ast.Constant) and value.node.value is wanted


def _asked(study: Study) -> Iterator[Hit]:
    yield from _missing(study)
    yield from _void(study)


RULES = (Rule(card=MISSING, check=_asked),)
