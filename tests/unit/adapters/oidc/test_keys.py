"""The keys of a provider: which count, how long they are used, and when it is asked again."""

import asyncio
import math
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from tests.unit.adapters.oidc.site import HOST, Answer, Site, public_jwk

from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.adapters.oidc.discovery import ProviderMetadata, discover
from mcp_gateway.adapters.oidc.egress import Egress
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.adapters.oidc.http import Outbound
from mcp_gateway.adapters.oidc.key_set import MAX_KEYS, read_key_set
from mcp_gateway.adapters.oidc.keys import ProviderKeys, cached_for
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, tzinfo=UTC))


def keys_of(site: Site, clock: FixedClock) -> ProviderKeys:
    outbound = Outbound(Egress(home=HOST))

    async def metadata() -> ProviderMetadata:
        return await discover(outbound, site.url)

    return ProviderKeys("corp", outbound, metadata, clock)


async def reason(keys: ProviderKeys, kid: str | None, algorithm: str = "RS256") -> str:
    with pytest.raises(TokenRefused) as refusal:
        await keys.find(kid, algorithm)
    return str(refusal.value.data["reason"])


# --- which keys count -------------------------------------------------------------------------------------------------


def test_keys_that_cannot_judge_a_signature_are_ignored_and_said(rsa_key: RSAPrivateKey) -> None:
    good = public_jwk(rsa_key, "good")
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  # what is refused
    entries: list[Json] = [
        good,
        public_jwk(rsa_key, "encrypts", use="enc"),
        public_jwk(rsa_key, "signs", key_ops=["sign"]),
        {**RSAAlgorithm.to_jwk(rsa_key, as_dict=True), "kid": "private"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
        public_jwk(rsa_key, "confused", alg="HS256"),
        public_jwk(rsa_key, "none", alg="none"),
        public_jwk(small, "small"),
        {"kty": "RSA", "n": "!!", "e": "AQAB", "kid": "broken"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "kid": "curve"},
        public_jwk(rsa_key, "k" * 300),
        {**good, "kid": 7},
        "text",
        None,
    ]
    read = read_key_set({"keys": entries})
    assert [key.kid for key in read.keys] == ["good"]
    assert len(read.ignored) == len(entries) - 1


def test_every_kind_of_key_that_is_accepted_is_read(rsa_key: RSAPrivateKey) -> None:
    curve = ec.generate_private_key(ec.SECP384R1()).public_key()
    edwards = ed25519.Ed25519PrivateKey.generate().public_key()
    read = read_key_set(
        {
            "keys": [
                {**ECAlgorithm.to_jwk(curve, as_dict=True), "kid": "c"},
                {**OKPAlgorithm.to_jwk(edwards, as_dict=True), "kid": "e", "alg": "Ed25519"},
                public_jwk(rsa_key, "r", alg=None),
            ]
        }
    )
    assert [(key.kid, len(key.algorithms)) for key in read.keys] == [("c", 1), ("e", 1), ("r", 6)]
    assert read.find("c", "ES384")
    assert not read.find("c", "ES256")
    assert read.find(None, "EdDSA")


@pytest.mark.parametrize("document", [{}, {"keys": {}}, {"keys": []}, {"keys": [{"kty": "oct", "k": "AA"}]}])
def test_a_set_without_a_usable_key_is_a_fault(document: dict[str, Json]) -> None:
    with pytest.raises(ProviderUnusable) as fault:
        read_key_set(document)
    assert fault.value.kind == "keys"


def test_a_set_is_read_up_to_a_bound(rsa_key: RSAPrivateKey) -> None:
    read = read_key_set({"keys": [public_jwk(rsa_key, f"k{number}") for number in range(MAX_KEYS + 36)]})
    assert len(read.keys) == MAX_KEYS
    assert "36 keys" in read.ignored[0]


def test_a_name_that_stands_twice_means_the_first_that_fits(rsa_key: RSAPrivateKey) -> None:
    edwards = ed25519.Ed25519PrivateKey.generate().public_key()
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    read = read_key_set(
        {
            "keys": [
                {**OKPAlgorithm.to_jwk(edwards, as_dict=True), "kid": "same"},
                public_jwk(rsa_key, "same"),
                public_jwk(other, "same"),
            ]
        }
    )
    found = read.find("same", "RS256")
    assert found
    assert found.key == rsa_key.public_key()
    assert len(read.ignored) == 1


def test_a_token_without_a_key_name_gets_the_only_key_there_is(rsa_key: RSAPrivateKey) -> None:
    one, two = public_jwk(rsa_key, "a"), public_jwk(rsa_key, "b")
    assert read_key_set({"keys": [one]}).find(None, "RS256")
    assert not read_key_set({"keys": [one, two]}).find(None, "RS256")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", 3600), ("max-age=10", 300), ("public, max-age=7200", 7200), ("MAX-AGE=999999999", 86400), ("s-maxage=9000", 3600),
        ("max-age=-1", 3600), ("max-age=1e9", 3600), ("no-store", 300), ("max-age=" + "9" * 40, 3600),
    ],
)  # fmt: skip
def test_the_provider_says_how_long_within_bounds(said: str, seconds: float) -> None:
    assert math.isclose(cached_for(said), seconds)


