"""Errors are neither hidden nor handed out: caught narrowly, logged, and told in words meant for callers."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.facts.statements import catches_all, ends_in_error
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS
from mcp_gateway.kit.patterns.python.names import words
from mcp_gateway.kit.patterns.python.trees import own_nodes, walk
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Route

LOGGING: Final = re.compile(r"(^|_|\.)(log|logger|logging)(\.|$)", re.IGNORECASE)
WITH_TRACE: Final = {"exception", "capture_exception"}
# What a domain's own error says for callers.
TOLD: Final = {
    "message",
    "code",
    "hint",
    "errors",
    "to_dict",
    "public_message",
    "status_code",
    "headers",
    "detail",
    "category",
    "retry_after_seconds",
    "retryable",
}
RESPONSES: Final = re.compile(r"Response$|^HTTPException$|Problem|Error$|problem_response|^dict$")

SWALLOWED = RuleCard(
    name="error-swallowed",
    pattern="error_handling",
    level="basic",
    severity=Severity.HIGH,
    title="An error is swallowed",
    reason="A handler that catches everything turns every fault, a typing mistake too, into an answer that looks right.",
    remedy="Catch the errors you can answer, by name; let the rest rise to the one place that logs them and answers 500.",
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item | None:
    try:
        return await items.read(item, tenant=call.tenant)
    except Exception:
        return None
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    try:
        return await items.read(item, tenant=call.tenant)
    except KeyError as error:
        raise NotFound("There is no such item.") from error
""",
    fixable=True,
)
LEAKED = RuleCard(
    name="error-text-leaked",
    pattern="error_handling",
    level="basic",
    severity=Severity.HIGH,
    title="The words of an error go to the caller",
    reason="Texts of errors hold hosts, queries, paths and at times secrets; they are written for us, not for callers.",
    remedy="Say in your own words what happened and what to do; log the error. With the kit raise a leaf of `GatewayError`.",
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    try:
        return await items.read(item, tenant=call.tenant)
    except OSError as error:
        raise HTTPException(502, detail=str(error)) from error
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    try:
        return await items.read(item, tenant=call.tenant)
    except OSError as error:
        raise HTTPException(502, detail="The warehouse does not answer.") from error
""",
    fixable=True,
)
UNLOGGED = RuleCard(
    name="failure-unlogged",
    pattern="monitoring",
    level="comprehensive",
    severity=Severity.MEDIUM,
    title="A failure leaves no trace",
    reason="What was caught and turned into a 5xx without a log line and without its cause cannot be found again.",
    remedy="Log with the traceback (`log.exception(...)`) or keep the cause (`raise … from error`) for the place that logs.",
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    try:
        return await items.read(item, tenant=call.tenant)
    except OSError:
        raise HTTPException(502, detail="The warehouse does not answer.") from None
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    try:
        return await items.read(item, tenant=call.tenant)
    except OSError as error:
        raise HTTPException(502, detail="The warehouse does not answer.") from error
""",
    fixable=True,
)


def _handlers(study: Study) -> Iterator[tuple[ast.ExceptHandler, Route | None]]:
    """Each `except` of the module with the handler it stands in."""
    routes = {route.function: route for route in study.routes if route.function is not None}
    for node in walk(study.module.tree):
        if isinstance(node, ast.ExceptHandler):
            yield node, routes.get(_holder(study, node))


def _holder(study: Study, node: ast.AST) -> ast.AST | None:  # type: ignore[return]  # the loop ends in one of them
    """The outermost function a node stands in."""
    found, parent = None, study.module.parents.get(node)
    while parent is not None:
        found = parent if isinstance(parent, FUNCTIONS) else found
        parent = study.module.parents.get(parent)
    return found


def _swallowed(study: Study) -> Iterator[Hit]:
    for handler, route in _handlers(study):
        if not _catches_all(handler, study) or ends_in_error(handler.body) or _reraises_somewhere(handler):
            continue
        if handler.type is not None and _answers_loudly(handler, study):
            continue
        what = "every error" if handler.type is None else f"every {ast.unparse(handler.type)}"
        yield Hit(
            node=handler,
            route=route,
            message=f"{what} is caught here and not raised again",
            mend="reraise" if _is_empty(handler) else "",
        )
    yield from _suppressed(study)


def _catches_all(handler: ast.ExceptHandler, study: Study) -> bool:
    """As `catches_all`, over names given to `Exception`."""
    if catches_all(handler) or handler.type is None:
        return True
    scope = study.module.around(handler)
    symbol = study.names.resolve(handler.type, scope) if isinstance(handler.type, ast.Name | ast.Attribute) else None
    listed = symbol.node if symbol is not None and isinstance(symbol.node, ast.Tuple) else handler.type
    kinds = listed.elts if isinstance(listed, ast.Tuple) else [handler.type]
    return any(study.names.resolve(one, scope).dotted in ("builtins.Exception", "builtins.BaseException") for one in kinds)


