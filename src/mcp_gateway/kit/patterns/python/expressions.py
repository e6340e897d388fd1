"""Small readings of expressions and calls."""

import ast

from mcp_gateway.kit.patterns.python.modules import Function, all_parameters


def words(expression: ast.AST) -> str:
    """Dotted words of names and attributes: `self.client.get`; `?` for what has none."""
    if isinstance(expression, ast.Name):
        return expression.id
    if isinstance(expression, ast.Attribute):
        return f"{words(expression.value)}.{expression.attr}"
    if isinstance(expression, ast.Call):
        return words(expression.func)
    if isinstance(expression, ast.Await):
        return words(expression.value)
    return "?"


def argument(call: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    """An argument by keyword, or by position when it stands there."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if (
        position is not None
        and position < len(call.args)
        and not any(isinstance(one, ast.Starred) for one in call.args[: position + 1])
    ):
        return call.args[position]
    return None


def given_to(call: ast.Call) -> list[ast.expr]:
    """The values a call hands over."""
    return [*call.args, *(one.value for one in call.keywords)]


def parameter_of(function: Function, call: ast.Call, value: ast.expr) -> str | None:
    """The name of the parameter that receives `value` in this call; None when nobody can say."""
    for keyword in call.keywords:
        if keyword.value is value:
            return keyword.arg
    names = [one.arg for one in all_parameters(function.args)]
    if names and names[0] in ("self", "cls") and isinstance(call.func, ast.Attribute):
        names = names[1:]
    for index, one in enumerate(call.args):
        if one is value and index < len(names):
            return names[index]
    return None


def is_none(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Constant) and expression.value is None


def quoted(text: str) -> ast.expr | None:
    if len(text) > 300:
        return None
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
