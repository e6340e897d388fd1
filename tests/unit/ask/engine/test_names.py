"""Names of tables and columns as words."""

import pytest

from mcp_gateway.ask.engine.names import own_words, words_of
from mcp_gateway.ask.engine.text import stem_of, tokenize


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("release_year", ("release", "year")),
        ("OrderDate", ("order", "date")),
        ("countryname", ("country", "name")),
        ("fname", ("first", "name")),
        ("LName", ("last", "name")),
        ("StuID", ("student", "id")),
        ("dept_code", ("department", "code")),
        ("sales.orders", ("orders",)),
    ],
)
def test_a_name_is_split_and_spelled_out(name: str, words: tuple[str, ...]) -> None:
    known = own_words(["country", "students", "orders"])
    assert words_of(name, known) == tuple(stem_of(word) for word in words)


def test_a_denial_in_a_contraction_is_a_word_of_its_own() -> None:
    assert [token.low for token in tokenize("members who don't read")] == ["members", "who", "do", "not", "read"]


def test_quoted_text_numbers_and_possessives_are_told_apart() -> None:
    tokens = tokenize("Ann's books over 1,200 named 'Night Train'")
    assert [(token.kind, token.low) for token in tokens] == [
        ("word", "ann"), ("mark", "'s"), ("word", "books"), ("word", "over"), ("number", "1,200"), ("word", "named"),
        ("quoted", "night train"),
    ]  # fmt: skip
    assert tokens[4].number == 1200


@pytest.mark.parametrize(("text", "number"), [("80k", 80_000), ("1.5 million", 1_500_000), ("$30", 30), ("15%", 15)])
def test_numbers_are_read_as_people_write_them(text: str, number: float) -> None:
    (token,) = tokenize(text)
    assert token.number == number