def _suppressed(study: Study) -> Iterator[Hit]:
    routes = {route.function: route for route in study.routes if route.function is not None}
    for node in walk(study.module.tree):
        if isinstance(node, ast.Call) and words(node.func).rpartition(".")[2] == "suppress":
            symbol = study.names.callee(node, study.module.around(node))
            if symbol.dotted == "contextlib.suppress" and any(
                words(one).rpartition(".")[2] in ("Exception", "BaseException") for one in node.args
            ):
                yield Hit(node=node, route=routes.get(_holder(study, node)), message="every error in this block is suppressed")
        elif isinstance(node, ast.Expr) and _gathers_unread(node):
            yield Hit(
                node=node,
                route=routes.get(_holder(study, node)),
                message="what fails in this gather is returned, and nobody looks",
            )
        elif isinstance(node, ast.Try) and any(isinstance(one, ast.Return) for one in node.finalbody):
            yield Hit(
                node=node.finalbody[-1],
                route=routes.get(_holder(study, node)),
                message="`return` in `finally` swallows every error",
            )


def _gathers_unread(node: ast.Expr) -> bool:
    call = node.value.value if isinstance(node.value, ast.Await) else node.value
    return (
        isinstance(call, ast.Call)
        and words(call.func).rpartition(".")[2] == "gather"
        and any(
            word.arg == "return_exceptions" and isinstance(word.value, ast.Constant) and bool(word.value.value)
            for word in call.keywords
        )
    )


def _is_empty(handler: ast.ExceptHandler) -> bool:
    return all(
        isinstance(one, ast.Pass) or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)) for one in handler.body
    )


def _reraises_somewhere(handler: ast.ExceptHandler) -> bool:
    """`if not expected(error): raise` and the like: somebody chose."""
    return any(
        isinstance(node, ast.Raise) and node.exc is None for statement in handler.body for node in walk(statement)
    ) and any(isinstance(one, ast.If | ast.Match) for one in handler.body)


def _answers_loudly(handler: ast.ExceptHandler, study: Study) -> bool:
    """Logged with its traceback, and the caller hears that it failed: a wall at the edge, not a hole in it."""
    logged = any(
        isinstance(node, ast.Call) and _logs_trace(node, study) for statement in handler.body for node in walk(statement)
    )
    answered = any(isinstance(one, ast.Return) and one.value is not None and _is_failure(one.value) for one in handler.body)
    return logged and answered


def _logs_trace(call: ast.Call, study: Study) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return False
    if call.func.attr in WITH_TRACE and (LOGGING.search(words(call.func.value)) or "sentry" in words(call.func)):
        return True
    traced = any(
        word.arg == "exc_info" and not (isinstance(word.value, ast.Constant) and not word.value.value) for word in call.keywords
    )
    return traced and bool(LOGGING.search(words(call.func.value)))


def _is_failure(value: ast.expr) -> bool:
    """A response with a status of 500 or more, or a problem."""
    for node in walk(value):
        if isinstance(node, ast.Call) and re.search(r"problem|error", words(node.func), re.IGNORECASE):
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, int) and 500 <= node.value < 600:
            return True
        if isinstance(node, ast.Attribute) and re.match(r"HTTP_5\d\d", node.attr):
            return True
    return False


# -- leaks -------------------------------------------------------------------------------------------------------------


def _leaked(study: Study) -> Iterator[Hit]:
    for handler, route in _handlers(study):
        tainted = _tainted(handler)
        for node in (inner for statement in handler.body for inner in walk(statement)):
            for sink in _sinks(node, study):
                if _carries(sink, tainted):
                    yield Hit(
                        node=sink, route=route, message="the words of the error caught here go to the caller", mend="plain_detail"
                    )
    for route in study.routes:
        for one in _error_handlers(study, route):
            yield one
    yield from _exception_handlers(study)


def _error_handlers(study: Study, route: Route) -> Iterator[Hit]:
    """Values of `traceback` or `sys.exc_info` in a handler's answers, wherever they stand."""
    if route.function is None:
        return
    for node in walk(route.function):
        for sink in _sinks(node, study):
            if any(isinstance(one, ast.Call) and _is_trace(one) for one in walk(sink)):
                yield Hit(node=sink, route=route, message="a traceback goes to the caller")


