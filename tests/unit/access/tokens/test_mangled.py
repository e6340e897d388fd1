"""Tokens with anything in them: the only answer to a bad one is `TokenRefused`, and no changed one is believed."""

import json
from collections.abc import Collection
from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.minting import KID, NOON, KnownKeys, as_json, base64url, claims_of, ed_key, header_of, issuer_of, mint

from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.access.tokens.claims import ClaimMapping, NamedByToken
from mcp_gateway.access.tokens.model import VerifiedToken
from mcp_gateway.access.tokens.refusals import Reason
from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json

GOOD = mint(header=header_of("EdDSA"), key=ed_key())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
HEADER_FIELDS = st.sampled_from(["alg", "typ", "kid", "jku", "jwk", "x5c", "x5u", "crit", "b64", "zip"]) | st.text(max_size=6)
CLAIM_NAMES = st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "roles", "tid", "scope", "name"]) | st.text(
    max_size=6
)


def verify(token: str) -> VerifiedToken | None:
    """None: refused, for a reason of the closed set. Any other error fails the test."""
    verifier = TokenVerifier(
        [issuer_of(KnownKeys({KID: ed_key().public_key()}), algorithms=frozenset({"EdDSA"}))], FixedClock(NOON)
    )
    work = verifier.verify(token)
    try:
        work.send(None)
    except StopIteration as done:
        found: VerifiedToken = done.value
        return found
    except TokenRefused as error:
        require_reason(error, get_args(Reason))
        return None
    pytest.fail("the verifier waited for something")


def require_reason(error: TokenRefused, reasons: Collection[str]) -> None:
    assert error.data["reason"] in reasons


def test_the_token_that_is_mangled_here_is_a_good_one() -> None:
    assert verify(GOOD) is not None


@given(st.text(max_size=400))
def test_no_text_is_believed(text: str) -> None:
    assert verify(text) is None


@given(st.text(alphabet="ABCabc019-_=.", max_size=200))
def test_nothing_that_looks_like_a_token_is_believed(text: str) -> None:
    assert verify(text) is None


@given(st.integers(0, len(GOOD) - 1), st.characters())
def test_one_changed_character_makes_it_a_bad_one(place: int, sign: str) -> None:
    assume(GOOD[place] != sign)
    assert verify(GOOD[:place] + sign + GOOD[place + 1 :]) is None


@given(st.integers(0, len(GOOD)), st.text(min_size=1, max_size=5))
def test_nothing_can_be_put_into_it(place: int, text: str) -> None:
    assert verify(GOOD[:place] + text + GOOD[place:]) is None


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 20))
def test_nothing_can_be_cut_out_of_it(place: int, length: int) -> None:
    assert verify(GOOD[:place] + GOOD[place + length :]) is None


@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=80))
def test_parts_of_any_bytes_are_refused(header: bytes, claims: bytes, signature: bytes) -> None:
    assert verify(".".join(base64url(part) for part in (header, claims, signature))) is None


@given(st.dictionaries(HEADER_FIELDS, JSON, max_size=5))
def test_any_signed_header_is_judged_and_not_stumbled_over(changed: dict[str, object]) -> None:
    header = {**header_of("EdDSA"), **changed}
    found = verify(mint(header=header, key=ed_key()))
    assert found is None or header["alg"] == "EdDSA"


@given(st.dictionaries(CLAIM_NAMES, JSON, max_size=6))
def test_any_signed_claims_are_judged_and_not_stumbled_over(changed: dict[str, object]) -> None:
    claims = {**claims_of(), **changed}
    found = verify(mint(claims, header_of("EdDSA"), ed_key()))
    assert found is None or (found.claims["iss"], found.expires_at) == (claims["iss"], claims["exp"])


@given(JSON, JSON, JSON, JSON)
def test_claims_of_any_shape_name_somebody_or_are_refused(subject: Json, tenant: Json, roles: Json, scopes: Json) -> None:
    claims: dict[str, Json] = {"sub": subject, "tid": tenant, "roles": roles, "scope": scopes}
    try:
        named = ClaimMapping(tenant="tid").read(claims)
    except TokenRefused as error:
        require_reason(error, {"claims", "tenant"})
        return
    assert isinstance(named, NamedByToken)
    said = roles if isinstance(roles, list) else [] if roles is None else [roles]
    assert named.roles == frozenset(word for word in said if isinstance(word, str))
    assert (named.subject, named.tenant) == (subject, tenant)


@given(st.dictionaries(CLAIM_NAMES, JSON, max_size=4), CLAIM_NAMES, JSON)
def test_a_claim_said_twice_is_never_believed(changed: dict[str, object], name: str, value: object) -> None:
    claims = {**claims_of(), **changed}
    again = f"{json.dumps(name)}:{json.dumps(value)}".encode()
    if name in claims:
        assert verify(mint(as_json(claims)[:-1] + b"," + again + b"}", header_of("EdDSA"), ed_key())) is None
