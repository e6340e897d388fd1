"""Foreign text where people read it."""

import pytest

from mcp_gateway.core.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u202eb", "a\\u202eb"),
        ("a\rb\nc", "a\\rb\\nc"),
        ("\ud800", "\\ud800"),
        ("Zürich, 東京", "Zürich, 東京"),
    ],
)
def test_what_moves_colours_hides_or_reverses_is_written_by_its_number(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_may_be_kept() -> None:
    assert visible("a\nb\x1b", keep="\n") == "a\nb\\x1b"
