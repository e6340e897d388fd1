"""Errors are not hidden: caught narrowly, and logged."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.facts.statements import catches_all, ends_in_error
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS
from mcp_gateway.kit.patterns.python.trees import own_nodes, walk
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Route

LOGGING: Final = re.compile(r"(^|_|\.)(log|logger|logging)(\.|$)", re.IGNORECASE)
WITH_TRACE: Final = {"exception", "capture_exception"}

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


def error_handlers(study: Study) -> Iterator[tuple[ast.ExceptHandler, Route | None]]:
    """Each `except` of the module with the handler it stands in."""
    routes = study.by_function
    for node in walk(study.module.tree):
        if isinstance(node, ast.ExceptHandler):
            yield node, routes.get(_holder(study, node))


def _holder(study: Study, node: ast.AST) -> ast.AST | None:
    """The outermost function a node stands in."""
    found, parent = None, study.module.parents.get(node)
    while parent is not None:
        found = parent if isinstance(parent, FUNCTIONS) else found
        parent = study.module.parents.get(parent)
    return found


def _swallowed(study: Study) -> Iterator[Hit]:
    for handler, route in error_handlers(study):
        if not _catches_all(handler, study) or ends_in_error(handler.body) or _reraises_somewhere(handler):
            continue
        if handler.type is not None and _answers_loudly(handler, study):
            continue
        what = "every error" if handler.type is None else f"every {ast.unparse(handler.type)}"
        yield Hit(
            node=handler,
            route=route,
            message=f"{what} is caught here and not raised again",
            mend="reraise" if _is_nothing(handler.body) else "",
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
    routes = study.by_function
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


def _is_nothing(body: list[ast.stmt]) -> bool:
    """`pass` or `...` alone: what is written beside it is said for people."""
    one = body[0]
    dots = isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and one.value.value is ...
    return len(body) == 1 and (dots or isinstance(one, ast.Pass))


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
    said = [one.value for one in handler.body if isinstance(one, ast.Return) and one.value is not None]
    said += [one.value for one in handler.body if isinstance(one, ast.Assign) and _is_returned(one.targets[0], handler, study)]
    return logged and any(_is_failure(one) or _is_told(one, handler, study) for one in said)


def _is_returned(target: ast.expr, handler: ast.ExceptHandler, study: Study) -> bool:
    """Whether the answer made here is what the function around it gives back: it has one `return`, of this name."""
    holder = study.module.around(handler).node
    given = [one.value for one in own_nodes(holder) if isinstance(one, ast.Return)] if isinstance(holder, FUNCTIONS) else []
    last = given[-1] if given else None
    return isinstance(target, ast.Name) and isinstance(last, ast.Name) and last.id == target.id


def _is_told(value: ast.expr, handler: ast.ExceptHandler, study: Study) -> bool:
    """`{"healthy": False, "error": "…"}` for the project's own caller, which is no handler of a route."""
    if study.module.around(handler).node in study.by_function or not isinstance(value, ast.Dict):
        return False
    return any(isinstance(key, ast.Constant) and key.value == "error" for key in value.keys)


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


# -- traces ------------------------------------------------------------------------------------------------------------


def _unlogged(study: Study) -> Iterator[Hit]:
    for handler, route in error_handlers(study):
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


RULES = (Rule(card=SWALLOWED, check=_swallowed), Rule(card=UNLOGGED, check=_unlogged))
