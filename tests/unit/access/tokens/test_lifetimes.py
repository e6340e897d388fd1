"""Lifetimes as people write them."""

import pytest

from mcp_gateway.access.errors import TokenNotIssuable
from mcp_gateway.access.tokens.lifetimes import read_lifetime, write_lifetime


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1_800), ("8h", 28_800), ("7d", 604_800), (" 8H ", 28_800)])
def test_a_number_and_a_unit_is_a_lifetime(text: str, seconds: float) -> None:
    assert read_lifetime(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "8", "h", "-8h", "1.5h", "1h30m", "8 h", "1e3s", "8w", "８h", "99999999d", "8h\x00", "forever"]
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(TokenNotIssuable, match="30m, 8h or 7d"):
        read_lifetime(text)


@pytest.mark.parametrize(("seconds", "text"), [(60, "1m"), (90, "90s"), (86_400, "1d"), (28_800, "8h"), (129_600, "36h")])
def test_a_lifetime_is_said_in_its_largest_unit(seconds: float, text: str) -> None:
    assert write_lifetime(seconds) == text
    assert read_lifetime(text) == seconds
