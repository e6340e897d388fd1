"""Issuing, listing and taking back: within one's own tenant, and never more than one has."""

from dataclasses import replace
from itertools import count

import pytest
from tests.minting import NOON, NOW, ed_key

from mcp_gateway.access.errors import NotAllowed, TenantMismatch, TokenNotFound, TokenNotIssuable, TokenRefused
from mcp_gateway.access.tokens.authenticate import Authenticate
from mcp_gateway.access.tokens.desk import TokenDesk
from mcp_gateway.access.tokens.embedded import EmbeddedIssuer, TokenOrder
from mcp_gateway.access.tokens.revocations import Revocations
from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.adapters.memory_tokens import MemoryIssuedTokens, MemoryRevocations
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.identity import Caller

pytestmark = pytest.mark.anyio

ADMIN = Caller(tenant="acme", subject="root", roles=frozenset({"admin"}))
STRANGER = Caller(tenant="globex", subject="root", roles=frozenset({"admin"}))
ORDER = TokenOrder(tenant="acme", subject="alice", roles=frozenset({"analyst"}), lifetime_seconds=3_600)
LONGEST = 90_000.0


class Office:
    """A desk and the gateway that believes its tokens."""

    def __init__(self) -> None:
        numbers = count(1)
        self.clock = FixedClock(NOON)
        issuer = EmbeddedIssuer(ed_key(), self.clock, lambda: f"token-{next(numbers)}")
        self.store = MemoryRevocations()
        self.revocations = Revocations(self.store, self.clock)
        self.desk = TokenDesk(issuer, MemoryIssuedTokens(), self.revocations, self.clock, longest_lifetime_seconds=LONGEST)
        self.authenticate = Authenticate(TokenVerifier([issuer.trusted()], self.clock), self.revocations, self.clock)

    async def refuses(self, token: str) -> bool:
        try:
            await self.authenticate(token)
        except TokenRefused as error:
            return error.data["reason"] == "revoked"
        return False


@pytest.fixture
def office() -> Office:
    return Office()


async def test_an_issued_token_is_good_and_listed_but_not_kept(office: Office) -> None:
    token, record = await office.desk.issue(ADMIN, replace(ORDER, issued_by="somebody else"))
    assert (await office.authenticate(token)).roles == {"analyst"}
    listed = await office.desk.list(ADMIN)
    assert [(entry.token, entry.revoked) for entry in listed] == [(record, False)]
    assert record.issued_by == "root"
    assert token.rpartition(".")[2] not in str(listed)


async def test_nobody_issues_for_another_tenant(office: Office) -> None:
    with pytest.raises(TenantMismatch):
        await office.desk.issue(STRANGER, ORDER)
    assert await office.desk.list(ADMIN) == []


@pytest.mark.parametrize("roles", [{"admin"}, {"analyst", "operator"}, {"Issuer"}])
async def test_who_is_no_administrator_hands_out_only_own_roles(office: Office, roles: set[str]) -> None:
    issuer = replace(ADMIN, roles=frozenset({"issuer", "analyst"}))
    with pytest.raises(NotAllowed):
        await office.desk.issue(issuer, replace(ORDER, roles=frozenset(roles)))
    assert await office.desk.issue(issuer, ORDER)


@pytest.mark.parametrize(
    "scopes", [None, frozenset[str](), frozenset({"gateway.ask"}), frozenset({"gateway.admin", "gateway.ask"})]
)
async def test_who_is_narrowed_by_scopes_hands_out_no_other(office: Office, scopes: frozenset[str] | None) -> None:
    narrowed = replace(ADMIN, scopes=frozenset({"openid", "gateway.admin"}))
    with pytest.raises(NotAllowed):
        await office.desk.issue(narrowed, replace(ORDER, scopes=scopes))
    assert await office.desk.issue(narrowed, replace(ORDER, scopes=frozenset({"gateway.admin"})))


async def test_scopes_that_are_not_the_gateways_narrow_nothing(office: Office) -> None:
    assert await office.desk.issue(replace(ADMIN, scopes=frozenset({"openid"})), ORDER)


async def test_what_cannot_be_issued_is_not_listed(office: Office) -> None:
    with pytest.raises(TokenNotIssuable):
        await office.desk.issue(ADMIN, replace(ORDER, lifetime_seconds=1))
    assert await office.desk.list(ADMIN) == []


async def test_a_revoked_token_is_refused_and_listed_as_such(office: Office) -> None:
    token, record = await office.desk.issue(ADMIN, ORDER)
    other, _record = await office.desk.issue(ADMIN, ORDER)
    await office.authenticate(token)
    revocation = await office.desk.revoke_token(ADMIN, record.jti)
    assert await office.refuses(token)
    assert not await office.refuses(other)
    assert {entry.token.jti: entry.revoked for entry in await office.desk.list(ADMIN)} == {"token-1": True, "token-2": False}
    assert revocation.expires_at == record.expires_at + 60


async def test_a_token_of_another_tenant_or_of_nobody_cannot_be_revoked(office: Office) -> None:
    token, record = await office.desk.issue(ADMIN, ORDER)
    for caller, jti in ((STRANGER, record.jti), (ADMIN, "token-9"), (ADMIN, "")):
        with pytest.raises(TokenNotFound):
            await office.desk.revoke_token(caller, jti)
    with pytest.raises(TokenNotFound):
        await office.desk.revoke_token(ADMIN, "", foreign=True)
    await office.desk.revoke_token(STRANGER, record.jti, foreign=True)
    assert not await office.refuses(token)


async def test_a_providers_token_is_revoked_by_its_id_for_as_long_as_it_could_live(office: Office) -> None:
    revocation = await office.desk.revoke_token(ADMIN, "of-entra", foreign=True)
    assert revocation.expires_at == NOW + LONGEST + 60
    assert office.revocations.revoked(("acme", "of-entra"), ("acme", "entra:alice"), NOW)


async def test_a_token_from_a_replica_whose_clock_runs_ahead_is_revoked_with_its_subject(office: Office) -> None:
    office.clock.advance(5)
    token, record = await office.desk.issue(ADMIN, ORDER)
    office.clock.advance(-5)
    assert (await office.desk.revoke_subject(ADMIN, "alice")).not_before == record.issued_at
    assert await office.refuses(token)


@pytest.mark.parametrize("fraction", [0.0001, 0.0004, 0.0005, 0.0006, 0.0009])
async def test_a_token_issued_within_the_millisecond_before_is_revoked_too(office: Office, fraction: float) -> None:
    office.clock.advance(fraction)
    token, _record = await office.desk.issue(ADMIN, ORDER)
    await office.desk.revoke_subject(ADMIN, "alice")
    assert await office.refuses(token)


async def test_a_revoked_subject_loses_all_tokens_and_may_get_new_ones(office: Office) -> None:
    old, _record = await office.desk.issue(ADMIN, ORDER)
    bobs, _record = await office.desk.issue(ADMIN, replace(ORDER, subject="bob"))
    office.clock.advance(1)
    revocation = await office.desk.revoke_subject(ADMIN, "alice")
    office.clock.advance(0.002)
    new, _record = await office.desk.issue(ADMIN, ORDER)
    assert [await office.refuses(token) for token in (old, bobs, new)] == [True, False, False]
    assert (revocation.not_before, revocation.expires_at, revocation.by) == (NOW + 1, NOW + 1 + LONGEST + 60, "root")
