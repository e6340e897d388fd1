"""ID tokens: only the answer to one login, for this client, and never to call with."""

import pytest
from tests.minting import NOON, NOW, KnownKeys, claims_of, header_of, issuer_of, mint, rsa_key

from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.access.tokens.id_token import id_token_for
from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.core.clock import FixedClock

pytestmark = pytest.mark.anyio

CLIENT, NONCE = "gateway-client", "nonce-of-this-login"


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier([issuer_of(KnownKeys())], FixedClock(NOON))


def id_token(**changed: object) -> str:
    claims = claims_of(**{"aud": CLIENT, "nonce": NONCE, **changed})
    return mint(claims, header_of(typ="JWT"))


async def test_the_answer_to_this_login_is_believed(verifier: TokenVerifier) -> None:
    verified = await verifier.verify(id_token(at_hash="x"), id_token_for(CLIENT, NONCE))
    assert verified.claims["sub"] == "alice"


async def test_a_token_for_several_is_believed_when_it_was_made_for_this_client(verifier: TokenVerifier) -> None:
    token = id_token(aud=[CLIENT, "other"], azp=CLIENT)
    assert (await verifier.verify(token, id_token_for(CLIENT, NONCE))).claims["azp"] == CLIENT


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"nonce": ...}, "claims"),
        ({"nonce": "of-another-login"}, "claims"),
        ({"nonce": [NONCE]}, "claims"),
        ({"nonce": "ñ"}, "claims"),
        ({"aud": "other"}, "audience"),
        ({"aud": ...}, "audience"),
        ({"aud": {CLIENT: 1}}, "audience"),
        ({"aud": [CLIENT, "other"]}, "audience"),
        ({"aud": [CLIENT, "other"], "azp": "other"}, "audience"),
        ({"azp": "other"}, "audience"),
        ({"iat": ...}, "claims"),
        ({"exp": ...}, "claims"),
        ({"exp": NOW - 61}, "expired"),
        ({"iss": "https://evil.example.com/"}, "unknown_issuer"),
    ],
)
async def test_any_other_token_is_refused(verifier: TokenVerifier, changed: dict[str, object], reason: str) -> None:
    with pytest.raises(TokenRefused) as refusal:
        await verifier.verify(id_token(**changed), id_token_for(CLIENT, NONCE))
    assert refusal.value.data["reason"] == reason


async def test_an_access_token_is_no_answer_to_a_login(verifier: TokenVerifier) -> None:
    token = mint(claims_of(aud=CLIENT, nonce=NONCE), header_of(typ="at+jwt"))
    with pytest.raises(TokenRefused) as refusal:
        await verifier.verify(token, id_token_for(CLIENT, NONCE))
    assert refusal.value.data["reason"] == "header"


async def test_a_token_signed_by_somebody_else_is_refused(verifier: TokenVerifier) -> None:
    token = mint(claims_of(aud=CLIENT, nonce=NONCE), header_of(typ="JWT"), rsa_key(number=2))
    with pytest.raises(TokenRefused) as refusal:
        await verifier.verify(token, id_token_for(CLIENT, NONCE))
    assert refusal.value.data["reason"] == "signature"


async def test_an_id_token_is_not_accepted_to_call_with(verifier: TokenVerifier) -> None:
    with pytest.raises(TokenRefused):
        await verifier.verify(id_token(aud=list(issuer_of(KnownKeys()).audiences)))
