"""A word is found however it is spelled, the best meaning first."""

import pytest

from mcp_gateway.core.vocabulary import Entity, Metric, Period, Term, Vocabulary
from mcp_gateway.glossary.lookup import look_up

WAND = Entity(
    kind="product", label="Magic Wand Pro", table="products", column="id", value=123, aliases=("abracadabra", "the wand")
)
CAFE = Entity(kind="shop", label="Café Crème", table="shops", column="id", value=1, aliases=("cafe",))
REVENUE = Metric(name="revenue", aliases=("turnover",), table="sales", expression={"default": "SUM(sales.amount)"})
TODAY = Period(aliases=("today",), start={"default": "CURRENT_DATE"}, end={"default": "CURRENT_DATE + 1"})
CLIENT = Term(aliases=("client",), table="customers")
WORDS = Vocabulary(entities=(WAND, CAFE), metrics=(REVENUE,), terms=(CLIENT,), periods=(TODAY,))


@pytest.mark.parametrize(
    ("term", "meaning", "score"),
    [
        ("abracadabra", WAND, 1.0),
        ("ABRACADABRA", WAND, 1.0),
        ("magic wand pro", WAND, 1.0),
        ("café crème", CAFE, 1.0),
        ("CAFE CREME", CAFE, 1.0),
        ("  the   wand ", WAND, 1.0),
        ("revenue", REVENUE, 1.0),
        ("turnovr", REVENUE, 0.93),
        ("clients", CLIENT, 0.92),
        ("today", TODAY, 1.0),
    ],
)
def test_a_word_is_found_spelled_nearly_so(term: str, meaning: object, score: float) -> None:
    best = look_up(WORDS, term, 5)[0]
    assert best.item == meaning
    assert best.score == pytest.approx(score, abs=0.01)


def test_an_unknown_word_means_nothing() -> None:
    assert look_up(WORDS, "zeppelin", 5) == ()


def test_each_meaning_comes_once_with_its_best_word() -> None:
    found = look_up(WORDS, "the wand", 5)
    assert [(one.item, one.word) for one in found] == [(WAND, "the wand")]


def test_no_more_meanings_come_than_are_wanted() -> None:
    many = Vocabulary(terms=tuple(Term(aliases=(f"client{number}",), table="t") for number in range(50)))
    assert len(look_up(many, "client1", 3)) == 3
