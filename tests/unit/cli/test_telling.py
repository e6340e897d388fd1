"""Lines on a terminal: no name in them is a colour, a jump of the cursor or a line of its own."""

import io

from rich.console import Console
from tests.operations_results import HOSTILE, trouble

from mcp_gateway.cli.telling import print_lines
from mcp_gateway.entrypoints.mcp.operations_text.lines import say
from mcp_gateway.entrypoints.mcp.operations_text.tell import tell


def printed(*texts: str) -> str:
    out = io.StringIO()
    print_lines((say("plain", text) for text in texts), Console(file=out, force_terminal=True, highlight=False, soft_wrap=True))
    return out.getvalue()


def test_what_looks_like_markup_is_printed_as_it_is() -> None:
    assert printed("[bold red]a[/] [link=file:///etc]b") == "[bold red]a[/] [link=file:///etc]b\n"


def test_no_name_sends_anything_to_the_terminal() -> None:
    assert printed(HOSTILE) == HOSTILE.encode("unicode_escape").decode() + "\n"


def test_only_the_lines_own_looks_are_colours() -> None:
    out = io.StringIO()
    lines = list(tell("troubleshoot_production_issue", trouble()))

    print_lines(lines, Console(file=out, no_color=True, highlight=False, soft_wrap=True))

    shown = [line for line in out.getvalue().split("\n") if line]
    assert shown == [line.text for line in lines]
