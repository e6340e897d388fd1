"""The issuer inside: its tokens are good here and nowhere else."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.minting import NOON, NOW, claims_of, ed_key, header_of, mint

from mcp_gateway.access.errors import TokenNotIssuable, TokenRefused
from mcp_gateway.access.tokens.embedded import MAX_ADMIN_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS, EmbeddedIssuer, TokenOrder
from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.core.clock import FixedClock

pytestmark = pytest.mark.anyio

ORDER = TokenOrder(tenant="acme", subject="alice", roles=frozenset({"analyst"}), lifetime_seconds=3_600)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def issuer(clock: FixedClock) -> EmbeddedIssuer:
    return EmbeddedIssuer(ed_key(), clock, ids().__next__)


def ids() -> Iterator[str]:
    return (f"token-{number}" for number in count(1))


async def reason_of(issuer: EmbeddedIssuer, token: str, clock: FixedClock) -> object:
    with pytest.raises(TokenRefused) as caught:
        await TokenVerifier([issuer.trusted()], clock).verify(token)
    return caught.value.data["reason"]


async def test_its_tokens_say_who_where_and_how_long(issuer: EmbeddedIssuer, clock: FixedClock) -> None:
    token, record = issuer.issue(replace(ORDER, name="Alice", scopes=frozenset({"gateway.read"}), issued_by="root"))
    verified = await TokenVerifier([issuer.trusted()], clock).verify(token)
    named = verified.issuer.claims.read(verified.claims)
    assert (named.tenant, named.subject, named.roles, named.name) == ("acme", "alice", frozenset({"analyst"}), "Alice")
    assert (named.scopes, named.jti) == (frozenset({"gateway.read"}), "token-1")
    assert (verified.issued_at, verified.expires_at) == (NOW, NOW + 3_600)
    assert (record.jti, record.issued_by, record.expires_at) == ("token-1", "root", NOW + 3_600)


async def test_its_name_is_its_keys_thumbprint(issuer: EmbeddedIssuer, clock: FixedClock) -> None:
    assert issuer.issuer == f"mcp-gateway:{issuer.installation_id}"
    again = EmbeddedIssuer(ed_key(), clock, ids().__next__)
    other = EmbeddedIssuer(Ed25519PrivateKey.generate(), clock, ids().__next__)
    assert again.installation_id == issuer.installation_id != other.installation_id


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    """The key and its thumbprint stand in appendix A.3 of the RFC."""
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    issuer = EmbeddedIssuer(Ed25519PrivateKey.from_private_bytes(secret), FixedClock(NOON), ids().__next__)
    assert issuer.installation_id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


async def test_a_token_of_another_deployment_is_refused(issuer: EmbeddedIssuer, clock: FixedClock) -> None:
    """Also when it claims to be for this one: the names of installations are no secret."""
    other = EmbeddedIssuer(Ed25519PrivateKey.generate(), clock, ids().__next__)
    token, _record = other.issue(ORDER)
    assert await reason_of(issuer, token, clock) == "unknown_issuer"
    claims = claims_of(iss=issuer.issuer, aud=issuer.issuer, tenant="acme")
    header = header_of("EdDSA", kid=issuer.installation_id)
    assert await reason_of(issuer, mint(claims, header, Ed25519PrivateKey.generate()), clock) == "signature"
    assert await reason_of(issuer, mint({**claims, "aud": other.issuer}, header, ed_key()), clock) == "audience"


@pytest.mark.parametrize("kid", ["key-1", ..., "../signing-key"])
async def test_only_its_own_key_is_known(issuer: EmbeddedIssuer, clock: FixedClock, kid: object) -> None:
    claims = claims_of(iss=issuer.issuer, aud=issuer.issuer)
    assert await reason_of(issuer, mint(claims, header_of("EdDSA", kid=kid), ed_key()), clock) == "unknown_key"


async def test_a_token_ends(issuer: EmbeddedIssuer, clock: FixedClock) -> None:
    token, _record = issuer.issue(ORDER)
    clock.advance(3_600 + 60)
    assert await reason_of(issuer, token, clock) == "expired"


@pytest.mark.parametrize("lifetime", [0.0, -1.0, 59.0, MAX_LIFETIME_SECONDS + 1, float("inf"), float("nan")])
def test_lifetimes_are_bounded(issuer: EmbeddedIssuer, lifetime: float) -> None:
    with pytest.raises(TokenNotIssuable, match="A token lives from 1m to 90d"):
        issuer.issue(replace(ORDER, lifetime_seconds=lifetime))


def test_an_administrators_token_lives_a_day_at_most(issuer: EmbeddedIssuer) -> None:
    admin = replace(ORDER, roles=frozenset({"viewer", "admin"}), lifetime_seconds=MAX_ADMIN_LIFETIME_SECONDS)
    assert issuer.issue(admin)[1].expires_at == NOW + 86_400
    with pytest.raises(TokenNotIssuable, match="An administrator's token lives"):
        issuer.issue(replace(admin, lifetime_seconds=MAX_ADMIN_LIFETIME_SECONDS + 1))


@pytest.mark.parametrize("word", ["", "two words", "line\nbreak", "entra:alice", "x" * 201, "nul\x00", "\u202ealice"])
def test_names_that_could_mean_something_else_are_refused(issuer: EmbeddedIssuer, word: str) -> None:
    for order in (replace(ORDER, subject=word), replace(ORDER, tenant=word), replace(ORDER, roles=frozenset({word}))):
        with pytest.raises(TokenNotIssuable):
            issuer.issue(order)


def test_no_token_is_issued_for_the_tenant_that_the_trail_keeps_strangers_under(issuer: EmbeddedIssuer) -> None:
    with pytest.raises(TokenNotIssuable, match="strangers"):
        issuer.issue(TokenOrder(tenant="-", subject="alice", roles=frozenset({"admin"}), lifetime_seconds=600.0))


def test_a_token_that_could_do_nothing_is_not_issued(issuer: EmbeddedIssuer) -> None:
    with pytest.raises(TokenNotIssuable, match="without a role"):
        issuer.issue(replace(ORDER, roles=frozenset()))


@pytest.mark.parametrize("scope", ["", "two words", "a\nb"])
def test_scopes_are_words(issuer: EmbeddedIssuer, scope: str) -> None:
    with pytest.raises(TokenNotIssuable):
        issuer.issue(replace(ORDER, scopes=frozenset({scope})))


async def test_the_longest_names_and_many_roles_still_make_a_token_that_is_read(
    issuer: EmbeddedIssuer, clock: FixedClock
) -> None:
    roles = frozenset(f"role-{number}-{'r' * 20}" for number in range(100))
    token, _record = issuer.issue(replace(ORDER, tenant="t" * 200, subject="ü" * 200, name="N" * 200, roles=roles))
    verified = await TokenVerifier([issuer.trusted()], clock).verify(token)
    assert verified.issuer.claims.read(verified.claims).roles == roles
