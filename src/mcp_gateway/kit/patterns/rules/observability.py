"""What happens can be seen: structured logs without secrets, figures for every operation, health for every application."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.facts.reach import Reached
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS
from mcp_gateway.kit.patterns.python.names import Names
from mcp_gateway.kit.patterns.python.trees import calls, remembered, walk
from mcp_gateway.kit.patterns.rules.publicity import PUBLIC, is_public
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Dependency, Route

LEVELS: Final = {"debug", "info", "warning", "warn", "error", "exception", "critical", "log"}
LOGGER: Final = re.compile(r"(^|_|\.)(log|logger|logging)$", re.IGNORECASE)
SECRET: Final = re.compile(
    r"^(password|passwd|secret|client_secret|token|access_token|refresh_token|api_?key|authorization|credentials|private_key|card_number|cvv)$",
    re.IGNORECASE,
)
MEASURING: Final = re.compile(
    r"metric|prometheus|telemetry|instrument|statsd|otel|tracing|figures|measured|timed|histogram|^install$|KitMiddleware",
    re.IGNORECASE,
)
MEASURES: Final = {
    "observe",
    "inc",
    "counter",
    "timer",
    "labels",
    "time",
    "track_inprogress",
    "count",
    "timing",
    "gauge",
    "start_as_current_span",
    "start_span",
}

# Brings GET /health and GET /metrics.
INSTALLS_KIT: Final = "mcp_gateway.kit.application.Kit.install"

UNSTRUCTURED = RuleCard(
    name="log-unstructured",
    pattern="monitoring",
    level="comprehensive",
    severity=Severity.LOW,
    title="A log line that cannot be searched",
    reason="Printed or glued-together texts have no fields: nobody can ask for all lines of one tenant or operation.",
    remedy='Log an event with fields: `log.info("item_written", item=item)`.',
    bad="""\
@router.delete("/items/{item}", status_code=204)
async def delete_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.delete"))]) -> None:
    await items.delete(item, tenant=call.tenant)
    log.info(f"deleted {item}")
""",
    good="""\
@router.delete("/items/{item}", status_code=204)
async def delete_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.delete"))]) -> None:
    await items.delete(item, tenant=call.tenant)
    log.info("item_deleted", item=item)
""",
)
SECRETS = RuleCard(
    name="secret-logged",
    pattern="security",
    level="basic",
    severity=Severity.HIGH,
    title="A secret goes into the log",
    reason="Logs are kept, copied and read by many; a token in them is a token lost.",
    remedy="Log who and what, never with which credential.",
    bad="""\
@router.post("/sessions", status_code=204)
async def begin(form: Login, call: Annotated[Call, Depends(Guard("sessions.begin", idempotency="optional"))]) -> None:
    log.info("session_begun", user=form.user, password=form.password)
""",
    good="""\
@router.post("/sessions", status_code=204)
async def begin(form: Login, call: Annotated[Call, Depends(Guard("sessions.begin", idempotency="optional"))]) -> None:
    log.info("session_begun", user=form.user)
""",
)
UNMEASURED = RuleCard(
    name="metrics-missing",
    pattern="monitoring",
    level="production_ready",
    severity=Severity.LOW,
    title="Nothing measures the operation",
    reason="Without a figure per operation and status nobody sees that it got slow, nor for whom.",
    remedy="Guard it (the kit's middleware counts by operation and status), or observe a histogram around it.",
    bad="""\
@router.get("/items/{item}", dependencies=[Depends(limited)])
async def read_item(item: str, items: Items, caller: CurrentCaller) -> Item:
    return await items.read(item, tenant=caller.tenant)
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    return await items.read(item, tenant=call.tenant)
""",
)
UNWELL = RuleCard(
    name="health-missing",
    pattern="monitoring",
    level="production_ready",
    severity=Severity.LOW,
    title="The application has no health route",
    reason="Who runs it cannot tell whether to send it requests.",
    remedy='Include `health_router({"store": connection.ping})` from `mcp_gateway.kit.fastapi`, or offer `GET /health`.',
    bad="""\
