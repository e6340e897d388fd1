"""A Python file as text and as a tree. Syntax newer than the running Python is rewritten first (`rephrasing.py`,
`formatted.py`).

Every file is hostile: bounded in size and depth, decoded as it declares itself, and never run.
"""

import ast
import codecs
import io
import os
import stat
import tokenize
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcp_gateway.kit.patterns.python.formatted import unnested
from mcp_gateway.kit.patterns.python.rephrasing import rephrased

MAX_BYTES: Final = 2_000_000
# Those that cost what their bytes cost. Python has others that never decode, or for seconds.
ENCODINGS: Final = frozenset({"utf-8", "utf-8-sig", "ascii", "iso8859-1", "iso8859-15", "cp1252"})


class Unparsable(Exception):
    """Why a file has no tree."""


@dataclass(frozen=True, slots=True)
class Source:
    """`lines` without their ends; line 1 is `lines[0]`. Columns in the tree are UTF-8 bytes, as `ast` has them."""

    path: Path
    text: str
    lines: tuple[str, ...]
    tree: ast.Module

    def column(self, line: int, offset: int) -> int:
        """The column from 1 in characters for a byte offset from 0."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return offset + 1 if text.isascii() else len(text.encode()[:offset].decode(errors="replace")) + 1


def read(path: Path) -> str:
    """The text of a file. Raises `Unparsable`."""
    return decode(read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """The whole of a regular file. Raises `Unparsable`."""
    data = read_start(path)
    if len(data) > MAX_BYTES:
        raise Unparsable(f"larger than {MAX_BYTES:,} bytes")
    return data


def read_start(path: Path) -> bytes:
    """The first bytes of a regular file, one more than may be. A pipe or the like is not waited for. Raises `Unparsable`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unparsable("not a regular file")
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unparsable(f"cannot be read: {error.strerror or type(error).__name__}") from error


def decode(data: bytes) -> str:
    """As Python itself reads source: a mark of order, a declared encoding of those in `ENCODINGS`, UTF-8. Raises `Unparsable`."""
    try:
        return normal(data.decode(encoding_of(data)))
    except UnicodeError as error:
        raise Unparsable(f"its encoding cannot be read: {error}"[:200]) from error


def encoding_of(data: bytes) -> str:
    """What a source's bytes are decoded by, a mark of order left out. Raises `Unparsable`."""
    try:
        declared, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except (SyntaxError, LookupError) as error:
        raise Unparsable(f"its encoding cannot be read: {error}"[:200]) from error
    name = codecs.lookup(declared).name
    if name not in ENCODINGS:
        raise Unparsable(f"its encoding is none that is read here: {name[:40]!r}")
    return name


def normal(text: str) -> str:
    """Each line ended by `\\n`, as trees count lines."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse(path: Path, text: str) -> Source:
    """Raises `Unparsable`."""
    try:
        tree = _tree(text)
    except SyntaxError as error:
        tree = _rewritten(text, error)
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unparsable(f"no Python: {type(error).__name__}"[:200]) from error
    return Source(path, text, tuple(text.split("\n")), tree)


def _tree(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a stranger's escapes are worth is not ours to say
        return ast.parse(text)


def _rewritten(text: str, error: SyntaxError) -> ast.Module:
    older = rephrased(text)
    for one in (older, unnested(older)):
        try:
            return _tree(one)
        except SyntaxError:
            continue
        except (ValueError, RecursionError, MemoryError):
            break
    raise Unparsable(f"line {error.lineno}: {error.msg}"[:200]) from error
