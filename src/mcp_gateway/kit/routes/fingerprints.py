"""Whether a generated file still says what it was made to say: its own fingerprint, in its second line, over all other lines.

A formatter changes nothing of that: looked at are statements and comments, not how they are laid out. Any Python from 3.11 on
comes to the same fingerprint.
"""

import ast
import hashlib
import io
import re
import tokenize
from typing import Final

from mcp_gateway.kit.tame import is_tame

_MARK: Final = "# Fingerprint of all other lines: "
_LINE: Final = re.compile(r"^# Fingerprint of all other lines: ([0-9a-f]{32})$", re.MULTILINE)
_HEAD_CHARACTERS: Final = 1_000


def sealed(code: str) -> str:
    """With its fingerprint behind the first line. Raises `SyntaxError` for what is no Python."""
    first, _, rest = code.partition("\n")
    return f"{first}\n{_MARK}{_digest(code)}\n{rest}"


def is_generated(text: str) -> bool:
    """Whether it was made by `sealed` once, changed or not."""
    return _LINE.search(text.replace("\r\n", "\n"), 0, _HEAD_CHARACTERS) is not None


def is_untouched(text: str) -> bool:
    """Whether nobody has changed what `sealed` made, but for its layout."""
    text = text.replace("\r\n", "\n")
    found = _LINE.search(text, 0, _HEAD_CHARACTERS)
    if found is None:
        return False
    others = text[: found.start()] + text[found.end() + 1 :]
    try:
        return is_tame(others) and found[1] == _digest(others)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def is_the_same(text: str, other: str) -> bool:
    """Whether both say what was made, and the same, laid out in whatever way."""
    return is_untouched(text) and is_untouched(other) and _fingerprint(text) == _fingerprint(other)


def _fingerprint(text: str) -> str:
    found = _LINE.search(text.replace("\r\n", "\n"), 0, _HEAD_CHARACTERS)
    return found[1] if found is not None else ""


def _digest(code: str) -> str:
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    said = repr((_said(ast.parse(code)), comments))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _said(node: object) -> object:
    """The tree without places, and without what is empty: newer Pythons know more fields."""
    if isinstance(node, ast.AST):
        fields = [(name, _said(value)) for name, value in ast.iter_fields(node) if value is not None and value != []]
        return type(node).__name__, fields
    if isinstance(node, list):
        return [_said(one) for one in node]
    return node
