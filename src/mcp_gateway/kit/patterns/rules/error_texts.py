"""What callers are told of an error are words of ours, never the error's own."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import parameter_of, words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS
from mcp_gateway.kit.patterns.python.trees import own_nodes, walk
from mcp_gateway.kit.patterns.rules.errors import error_handlers
from mcp_gateway.kit.patterns.study import Hit, Rule, Study
from mcp_gateway.kit.patterns.web.model import Route

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
# What every error has: the words it was raised with, and what it was raised from.
INHERITED: Final = {"args", "__cause__", "__context__", "__traceback__", "__dict__"}
RESPONSES: Final = re.compile(r"Response$|^HTTPException$|Problem|Error$|problem_response|^dict$")

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


def _leaked(study: Study) -> Iterator[Hit]:
    for handler, route in error_handlers(study):
        tainted = _tainted(handler)
        for node in (inner for statement in handler.body for inner in walk(statement)):
            for sink in _sinks(node, study):
                if _carries(sink, tainted) and not _is_told(sink, node, handler, study):
                    yield Hit(
                        node=sink,
                        route=route,
                        message="the words of the error caught here go to the caller",
                        mend="plain_detail" if _is_text(sink) else "",
                    )
    seen: set[ast.AST | None] = {None}
    for route in study.routes:
        if route.function not in seen:  # a handler under many paths is read once
            seen.add(route.function)
            yield from _traces(study, route)
    yield from _exception_handlers(study)


def _is_text(sink: ast.expr) -> bool:
    """Surely a text, so that another can stand in its place; an object's own shape is not ours to change."""
    match sink:
        case ast.JoinedStr():
            return True
        case ast.Constant():
            return isinstance(sink.value, str)
        case ast.BinOp(op=ast.Add()):
            return _is_text(sink.left) or _is_text(sink.right)
        case ast.BinOp(op=ast.Mod()):
            return _is_text(sink.left)
        case ast.Call(func=ast.Name(id="str" | "repr")):
            return True
        case ast.Call(func=ast.Attribute(value=formatted, attr="format")):
            return _is_text(formatted)
    return False


def _is_told(sink: ast.expr, statement: ast.AST, handler: ast.ExceptHandler, study: Study) -> bool:
    """Whether an error of the project's own gives only its fields: here, or in the function that makes an answer of it."""
    if not _is_own(handler, study) or handler.name is None:
        return False
    if isinstance(sink, ast.Attribute):
        return isinstance(sink.value, ast.Name) and sink.value.id == handler.name and sink.attr not in INHERITED
    call = statement.value if isinstance(statement, ast.Return) else None
    if not isinstance(call, ast.Call) or not isinstance(sink, ast.Name):
        return False
    function = study.names.callee(call, study.module.around(call)).function
    name = parameter_of(function, call, sink) if function is not None else None
    return name is not None and not any(_gives_words(node, name) for node in walk(function))  # type: ignore[arg-type]  # it has a parameter


def _is_own(handler: ast.ExceptHandler, study: Study) -> bool:
    """Whether all it catches are classes of the project."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    scope = study.module.around(handler)
    return all(one is not None and study.names.resolve(one, scope).kind == "class" for one in kinds)


def _gives_words(node: ast.AST, name: str) -> bool:
    """The error itself put anywhere, but for its fields and the question what it is."""
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == name and node.attr in INHERITED
    inside = node.args if isinstance(node, ast.Call) and words(node.func) not in ("isinstance", "type") else ()
    values = [node.value] if isinstance(node, ast.FormattedValue | ast.Return | ast.Assign | ast.keyword) else inside
    return any(isinstance(one, ast.Name) and one.id == name for one in values)


def _traces(study: Study, route: Route) -> Iterator[Hit]:
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


RULES = (Rule(card=LEAKED, check=_leaked),)
