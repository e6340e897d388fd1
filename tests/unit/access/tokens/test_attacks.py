"""Tokens as attackers send them. Each is refused for the right reason, and no issuer is asked for a key where none is needed."""

from tempfile import gettempdir

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.minting import (
    AUDIENCE,
    ISSUER,
    KID,
    NOON,
    NOW,
    KnownKeys,
    as_json,
    base64url,
    claims_of,
    ec_key,
    ed_key,
    header_of,
    issuer_of,
    mint,
    rsa_key,
)

from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.access.tokens.envelope import MAX_TOKEN_CHARS
from mcp_gateway.access.tokens.model import VerifiedToken
from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.core.clock import FixedClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def keys() -> KnownKeys:
    return KnownKeys()


@pytest.fixture
def verifier(keys: KnownKeys) -> TokenVerifier:
    return TokenVerifier([issuer_of(keys)], FixedClock(NOON))


async def reason_of(verifier: TokenVerifier, token: str) -> str:
    """Why it is refused; also that the refusal repeats nothing of the token."""
    with pytest.raises(TokenRefused) as caught:
        await verifier.verify(token)
    told = str(caught.value.to_dict())
    assert not any(part and len(part) > 8 and part in told for part in token.split("."))
    return str(caught.value.data["reason"])


async def test_the_good_token_all_others_are_made_from_is_believed(verifier: TokenVerifier) -> None:
    assert isinstance(await verifier.verify(mint()), VerifiedToken)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", [Encoding.PEM, Encoding.DER])
async def test_a_public_key_is_no_secret_to_sign_with(
    verifier: TokenVerifier, keys: KnownKeys, algorithm: str, form: Encoding
) -> None:
    secret = rsa_key().public_key().public_bytes(form, PublicFormat.SubjectPublicKeyInfo)
    assert await reason_of(verifier, mint(header=header_of(algorithm), key=secret)) == "algorithm"
    assert keys.asked == []


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", " none ", ""])
@pytest.mark.parametrize("signature", ["", "AAAA"])
async def test_an_unsigned_token_is_refused_however_it_is_spelt(verifier: TokenVerifier, algorithm: str, signature: str) -> None:
    token = f"{base64url(as_json(header_of(algorithm)))}.{base64url(as_json(claims_of()))}.{signature}"
    assert await reason_of(verifier, token) == "unsigned"


async def test_cutting_the_signature_off_does_not_help(verifier: TokenVerifier) -> None:
    head, body, _signature = mint().split(".")
    assert await reason_of(verifier, f"{head}.{body}.") == "unsigned"
    assert await reason_of(verifier, f"{head}.{body}") == "malformed"


@pytest.mark.parametrize("algorithm", ["RS384", "PS256", "ES256", "EdDSA", "ES256K", "rs256", "RS256 ", "RSA", "dir", "A256KW"])
async def test_only_the_algorithms_agreed_with_the_issuer_count(verifier: TokenVerifier, keys: KnownKeys, algorithm: str) -> None:
    assert await reason_of(verifier, mint(header=header_of(algorithm))) == "algorithm"
    assert keys.asked == []


@pytest.mark.parametrize("algorithm", [None, 1, True, ["RS256"], {"RS256": 1}])
async def test_an_algorithm_that_is_no_text_is_refused(verifier: TokenVerifier, algorithm: object) -> None:
    assert await reason_of(verifier, mint(header=header_of(alg=algorithm))) == "algorithm"


async def test_a_token_without_an_algorithm_is_refused(verifier: TokenVerifier) -> None:
    assert await reason_of(verifier, mint(header=header_of(alg=...))) == "algorithm"


@pytest.mark.parametrize("field", ["jku", "x5u"])
@pytest.mark.parametrize("address", ["https://evil.example/keys", "file:///etc/passwd", "http://169.254.169.254/", ""])
async def test_a_token_cannot_say_where_its_key_is(verifier: TokenVerifier, keys: KnownKeys, field: str, address: str) -> None:
    assert await reason_of(verifier, mint(header=header_of(**{field: address}))) == "header"
    assert keys.asked == []


