"""The quick reader of bodies is never sure where the careful one has doubts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_texts_full_of_colons_and_quotes_are_no_doubt() -> None:
    body = rb'{"a":"x\":\"y: {\"a\":1,\"a\":2}","b":["c:d",{"e\\":1}]}'
    assert clear_value(body) == json.loads(body)
