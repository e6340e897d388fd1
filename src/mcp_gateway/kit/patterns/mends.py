"""The mends themselves, on LibCST's tree: each takes a page and gives its new text, or None where it would not be safe.

A mend changes nothing but what stands at its finding, and binds or reads no name that means something else there. Imported
when mends are asked for.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias, TypeVar

import libcst as cst
import libcst.matchers as m
from libcst.metadata import (
    Assignment,
    BaseAssignment,
    ExpressionContext,
    ExpressionContextProvider,
    GlobalScope,
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
    ScopeProvider,
)

from mcp_gateway.kit.patterns.model import Place

DETAIL: Final = "The request could not be carried out."
TTL_SECONDS: Final = 300
# What a caught error may be called, the first that is nowhere else in its function.
CAUSES: Final = ("error", "cause", "caught")
# A `raise` beyond one of these is no part of the handler around it.
WALLS: Final = (cst.FunctionDef, cst.Lambda, cst.ClassDef, cst.ExceptStarHandler)
Node = TypeVar("Node", bound=cst.CSTNode)


class Page:
    """A text's tree and the place of a finding in it. Raises `ParserSyntaxError`."""

    def __init__(self, text: str, place: Place) -> None:
        # Nobody else holds this tree, so it need not be copied.
        self._wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        self._place = place
        self.module = self._wrapper.module
        self.scopes = self._wrapper.resolve(ScopeProvider)
        self.contexts = self._wrapper.resolve(ExpressionContextProvider)
        self._parents = self._wrapper.resolve(ParentNodeProvider)

    def at(self, *kinds: type[Node], whole: bool = False) -> Node | None:
        """The outermost node of these kinds that begins at the place; `whole`: and ends at its end."""
        start = (self._place.line, self._place.column - 1)
        end = (self._place.end_line, self._place.end_column - 1)
        for node, at in self._wrapper.resolve(PositionProvider).items():
            if (
                isinstance(node, kinds)
                and (at.start.line, at.start.column) == start
                and (not whole or (at.end.line, at.end.column) == end)
            ):
                return node
        return None

    def around(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What a node stands in, the innermost first."""
        parent = self._parents.get(node)
        while parent is not None:
            yield parent
            parent = self._parents.get(parent)

    def with_change(self, old: cst.CSTNode, new: cst.CSTNode) -> cst.Module:
        changed = self.module.deep_replace(old, new)
        assert isinstance(changed, cst.Module)  # noqa: S101  (no mend replaces the whole)
        return changed


def reraise(page: Page) -> str | None:
    """`except Exception: pass` raises again."""
    handler = page.at(cst.ExceptHandler)
    empty = m.findall(handler.body, m.Pass() | m.Expr(value=m.Ellipsis())) if handler is not None else ()
    if len(empty) != 1:
        return None
    old = empty[0]
    assert isinstance(old, cst.Pass | cst.Expr)  # noqa: S101  (nothing else was looked for)
    return page.with_change(old, cst.Raise(semicolon=old.semicolon)).code


def plain_detail(page: Page) -> str | None:
    """The words of an error become words of ours."""
    words = page.at(cst.Call, cst.FormattedString, cst.ConcatenatedString, cst.BinaryOperation, whole=True)
    if words is None:
        return None
    return page.with_change(words, cst.SimpleString(f'"{DETAIL}"', lpar=words.lpar, rpar=words.rpar)).code


def keep_cause(page: Page) -> str | None:
    """`raise X` in `except E:` becomes `raise X from error`."""
    raised = page.at(cst.Raise)
    handler = _handler_of(page, raised) if raised is not None else None
    if raised is None or handler is None or handler.type is None:
        return None
    name = _bound(page, handler) if handler.name is not None else _free(page, handler)
    if name is None:
        return None
    caused = handler.deep_replace(raised, _from(raised, name))
    assert isinstance(caused, cst.ExceptHandler)  # noqa: S101  (a statement in it was replaced)
    if handler.name is None:
        caused = caused.with_changes(name=cst.AsName(cst.Name(name)))
    return page.with_change(handler, caused).code


def _handler_of(page: Page, raised: cst.Raise) -> cst.ExceptHandler | None:
    """The one whose error is at hand where this is raised."""
    for one in page.around(raised):
        if isinstance(one, cst.ExceptHandler):
            return one
        if isinstance(one, WALLS):
            return None
    return None


def _bound(page: Page, handler: cst.ExceptHandler) -> str | None:
    """The handler's own name for its error; None when it is given to something else in there."""
    name = cst.ensure_type(cst.ensure_type(handler.name, cst.AsName).name, cst.Name).value
    again = (
        one
        for one in m.findall(handler.body, m.Name(value=name))
        if page.contexts.get(one) in (ExpressionContext.STORE, ExpressionContext.DEL)
    )
    return None if any(again) else name


def _free(page: Page, handler: cst.ExceptHandler) -> str | None:
    """A name that means nothing yet: Python deletes it at the end of the handler."""
    functions = [one for one in page.around(handler) if isinstance(one, cst.FunctionDef)]
    used = {cst.ensure_type(one, cst.Name).value for one in m.findall(functions[-1] if functions else page.module, m.Name())}
    return next((name for name in CAUSES if name not in used), None)


def _from(raised: cst.Raise, name: str) -> cst.Raise:
    if isinstance(raised.cause, cst.From):
        return raised.with_changes(cause=raised.cause.with_changes(item=cst.Name(name)))
    return raised.with_changes(cause=cst.From(item=cst.Name(name), whitespace_before_from=cst.SimpleWhitespace(" ")))


def async_sleep(page: Page) -> str | None:
    """`time.sleep(x)` becomes `await asyncio.sleep(x)`; the import is added."""
    call = page.at(cst.Call, whole=True)
    if call is None or not _may_wait(page, call):
        return None
    scope = page.scopes[call]
    known = scope["asyncio"] if scope is not None else set()
    if not all(_is_for_all(page, one) for one in known) or m.findall(page.module, m.ImportStar()):
        return None
    awaited = cst.Await(call.with_changes(func=cst.Attribute(cst.Name("asyncio"), cst.Name("sleep"))))
    changed = page.with_change(call, awaited)
    return (changed if known else _importing_asyncio(changed)).code


def _may_wait(page: Page, call: cst.Call) -> bool:
    """Whether it is a statement of its own, of an `async def`."""
    inner = next((one for one in page.around(call) if isinstance(one, cst.FunctionDef | cst.ClassDef | cst.Lambda)), None)
    statement = next(page.around(call), None)
    return isinstance(statement, cst.Expr) and isinstance(inner, cst.FunctionDef) and inner.asynchronous is not None


def _is_for_all(page: Page, name: BaseAssignment) -> bool:
    """Whether it is bound by `import asyncio` for the whole module, whatever else happens."""
    plain = m.Import(names=[m.ZeroOrMore(), m.ImportAlias(name=m.Name("asyncio"), asname=None), m.ZeroOrMore()])
    lines = (one for one in page.module.body if isinstance(one, cst.SimpleStatementLine))
    return (
        isinstance(name, Assignment)
        and isinstance(name.scope, GlobalScope)
        and any(name.node is one and m.matches(one, plain) for line in lines for one in line.body)
    )


def _importing_asyncio(module: cst.Module) -> cst.Module:
    """Before the first import, behind the module's words and what it takes from `__future__`."""
    body = list(module.body)
    first = next((index for index, one in enumerate(body) if not _is_first(one)), len(body))
    at = next((index for index, one in enumerate(body) if index >= first and _is_import(one)), first)
    line = cst.SimpleStatementLine(body=[cst.Import(names=[cst.ImportAlias(cst.Name("asyncio"))])])
    return module.with_changes(body=[*body[:at], line, *body[at:]])


def _is_first(node: cst.CSTNode) -> bool:
    words = m.Expr(value=m.SimpleString() | m.ConcatenatedString())
    future = m.ImportFrom(module=m.Name("__future__"))
    return m.matches(node, m.SimpleStatementLine(body=[words | future, m.ZeroOrMore()]))


def _is_import(node: cst.CSTNode) -> bool:
    return m.matches(node, m.SimpleStatementLine(body=[m.Import() | m.ImportFrom(), m.ZeroOrMore()]))


def add_ttl(page: Page) -> str | None:
    """`redis.set(key, value)` gets an end; one with more to say does not."""
    call = page.at(cst.Call, whole=True)
    if call is None or len(call.args) != 2 or any(one.star or one.keyword for one in call.args):
        return None
    equal = cst.AssignEqual(whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace(""))
    ends = cst.Arg(value=cst.Integer(str(TTL_SECONDS)), keyword=cst.Name("ex"), equal=equal)
    return page.with_change(call, call.with_changes(args=[*call.args, ends])).code


Mend: TypeAlias = Callable[[Page], str | None]
MENDS: Final[Mapping[str, Mend]] = {
    "reraise": reraise,
    "plain_detail": plain_detail,
    "keep_cause": keep_cause,
    "async_sleep": async_sleep,
    "add_ttl": add_ttl,
}
