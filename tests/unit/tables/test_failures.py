"""Engines' words sorted into kinds."""

from pathlib import Path

import pytest

from mcp_gateway.tables.failures import classify_failure

CASES = [
    tuple(part.strip() for part in line.split("|", 2))
    for line in (Path(__file__).parent / "failures.txt").read_text(encoding="utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]


@pytest.mark.parametrize(("kind", "name", "message"), CASES)
def test_a_message_has_its_kind_and_the_name_it_speaks_of(kind: str, name: str, message: str) -> None:
    failure = classify_failure(message.replace("\\n", "\n"), "SELECT 1")
    assert (failure.kind, failure.name or "") == (kind, name)


def test_the_place_of_the_name_is_found_when_it_stands_once() -> None:
    assert classify_failure("no such column: wrod", "SELECT id, wrod FROM t").position == 11
    assert classify_failure("no such column: wrod", "SELECT wrod, wrod FROM t").position is None
    assert classify_failure("no such column: or", "SELECT word FROM t").position is None


def test_the_databases_words_are_kept_and_bounded() -> None:
    failure = classify_failure("no such column: x " + "y" * 10_000, "SELECT 1")
    assert failure.to_dict()["code"] == "QUERY_FAILED"
    assert len(failure.database_message) <= 600
