"""Results of the operations tools on a terminal: the lines of `operations_text`, in colours."""

import sys
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.text import Text

from mcp_gateway.entrypoints.mcp.operations_text.lines import Line, Style

_LOOKS: Mapping[Style, str] = {
    "good": "bold green",
    "poor": "bold yellow",
    "bad": "bold red",
    "unsure": "bold magenta",
    "heading": "bold",
    "soft": "dim",
    "blind": "magenta",
    "command": "cyan",
}


def print_lines(lines: Iterable[Line], console: Console | None = None) -> None:
    """On stdout, or on `console`. What was read is no markup, so nothing in it is a colour."""
    console = console or Console(highlight=False, soft_wrap=True)
    for number, line in enumerate(lines):
        if line.style == "heading" and number:
            console.print()
        console.print(Text(line.text, style=_LOOKS.get(line.style, "")))


def at_a_terminal() -> bool:
    """Whether a person reads stdout; a program gets JSON."""
    return sys.stdout.isatty()
