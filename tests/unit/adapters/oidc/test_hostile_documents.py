"""Whatever a provider publishes and whatever is pasted as a token: a known fault at worst, never a crash."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.access.examination.entra_faults import known_fault
from mcp_gateway.access.examination.token import judge_audience, read_token
from mcp_gateway.adapters.oidc.discovery import read_metadata
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.adapters.oidc.http import Reply, read_object
from mcp_gateway.adapters.oidc.key_set import KeySet, read_key_set

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
anything = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
KEY_FIELDS = ("kty", "kid", "use", "alg", "key_ops", "n", "e", "crv", "x", "y", "d", "k")
KEY_WORDS = st.sampled_from(
    ["RSA", "EC", "OKP", "oct", "sig", "enc", "RS256", "none", "P-256", "Ed25519", "AQAB", "AA", "!!", ""]
)
keys = st.dictionaries(st.sampled_from(KEY_FIELDS), KEY_WORDS | anything, max_size=8)
CLAIMS = ("iss", "aud", "exp", "iat", "nbf", "ver", "tid", "scp", "roles", "groups", "hasgroups", "_claim_names", "idtyp")


@given(st.dictionaries(st.just("keys"), st.lists(keys | anything, max_size=5) | anything))
def test_published_keys_are_read_or_refused(document: dict[str, object]) -> None:
    try:
        read = read_key_set(document)  # type: ignore[arg-type]  # whatever JSON there is
    except ProviderUnusable:
        return
    assert isinstance(read, KeySet)


@given(st.dictionaries(st.sampled_from(["issuer", "jwks_uri", "token_endpoint", "scopes_supported"]), anything))
def test_metadata_is_read_or_refused(document: dict[str, object]) -> None:
    reply = Reply(status=200, document=document, headers={"date": "x"})  # type: ignore[arg-type]  # whatever JSON there is
    if document.get("issuer") == "https://x" and isinstance(document.get("jwks_uri"), str) and document["jwks_uri"]:
        assert read_metadata(reply, "https://x/", "https://x").issuer == "https://x"
    else:
        with pytest.raises(ProviderUnusable):
            read_metadata(reply, "https://x/", "https://x")


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_a_body_is_an_object_or_a_fault(body: bytes) -> None:
    try:
        read = read_object(body, "x")
    except ProviderUnusable:
        return
    assert isinstance(read, dict)


@given(st.dictionaries(st.sampled_from(CLAIMS), anything, max_size=8))
def test_the_facts_of_any_token_can_be_shown(claims: dict[str, object]) -> None:
    parts = ({"alg": "RS256", "kid": "\x1b[0m"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    read = read_token(".".join([*encoded, "AAAA"]))
    shown = json.dumps([read.step.to_dict(), judge_audience(read, frozenset({"gateway"})).to_dict()])
    assert "\x1b" not in shown


@given(st.text(max_size=200))
def test_any_text_is_a_token_or_a_problem(text: str) -> None:
    assert read_token(text).step.verdict in {"ok", "problem"}
    known_fault(text)
