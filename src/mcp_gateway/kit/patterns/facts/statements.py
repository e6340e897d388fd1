"""Small questions about statements and calls that many rules ask."""

import ast
from collections.abc import Iterable

from mcp_gateway.kit.patterns.python.expressions import words
from mcp_gateway.kit.patterns.python.modules import Function, Module
from mcp_gateway.kit.patterns.python.trees import own_nodes, walk

WAITING = {"wait_for", "shield", "timeout", "ensure_future"}


def awaited_call(node: ast.AST) -> ast.Call | None:
    """The call an `await` waits for, also inside `asyncio.wait_for(…)` and `shield(…)`."""
    if not isinstance(node, ast.Await) or not isinstance(node.value, ast.Call):
        return None
    call = node.value
    if words(call.func).rpartition(".")[2] in WAITING and call.args and isinstance(call.args[0], ast.Call):
        return call.args[0]
    return call


def refuses(statements: Iterable[ast.stmt]) -> bool:
    """Whether a block ends the call: it raises or returns."""
    return any(isinstance(one, ast.Raise | ast.Return) for statement in statements for one in walk(statement))


def raises(statements: Iterable[ast.AST]) -> bool:
    return any(isinstance(one, ast.Raise) for statement in statements for one in walk(statement))


def mentions(expression: ast.AST, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in walk(expression))


def verdict_used(node: ast.AST, function: Function | ast.Lambda, module: Module) -> bool:
    """Whether the outcome of an expression decides how the function goes on:

    tested where a branch refuses, returned, or raised.
    """
    child, parent = node, module.parents.get(node)
    while parent is not None and not isinstance(parent, ast.stmt):
        if isinstance(parent, ast.Lambda):
            return True
        child, parent = parent, module.parents.get(parent)
    match parent:
        case ast.If() if child is parent.test:
            return refuses(parent.body) or refuses(parent.orelse)
        case ast.Return() | ast.Raise():
            return True
        case ast.Assign() | ast.AnnAssign():
            targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
            return any(isinstance(one, ast.Name) and _decides(one.id, function) for one in targets)
    walrus = module.parents.get(node)
    return isinstance(walrus, ast.NamedExpr) and _decides(walrus.target.id, function)


def _decides(name: str, function: Function | ast.Lambda) -> bool:
    for node in own_nodes(function):
        if isinstance(node, ast.If) and mentions(node.test, name) and (refuses(node.body) or refuses(node.orelse)):
            return True
        if isinstance(node, ast.Return | ast.Raise) and mentions(node, name):
            return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await) and mentions(node, name):
            called = words(node.value).rpartition(".")[2]
            if called.startswith(("raise", "ensure", "require", "enforce", "check")):
                return True
    return False


def is_stub(function: Function) -> bool:
    """Whether a body does nothing: `pass`, `...`, a docstring, a constant returned."""
    for one in function.body:
        match one:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                continue
            case ast.Return(value=None) | ast.Return(value=ast.Constant()):
                continue
        return False
    return True


def catches_all(handler: ast.ExceptHandler) -> bool:
    """`except:`, `except Exception`, `except BaseException`, also as one of several."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(one is None or words(one).rpartition(".")[2] in ("Exception", "BaseException") for one in kinds)


def ends_in_error(statements: list[ast.stmt]) -> bool:
    """Whether every way through a block raises."""
    for one in statements:
        match one:
            case ast.Raise():
                return True
            case ast.If():
                if one.orelse and ends_in_error(one.body) and ends_in_error(one.orelse):
                    return True
            case ast.With() | ast.AsyncWith():
                if ends_in_error(one.body):
                    return True
            case ast.Try():
                if ends_in_error(one.body) and all(ends_in_error(handler.body) for handler in one.handlers):
                    return True
                if ends_in_error(one.finalbody):
                    return True
    return False