# --- when the provider is asked ------------------------------------------------------------------------------------------


async def test_keys_are_fetched_once_for_many_tokens(site: Site, clock: FixedClock, rsa_key: RSAPrivateKey) -> None:
    site.serve_provider(public_jwk(rsa_key, "one"))
    keys = keys_of(site, clock)
    found = await asyncio.gather(*(keys.find("one", "RS256") for _ in range(20)))
    assert all(key == rsa_key.public_key() for key in found)
    assert site.paths() == ["/.well-known/openid-configuration", "/jwks"]


async def test_a_new_key_is_found_without_a_restart(site: Site, clock: FixedClock, rsa_key: RSAPrivateKey) -> None:
    site.serve_provider(public_jwk(rsa_key, "one"))
    keys = keys_of(site, clock)
    await keys.find("one", "RS256")
    site.serve_provider(public_jwk(rsa_key, "two"))
    clock.advance(31)
    assert await keys.find("two", "RS256") == rsa_key.public_key()
    assert await reason(keys, "one") == "unknown_key"


async def test_tokens_with_invented_key_names_cause_one_request_in_half_a_minute(
    site: Site, clock: FixedClock, rsa_key: RSAPrivateKey
) -> None:
    site.serve_provider(public_jwk(rsa_key, "one"))
    keys = keys_of(site, clock)
    await keys.find("one", "RS256")
    clock.advance(31)
    reasons = await asyncio.gather(*(reason(keys, f"invented-{number}") for number in range(200)))
    assert set(reasons) == {"unknown_key"}
    assert site.paths().count("/jwks") == 2


async def test_a_key_is_not_used_for_another_algorithm_than_its_own(
    site: Site, clock: FixedClock, rsa_key: RSAPrivateKey
) -> None:
    site.serve_provider(public_jwk(rsa_key, "one"))
    keys = keys_of(site, clock)
    for algorithm in ("HS256", "none", "PS256", "ES256"):
        assert await reason(keys, "one", algorithm) == "unknown_key"


async def test_keys_are_renewed_in_the_background_before_they_end(site: Site, clock: FixedClock, rsa_key: RSAPrivateKey) -> None:
    site.serve_provider(public_jwk(rsa_key, "one"))
    site.answers["/jwks"].headers["cache-control"] = "max-age=1000"
    keys = keys_of(site, clock)
    await keys.find("one", "RS256")
    clock.advance(900)
    site.answers["/jwks"].hold = 0.05
    await keys.find("one", "RS256")
    assert site.paths().count("/jwks") == 1
    renewing = keys._flight
    assert renewing
    await renewing
    assert (keys.facts().age, site.paths().count("/jwks")) == (0.0, 2)


async def test_keys_go_on_while_the_provider_is_away_and_the_report_says_so(
    site: Site, clock: FixedClock, rsa_key: RSAPrivateKey
) -> None:
    site.serve_provider(public_jwk(rsa_key, "one"))
    keys = keys_of(site, clock)
    await keys.find("one", "RS256")
    await site.stop()
    clock.advance(3_601)
    assert await keys.find("one", "RS256") == rsa_key.public_key()
    assert keys.facts().stale
    assert "cannot be reached" in keys.facts().fault
    assert await reason(keys, "new") == "issuer_unreachable"


async def test_keys_of_a_provider_long_away_are_not_believed(site: Site, clock: FixedClock, rsa_key: RSAPrivateKey) -> None:
    site.serve_provider(public_jwk(rsa_key, "one"))
    keys = keys_of(site, clock)
    await keys.find("one", "RS256")
    await site.stop()
    clock.advance(3_600 + 86_400 + 1)
    assert await reason(keys, "one") == "issuer_unreachable"


