"""What is handed to strangers comes back as it was, or not at all."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.access.oauth.seals import Purpose, Seals
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def seals(key: bytes = b"k" * 32) -> tuple[Seals, FixedClock]:
    clock = FixedClock(NOW)
    return Seals(key, clock), clock


VALUES: st.SearchStrategy[Json] = st.text(max_size=100) | st.lists(st.text(max_size=20), max_size=5)


@given(st.dictionaries(st.text(min_size=2, max_size=5), VALUES, max_size=6))
def test_a_document_comes_back_whole(document: dict[str, Json]) -> None:
    made, _ = seals()
    opened = made.open("client", made.seal("client", document, lasts_seconds=60))
    assert opened is not None
    assert {name: value for name, value in opened.items() if name != "e"} == document


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda some: some.hex()))
def test_nothing_else_opens(text: str) -> None:
    made, _ = seals()
    assert made.open("client", text) is None


def test_every_change_of_a_letter_is_seen() -> None:
    made, _ = seals()
    text = made.seal("client", {"n": "Claude", "r": ["https://claude.ai/cb"]}, lasts_seconds=60)
    # The last letter may hold bits that stand for nothing.
    changed = [text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :] for at in range(len(text) - 1)]
    assert [one for one in changed if made.open("client", one) is not None] == []


@pytest.mark.parametrize(("made_for", "opened_for"), [("client", "request"), ("request", "client")])
def test_a_seal_is_of_its_purpose(made_for: Purpose, opened_for: Purpose) -> None:
    made, _ = seals()
    assert made.open(opened_for, made.seal(made_for, {"n": "x"}, lasts_seconds=60)) is None


def test_a_seal_is_of_its_key_and_of_its_time() -> None:
    made, clock = seals()
    other, _ = seals(b"o" * 32)
    text = made.seal("client", {"n": "x"}, lasts_seconds=60)
    assert other.open("client", text) is None
    clock.advance(59)
    assert made.open("client", text) is not None
    clock.advance(1)
    assert made.open("client", text) is None
