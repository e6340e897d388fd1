"""Newer syntax said in older words, line for line, so that `ast` of the running Python can read it. Loads LibCST.

What it changes: `except A, B:` (3.14), type parameters and `type` statements (3.12), quotes used again inside f-strings (3.12).
Lines stay; columns behind a change may be off by a few.
"""

from collections.abc import Sequence

import libcst as cst

TRIPLE = '"""'


def as_older(text: str) -> str | None:
    """None when LibCST cannot read it either."""
    try:
        tree = cst.parse_module(text)
        return tree.visit(_Older()).code
    except (cst.ParserSyntaxError, cst.CSTValidationError):
        return None


class _Older(cst.CSTTransformer):
    """Each change keeps the line breaks where they are."""

    def leave_ExceptHandler(self, original_node: cst.ExceptHandler, updated_node: cst.ExceptHandler) -> cst.ExceptHandler:  # noqa: N802  (LibCST's names)
        kind = updated_node.type
        if isinstance(kind, cst.Tuple) and not kind.lpar:
            return updated_node.with_changes(type=kind.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]))
        return updated_node

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:  # noqa: N802
        return updated_node.with_changes(type_parameters=None)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:  # noqa: N802
        return updated_node.with_changes(type_parameters=None)

    def leave_TypeAlias(self, original_node: cst.TypeAlias, updated_node: cst.TypeAlias) -> cst.Assign:  # noqa: N802
        return cst.Assign(targets=[cst.AssignTarget(updated_node.name)], value=updated_node.value)

    def leave_FormattedString(  # noqa: N802
        self, original_node: cst.FormattedString, updated_node: cst.FormattedString
    ) -> cst.FormattedString:
        quote = updated_node.end
        if len(quote) == 1 and _uses(updated_node.parts, quote):
            prefix = updated_node.start[: -len(quote)]
            return updated_node.with_changes(start=prefix + TRIPLE, end=TRIPLE)
        return updated_node


def _uses(parts: Sequence[cst.BaseFormattedStringContent], quote: str) -> bool:
    module = cst.Module([])
    return any(isinstance(part, cst.FormattedStringExpression) and quote in module.code_for_node(part) for part in parts)
