"""Calls out are bounded in time, guarded by a breaker, and repeated only when that is safe."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.facts.outbound import UNSAFE_VERBS, is_outbound
from mcp_gateway.kit.patterns.facts.reach import Reached
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import argument, words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS
from mcp_gateway.kit.patterns.python.names import Names
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Dependency, Expression, Route

RETRYING: Final = re.compile(r"retry|retrying|backoff", re.IGNORECASE)

UNBOUNDED = RuleCard(
    name="outbound-without-timeout",
    pattern="resilience",
    level="comprehensive",
    severity=Severity.HIGH,
    title="A call out has no stated time limit",
    reason="A part that hangs holds the handler, its connection and its memory, until everything waits for it.",
    remedy="Give the route a deadline (`Guard(..., deadline_seconds=2)`), or the call or its client a `timeout`.",
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, call: Annotated[Call, Depends(Guard("items.read"))], client: Client) -> Item:
    answer = await breaker.call(client.get, f"https://warehouse/{call.tenant}/{item}")
    return Item.model_validate(answer.json())
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, call: Annotated[Call, Depends(Guard("items.read", deadline_seconds=2))], client: Client) -> Item:
    answer = await breaker.call(client.get, f"https://warehouse/{call.tenant}/{item}")
    return Item.model_validate(answer.json())
""",
)
UNGUARDED = RuleCard(
    name="outbound-without-breaker",
    pattern="resilience",
    level="production_ready",
    severity=Severity.MEDIUM,
    title="A call out has no circuit breaker",
    reason="Every request waits for a part that is down, and the part is kept down by the requests.",
    remedy="Call it through a `CircuitBreaker`: `await breaker.call(client.get, url)`.",
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, call: Annotated[Call, Depends(Guard("items.read", deadline_seconds=2))], client: Client) -> Item:
    answer = await client.get(f"https://warehouse/{call.tenant}/{item}")
    return Item.model_validate(answer.json())
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, call: Annotated[Call, Depends(Guard("items.read", deadline_seconds=2))], client: Client) -> Item:
    answer = await breaker.call(client.get, f"https://warehouse/{call.tenant}/{item}")
    return Item.model_validate(answer.json())
""",
)
REPEATED = RuleCard(
    name="retry-of-unsafe-call",
    pattern="resilience",
    level="production_ready",
    severity=Severity.HIGH,
    title="A call that changes something is repeated",
    reason="A request that timed out may have been carried out: repeated without a key it is carried out twice.",
    remedy="Send an `Idempotency-Key` the other side knows, or call `Retry` with `safe=False`.",
    bad="""\
@router.post("/orders", status_code=201)
async def create_order(order: Item, call: Creating, client: Client) -> Item:
    sent = order.model_dump()
    answer = await retry.call(lambda: breaker.call(client.post, f"https://orders/{call.tenant}", json=sent), safe=True)
    return Item.model_validate(answer.json())
""",
    good="""\
@router.post("/orders", status_code=201)
async def create_order(order: Item, call: Creating, client: Client) -> Item:
    sent = order.model_dump()
    answer = await retry.call(lambda: breaker.call(client.post, f"https://orders/{call.tenant}", json=sent), safe=False)
    return Item.model_validate(answer.json())
""",
)


def calls_out(study: Study, route: Route) -> Iterator[Reached]:
    """The calls of a handler, and of what it depends on, that leave the process; functions handed to another call too."""
    for one in study.reached(route, _may_go_out):
        if is_outbound(one):
            yield one
        yield from _handed_over(one, study)
    for dependency, calls in study.bodies(route, _goes_out):
        place = dependency.place if dependency.place in study.module.parents else route.place
        for one in calls:
            site = one.site if one.site in study.module.parents else place
            yield Reached(call=one.call, scope=one.scope, symbol=one.symbol, site=site, around=one.around, function=one.function)


def _goes_out(one: Reached, _: Names) -> bool:
    return is_outbound(one)


def _may_go_out(one: Reached, _: Names) -> bool:
    """By itself, or by what it is handed."""
    return is_outbound(one) or any(isinstance(value, ast.Attribute) for value in one.call.args)


def _handed_over(one: Reached, study: Study) -> Iterator[Reached]:
    """`breaker.call(client.get, url)`: the method is called by what it is handed to, with the arguments behind it."""
    values = one.call.args
    for index, value in enumerate(values):
        if isinstance(value, ast.Attribute):
            made = ast.copy_location(ast.Call(func=value, args=values[index + 1 :], keywords=one.call.keywords), value)
            found = Reached(
                call=made, scope=one.scope, symbol=study.names.resolve(value, one.scope), site=one.site if not one.is_direct
                else value,
                around=(*one.around, _itself(one)), function=one.function,
            )  # fmt: skip
            if is_outbound(found):
                yield found


def _itself(one: Reached) -> Expression:
    return Expression(one.call, one.scope)


def _unbounded(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if _has_deadline(study, route):
            continue
        for one in calls_out(study, route):
            if not study.world.outbound.is_bounded(one):
                yield Hit(node=one.site, route=route, message=f"{route.name} calls {words(one.call.func)} without a time limit")


def _has_deadline(study: Study, route: Route) -> bool:
    """A deadline of the whole route: its Guard's, on every way it is mounted."""
    return all(any(_is_deadline(one, study) for one in chain) for chain in study.chains(route))


