"""Names of tenants and callers inside keys."""

from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.kit.keys import MAX_PART_BYTES, escape_part, tagged

NAMES = st.text(st.characters(codec="utf-8"), max_size=200)


@given(NAMES)
def test_a_part_holds_no_separator_brace_wildcard_or_line_end(name: str) -> None:
    assert not set(escape_part(name)) & set(":{}*?[]\r\n \\/\0")
    assert len(escape_part(name)) <= MAX_PART_BYTES


@given(NAMES, NAMES)
def test_two_names_never_share_a_part(one: str, other: str) -> None:
    assert (escape_part(one) == escape_part(other)) == (one == other)


def test_long_names_that_differ_only_at_the_end_stay_apart() -> None:
    assert escape_part("t" * 500 + "a") != escape_part("t" * 500 + "b")


def test_a_name_made_to_look_like_a_shortened_one_does_not_meet_it() -> None:
    long = "t" * 500
    assert escape_part(escape_part(long)) != escape_part(long)


def test_a_tenant_cannot_leave_its_hash_tag() -> None:
    assert tagged("a}:{b") == "{a%7D%3A%7Bb}"
