"""Questions put more plainly, with the places of what was found in them; and questions no table can answer."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.ask.engine.beyond import reason_beyond
from mcp_gateway.ask.engine.wordings import put_plainly
from mcp_gateway.ask.model import DraftRequest, ValueMatch
from mcp_gateway.core.schema import DatabaseSchema

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
NOTHING = DatabaseSchema(dialect="duckdb", tables=())


def request(question: str, value: str = "") -> DraftRequest:
    start = question.find(value) if value else -1
    match = ValueMatch(start=start, end=start + len(value), table="t", column="c", value=value, score=1.0, how="exact")
    return DraftRequest(question=question, schema=NOTHING, now=NOW, values=(match,) if start >= 0 else ())


@pytest.mark.parametrize(
    ("question", "plainer"),
    [
        ("Could you please tell me how many people work here?", "how many people work here?"),
        ("nr of orders placed by phone", "number of orders placed by phone"),
        ("Break down revenue by channel", "revenue by channel"),
        ("how did revenue develop month by month in 2025?", "revenue month by month in 2025?"),
        ("what was our best month in terms of units sold?", "which month had the highest units sold"),
        ("when did Farouk Foods last order?", "latest order date of Farouk Foods"),
        ("number of customers outside of Germany", "number of customers not in Germany"),
        ("products heavier than 10 kg", "products heavier than 10"),
        ("revenue by region", "revenue by region"),
    ],
)
def test_a_question_is_put_plainly(question: str, plainer: str) -> None:
    assert put_plainly(request(question)).question.strip() == plainer


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("Could you please show me orders from Farouk Foods?", "Farouk Foods"),
        ("when did Magic Wand Pro last sell?", "Magic Wand Pro"),
        ("our biggest customers by revenue in Kenya, top ten please", "Kenya"),
        ("number of customers outside of Germany", "Germany"),
    ],
)
def test_a_value_moves_with_its_words(question: str, value: str) -> None:
    moved = put_plainly(request(question, value))
    (match,) = moved.values
    assert moved.question[match.start : match.end] == value


@given(st.text(max_size=60), st.integers(0, 59), st.integers(1, 60))
def test_places_stay_within_any_text(text: str, start: int, end: int) -> None:
    if start >= end or end > len(text):
        return
    match = ValueMatch(start=start, end=end, table="t", column="c", value="x", score=1.0, how="exact")
    moved = put_plainly(DraftRequest(question=text, schema=NOTHING, now=NOW, values=(match,)))
    assert all(0 <= each.start < each.end <= len(moved.question) for each in moved.values)


@pytest.mark.parametrize(
    "question",
    [
        "Should we hire more people?",
        "Predict revenue for next year",
        "Why did revenue fall in January?",
        "What would revenue be if prices rose by 10 percent?",
        "Is our margin good?",
        "Delete all cancelled orders",
        "Send an email to all churned customers",
        "Rename the category Garden to Outdoor",
    ],
)
def test_what_no_table_can_answer_is_said(question: str) -> None:
    assert reason_beyond(question)


@pytest.mark.parametrize(
    "question",
    [
        "revenue this year",
        "Which books are in print?",
        "update dates of the products",
        "ship dates of the last orders",
        "refund amounts by month",
        "what is the cancel reason of order 5",
        "How many orders will be shipped tomorrow",
        "orders created last week",
    ],
)
def test_plain_questions_are_not_refused(question: str) -> None:
    assert reason_beyond(question) is None
