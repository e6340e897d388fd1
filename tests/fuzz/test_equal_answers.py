"""Whatever a client may rightly send, the gateway's answer is the server's own."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.depth import examples
from tests.fuzz.conftest import Fronted
from tests.mcp_over_http import ModernClient, OlderClient, Said

EXAMPLES = examples(60)
# What only the answering server knows of itself, and what is counted down while an answer is kept.
OWN = ("io.modelcontextprotocol/serverInfo",)
KEPT = ("ttlMs", "cacheScope")

words = st.text(st.characters(codec="utf-8"), max_size=40)
whole = st.integers(min_value=-(2**63), max_value=2**64 - 1)
plain = st.none() | st.booleans() | whole | st.floats(allow_nan=False, allow_infinity=False) | words
# Names that differ in case only are refused: programs disagree on whether they are one.
keys = words.map(str.casefold)
anything = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
arguments = st.dictionaries(keys, anything, max_size=4)


def _call(name: str, given_arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    return given_arguments.map(lambda found: ("tools/call", {"name": name, "arguments": found}))


def _prompt(name: str, given_arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    return given_arguments.map(lambda found: ("prompts/get", {"name": name, "arguments": found}))


def _read(uri: str) -> tuple[str, dict[str, Any]]:
    return "resources/read", {"uri": uri}


error_codes = st.integers(min_value=-32_099, max_value=-32_050) | st.integers(min_value=1, max_value=10_000)
ids = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.~", min_size=1, max_size=20)
requests = st.one_of(
    _call("probe_echo", st.fixed_dictionaries({"value": anything})),
    _call("probe_echo", arguments),
    _call("probe_rpc_error", st.fixed_dictionaries({"code": error_codes, "message": words, "data": anything})),
    _call("probe_bytes", st.fixed_dictionaries({"size": st.integers(min_value=0, max_value=300_000)})),
    st.sampled_from(["test_simple_text", "test_image_content", "test_error_handling", "probe_structured"]).map(
        lambda name: ("tools/call", {"name": name})
    ),
    _prompt("test_prompt_with_arguments", st.fixed_dictionaries({"arg1": words, "arg2": words})),
    _prompt("test_prompt_with_arguments", st.dictionaries(keys, words, max_size=2)),
    st.just(("prompts/get", {"name": "test_prompt_with_image"})),
    ids.map(lambda found: _read(f"test://template/{found}/data")),
    st.sampled_from(["test://static-text", "test://static-binary"]).map(_read),
    st.builds(
        lambda name, value: (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "test_prompt_with_arguments"}, "argument": {"name": name, "value": value}},
        ),
        st.sampled_from(["arg1", "arg2"]),
        words,
    ),
    st.sampled_from(["tools/list", "prompts/list", "resources/list", "resources/templates/list"]).map(lambda name: (name, {})),
)
meta = st.dictionaries(st.sampled_from(["traceparent", "example.test/kept", "progressToken", "x"]), words, max_size=2)


@pytest.fixture(scope="module", params=[ModernClient, OlderClient], ids=["newest", "older"])
def both(request: pytest.FixtureRequest, fronted: Fronted) -> Iterator[tuple[ModernClient, ModernClient]]:
    """The same client, directly and through the gateway."""
    with request.param(fronted.direct) as direct, request.param(fronted.through) as through:
        yield direct, through


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(request=requests, extra=meta)
def test_a_valid_request_has_the_same_answer_through_the_gateway(
    both: tuple[ModernClient, ModernClient], request: tuple[str, dict[str, Any]], extra: dict[str, str]
) -> None:
    method, params = request
    params = {**params, **({"_meta": extra} if extra else {})}
    direct, through = (client.request(method, params) for client in both)
    assert through.status == direct.status
    assert compared(through) == compared(direct)
    assert through.result.get("ttlMs", 0) <= direct.result.get("ttlMs", 0)
    assert through.result.get("cacheScope") == direct.result.get("cacheScope")


@pytest.mark.parametrize("size", [261_000, 262_144, 1_000_000])
def test_an_answer_too_long_to_be_held_is_the_same(both: tuple[ModernClient, ModernClient], size: int) -> None:
    direct, through = (client.request("tools/call", {"name": "probe_bytes", "arguments": {"size": size}}) for client in both)
    assert compared(through) == compared(direct)


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**40, 1e308, 0.1, -0.0], ids=str)
def test_a_number_is_the_same_behind_the_gateway(both: tuple[ModernClient, ModernClient], number: float) -> None:
    answers = [client.call("probe_echo", {"value": number}) for client in both]
    assert answers[0].words
    assert compared(answers[0]) == compared(answers[1])


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=80).filter(str.strip))
def test_a_name_nobody_offers_is_refused_as_the_server_refuses_it(both: tuple[ModernClient, ModernClient], name: str) -> None:
    name = name.strip()
    for method, params in (("tools/call", {"name": name, "arguments": {}}), ("prompts/get", {"name": name})):
        direct, through = (client.request(method, params) for client in both)
        assert (through.status, through.error.get("code")) == (direct.status, direct.error.get("code"))


def compared(said: Said) -> list[dict[str, Any]]:
    """The messages without ids and what is the server's own."""
    return [_without_own({key: value for key, value in message.items() if key != "id"}) for message in said.messages]


def _without_own(message: dict[str, Any]) -> dict[str, Any]:
    result = message.get("result")
    if not isinstance(result, dict):
        return message
    about = {key: value for key, value in (result.get("_meta") or {}).items() if key not in OWN}
    rest = {key: value for key, value in result.items() if key not in {"_meta", *KEPT}}
    return {**message, "result": {**rest, **({"_meta": about} if about else {})}}
