"""The list of like words: well formed, and of use."""

from importlib.resources import files

import pytest

from mcp_gateway.ask.engine.synonyms import kin_of, words_like
from mcp_gateway.ask.engine.text import stem_of

LINES = [
    line
    for line in files("mcp_gateway.ask.engine").joinpath("synonyms.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def test_every_line_is_a_kind_and_a_group_of_short_phrases() -> None:
    for line in LINES:
        kind, _, group = line.partition(":")
        phrases = [phrase.split() for part in group.split(">") for phrase in part.split(",")]
        assert kind in ("noun", "verb", "adj", "ask"), line
        assert (">" in group) == (kind != "noun"), line
        assert all(1 <= len(phrase) <= 3 for phrase in phrases), line
        assert len(phrases) >= 2, line


def test_the_list_holds_several_hundred_groups() -> None:
    assert len(LINES) >= 300


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("client", "customer"), ("customers", "client"), ("wages", "salary"), ("titled", "name"), ("oldest", "age"),
        ("expensive", "price"), ("heaviest", "weight"), ("biggest", "population"), ("recent", "date"), ("film", "movie"),
        ("bought", "order"), ("located", "city"), ("born", "birthday"),
    ],
)  # fmt: skip
def test_a_word_knows_another(word: str, other: str) -> None:
    assert stem_of(other) in words_like(word)


def test_phrases_know_phrases() -> None:
    assert ("durat",) in [kin.stems for kin in kin_of("how long")]
    assert ("last", "name") in [kin.stems for kin in kin_of("surname")]


def test_qualities_speak_of_attributes_but_not_the_other_way_round() -> None:
    assert stem_of("expensive") not in words_like("price")


def test_no_word_is_its_own_kin_and_the_likeliest_come_first() -> None:
    for line in LINES:
        word = line.partition(":")[2].split(",")[0].split(">")[0].strip()
        kin = kin_of(word)
        assert all(each.stems != tuple(stem_of(part) for part in word.split()) for each in kin)
        assert [each.trust for each in kin] == sorted((each.trust for each in kin), reverse=True)


def test_an_unknown_word_has_none() -> None:
    assert kin_of("abracadabra") == ()
