"""What has to be replaced in a text to make another of it, line by line. Neither text is understood."""

import re
from difflib import SequenceMatcher
from io import StringIO
from typing import Final

from mcp_gateway.kit.patterns.model import Edit, Place

LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def edits_between(before: str, after: str) -> tuple[Edit, ...]:
    """In the order of their places; they do not touch each other. Empty when the texts are the same."""
    old, new = (StringIO(text, newline="\n").readlines() for text in (before, after))
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return tuple(
        Edit(place=_place(old, first, last), text="".join(new[start:end]))
        for kind, first, last, start, end in steps
        if kind != "equal"
    )


def _place(lines: list[str], first: int, last: int) -> Place:
    """From the beginning of one line to the beginning of another; where the text ends inside a line, to its end."""
    (line, column), (end_line, end_column) = (_beginning(lines, number) for number in (first, last))
    return Place(line=line, column=column, end_line=end_line, end_column=end_column)


def _beginning(lines: list[str], number: int) -> tuple[int, int]:
    if number == len(lines) and lines and not lines[-1].endswith("\n"):
        return number, len(lines[-1]) + 1
    return number + 1, 1


def with_edits(text: str, edits: tuple[Edit, ...]) -> str:
    """The text with edits of whole lines, which `edits_between` made of it with `\\n` at every end. What is new ends as the line
    does in whose place, or before which, it stands.
    """
    lines = LINE.findall(text)
    for edit in reversed(edits):
        first, last = edit.place.line - 1, edit.place.end_line - 1
        if edit.place.column > 1:  # behind the last line, which has no end
            first, last = len(lines), len(lines)
        elif edit.place.end_column > 1:
            last = len(lines)
        ends = [end for one in [*lines[first:], *reversed(lines[:first])] if (end := _end(one))] or ["\n"]
        new = StringIO(edit.text, newline="\n").readlines()
        lines[first:last] = [_ended(one, ends[min(number, len(ends) - 1)]) for number, one in enumerate(new)]
    return "".join(lines)


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _ended(line: str, end: str) -> str:
    return line[:-1] + end if line.endswith("\n") else line
