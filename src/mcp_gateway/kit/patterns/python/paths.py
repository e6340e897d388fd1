"""Whether something happens on every way through a function that ends without an error.

Not a data-flow engine: blocks, branches, loops, `try` and early returns, as a careful reader follows them. When in doubt the
answer is no.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from mcp_gateway.kit.patterns.python.expressions import words


class Way(Enum):
    """What the ways through a block come to."""

    DONE = "every way that goes on has done it"
    LEFT = "one way leaves the function without it"
    OPEN = "one way goes on without it"


def never(_: object) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """`does`: whether a node does it. `forgives`: whether an `except` clause would swallow its error. `may_lack`: whether the
    thing of
    these words may be absent, so that `if it is None` is no way around it."""

    does: Callable[[ast.AST], bool]
    forgives: Callable[[ast.ExceptHandler], bool] = never
    may_lack: Callable[[str], bool] = never

    def always(self, body: Sequence[ast.stmt] | ast.expr) -> bool:
        """Whether every way that ends without an error does it."""
        if isinstance(body, ast.expr):
            return self._in(body)
        return self._block(body) is Way.DONE

    def _in(self, expression: ast.AST | None) -> bool:
        return expression is not None and any(self.does(node) for node in unconditional(expression))

    def _block(self, statements: Sequence[ast.stmt]) -> Way:
        for statement in statements:
            way = self._statement(statement)
            if way is not Way.OPEN:
                return way
        return Way.OPEN

    def _statement(self, statement: ast.stmt) -> Way:
        match statement:
            case ast.If():
                return Way.DONE if self._in(statement.test) else self._branches(statement)
            case ast.For() | ast.AsyncFor():
                return self._loop(statement.iter, statement.body)
            case ast.While():
                way = self._block(statement.body)
                forever = isinstance(statement.test, ast.Constant) and bool(statement.test.value)
                return way if forever or way is Way.LEFT else Way.DONE if self._in(statement.test) else Way.OPEN
            case ast.With() | ast.AsyncWith():
                if any(self._in(item.context_expr) or self.does(item) for item in statement.items):
                    return Way.DONE
                way = self._block(statement.body)
                suppressed = any(words(item.context_expr).rpartition(".")[2] == "suppress" for item in statement.items)
                return Way.OPEN if suppressed and way is Way.DONE else way
            case ast.Try() | ast.TryStar():
                return self._try(statement)
            case ast.Match():
                ways = [self._block(case.body) for case in statement.cases]
                whole = any(isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None for case in statement.cases)
                return Way.DONE if self._in(statement.subject) else _joined(ways if whole else [*ways, Way.OPEN])
            case ast.Return():
                return Way.DONE if self._in(statement.value) else Way.LEFT
            case ast.Raise():
                return Way.DONE  # no way that ends without an error
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return Way.OPEN
        return Way.DONE if self._in(statement) else Way.OPEN

    def _branches(self, statement: ast.If) -> Way:
        truth = constant_truth(statement.test)
        if truth is not None:
            return self._block(statement.body if truth else statement.orelse)
        absent, present = _about_absence(statement.test)
        body, orelse = self._block(statement.body), self._block(statement.orelse)
        if absent and self.may_lack(absent):
            return orelse  # without the thing nothing is asked of it
        if present and self.may_lack(present) and not statement.orelse:
            return body
        return _joined([body, orelse])

    def _loop(self, iterated: ast.expr, body: list[ast.stmt]) -> Way:
        if self._in(iterated):
            return Way.DONE
        return Way.LEFT if self._block(body) is Way.LEFT else Way.OPEN

    def _try(self, statement: ast.Try | ast.TryStar) -> Way:
        if self._block(statement.finalbody) is Way.DONE:
            return Way.DONE
        way = self._block([*statement.body, *statement.orelse])
        if way is not Way.DONE:
            return way
        forgiven = [self._block(handler.body) for handler in statement.handlers if self.forgives(handler)]
        return _joined([Way.DONE, *forgiven])


def _joined(ways: Sequence[Way]) -> Way:
    if Way.LEFT in ways:
        return Way.LEFT
    return Way.OPEN if Way.OPEN in ways else Way.DONE


def unconditional(expression: ast.AST) -> Iterator[ast.AST]:
    """The node and all in it that is evaluated whenever it is:

    not the bodies of lambdas, nor what stands behind `and`, `or`, `if`.
    """
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case ast.Lambda() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                continue
            case ast.BoolOp():
                waiting.append(node.values[0])
            case ast.IfExp():
                waiting.append(node.test)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                waiting.append(node.generators[0].iter)
            case _:
                waiting.extend(ast.iter_child_nodes(node))


def constant_truth(test: ast.expr) -> bool | None:
    """Whether a test always comes out the same: `False`, `0`, `not True`, `TYPE_CHECKING`, `1 == 2`."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = constant_truth(test.operand)
        return None if inner is None else not inner
    if words(test).rpartition(".")[2] == "TYPE_CHECKING":
        return False
    if isinstance(test, ast.Compare) and isinstance(test.left, ast.Constant) and isinstance(test.comparators[0], ast.Constant):
        same = test.left.value == test.comparators[0].value
        return same if isinstance(test.ops[0], ast.Eq) else (not same) if isinstance(test.ops[0], ast.NotEq) else None
    if isinstance(test, ast.BoolOp):
        known = [constant_truth(one) for one in test.values]
        if isinstance(test.op, ast.And):
            return False if False in known else True if all(one is True for one in known) else None
        return True if True in known else False if all(one is False for one in known) else None
    return None


def _about_absence(test: ast.expr) -> tuple[str, str]:
    """(words of what the test says is absent, words of what it says is there)."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and words(test.left) != "?":
        right = test.comparators[0]
        if isinstance(right, ast.Constant) and right.value is None:
            name = words(test.left)
            return (
                (name, "") if isinstance(test.ops[0], ast.Is) else ("", name) if isinstance(test.ops[0], ast.IsNot) else ("", "")
            )
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and isinstance(test.operand, ast.Name | ast.Attribute):
        return words(test.operand), ""
    if isinstance(test, ast.Name | ast.Attribute):
        return "", words(test)
    return "", ""
