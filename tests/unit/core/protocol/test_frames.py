"""JSON-RPC messages to values and back, without losing anything."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import parse, parse_object, render

values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_what_is_rendered_is_read_back_as_it_was(value: Json) -> None:
    assert parse(render(value)) == value


@given(values)
def test_it_reads_what_the_standard_library_reads(value: Json) -> None:
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize("digits", [18, 19, 20, 40])
@pytest.mark.parametrize("text", ["{}", "[1, -{}]", '{{"a": {}}}', "{}\n"])
def test_long_numbers_are_not_rounded(digits: int, text: str) -> None:
    body = text.format("9" * digits).encode()

    assert parse(body) == json.loads(body)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"a"', b"[" * 100_000, b"\xff", b'{"a": 1}x'])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its words are for nobody
        parse_object(body)