app = FastAPI()
app.include_router(router)
""",
    good="""\
app = FastAPI()
app.include_router(router)
app.include_router(health_router({"cache": cache.ping}))
""",
)


def _unstructured(study: Study) -> Iterator[Hit]:
    routes = study.by_function
    for node in calls(study.module.tree):
        holder = _holder(study, node)
        if isinstance(node.func, ast.Name) and node.func.id in ("print", "pprint"):
            symbol = study.names.callee(node, study.module.around(node))
            if symbol.kind == "external" and holder is not None and not _to_file(node):
                yield Hit(node=node, route=routes.get(holder), message="printed, not logged")
        elif _is_log(node) and node.args and _is_glued(node.args[1] if _is_plain_log(node) else node.args[0]):
            yield Hit(node=node, route=routes.get(holder), message="a log line glued together: its parts are no fields")


def _is_plain_log(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == "log" and len(node.args) > 1


def _to_file(node: ast.Call) -> bool:
    return any(word.arg == "file" for word in node.keywords)


def _is_log(node: ast.Call) -> bool:
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in LEVELS:
        return False
    return bool(LOGGER.search(words(node.func.value))) or words(node.func.value).endswith(("getLogger", "get_logger", ".bind"))


def _is_glued(value: ast.expr) -> bool:
    match value:
        case ast.JoinedStr():
            return any(isinstance(one, ast.FormattedValue) for one in value.values)
        case ast.BinOp(op=ast.Add() | ast.Mod()):
            return _has_text(value)
        case ast.Call(func=ast.Attribute(attr="format")):
            return True
    return False


def _has_text(value: ast.expr) -> bool:
    return any(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in walk(value))


def _holder(study: Study, node: ast.AST) -> ast.AST | None:
    parent = study.module.parents.get(node)
    while parent is not None and not isinstance(parent, FUNCTIONS):
        parent = study.module.parents.get(parent)
    return parent


def _secrets(study: Study) -> Iterator[Hit]:
    routes = study.by_function
    for node in calls(study.module.tree):
        if _is_log(node) or words(node.func) == "print":
            for value in [*node.args, *node.keywords]:
                if _is_secret(value, study, node):
                    yield Hit(node=node, route=routes.get(_holder(study, node)), message="a credential is written to the log")
                    break


def _is_secret(value: ast.AST, study: Study, call: ast.Call) -> bool:
    if isinstance(value, ast.keyword) and value.arg is None:
        value = value.value
    if isinstance(value, ast.keyword):
        if SECRET.match(value.arg or "") and not isinstance(value.value, ast.Constant):
            return not _is_masked(value.value)
        value = value.value
    if _is_masked(value):
        return False
    for node in walk(value):
        match node:
            case ast.Name() if SECRET.match(node.id) or _was_secret(node, study, call):
                return True
            case ast.Attribute() if SECRET.match(node.attr):
                return True
            case ast.Subscript(slice=ast.Constant(value=str(key))) if SECRET.match(key.replace("-", "_")):
                return True
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(key)), *_]) if SECRET.match(
                key.replace("-", "_")
            ):
                return True
            case ast.Attribute(attr="headers") if _is_whole(node, study):
                return True
    return False


def _is_whole(node: ast.Attribute, study: Study) -> bool:
    """All headers of a request, the credentials among them."""
    parent = study.module.parents.get(node)
    return words(node.value) in ("request", "req") and not isinstance(parent, ast.Attribute | ast.Subscript)


def _was_secret(node: ast.Name, study: Study, call: ast.Call) -> bool:
    for binding in study.module.around(call).bindings.get(node.id, ()):
        if binding.kind == "value" and binding.value is not None:
            for one in walk(binding.value):
                if isinstance(one, ast.Attribute) and SECRET.match(one.attr) and not _is_masked(binding.value):
                    return True
                if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value.lower() == "authorization":
                    return True
    return False


def _is_masked(value: ast.AST) -> bool:
    return isinstance(value, ast.Compare) or (
        isinstance(value, ast.Call)
        and bool(
            re.search(
                r"mask|redact|hash|digest|fingerprint|^len$|^bool$|sha", words(value.func).rpartition(".")[2], re.IGNORECASE
            )
        )
    )


def _unmeasured(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if is_public(route, study) or route.function is None:
            continue
        if all(any(_measures(one) for one in chain) for chain in study.chains(route)) or _measured_within(study, route):
            continue
        yield Hit(node=route.place, route=route, message=f"nothing measures {route.name}")


def _measures(dependency: Dependency) -> bool:
    symbol = dependency.target.symbol
    if symbol.last == "Guard" and dependency.target.call is not None:
        return True
    if symbol.kind == "external" or (dependency.how == "middleware" and symbol.kind == "unknown"):
        return bool(MEASURING.search(symbol.last))
    if symbol.last.startswith("instrument"):
        return True
    body = dependency.target.body
    return body is not None and _holds_measure(body)


@remembered
def _holds_measure(body: ast.AST) -> bool:
    return any(_is_measure(node) for node in calls(body))


def _is_measure(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr in MEASURES and not words(node.func).startswith("time.")


def _measured_within(study: Study, route: Route) -> bool:
    if any(
        MEASURING.search(words(one.node)) and study.names.resolve(_called(one.node), one.scope).function is None
        for one in route.wrappers
    ):
        return True
    for one in route.wrappers:
        function = study.names.resolve(_called(one.node), one.scope).function
        if function is not None and _holds_measure(function):
            return True
    return bool(study.reached(route, _is_measured))


def _is_measured(one: Reached, _: Names) -> bool:
    return _is_measure(one.call) and one.symbol.function is None and not _is_store(one.call)


def _called(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def _is_store(call: ast.Call) -> bool:
    """`repo.count(...)` counts rows, not calls."""
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr in ("count", "time")
        and not MEASURING.search(words(call.func.value))
    )


def _unwell(study: Study) -> Iterator[Hit]:
    for node in calls(study.module.tree):
        router = study.world.routers.of(node, study.module.around(node))
        if router is None or not router.is_application or router.call is not node or _is_default_application(node, study):
            continue
        if not _has_health(node, study):
            yield Hit(node=node, message="this application has no health route")


def _has_health(made: ast.Call, study: Study) -> bool:
    live = study.order.live
    if live is not None and made is study.world.live_call:
        return any("GET" in one.methods and PUBLIC.search(one.path) for one in live.routes)
    return any(PUBLIC.search(route.path) for route in study.world.known_routes(study)) or _includes_health(study)


def _is_default_application(node: ast.Call, study: Study) -> bool:
    """One that is mounted into another, or made for a test."""
    mounted = any(one.child.call is node for one in study.world.mountings)
    return mounted or words(node.func).rpartition(".")[2] != "FastAPI" or not study.world.includes_routers(node)


def _includes_health(study: Study) -> bool:
    """A router of health that is made elsewhere: `health_router(...)`, `include_router(health)`, or with the whole kit."""
    for node in calls(study.module.tree):
        if "health" in words(node.func).lower():
            return True
        if study.names.callee(node, study.module.around(node)).dotted == INSTALLS_KIT:
            return True
        if words(node.func).endswith((".include_router", ".mount")):
            spoken = [words(one) for one in node.args] + [str(one.value) for one in node.args if isinstance(one, ast.Constant)]
            if any("health" in one.lower() for one in spoken):
                return True
    return False


RULES = (
    Rule(card=UNSTRUCTURED, check=_unstructured),
    Rule(card=SECRETS, check=_secrets),
    Rule(card=UNMEASURED, check=_unmeasured),
    Rule(card=UNWELL, check=_unwell),
)
