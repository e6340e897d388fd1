"""Whatever nonsense arrives is answered at once and in the protocol's words; nothing of it is the gateway's own fault."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.depth import examples
from tests.fuzz.conftest import Fronted
from tests.mcp_over_http import MODERN, ModernClient, OlderClient

EXAMPLES = examples(100)
SECONDS = 10.0
# These speak for themselves: nobody is known, no such method of HTTP, nothing the client can read, too long, not JSON.
PLAIN_STATUS = {401, 405, 406, 413, 415}

words = st.text(max_size=20)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
METHODS = ["tools/call", "tools/list", "server/discover", "initialize", "ping", "resources/read", "prompts/get", "tasks/get"]
METHODS += ["completion/complete", "subscriptions/listen", "logging/setLevel", "notifications/cancelled", "resources/subscribe"]
versions = st.sampled_from(["2026-07-28", "2025-11-25", "2025-06-18", "2024-11-05", "1999-01-01", "", "x"])
meta = st.fixed_dictionaries(
    {},
    optional={
        "io.modelcontextprotocol/protocolVersion": versions | junk,
        "io.modelcontextprotocol/clientCapabilities": st.just({}) | junk,
        "io.modelcontextprotocol/clientInfo": junk,
        "io.modelcontextprotocol/logLevel": junk,
    },
)
params = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["probe_echo", "test_simple_text", ""]) | junk,
        "arguments": junk,
        "uri": st.sampled_from(["test://static-text", "", "::"]) | junk,
        "cursor": junk,
        "requestState": junk,
        "inputResponses": junk,
        "taskId": junk,
        "_meta": meta | junk,
        "notifications": junk,
    },
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | junk,
        "id": st.integers() | words | junk,
        "method": st.sampled_from(METHODS) | words | junk,
        "params": params | junk,
        "result": junk,
        "error": junk,
    },
)
well_formed = messages.map(lambda found: json.dumps(found).encode("utf-8", "surrogatepass"))
batches = st.lists(messages, max_size=3).map(lambda found: json.dumps(found).encode("utf-8", "surrogatepass"))
cut = st.tuples(well_formed, st.integers(min_value=0, max_value=40)).map(lambda found: found[0][: len(found[0]) - found[1]])
bodies = st.one_of(well_formed, batches, cut, st.binary(max_size=60))
visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
headers = st.fixed_dictionaries(
    {"content-type": st.sampled_from(["application/json", "application/json; charset=utf-8", "text/plain", ""])},
    optional={
        "mcp-protocol-version": versions | visible,
        "mcp-method": st.sampled_from(METHODS) | visible,
        "mcp-name": visible,
        "mcp-session-id": visible,
        "accept": st.sampled_from(["application/json, text/event-stream", "application/json", "*/*", "text/html"]),
        "last-event-id": visible,
        "mcp-param-region": visible,
    },
)
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture(scope="module")
def http(fronted: Fronted) -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=SECONDS) as client:
        yield client


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(body=bodies, head=headers)
def test_nonsense_is_answered_in_the_words_of_the_protocol(
    fronted: Fronted, http: httpx2.Client, body: bytes, head: Mapping[str, str]
) -> None:
    _judge(http, fronted.one_endpoint, body, head)


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"jsonrpc":"2.0","id":' + b"9" * 5_000 + b',"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":NaN,"method":"tools/list"}',
        b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
        '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'.encode("utf-16"),
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"progressToken":"\\ud800"}}}',
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list","method":"tools/call"}',
        b"\x00" * 1_000,
        b"",
    ],
    ids=["deep lists", "deep objects", "long number", "NaN", "mark", "UTF-16", "half a character", "twice", "zeros", "nothing"],
)
@pytest.mark.parametrize("version", [MODERN, "2025-11-25", "2025-06-18"])
def test_json_that_breaks_parsers_is_answered_too(fronted: Fronted, http: httpx2.Client, body: bytes, version: str) -> None:
    head = {"content-type": "application/json", "accept": "application/json, text/event-stream", "mcp-protocol-version": version}
    _judge(http, fronted.one_endpoint, body, {**head, "mcp-method": "tools/list"})


@pytest.mark.parametrize("kind", [ModernClient, OlderClient])
def test_after_all_of_it_a_good_request_is_answered(fronted: Fronted, kind: type[ModernClient]) -> None:
    with kind(fronted.one_endpoint) as client:
        assert client.call("test_simple_text").words.startswith("This is a simple text")


def _judge(http: httpx2.Client, url: str, body: bytes, head: Mapping[str, str]) -> None:
    request = http.build_request("POST", url, content=body, headers=dict(head))
    # A stream that stands open is an answer; nobody waits for its end.
    answer = http.send(request, stream=True)
    try:
        assert answer.status_code < 500, answer.read()[:500]
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            assert answer.status_code == 200
            return
        text = answer.read()
    finally:
        answer.close()
    if answer.status_code in (202, 204) or answer.status_code in PLAIN_STATUS:
        return
    said: Any = json.loads(text)
    for one in said if isinstance(said, list) else [said]:
        assert one["jsonrpc"] == "2.0"
        if answer.status_code == 200 and "result" in one:
            continue
        assert isinstance(one["error"]["code"], int), one
        assert isinstance(one["error"]["message"], str), one
