"""Which real name a wrong one is taken for, and when none is."""

import pytest

from mcp_gateway.ask.nearest import clear_winner, nearest, similarity

NAMES = ("customer_name", "customer_id", "country", "list_price", "unit_cost", "birthDate", "email")


@pytest.mark.parametrize(
    ("wrong", "real"),
    [
        ("custmer_name", "customer_name"),
        ("CUSTOMER_NAME", "customer_name"),
        ("customername", "customer_name"),
        ("name", "customer_name"),
        ("client_name", "customer_name"),
        ("contry", "country"),
        ("cuontry", "country"),
        ("nation", "country"),
        ("price", "list_price"),
        ("birth_date", "birthDate"),
        ("emails", "email"),
        ("mail", "email"),
    ],
)
def test_a_slip_a_part_or_a_synonym_leads_to_the_name(wrong: str, real: str) -> None:
    assert clear_winner(nearest(wrong, NAMES)) == real


@pytest.mark.parametrize("wrong", ["zzz", "customer", "shoe_size", "x", ""])
def test_what_is_far_from_all_or_near_to_two_is_not_guessed(wrong: str) -> None:
    assert clear_winner(nearest(wrong, NAMES)) is None


def test_a_word_of_the_language_is_not_taken_for_another_that_looks_like_it() -> None:
    assert clear_winner(nearest("workers", ("orders", "employees", "sales"))) == "employees"


def test_words_of_the_question_settle_a_tie() -> None:
    tie = nearest("id", ("order_id", "product_id"))
    assert clear_winner(tie) is None
    assert clear_winner(tie, ["the", "products"]) == "product_id"


def test_business_words_count_as_the_name() -> None:
    assert clear_winner(nearest("takings", ("amount", "quantity"), {"amount": ("turnover", "takings")})) == "amount"


@pytest.mark.parametrize(("left", "right"), [("a", "b"), ("name", "NAME"), ("", ""), ("ß", "ss"), ("x" * 500, "y")])
def test_similarity_is_a_share(left: str, right: str) -> None:
    assert 0 <= similarity(left, right) <= 1
