"""Results and errors of 2026-07-28 in the words of older revisions."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.entrypoints.mcp.federated.legacy_words import (
    MODERN_RESULT_KEYS,
    answer_in_older_words,
    answer_of,
    initialize_result,
    negotiated,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
NEWER = st.fixed_dictionaries(
    {},
    optional={
        "resultType": st.just("complete"),
        "ttlMs": st.integers(0, 10**9),
        "cacheScope": st.sampled_from(["public", "private"]),
    },
)


@given(
    own=st.dictionaries(st.text(max_size=8).filter(lambda name: name not in MODERN_RESULT_KEYS), VALUES, max_size=4),
    newer=NEWER,
    looks=st.sampled_from(["newer first", "newer last", "indented"]),
    method=st.sampled_from(["tools/call", "tools/list"]),
    request_id=st.integers(0, 10**6) | st.text(max_size=6),
)
def test_only_the_newer_words_are_taken_away(
    own: JsonObject, newer: JsonObject, looks: str, method: str, request_id: int | str
) -> None:
    result = {**own, **newer} if looks == "newer last" else {**newer, **own}
    message = {"jsonrpc": "2.0", "id": request_id, "result": result}
    body = (json.dumps(message, indent=1) if looks == "indented" else json.dumps(message, separators=(",", ":"))).encode()

    answer = json.loads(answer_of(body, method))

    expected = own if "resultType" in newer else result
    assert answer["id"] == request_id
    assert {name: value for name, value in answer["result"].items() if name not in ("ttlMs", "cacheScope")} == {
        name: value for name, value in expected.items() if name not in ("ttlMs", "cacheScope")
    }
    assert "resultType" not in answer["result"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete"}}', b'{"jsonrpc":"2.0","id":1,"result":{}}'),
        (
            b'{"jsonrpc":"2.0","id":"a","result":{"ttlMs":5,"cacheScope":"private","tools":[1.10],"resultType":"complete"}}',
            b'{"jsonrpc":"2.0","id":"a","result":{"tools":[1.10]}}',
        ),
        (
            b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"a":1,"resultType":"complete"}}}',
            b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"a":1,"resultType":"complete"}}}',
        ),
    ],
)
def test_what_stays_stays_byte_by_byte(body: bytes, answer: bytes) -> None:
    assert answer_of(body, "tools/list") == answer


def test_the_commonest_answer_is_cut_at_its_end() -> None:
    body = b'{"jsonrpc":"2.0","id":"a","result":{"content":[1.10],"resultType":"complete"}}'

    assert answer_of(body, "tools/call") == b'{"jsonrpc":"2.0","id":"a","result":{"content":[1.10]}}'


@pytest.mark.parametrize(
    ("method", "error", "code"),
    [
        ("resources/read", {"code": -32602, "message": "gone", "data": {"uri": "x"}}, -32002),
        ("resources/read", {"code": -32602, "message": "no uri"}, -32602),
        ("resources/read", {"code": -32603, "message": "broken", "data": {"uri": "x"}}, -32603),
        ("tools/call", {"code": -32602, "message": "Unknown tool", "data": {"uri": "x"}}, -32602),
    ],
)
def test_a_resource_that_is_not_there_has_a_code_of_its_own(method: str, error: JsonObject, code: int) -> None:
    answer = orjson.loads(answer_of(orjson.dumps({"jsonrpc": "2.0", "id": 1, "error": error}), method))

    assert answer["error"] == {**error, "code": code}


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"{", b"\xff"])
def test_what_is_no_object_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expecting|utf-8|unexpected"):
        answer_of(body, "tools/call")


def test_a_server_that_says_little_of_itself_still_has_a_name() -> None:
    result = initialize_result({"capabilities": 5, "instructions": 7}, "2025-06-18", {})

    assert result == {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "mcp-gateway", "version": "0"}}


@pytest.mark.parametrize(
    ("asked", "spoken"), [("2025-03-26", "2025-03-26"), ("1.0", "2025-11-25"), (5, "2025-11-25"), (None, "2025-11-25")]
)
def test_the_revision_is_the_one_asked_for_if_it_is_of_this_era(asked: str | int | None, spoken: str) -> None:
    assert negotiated(asked) == spoken


@given(
    newer=NEWER,
    text=st.text(max_size=2_000),
    looks=st.sampled_from(["newer first", "newer last", "before what the server says of itself"]),
    places=st.lists(st.integers(0, 2_500), max_size=6),
)
def test_a_long_answer_in_pieces_says_what_it_says_as_a_whole(
    newer: JsonObject, text: str, looks: str, places: list[int]
) -> None:
    own: JsonObject = {"content": [{"type": "text", "text": text}], "structuredContent": dict(newer)}
    result = {**own, **newer} if looks == "newer last" else {**newer, **own}
    if looks.startswith("before"):
        about: JsonObject = {"_meta": {"example/server": {"resultType": "complete", "name": text[:20]}}}
        result, own = {**own, "resultType": "complete", **about}, {**own, **about}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}, separators=(",", ":")).encode()
    cuts = [0, *sorted(min(place, len(body)) for place in places), len(body)]

    async def pieces() -> AsyncIterator[bytes]:
        for begin, end in pairwise(cuts):
            yield body[begin:end]

    async def joined() -> bytes:
        return b"".join([piece async for piece in answer_in_older_words(pieces())])

    assert json.loads(asyncio.run(joined()))["result"] == own


def test_a_result_that_is_not_the_last_of_its_message_stays_as_it_is() -> None:
    body = b'{"result":{"content":[],"structuredContent":{"a":1,"resultType":"complete"}},"jsonrpc":"2.0","id":1}'

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    async def joined() -> bytes:
        return b"".join([piece async for piece in answer_in_older_words(pieces())])

    assert asyncio.run(joined()) == body
