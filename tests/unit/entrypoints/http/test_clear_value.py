"""The quick reader of bodies is never sure where the careful one has doubts."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.depth import examples

from mcp_gateway.entrypoints.http.strict_json import clear_value, find_ambiguity

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_what_it_reads_is_what_was_written_and_in_no_doubt(value: Any) -> None:
    body = json.dumps(value).encode()
    read = clear_value(body)
    if read is not None:
        assert read == value
        assert find_ambiguity(body) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"name":1,"Name":2}',
        b'{"a":{"b":1,"b":2}}',
        b'[{"x":1},{"b":1,"\\u0062":2}]',
        b'{"a":"\\"b\\":","a":1}',
        b'{"a":1,"a" :2}',
        b'{"a":1,"a"\n:2}',
        b'{"a":":","a" :1}',
        b'{"a\\\\":1,"a\\\\":2}',
        b'{"a":12345678901234567890}',
        b'{"a":NaN}',
        b"{",
        b"",
        b"[" * 200 + b"]" * 200,
        b'{"a":"\xff"}',
    ],
)
def test_in_doubt_it_says_nothing(body: bytes) -> None:
    assert clear_value(body) is None


# Pieces that documents with every kind of trick in them are put together from.
pieces = st.sampled_from(
    ['"a"', '"A"', '"b"', '":"', '":a"', '"a:"', '" :"', ":", " :", "\t:", ",", "{", "}", "[", "]", "1", "\\", '"', '\\"', " "]
)


@given(st.lists(pieces, max_size=24))
@settings(max_examples=examples(400))
def test_no_trick_with_blanks_colons_and_quotes_makes_it_sure_of_a_name_that_stands_twice(parts: list[str]) -> None:
    body = "".join(parts).encode()
    if clear_value(body) is not None:
        assert find_ambiguity(body) is None


names, blanks = st.sampled_from(["a", "A", "b", "", ":", "a:"]), st.sampled_from(["", " ", "\n"])
members = st.lists(st.tuples(names, blanks, st.sampled_from(["1", '":"', '":a"', "{}"])), max_size=5)


@given(members)
@settings(max_examples=examples(400))
def test_an_object_whose_names_stand_twice_is_never_sure(given_members: list[tuple[str, str, str]]) -> None:
    body = ("{" + ",".join(f'"{name}"{blank}:{value}' for name, blank, value in given_members) + "}").encode()
    if find_ambiguity(body) is not None:
        assert clear_value(body) is None


def test_an_ordinary_call_is_read() -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"it is 12:30"}}}'
    assert clear_value(body) == json.loads(body)