def _is_deadline(dependency: Dependency, study: Study) -> bool:
    made = dependency.target.call
    if made is None or not isinstance(made.node, ast.Call):
        return False
    if dependency.target.symbol.last != "Guard":
        return False
    value = argument(made.node, "deadline_seconds")
    return value is not None and not (isinstance(value, ast.Constant) and value.value is None)


def _unguarded(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        for one in calls_out(study, route):
            if not study.world.outbound.is_guarded(one):
                yield Hit(
                    node=one.site, route=route, message=f"{route.name} calls {words(one.call.func)} without a circuit breaker"
                )


def _repeated(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        for one in calls_out(study, route):
            verb = one.call.func.attr if isinstance(one.call.func, ast.Attribute) else ""
            if _verb(verb, one.call) in UNSAFE_VERBS and not _has_key(one.call) and _is_repeated(one, study):
                yield Hit(
                    node=one.site,
                    route=route,
                    message=f"{route.name} repeats {words(one.call.func)}, which may have been carried out",
                )


def _verb(verb: str, call: ast.Call) -> str:
    if verb in ("request", "stream") and call.args and isinstance(call.args[0], ast.Constant):
        return str(call.args[0].value).lower()
    return verb


def _has_key(call: ast.Call) -> bool:
    """Whether a key for idempotency goes with it."""
    headers = next((word.value for word in call.keywords if word.arg == "headers"), None)
    if headers is None:
        return False
    spoken = ast.dump(headers).lower()
    return "idempotency" in spoken or "idempotent" in spoken


def _is_repeated(one: Reached, study: Study) -> bool:
    for around in one.around:
        if isinstance(around.node, ast.Call) and _retries(around.node, around, study):
            return True
        if not isinstance(around.node, ast.Call) and RETRYING.search(words(around.node)):
            return True
    function = one.function
    if isinstance(function, FUNCTIONS) and any(RETRYING.search(words(decorator)) for decorator in function.decorator_list):
        return True
    return _in_retry_loop(one)


def _retries(call: ast.Call, around: Expression, study: Study) -> bool:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    kind = study.names.type_of(owner, around.scope)
    named = kind.last if kind is not None else words(owner).rpartition(".")[2]
    if not (RETRYING.search(named) or RETRYING.search(words(call.func).rpartition(".")[2])):
        return False
    safe = argument(call, "safe")
    return not (isinstance(safe, ast.Constant) and safe.value is False)


def _in_retry_loop(one: Reached) -> bool:
    """`for attempt in range(3): try: … except: …` around the call."""
    module = one.scope.module
    child: ast.AST = one.call
    parent = module.parents.get(child)
    while parent is not None and parent is not one.function:
        if isinstance(parent, ast.Try) and any(child is statement for statement in parent.body):
            swallowing = any(not any(isinstance(node, ast.Raise) for node in handler.body) for handler in parent.handlers)
            loop = module.parents.get(parent)
            if swallowing and isinstance(loop, ast.While | ast.For) and _counts(loop):
                return True
        child, parent = parent, module.parents.get(parent)
    return False


def _counts(loop: ast.While | ast.For) -> bool:
    if isinstance(loop, ast.While):
        return True
    return isinstance(loop.iter, ast.Call) and words(loop.iter.func) in ("range", "itertools.count", "count", "enumerate")


RULES = (Rule(card=UNBOUNDED, check=_unbounded), Rule(card=UNGUARDED, check=_unguarded), Rule(card=REPEATED, check=_repeated))