async def test_a_token_cannot_bring_its_own_key(verifier: TokenVerifier, keys: KnownKeys) -> None:
    own = rsa_key(number=2)
    numbers = own.public_key().public_numbers()
    jwk = {"kty": "RSA", "e": "AQAB", "n": base64url(numbers.n.to_bytes(256, "big"))}
    assert await reason_of(verifier, mint(header=header_of(jwk=jwk), key=own)) == "header"
    der = own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert await reason_of(verifier, mint(header=header_of(x5c=[base64url(der)]), key=own)) == "header"
    assert keys.asked == []


@pytest.mark.parametrize("field", ["crit", "b64", "zip", "enc", "cty"])
async def test_extensions_of_the_header_are_refused(verifier: TokenVerifier, field: str) -> None:
    values: tuple[object, ...] = (["exp"], [], False, "JWT", None)
    for value in values:
        assert await reason_of(verifier, mint(header={**header_of(), field: value})) == "header"


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "../keys/key-1",
        f"{gettempdir()}/key",
        "key-1\x00.pem",
        "' OR '1'='1",
        "key-1'; DROP TABLE keys; --",
        "http://evil.example/key",
        "$(id)",
        "KEY-1",
        "key-1 ",
        "ｋey-1",
    ],
)
async def test_the_name_of_a_key_is_only_ever_looked_up(verifier: TokenVerifier, keys: KnownKeys, kid: str) -> None:
    assert await reason_of(verifier, mint(header=header_of(kid=kid))) == "unknown_key"
    assert keys.asked == [kid]


@pytest.mark.parametrize("kid", ["", 1, ["key-1"], {"key-1": 1}, True, "k" * 257])
async def test_a_name_that_is_no_name_is_not_even_looked_up(verifier: TokenVerifier, keys: KnownKeys, kid: object) -> None:
    assert await reason_of(verifier, mint(header=header_of(kid=kid))) == "header"
    assert keys.asked == []


async def test_a_foreign_issuer_is_refused_without_anybody_being_asked(verifier: TokenVerifier, keys: KnownKeys) -> None:
    assert await reason_of(verifier, mint(claims_of(iss="https://evil.example/"))) == "unknown_issuer"
    assert keys.asked == []


@pytest.mark.parametrize(
    "issuer",
    [
        ISSUER.rstrip("/"),
        f"{ISSUER}/",
        ISSUER.upper(),
        ISSUER.replace("login", "Login"),
        f"{ISSUER}.evil.example",
        f"{ISSUER}?",
        f"{ISSUER}#",
        f" {ISSUER}",
        f"{ISSUER}\n",
        f"{ISSUER}\x00",
        ISSUER.replace("https", "http"),
        ISSUER.replace("login", "user@login"),
        ISSUER.replace("example.com", "example.com:443"),
        ISSUER.replace("o", "о"),
        ISSUER.replace("e", "e\u200b", 1),
        ISSUER.replace(".", "。", 1),
        [ISSUER],
        {ISSUER: 1},
        None,
        1,
        ...,
    ],
)
async def test_an_issuer_that_almost_is_the_trusted_one_is_another(
    verifier: TokenVerifier, keys: KnownKeys, issuer: object
) -> None:
    assert await reason_of(verifier, mint(claims_of(iss=issuer))) == "unknown_issuer"
    assert keys.asked == []


@pytest.mark.parametrize(
    "audience",
    [
        "https://another.example.com/mcp",
        AUDIENCE + "/",
        AUDIENCE.upper(),
        AUDIENCE[:-1],
        "*",
        "",
        [],
        ["a", "b"],
        [AUDIENCE, 1],
        [[AUDIENCE]],
        {AUDIENCE: True},
        None,
        ...,
    ],
)
async def test_a_token_for_somebody_else_is_refused(verifier: TokenVerifier, keys: KnownKeys, audience: object) -> None:
    assert await reason_of(verifier, mint(claims_of(aud=audience))) == "audience"
    assert keys.asked == []


