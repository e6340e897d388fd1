"""Mending what can be mended safely, through LibCST: all else in the file stays as it is, to the last space. Imported when it
is asked for.

A mended file is judged again: a mend after which its finding is still there, or another has come, is not made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from mcp_gateway.kit.patterns.edits import edits_between
from mcp_gateway.kit.patterns.model import Edit, Finding, FindingEdits, Order, Report
from mcp_gateway.kit.patterns.python.source import Unparsable, read
from mcp_gateway.kit.patterns.validate import validate_source

DETAIL: Final = "The request could not be carried out."
TTL_SECONDS: Final = 300
At: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """`text` is the whole file; `findings` what was mended in it."""

    text: str
    findings: tuple[Finding, ...]


def mend(text: str, findings: tuple[Finding, ...], order: Order, name: str) -> Mended:
    """One mend after the other, each kept only when it helps. `name`: the file's, from the project's folder."""
    done: list[Finding] = []
    for finding in sorted(findings, key=lambda one: (one.place.line, one.place.column), reverse=True):
        change = MENDS.get(finding.mend)
        if change is None or finding.suppressed is not None:
            continue
        changed = _changed(text, finding, change)
        if changed is not None and changed != text and _helps(text, changed, finding, order, name):
            text = changed
            done.append(finding)
    return Mended(text=text, findings=tuple(reversed(done)))


def _changed(text: str, finding: Finding, change: "Callable[[At], cst.CSTTransformer]") -> str | None:
    try:
        wrapper = MetadataWrapper(cst.parse_module(text))
        return wrapper.visit(change((finding.place.line, finding.place.column - 1))).code
    except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError):
        return None


def _helps(before: str, after: str, finding: Finding, order: Order, name: str) -> bool:
    try:
        was = validate_source(before, order, name=name).findings
        now = validate_source(after, order, name=name).findings
    except Unparsable:
        return False
    return len(now) < len(was) and finding.fingerprint not in {one.fingerprint for one in now}


class _AtPlace(cst.CSTTransformer):
    """Changes the nodes that begin at a place."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, at: At) -> None:
        super().__init__()
        self._at = at

    def is_here(self, node: cst.CSTNode) -> bool:
        start = self.get_metadata(PositionProvider, node).start
        return (start.line, start.column) == self._at


class _Reraise(_AtPlace):
    """`except Exception: pass` raises again."""

    def leave_ExceptHandler(self, original_node: cst.ExceptHandler, updated_node: cst.ExceptHandler) -> cst.ExceptHandler:  # noqa: N802  (LibCST's names)
        if not self.is_here(original_node):
            return updated_node
        body = updated_node.body
        if isinstance(body, cst.IndentedBlock):
            return updated_node.with_changes(body=body.with_changes(body=[cst.SimpleStatementLine(body=[cst.Raise()])]))
        return updated_node.with_changes(body=cst.SimpleStatementSuite(body=[cst.Raise()]))


class _PlainDetail(_AtPlace):
    """The words of an error become words of ours."""

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:  # noqa: N802
        return self._plain(original_node, updated_node)

    def leave_FormattedString(  # noqa: N802
        self, original_node: cst.FormattedString, updated_node: cst.FormattedString
    ) -> cst.BaseExpression:
        return self._plain(original_node, updated_node)

    def leave_BinaryOperation(  # noqa: N802
        self, original_node: cst.BinaryOperation, updated_node: cst.BinaryOperation
    ) -> cst.BaseExpression:
        return self._plain(original_node, updated_node)

    def _plain(self, original_node: cst.BaseExpression, updated_node: cst.BaseExpression) -> cst.BaseExpression:
        return cst.SimpleString(f'"{DETAIL}"') if self.is_here(original_node) else updated_node


