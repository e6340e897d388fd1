"""What has to be replaced in a text to make another of it, line by line. Neither text is understood."""

from difflib import SequenceMatcher
from io import StringIO

from mcp_gateway.kit.patterns.model import Edit, Place


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