async def test_a_token_of_another_issuer_does_not_pass_under_this_ones_key(keys: KnownKeys) -> None:
    """Each issuer is judged by its own keys, audiences and algorithms, whatever the others allow."""
    other_keys = KnownKeys({KID: ed_key().public_key()})
    other = issuer_of(
        other_keys, name="other", issuer="https://other.example/", audiences=frozenset({"other"}), algorithms=frozenset({"EdDSA"})
    )
    verifier = TokenVerifier([issuer_of(keys), other], FixedClock(NOON))
    assert await reason_of(verifier, mint(header=header_of("EdDSA"), key=ed_key())) == "algorithm"
    assert await reason_of(verifier, mint(claims_of(iss="https://other.example/", aud="other"))) == "algorithm"
    assert await reason_of(verifier, mint(claims_of(aud="other"))) == "audience"
    forged = mint(claims_of(iss="https://other.example/", aud="other"), header_of("EdDSA"), rsa_key())
    assert await reason_of(verifier, forged) == "signature"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"exp": NOW - 60}, "expired"),
        ({"exp": NOW - 86_400, "iat": NOW - 90_000}, "expired"),
        ({"nbf": NOW + 61}, "not_yet"),
        ({"iat": NOW + 61}, "issued_in_future"),
        ({"exp": ...}, "claims"),
        ({"exp": NOW + 86_400}, "claims"),
        ({"exp": NOW + 86_400 * 365, "iat": ...}, "claims"),
        ({"exp": str(NOW + 100)}, "claims"),
        ({"exp": True}, "claims"),
        ({"exp": None}, "claims"),
        ({"exp": [NOW + 100]}, "claims"),
        ({"exp": -1}, "claims"),
        ({"exp": 10**400}, "claims"),
        ({"nbf": "soon"}, "claims"),
        ({"iat": "now"}, "claims"),
        ({"iat": None}, "claims"),
    ],
)
async def test_times_that_do_not_hold_are_refused(
    verifier: TokenVerifier, keys: KnownKeys, changed: dict[str, object], reason: str
) -> None:
    assert await reason_of(verifier, mint(claims_of(**changed))) == reason
    assert keys.asked == []


@pytest.mark.parametrize(
    "changed",
    [{"exp": NOW - 59}, {"nbf": NOW + 60}, {"iat": NOW + 60}, {"exp": NOW + 5.5, "iat": NOW - 0.25}, {"nbf": ..., "iat": ...}],
)
async def test_clocks_may_differ_by_a_minute(verifier: TokenVerifier, changed: dict[str, object]) -> None:
    assert (await verifier.verify(mint(claims_of(**changed)))).issuer.name == "entra"