class _KeepCause(_AtPlace):
    """`raise X` in `except E:` becomes `raise X from error`."""

    def __init__(self, at: At) -> None:
        super().__init__(at)
        self._inside = False

    def visit_ExceptHandler(self, node: cst.ExceptHandler) -> None:  # noqa: N802
        self._inside = False

    def leave_Raise(self, original_node: cst.Raise, updated_node: cst.Raise) -> cst.Raise:  # noqa: N802
        if not self.is_here(original_node):
            return updated_node
        self._inside = True
        return updated_node.with_changes(
            cause=cst.From(item=cst.Name("error"), whitespace_before_from=cst.SimpleWhitespace(" ")),
            whitespace_after_raise=cst.SimpleWhitespace(" "),
        )

    def leave_ExceptHandler(self, original_node: cst.ExceptHandler, updated_node: cst.ExceptHandler) -> cst.ExceptHandler:  # noqa: N802
        if not self._inside or updated_node.type is None:
            return updated_node
        self._inside = False
        if updated_node.name is None:
            return updated_node.with_changes(name=cst.AsName(cst.Name("error")))
        bound = updated_node.name.name
        given = bound if isinstance(bound, cst.Name) else cst.Name("error")
        renamed = updated_node.visit(_Renamed("error", given.value))
        return renamed if isinstance(renamed, cst.ExceptHandler) else updated_node


class _Renamed(cst.CSTTransformer):
    def __init__(self, old: str, new: str) -> None:
        super().__init__()
        self._old, self._new = old, new

    def leave_From(self, original_node: cst.From, updated_node: cst.From) -> cst.From:  # noqa: N802
        item = updated_node.item
        return (
            updated_node.with_changes(item=cst.Name(self._new))
            if isinstance(item, cst.Name) and item.value == self._old
            else updated_node
        )


class _AsyncSleep(_AtPlace):
    """`time.sleep(x)` becomes `await asyncio.sleep(x)`; the import is added."""

    def __init__(self, at: At) -> None:
        super().__init__(at)
        self._changed = False

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:  # noqa: N802
        if not self.is_here(original_node):
            return updated_node
        self._changed = True
        return cst.Await(updated_node.with_changes(func=cst.Attribute(cst.Name("asyncio"), cst.Name("sleep"))))

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:  # noqa: N802
        if not self._changed or _imports(updated_node, "asyncio"):
            return updated_node
        line = cst.SimpleStatementLine(body=[cst.Import(names=[cst.ImportAlias(cst.Name("asyncio"))])])
        body = list(updated_node.body)
        at = next((index for index, one in enumerate(body) if _is_import(one) and not _is_future(one)), len(body[:1]))
        return updated_node.with_changes(body=[*body[:at], line, *body[at:]])


class _AddTtl(_AtPlace):
    """`redis.set(key, value)` gets an end."""

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:  # noqa: N802
        if not self.is_here(original_node) or not _is_set(updated_node):
            return updated_node
        return updated_node.with_changes(args=[*updated_node.args, _keyword("ex", str(TTL_SECONDS))])


def _is_set(node: cst.Call) -> bool:
    return (
        isinstance(node.func, cst.Attribute)
        and node.func.attr.value == "set"
        and not any(one.keyword and one.keyword.value == "ex" for one in node.args)
    )


def _keyword(name: str, value: str) -> cst.Arg:
    equal = cst.AssignEqual(whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace(""))
    return cst.Arg(value=cst.Integer(value), keyword=cst.Name(name), equal=equal)


def _is_import(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.SimpleStatementLine) and isinstance(node.body[0], cst.Import | cst.ImportFrom)


def _is_future(node: cst.CSTNode) -> bool:
    return "__future__" in cst.Module([]).code_for_node(node)


def _imports(module: cst.Module, name: str) -> bool:
    return any(_is_import(one) and f"import {name}" in module.code_for_node(one) for one in module.body)


MENDS: Final[Mapping[str, Callable[[At], cst.CSTTransformer]]] = {
    "reraise": _Reraise,
    "plain_detail": _PlainDetail,
    "keep_cause": _KeepCause,
    "async_sleep": _AsyncSleep,
    "add_ttl": _AddTtl,
}


def mend_file(path: Path, findings: tuple[Finding, ...], order: Order, name: str) -> Mended:
    """The file's text mended; nothing is written. A file that is no UTF-8 is left as it is."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return Mended(text="", findings=())
    return mend(text, findings, order, name)


def edits_of(report: Report, order: Order) -> FindingEdits:
    """What `--fix` would replace for each finding by itself; nothing is written."""
    found: dict[tuple[str, str], tuple[Edit, ...]] = {}
    for file in report.files:
        for one in file.findings:
            if one.mend and one.suppressed is None:
                text = read(order.root / file.file)
                mended = mend(text, (one,), order, file.file)
                if mended.findings:
                    found[file.file, one.fingerprint] = edits_between(text, mended.text)
    return found
