"""Patterns: they match what they say, and no pattern takes long."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from types import FrameType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.depth import examples

from mcp_gateway.access.policy.globs import MAX_GLOB_CHARS, compile_glob

patterns = st.text("ab.*?", min_size=1, max_size=12)
texts = st.text("ab.", max_size=14)


@settings(max_examples=examples(200))
@given(patterns, texts)
@example("*?a*a*", "bba")
@example("a*a", "a")
@example("*?", "")
@example("?*?", "a")
@example("a*ab?b*b", "aabbbabbab")
def test_it_matches_as_a_shell_would(pattern: str, text: str) -> None:
    assert compile_glob(pattern).matches(text) == fnmatchcase(text, pattern)


@given(patterns, texts, st.permutations(["x", "é", "_"]))
def test_renaming_letters_in_both_changes_nothing(pattern: str, text: str, letters: list[str]) -> None:
    renamed = str.maketrans(dict(zip("ab.", letters, strict=True)))
    assert compile_glob(pattern).matches(text) == compile_glob(pattern.translate(renamed)).matches(text.translate(renamed))


@given(st.text(min_size=1, max_size=40))
def test_a_name_is_matched_by_itself(name: str) -> None:
    assert compile_glob(name).matches(name)
    assert compile_glob(name, folded=True).matches(name)


@pytest.mark.parametrize(("pattern", "text"), [("ORDERS", "orders"), ("straße", "STRASSE"), ("Ünïq?e", "üNÏQUE")])
def test_folded_patterns_do_not_mind_case(pattern: str, text: str) -> None:
    assert compile_glob(pattern, folded=True).matches(text)
    assert not compile_glob(pattern).matches(text)


@pytest.mark.parametrize("special", ["[ab]", "a|b", "^a$", "\\a", "{a}", "(a)+", "a.c"])
def test_nothing_but_the_two_signs_is_special(special: str) -> None:
    assert compile_glob(special).matches(special)
    assert not compile_glob(special).matches("a")
    assert not compile_glob(special).matches("abc")


@pytest.mark.parametrize("pattern", ["", "a" * (MAX_GLOB_CHARS + 1)])
def test_an_unusable_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="1 to 256"):
        compile_glob(pattern)


@contextmanager
def counted_lines() -> Iterator[list[int]]:
    """How many lines of Python ran: what a match costs, on any machine."""
    lines = [0]

    def trace(_frame: FrameType, event: str, _argument: object) -> object:
        lines[0] += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]  # typeshed wants the function's own type, which cannot be said
    try:
        yield lines
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("piece", ["a*", "*a?", "?*", "a?*b", "*a*b"])
def test_a_hostile_pattern_costs_no_more_than_the_text_is_long(piece: str) -> None:
    glob = compile_glob(f"{(piece * MAX_GLOB_CHARS)[: MAX_GLOB_CHARS - 2]}!*")
    costs = []
    for length in (4_000, 8_000):
        with counted_lines() as lines:
            assert not glob.matches("a" * length)
            assert not glob.matches("ab" * (length // 2) + "?")
        costs.append(lines[0])
    assert costs[1] <= 2.2 * costs[0] + 2_000
    assert costs[1] < 8_000 * 20