@pytest.mark.parametrize("time", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
async def test_a_time_that_is_no_number_is_refused(verifier: TokenVerifier, time: bytes) -> None:
    claims = as_json(claims_of()).replace(f'"exp":{NOW + 3_600}'.encode(), b'"exp":' + time)
    assert await reason_of(verifier, mint(claims)) in {"malformed", "claims"}


async def test_a_token_too_long_is_not_read(verifier: TokenVerifier) -> None:
    assert await reason_of(verifier, mint(claims_of(padding="x" * MAX_TOKEN_CHARS))) == "too_long"
    assert await reason_of(verifier, "." * 10_000_000) == "too_long"


@pytest.mark.parametrize(
    "twice", [b'"sub":"mallory"', b'"iss":"https://evil.example/"', b'"roles":["admin"]', b'"exp":9999999999']
)
async def test_a_claim_that_stands_twice_is_refused(verifier: TokenVerifier, twice: bytes) -> None:
    claims = as_json(claims_of())
    assert await reason_of(verifier, mint(claims[:-1] + b"," + twice + b"}")) == "malformed"
    assert await reason_of(verifier, mint(b"{" + twice + b"," + claims[1:])) == "malformed"


async def test_a_header_field_that_stands_twice_is_refused(verifier: TokenVerifier) -> None:
    header = as_json(header_of())
    assert await reason_of(verifier, mint(header=header[:-1] + b',"alg":"none"}')) == "malformed"


async def test_names_that_stand_twice_deeper_down_are_refused(verifier: TokenVerifier) -> None:
    claims = as_json(claims_of())[:-1] + b',"realm_access":{"roles":["viewer"],"roles":["admin"]}}'
    assert await reason_of(verifier, mint(claims)) == "malformed"


@pytest.mark.parametrize(
    "part", [b"[]", b'"text"', b"1", b"null", b"", b"{", b"{} {}", b"\xff{}", b"\xef\xbb\xbf{}", b"[" * 8_000]
)
async def test_parts_that_are_no_object_are_refused(verifier: TokenVerifier, part: bytes) -> None:
    header, claims, signature = mint().split(".")
    encoded = base64url(part)
    assert await reason_of(verifier, f"{header}.{encoded}.{signature}") == "malformed"
    assert await reason_of(verifier, f"{encoded}.{claims}.{signature}") == "malformed"


async def test_half_a_surrogate_pair_is_refused(verifier: TokenVerifier) -> None:
    claims = as_json(claims_of(sub="SUBJECT")).replace(b"SUBJECT", b"al\\uD800ice")
    assert await reason_of(verifier, mint(claims)) == "malformed"


async def test_one_token_has_one_spelling(verifier: TokenVerifier) -> None:
    """Otherwise a revoked or remembered token had twins."""
    token = mint()
    header, claims, signature = token.split(".")
    for twin in (
        f"{token}=",
        f"{token}==",
        f" {token}",
        f"{token}\n",
        f"{token}.",
        f".{token}",
        f"{header}=.{claims}.{signature}",
        f"{header}.{claims}.{signature[:-1]}{chr(ord(signature[-1]) + 1)}",
        token.replace("_", "/").replace("-", "+") if {"_", "-"} & set(token) else f"{token}/",
        token.replace(".", "．"),
        token[:20] + "\x00" + token[20:],
        f"Bearer {token}",
        f"{token},{token}",
    ):
        assert await reason_of(verifier, twin) in {"malformed", "signature"}


@pytest.mark.parametrize("token", ["", ".", "..", "...", "a.b", "a.b.c.d", "a.b.c.d.e", "ａ.ｂ.ｃ", "null", "{}", "\ud800.a.b"])
async def test_what_is_no_token_is_refused(verifier: TokenVerifier, token: str) -> None:
    assert await reason_of(verifier, token) == "malformed"


@pytest.mark.parametrize("kind", ["JOSE", "secevent+jwt", "logout+jwt", "id_token+jwt", "dpop+jwt", "", 1, None, ["JWT"]])
async def test_a_token_of_another_kind_is_refused(verifier: TokenVerifier, kind: object) -> None:
    assert await reason_of(verifier, mint(header=header_of(typ=kind))) == "header"


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT", ...])
async def test_access_tokens_are_believed_whatever_their_provider_calls_them(verifier: TokenVerifier, kind: object) -> None:
    assert (await verifier.verify(mint(header=header_of(typ=kind)))).claims["sub"] == "alice"


@pytest.mark.parametrize("marks", [{"nonce": "n"}, {"at_hash": "h"}, {"c_hash": "h"}, {"typ": "ID"}, {"typ": "Refresh"}])
async def test_a_token_about_a_login_is_not_one_to_call_with(verifier: TokenVerifier, marks: dict[str, object]) -> None:
    assert await reason_of(verifier, mint(claims_of(**marks))) == "claims"


async def test_a_signature_of_another_key_is_refused(verifier: TokenVerifier) -> None:
    assert await reason_of(verifier, mint(key=rsa_key(number=2))) == "signature"


async def test_a_signature_of_another_text_is_refused(verifier: TokenVerifier) -> None:
    signature = mint().rpartition(".")[2]
    changed = mint(claims_of(roles=["admin"])).rpartition(".")[0]
    assert await reason_of(verifier, f"{changed}.{signature}") == "signature"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_key_must_be_of_the_algorithms_kind(algorithm: str) -> None:
    keys = KnownKeys(
        {
            "rsa": rsa_key().public_key(),
            "short": rsa_key(1024).public_key(),
            "ec": ec_key().public_key(),
            "p384": ec_key(SECP384R1()).public_key(),
            "ed": ed_key().public_key(),
        }
    )
    verifier = TokenVerifier([issuer_of(keys, algorithms=frozenset({algorithm}))], FixedClock(NOON))
    fitting = {"RS256": "rsa", "ES256": "ec", "EdDSA": "ed"}[algorithm]
    for kid in keys.keys.keys() - {fitting}:
        assert await reason_of(verifier, mint(header=header_of(algorithm, kid=kid))) == "unknown_key"


async def test_a_claim_required_of_the_issuer_must_be_exactly_that(keys: KnownKeys) -> None:
    verifier = TokenVerifier([issuer_of(keys, required={"tid": "acme"})], FixedClock(NOON))
    assert (await verifier.verify(mint())).claims["tid"] == "acme"
    for tid in ("globex", "ACME", ["acme"], None, ...):
        assert await reason_of(verifier, mint(claims_of(tid=tid))) == "claims"
