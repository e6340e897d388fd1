"""Words that are numbers or places."""

import pytest

from mcp_gateway.ask.engine.lexicon import number_word
from mcp_gateway.ask.engine.number_words import ordinal_value, small_number


@pytest.mark.parametrize(
    ("word", "value"),
    [("zero", 0), ("seven", 7), ("nineteen", 19), ("fourty", 40), ("ninety", 90), ("30", 30), ("a", 1), ("an", 1)],
)
def test_a_small_number_is_read(word: str, value: int) -> None:
    assert small_number(word) == value


@pytest.mark.parametrize("word", ["", "orders", "1,200", "1.5", "\u00b2", "9" * 10])
def test_anything_else_is_no_small_number(word: str) -> None:
    assert small_number(word) is None


@pytest.mark.parametrize(("word", "place"), [("first", 1), ("third", 3), ("hundredth", 100), ("2nd", 2), ("21st", 21)])
def test_a_place_is_read(word: str, place: int) -> None:
    assert ordinal_value(word) == place


def test_a_plain_number_is_no_place() -> None:
    assert ordinal_value("three") is None


@pytest.mark.parametrize(("word", "value"), [("twice", 2), ("thirteen", 13), ("hundred", 100)])
def test_how_often_is_a_number_too(word: str, value: int) -> None:
    assert number_word(word) == value


def test_an_article_is_no_number_in_a_condition() -> None:
    assert number_word("a") is None