def _exception_handlers(study: Study) -> Iterator[Hit]:
    """`@app.exception_handler(Exception)`: what it says of the error it is given."""
    for node in walk(study.module.tree):
        if not isinstance(node, FUNCTIONS):
            continue
        for decorator in node.decorator_list:
            if (
                isinstance(decorator, ast.Call)
                and words(decorator.func).endswith(".exception_handler")
                and len(node.args.args) > 1
            ):
                broad = decorator.args and words(decorator.args[0]).rpartition(".")[2] in (
                    "Exception",
                    "BaseException",
                    "500",
                    "?",
                )
                name = node.args.args[1].arg
                for inner in own_nodes(node):
                    for sink in _sinks(inner, study):
                        if broad and _carries(sink, {name}):
                            yield Hit(node=sink, message="the words of every error go to the caller")


def _tainted(handler: ast.ExceptHandler) -> set[str]:
    """Names that hold the error or its words."""
    tainted = {handler.name} if handler.name else set()
    for _ in range(3):
        for node in (inner for statement in handler.body for inner in walk(statement)):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _carries(node.value, tainted):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                tainted |= {one.id for one in targets if isinstance(one, ast.Name)}
    return tainted


def _carries(expression: ast.AST, tainted: set[str]) -> bool:
    """Whether the error's own words are part of a value: not its type's name, nor what it says for callers."""
    match expression:
        case ast.Name():
            return expression.id in tainted
        case ast.Attribute():
            if expression.attr in TOLD or expression.attr.startswith("__") or expression.attr == "response":
                return False
            return _carries(expression.value, tainted)
        case ast.Call():
            if _is_trace(expression):
                return True
            name = words(expression.func).rpartition(".")[2]
            if name in ("type", "isinstance", "id", "len", "bool", "code_of", "hash"):
                return False
            return any(_carries(one, tainted) for one in ast.iter_child_nodes(expression))
        case ast.Lambda() | ast.Compare():
            return False
    return any(
        _carries(one, tainted)
        for one in ast.iter_child_nodes(expression)
        if isinstance(one, ast.expr | ast.keyword | ast.FormattedValue)
    )


def _is_trace(call: ast.Call) -> bool:
    name = words(call.func)
    return name.rpartition(".")[2] in (
        "format_exc",
        "format_exception",
        "format_tb",
        "format_stack",
        "exc_info",
    ) and not name.startswith("log")


def _sinks(node: ast.AST, study: Study) -> Iterator[ast.expr]:
    """What a statement sends to the caller: arguments of HTTP errors and responses, values returned."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        name = study.name_of(node.exc.func)
        if name == "HTTPException" or _is_http_error(node.exc, study):
            yield from _values(node.exc)
    elif isinstance(node, ast.Return) and node.value is not None:
        inner = node.value
        if isinstance(inner, ast.Call):
            if RESPONSES.search(study.name_of(inner.func)) or _is_made_here(inner, study):
                yield from _values(inner)
        elif isinstance(inner, ast.Dict | ast.JoinedStr | ast.Tuple | ast.Name | ast.BinOp):
            yield inner


def _is_http_error(call: ast.Call, study: Study) -> bool:
    """A project's own subclass of `HTTPException`, or a function that makes one."""
    symbol = study.names.callee(call, study.module.around(call))
    if symbol.kind == "class":
        return any(base.last == "HTTPException" for base in study.names.bases(symbol))
    if symbol.function is not None:
        return any(
            isinstance(one, ast.Call) and study.name_of(one.func).endswith("HTTPException") for one in walk(symbol.function)
        )
    return False


def _is_made_here(call: ast.Call, study: Study) -> bool:
    symbol = study.names.callee(call, study.module.around(call))
    if symbol.function is None:
        return False
    return any(
        isinstance(one, ast.Call) and words(one.func).rpartition(".")[2].endswith("Response") for one in walk(symbol.function)
    )


def _values(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (word.value for word in call.keywords)


# -- traces ------------------------------------------------------------------------------------------------------------


def _unlogged(study: Study) -> Iterator[Hit]:
    for handler, route in _handlers(study):
        if route is None or any(_is_logged(node, study) for statement in handler.body for node in walk(statement)):
            continue
        for node in (inner for statement in handler.body for inner in walk(statement)):
            if isinstance(node, ast.Raise) and node.exc is not None and _is_server_fault(node.exc, study) and _loses_cause(node):
                yield Hit(
                    node=node,
                    route=route,
                    message="a failure becomes a 5xx here, and neither a log nor its cause says why",
                    mend="keep_cause",
                )


def _is_logged(node: ast.AST, study: Study) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and bool(LOGGING.search(words(node.func.value)))


def _is_server_fault(raised: ast.expr, study: Study) -> bool:
    return isinstance(raised, ast.Call) and study.name_of(raised.func) == "HTTPException" and _is_failure(raised)


def _loses_cause(node: ast.Raise) -> bool:
    return node.cause is None or (isinstance(node.cause, ast.Constant) and node.cause.value is None)


RULES = (Rule(card=SWALLOWED, check=_swallowed), Rule(card=LEAKED, check=_leaked), Rule(card=UNLOGGED, check=_unlogged))
