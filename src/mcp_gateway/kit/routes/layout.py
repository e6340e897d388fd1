"""The shape of generated code: as `ruff format` leaves it, whatever the names in it are, at any line length from 88 up.

Templates write every list of arguments with one on each line and a comma behind the last; here what fits on one line is
joined, from the outside in. What stays apart keeps its last comma, which formatters respect.
"""

import io
import re
import tokenize
from typing import Final, NamedTuple

WIDTH: Final = 88

_OPENING, _CLOSING = "([{", ")]}"
_BLANKS_IN_BLOCK = re.compile(r"\n{3,}(?=[ ])")
_BLANKS = re.compile(r"\n{4,}")


class _Group(NamedTuple):
    """Lines (from 0) of an opening bracket at the end of its line and of its closing one at the beginning of its."""

    first: int
    last: int


def laid_out(code: str) -> str:
    """Raises `tokenize.TokenError` or `IndentationError` for what is no Python."""
    lines = _BLANKS.sub("\n\n\n", _BLANKS_IN_BLOCK.sub("\n\n", code)).strip("\n").split("\n")
    while _join_once(lines):
        pass
    return "\n".join(lines) + "\n"


def _join_once(lines: list[str]) -> bool:
    """Join what fits, outer ones first; whether anything was."""
    gone: set[int] = set()
    for first, last in _groups(lines):
        if first in gone or last in gone:
            continue
        joined = _joined(lines[first : last + 1])
        if joined is not None and len(joined) <= WIDTH:
            lines[first] = joined
            gone.update(range(first + 1, last + 1))
    lines[:] = [line for number, line in enumerate(lines) if number not in gone]
    return bool(gone)


def _groups(lines: list[str]) -> list[_Group]:
    """Outer ones before those inside."""
    found: list[_Group] = []
    open_at: list[tuple[int, int]] = []
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
        if token.type != tokenize.OP:
            continue
        if token.string in _OPENING:
            open_at.append((token.start[0] - 1, token.end[1]))
        elif token.string in _CLOSING:
            first, end = open_at.pop()
            last = token.start[0] - 1
            ends_line = end == len(lines[first].rstrip())
            if last > first and ends_line and lines[last].lstrip().startswith(token.string) and lines[last - 1].endswith(","):
                found.append(_Group(first, last))
    return sorted(found, key=lambda group: (group.first, -group.last))


def _joined(lines: list[str]) -> str | None:
    """On one line; None when a comment or a tuple of one keeps it apart."""
    text = lines[0]
    for line in lines[1:]:
        bare = line.strip()
        if bare.startswith(("#", "for ")) or "  # " in bare:
            return None
        if bare[0] in _CLOSING and text.endswith(","):
            text = text[:-1] + bare
        else:
            text += bare if text[-1] in _OPENING else f" {bare}"
    return text
