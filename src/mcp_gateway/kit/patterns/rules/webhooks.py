"""A webhook is believed only when its signature holds."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.facts.origins import Origin
from mcp_gateway.kit.patterns.facts.statements import awaited_call, catches_all, ends_in_error, raises, verdict_used
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS, Function, Module
from mcp_gateway.kit.patterns.python.names import Symbol
from mcp_gateway.kit.patterns.python.paths import Paths
from mcp_gateway.kit.patterns.python.trees import calls, own_nodes, walk
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Dependency, Route

WEBHOOK: Final = re.compile(r"web_?hook|(^|[/_])hooks?([/_]|$)", re.IGNORECASE)
VERIFYING: Final = re.compile(
    r"construct_event|verify|validate_(signature|webhook|event)|check_signature|unwrap|compare_digest", re.IGNORECASE
)
ANSWERS: Final = {"compare_digest"}
# Methods that answer, of what is made to look at signatures.
ANSWERING: Final = re.compile(r"^(is|has)_(a_)?(valid|authentic|signed|genuine)")
SIGNING: Final = re.compile(r"signature|signing|webhook|verifier|hmac", re.IGNORECASE)
MAX_DEPTH: Final = 5

UNVERIFIED = RuleCard(
    name="webhook-unverified",
    pattern="security",
    level="basic",
    severity=Severity.CRITICAL,
    title="A webhook is believed without its signature",
    reason="The address of a webhook is public: without a signature anybody can say that an order was paid.",
    remedy="Compute the HMAC over the raw body, compare it with `hmac.compare_digest`, and refuse before anything is parsed.",
    bad="""\
@router.post("/webhooks/payments")
async def payment_webhook(request: Request) -> None:
    event = Event.model_validate_json(await request.body())
    await handle(event)
""",
    good="""\
@router.post("/webhooks/payments")
async def payment_webhook(request: Request, x_signature: Annotated[str, Header()]) -> None:
    body = await request.body()
    wanted = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, x_signature):
        raise HTTPException(401)
    event = Event.model_validate_json(body)
    await handle(event)
""",
)


def is_webhook(route: Route) -> bool:
    """By its path, its handler's name, or the prefix of its router; webhooks that are managed like other things are none."""
    if "post" not in route.methods and "put" not in route.methods:
        return False
    name = route.name.rpartition(".")[2]
    if name.startswith(("create", "register", "update", "delete", "list", "add", "test", "new")):
        return False
    return bool(WEBHOOK.search(route.prefixed_path) or WEBHOOK.search(name))


def _unverified(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if not is_webhook(route) or route.function is None or is_signed(study, route) or _is_for_users(study, route):
            continue
        yield Hit(
            node=route.place, route=route, message=f"{route.name} is a webhook and does not refuse a wrong signature on every way"
        )


def is_signed(study: Study, route: Route) -> bool:
    """Whether a signature says who sends, on every way to the handler's end, whatever the route is called."""
    if route.function is None:
        return False
    verifier = _Verifier(study)
    if verifier.body(route.function, route.scope.module) or all(verifier.chain(chain) for chain in study.chains(route)):
        return True
    return any(verifier.wrapper(one.node, route) for one in route.wrappers)


def _is_for_users(study: Study, route: Route) -> bool:
    """Whether every way to it hands over somebody who has logged in: who looks after webhooks is no sender of them."""
    return all(
        any(one.by is None and one.parameter and study.world.origins.of_target(one.target) & Origin.CALLER for one in chain)
        for chain in study.chains(route)
    )


class _Verifier:
    """Whether a body refuses what is not signed, on every way."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._known: dict[ast.AST, bool] = {}

    def chain(self, chain: list[Dependency]) -> bool:
        for one in chain:
            target = one.target
            if target.body is not None and target.scope is not None:
                if self.body(target.body, target.scope.module):
                    return True
            elif target.symbol.kind == "external" and re.search(
                r"signature|verif|webhook|hmac", target.symbol.last, re.IGNORECASE
            ):
                return True
        return False

    def wrapper(self, node: ast.expr, route: Route) -> bool:
        called = node.func if isinstance(node, ast.Call) else node
        symbol = self._study.names.resolve(called, route.scope)
        if symbol.function is None or symbol.scope is None:
            return symbol.kind == "external" and bool(re.search(r"signature|verif", symbol.last, re.IGNORECASE))
        module = symbol.scope.module
        inner = [one for one in walk(symbol.function) if isinstance(one, FUNCTIONS) and one is not symbol.function]
        return any(self.body(one, module) for one in inner)

    def body(self, function: Function | ast.Lambda, module: Module, depth: int = MAX_DEPTH) -> bool:
        if function not in self._known:
            self._known[function] = False
            paths = Paths(does=lambda node: depth > 0 and self._verifies(node, function, module, depth), forgives=_forgives)
            self._known[function] = paths.always(function.body)
        return self._known[function]

    def _verifies(self, node: ast.AST, function: Function | ast.Lambda, module: Module, depth: int) -> bool:
        waited = awaited_call(node)
        call = waited or (node if isinstance(node, ast.Call) else None)
        if call is None:
            return False
        symbol = self._study.names.callee(call, module.around(call))
        if symbol.function is not None and symbol.scope is not None:
            called = symbol.function
            if isinstance(called, ast.AsyncFunctionDef) and waited is None:
                return False
            if self.body(called, symbol.scope.module, depth - 1) and raises(called.body):
                return True
            return self._hands_out(called, symbol.scope.module) and verdict_used(node, function, module)
        name = words(call.func).rpartition(".")[2]
        if name in ANSWERS:
            if call.args and ast.dump(call.args[0]) == ast.dump(call.args[-1]):
                return False
            return verdict_used(node, function, module)
        if _answers(symbol):
            return verdict_used(node, function, module)
        return bool(VERIFYING.search(name)) and symbol.kind in ("external", "unknown") and name != "verify_exp"

    def _hands_out(self, function: Function, module: Module) -> bool:
        """`def holds(...) -> bool: return hmac.compare_digest(...)`, or what a library found signed, and else nothing."""
        given = [node.value for node in own_nodes(function) if isinstance(node, ast.Return) and node.value is not None]
        telling = [one for one in given if not (isinstance(one, ast.Constant) and not one.value)]
        return bool(telling) and all(self._is_verdict(one, module) for one in telling)

    def _is_verdict(self, value: ast.expr, module: Module) -> bool:
        if isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or):
            return False
        for one in calls(value):
            symbol = self._study.names.callee(one, module.around(one))
            if symbol.kind == "external" and (symbol.last in ANSWERS or _answers(symbol)):
                return True
        own = value.value if isinstance(value, ast.Await) else value
        if not isinstance(own, ast.Call):
            return False
        symbol = self._study.names.callee(own, module.around(own))
        return symbol.kind == "external" and bool(VERIFYING.search(symbol.last) and SIGNING.search(symbol.dotted))


def _answers(symbol: Symbol) -> bool:
    """`SignatureVerifier(…).is_valid_request(…)` of a library."""
    return symbol.kind == "external" and bool(ANSWERING.match(symbol.last) and SIGNING.search(symbol.dotted))


def _forgives(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    refusal = any(one is not None and re.search(r"HTTPException|Signature|Verification|ValueError", words(one)) for one in kinds)
    return (catches_all(handler) or refusal) and not ends_in_error(handler.body)


RULES = (Rule(card=UNVERIFIED, check=_unverified),)
