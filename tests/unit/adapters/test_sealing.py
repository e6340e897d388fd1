"""Secrets at rest: open only with the key and for the context they were sealed for."""

from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.adapters.sealing import Sealing

KEY = Ed25519PrivateKey.generate()
SEALING = Sealing(KEY, "tests")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(secret=TEXTS, context=TEXTS)
def test_what_is_sealed_opens_for_its_context(secret: str, context: str) -> None:
    assert SEALING.open(SEALING.seal(secret, context), context) == secret


@given(secret=TEXTS, context=TEXTS, other=TEXTS)
def test_it_opens_for_no_other_context(secret: str, context: str, other: str) -> None:
    opened = SEALING.open(SEALING.seal(secret, context), other)
    assert opened is None or context == other


def test_it_opens_with_no_other_key_and_for_no_other_purpose() -> None:
    sealed = SEALING.seal("secret", "github")
    assert Sealing(Ed25519PrivateKey.generate(), "tests").open(sealed, "github") is None
    assert Sealing(KEY, "other").open(sealed, "github") is None
    assert Sealing(KEY, "tests").open(sealed, "github") == "secret"


def test_sealing_twice_gives_two_texts() -> None:
    assert SEALING.seal("secret", "github") != SEALING.seal("secret", "github")


def test_nonces_come_from_the_source_given() -> None:
    numbers = count(1)
    sealing = Sealing(KEY, "tests", new_bytes=lambda size: next(numbers).to_bytes(size, "big"))
    assert [sealing.open(sealing.seal("s", "c"), "c") for _ in range(3)] == ["s"] * 3
    assert next(numbers) == 4


@pytest.mark.parametrize("position", range(3, 60, 4))
def test_a_changed_character_is_noticed(position: int) -> None:
    sealed = SEALING.seal("a secret of some length", "github")
    other = "A" if sealed[position] != "A" else "B"
    assert SEALING.open(sealed[:position] + other + sealed[position + 1 :], "github") is None


@given(text=TEXTS)
def test_what_nobody_sealed_does_not_open(text: str) -> None:
    assert SEALING.open(text, "github") is None
    assert SEALING.open(f"v1.{text}", "github") is None