async def test_a_withdrawn_key_ends_with_the_lifetime_of_the_set(site: Site, clock: FixedClock, rsa_key: RSAPrivateKey) -> None:
    site.serve_provider(public_jwk(rsa_key, "stolen"))
    keys = keys_of(site, clock)
    await keys.find("stolen", "RS256")
    site.serve_provider(public_jwk(rsa_key, "new"))
    clock.advance(3_601)
    assert await reason(keys, "stolen") == "unknown_key"


async def test_a_withdrawn_key_is_noticed_though_no_token_asks_for_one(
    site: Site, clock: FixedClock, rsa_key: RSAPrivateKey
) -> None:
    """The health check looks now and then; a key that is only added withdraws none."""
    site.serve_provider(public_jwk(rsa_key, "old"))
    keys = keys_of(site, clock)
    await keys.warm()
    site.serve_provider(public_jwk(rsa_key, "old"), public_jwk(rsa_key, "new"))
    clock.advance(3_601)
    await keys.warm()
    assert keys.withdrawals == 0
    site.serve_provider(public_jwk(rsa_key, "new"))
    clock.advance(3_601)
    await keys.warm()
    assert keys.withdrawals == 1


async def test_a_provider_that_was_away_at_the_start_is_tried_again_soon(
    site: Site, clock: FixedClock, rsa_key: RSAPrivateKey
) -> None:
    keys = keys_of(site, clock)
    assert await reason(keys, "one") == "issuer_unreachable"
    site.serve_provider(public_jwk(rsa_key, "one"))
    assert await reason(keys, "one") == "issuer_unreachable"
    clock.advance(6)
    assert await keys.find("one", "RS256") == rsa_key.public_key()


async def test_keys_at_an_inner_address_are_not_fetched(site: Site, clock: FixedClock, rsa_key: RSAPrivateKey) -> None:
    site.serve_provider(public_jwk(rsa_key, "one"), jwks_uri="https://169.254.169.254/keys")
    keys = keys_of(site, clock)
    assert await reason(keys, "one") == "issuer_unreachable"
    assert "must not be reached" in keys.facts().fault


async def test_broken_keys_do_not_replace_good_ones(site: Site, clock: FixedClock, rsa_key: RSAPrivateKey) -> None:
    site.serve_provider(public_jwk(rsa_key, "one"))
    keys = keys_of(site, clock)
    await keys.find("one", "RS256")
    site.answers["/jwks"] = Answer(document={"keys": []})
    clock.advance(3_601)
    assert await keys.find("one", "RS256") == rsa_key.public_key()


async def test_one_who_gives_up_waiting_does_not_end_it_for_others(site: Site, clock: FixedClock, rsa_key: RSAPrivateKey) -> None:
    site.serve_provider(public_jwk(rsa_key, "one"))
    site.answers["/jwks"].hold = 0.05
    keys = keys_of(site, clock)
    first = asyncio.create_task(keys.find("one", "RS256"))
    second = asyncio.create_task(keys.find("one", "RS256"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == rsa_key.public_key()
    await keys.aclose()


# --- metadata, which strangers can make the gateway need -------------------------------------------------------------------


async def test_many_who_need_the_metadata_cause_one_request(site: Site, clock: FixedClock, rsa_key: RSAPrivateKey) -> None:
    site.serve_provider(public_jwk(rsa_key, "one"))
    keys = keys_of(site, clock)
    await asyncio.gather(*(keys.metadata() for _ in range(50)))
    await keys.metadata()
    assert len(site.requests) == 1


async def test_a_provider_that_does_not_answer_is_left_alone_for_seconds(site: Site, clock: FixedClock) -> None:
    site.answers["/.well-known/openid-configuration"] = Answer(status=503, document={})
    keys = keys_of(site, clock)
    for _ in range(50):
        with pytest.raises(ProviderUnusable) as fault:
            await keys.metadata()
        assert fault.value.data["status"] == 503
    assert len(site.requests) == 1
    clock.advance(5)
    site.serve_provider()
    assert (await keys.metadata()).issuer == site.url


async def test_old_metadata_is_used_while_the_provider_is_away(site: Site, clock: FixedClock) -> None:
    site.serve_provider()
    keys = keys_of(site, clock)
    await keys.metadata()
    await site.stop()
    clock.advance(7_200)
    assert (await keys.metadata()).issuer == site.url


async def test_a_provider_that_becomes_another_is_not_used(site: Site, clock: FixedClock) -> None:
    site.serve_provider()
    keys = keys_of(site, clock)
    await keys.metadata()
    site.answers["/.well-known/openid-configuration"] = Answer(
        document={"issuer": "https://evil.example.com", "jwks_uri": "https://x"}
    )
    clock.advance(7_200)
    with pytest.raises(ProviderUnusable):
        await keys.metadata()
