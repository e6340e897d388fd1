"""Which questions lean on the one before, and on what: the cases of followup_cases.txt."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.ask.engine.dates import find_time
from mcp_gateway.ask.engine.followup_words import Leaning, read_leaning

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
CASES = [
    (question.strip(), expected.strip())
    for line in Path(__file__).with_name("followup_cases.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
    for question, _, expected in (line.partition("|"),)
]


def lean(question: str) -> Leaning | None:
    known = [(question.index(word), question.index(word) + len(word)) for word in ("Germany", "France") if word in question]
    return read_leaning(question, find_time(question, NOW), known)


def said(leaning: Leaning | None) -> str:
    """A leaning as the case file writes it."""
    if leaning is None:
        return "alone"
    rest = f'"{" ".join(leaning.rest.split())}"' if leaning.has_rest else ""
    parts = (
        leaning.wish,
        rest,
        str(leaning.number or ""),
        "" if leaning.descending else "up",
        "alternative" if leaning.alternative else "",
        "added" if leaning.added else "",
        "dated" if leaning.dated else "",
    )
    return " ".join(part for part in parts if part)


@pytest.mark.parametrize(("question", "expected"), CASES, ids=[question for question, _ in CASES])
def test_a_question_leans_or_stands_alone(question: str, expected: str) -> None:
    assert said(lean(question)) == expected


@given(st.text(max_size=80))
def test_any_text_is_read_and_keeps_its_places(text: str) -> None:
    leaning = lean(text)
    assert leaning is None or len(leaning.rest) == len(text)
    assert leaning is None or all(new in (old, " ") for new, old in zip(leaning.rest, text, strict=True))
