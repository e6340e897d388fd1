"""Rules as text and back, and what is refused on the way in."""

import json
from datetime import UTC, datetime

import pytest

from mcp_gateway.core.errors import Json
from mcp_gateway.kit.errors import InvalidRule
from mcp_gateway.kit.limits.documents import from_document, from_text, to_text
from mcp_gateway.kit.limits.rules import ConcurrencyRule, Rule, RuleSet

RULES = RuleSet(
    rules=(
        Rule(name="tenant", limit=10, window_seconds=60),
        Rule(
            name="tenant",
            limit=90,
            window_seconds=60,
            tenants=("acme",),
            expires_at=datetime(2026, 12, 1, tzinfo=UTC),
            author="ops",
            reason="launch day",
        ),
        Rule(name="flow", limit=9, window_seconds=0.5, algorithm="gcra", burst=2, scope="caller", shadow=True, visible=False),
    ),
    concurrency=(ConcurrencyRule(name="slots", limit=4, lease_seconds=5.0, when_away="open"),),
    weights={"export": 5},
    reads=("list_*",),
    revision=3,
)


def test_a_rule_set_survives_the_way_to_text_and_back() -> None:
    assert from_text(to_text(RULES), revision=3) == RULES


def test_what_is_at_its_default_is_not_written() -> None:
    assert json.loads(to_text(RULES))["rules"][0] == {"name": "tenant", "limit": 10, "window_seconds": 60}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "object"),
        ({"rulez": []}, "object"),
        ({"rules": {}}, "list"),
        ({"rules": ["x"]}, "object"),
        ({"rules": [{"name": "a", "limit": 1}]}, "window_seconds is missing"),
        ({"rules": [{"name": "a", "limit": "1", "window_seconds": 1}]}, "limit has the wrong type"),
        ({"rules": [{"name": "a", "limit": True, "window_seconds": 1}]}, "limit has the wrong type"),
        ({"rules": [{"name": "a", "limit": None, "window_seconds": 1}]}, "limit has the wrong type"),
        ({"rules": [{"name": "a", "limit": 1, "window_seconds": 1, "limti": 2}]}, "no field limti"),
        ({"rules": [{"name": "a", "limit": 1, "window_seconds": 1, "operations": "ask"}]}, "operations has the wrong type"),
        ({"rules": [{"name": "a", "limit": 1, "window_seconds": 1, "expires_at": "soon"}]}, "expires_at"),
        ({"rules": [{"name": "a", "limit": 1, "window_seconds": 1, "scope": "planet"}]}, "scope"),
        ({"weights": {"ask": 0}}, "weight"),
        ({"weights": {"ask": "1"}}, "whole number"),
        ({"reads": "list_*"}, "reads"),
    ],
    ids=str,
)
def test_a_wrong_document_is_refused_by_the_name_of_what_is_wrong(document: Json, said: str) -> None:
    with pytest.raises(InvalidRule) as told:
        from_document(document)
    assert said in told.value.message


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "x" * 1_000_001])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(InvalidRule):
        from_text(text)
