"""From a token to the caller: once by arithmetic, then from memory, and never after it ended or was taken back."""

from dataclasses import replace

import pytest
from tests.minting import KID, NOON, NOW, KnownKeys, RolesOfGroups, claims_of, ed_key, header_of, issuer_of, mint, rsa_key

from mcp_gateway.access.errors import IssuerUnusable, TokenRefused
from mcp_gateway.access.tokens.authenticate import Authenticate
from mcp_gateway.access.tokens.claims import ClaimMapping
from mcp_gateway.access.tokens.embedded import EmbeddedIssuer, TokenOrder
from mcp_gateway.access.tokens.model import TrustedIssuer
from mcp_gateway.access.tokens.records import Revocation
from mcp_gateway.access.tokens.revocations import Revocations
from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.adapters.memory_tokens import MemoryRevocations
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.identity import Caller

pytestmark = pytest.mark.anyio

STALE_SECONDS = 30.0


class WallClock(FixedClock):
    """A clock whose wall time can be set without the monotonic one moving."""

    def set_forward(self, seconds: float) -> None:
        before = self._monotonic
        self.advance(seconds)
        self._monotonic = before


@pytest.fixture
def clock() -> WallClock:
    return WallClock(NOON)


@pytest.fixture
def keys() -> KnownKeys:
    return KnownKeys()


@pytest.fixture
def store() -> MemoryRevocations:
    return MemoryRevocations()


@pytest.fixture
async def revocations(store: MemoryRevocations, clock: WallClock) -> Revocations:
    view = Revocations(store, clock, stale_after_seconds=STALE_SECONDS)
    await view.reload()
    return view


@pytest.fixture
def authenticate(keys: KnownKeys, revocations: Revocations, clock: WallClock) -> Authenticate:
    return over(issuer_of(keys), revocations, clock)


def over(issuer: TrustedIssuer, revocations: Revocations, clock: FixedClock, **options: int) -> Authenticate:
    return Authenticate(TokenVerifier([issuer], clock), revocations, clock, **options)


def of_token(value: str = "token-1", tenant: str = "acme") -> Revocation:
    return Revocation(tenant=tenant, kind="token", value=value, not_before=NOW, expires_at=NOW + 9_999, at=NOW, by="root")


def of_subject(value: str = "entra:alice", tenant: str = "acme", not_before: float = NOW) -> Revocation:
    return replace(of_token(value, tenant), kind="subject", not_before=not_before)


async def reason_of(authenticate: Authenticate, token: str) -> object:
    assert authenticate.remembered(token) is None
    with pytest.raises(TokenRefused) as caught:
        await authenticate(token)
    return caught.value.data["reason"]


async def test_a_token_becomes_its_caller(authenticate: Authenticate) -> None:
    caller = await authenticate(mint(claims_of(scope="gateway.read", name="Alice")))
    assert caller == Caller(tenant="acme", subject="entra:alice")
    assert (caller.roles, caller.scopes, caller.name) == (frozenset({"analyst"}), frozenset({"gateway.read"}), "Alice")
    assert caller.issuer == "https://login.example.com/"


async def test_the_credential_says_which_token_without_being_one(authenticate: Authenticate) -> None:
    token = mint()
    credential = (await authenticate(token)).credential
    assert len(credential) == 16
    assert credential not in token
    assert (await authenticate(mint(claims_of(jti="another")))).credential != credential


async def test_an_own_token_is_called_by_its_id_which_can_be_revoked(clock: WallClock, revocations: Revocations) -> None:
    issuer = EmbeddedIssuer(ed_key(), clock, lambda: "token-7")
    token, _record = issuer.issue(TokenOrder(tenant="acme", subject="alice", roles=frozenset({"viewer"}), lifetime_seconds=3_600))
    authenticate = over(issuer.trusted(), revocations, clock)
    caller = await authenticate(token)
    assert (caller.subject, caller.credential) == ("alice", "token-7")
    await revocations.add(of_token(caller.credential))
    assert await reason_of(authenticate, token) == "revoked"


async def test_nothing_is_remembered_of_a_token_not_seen(authenticate: Authenticate) -> None:
    assert authenticate.remembered(mint()) is None


async def test_a_token_is_verified_once(authenticate: Authenticate, keys: KnownKeys) -> None:
    token = mint()
    first = await authenticate(token)
    assert authenticate.remembered(token) is first
    assert await authenticate(token) is first
    assert keys.asked == [KID]


@pytest.mark.parametrize("bad", [mint(claims_of(aud="other")), mint(key=rsa_key(number=2)), "", "x" * 20_000, "\ud800", "ä.ö.ü"])
async def test_a_refused_token_is_not_remembered(authenticate: Authenticate, bad: str) -> None:
    await reason_of(authenticate, bad)
    await reason_of(authenticate, bad)


async def test_a_remembered_token_is_refused_after_its_time(keys: KnownKeys, store: MemoryRevocations, clock: WallClock) -> None:
    view = Revocations(store, clock)
    await view.reload()
    authenticate = over(issuer_of(keys), view, clock)
    token = mint(claims_of(exp=NOW + 20))
    await authenticate(token)
    clock.advance(79)
    assert authenticate.remembered(token) is not None
    clock.advance(1)
    assert await reason_of(authenticate, token) == "expired"


async def test_a_wall_clock_set_forward_ends_tokens_too(keys: KnownKeys, store: MemoryRevocations, clock: WallClock) -> None:
    """As after a night in which the machine slept: the monotonic clock slept with it."""
    view = Revocations(store, clock)
    await view.reload()
    authenticate = over(issuer_of(keys), view, clock)
    token = mint()
    await authenticate(token)
    clock.set_forward(86_400)
    clock.advance(1)
    assert await reason_of(authenticate, token) == "expired"


async def test_a_revoked_token_is_refused_at_once(authenticate: Authenticate, revocations: Revocations) -> None:
    token = mint()
    await authenticate(token)
    await revocations.add(of_token())
    assert await reason_of(authenticate, token) == "revoked"
    assert await reason_of(authenticate, token) == "revoked"


async def test_whose_a_revoked_token_is_is_told_once_a_minute(
    authenticate: Authenticate, revocations: Revocations, clock: WallClock
) -> None:
    """For the audit trail; a stranger's token says nothing certain."""

    async def told(token: str) -> Caller | None:
        with pytest.raises(TokenRefused) as caught:
            await authenticate(token)
        assert "alice" not in str(caught.value.to_dict())
        return caught.value.caller

    token = mint()
    await revocations.add(of_token())
    assert await told(token) == Caller(tenant="acme", subject="entra:alice")
    clock.advance(20)
    assert await told(token) is None
    revocations.vouch()
    clock.advance(40)
    revocations.vouch()
    assert await told(token) == Caller(tenant="acme", subject="entra:alice")
    assert await told(mint(key=rsa_key(number=2))) is None


async def test_a_revocation_elsewhere_holds_after_the_next_reading(
    authenticate: Authenticate, revocations: Revocations, store: MemoryRevocations
) -> None:
    token = mint()
    await authenticate(token)
    await store.add(of_token())
    assert authenticate.remembered(token) is not None
    await revocations.reload()
    assert await reason_of(authenticate, token) == "revoked"


async def test_a_revocation_is_its_tenants_alone(authenticate: Authenticate, revocations: Revocations) -> None:
    token = mint()
    await revocations.add(of_token(tenant="globex"))
    await revocations.add(of_subject(tenant="globex"))
    await revocations.add(of_token("token-2"))
    await revocations.add(of_subject("alice"))
    assert (await authenticate(token)).tenant == "acme"


async def test_a_revoked_subject_loses_the_tokens_issued_until_then(authenticate: Authenticate, revocations: Revocations) -> None:
    old, new = mint(claims_of(iat=NOW)), mint(claims_of(iat=NOW + 1, jti="token-2"))
    undated = mint(claims_of(iat=..., jti="token-3"))
    for token in (old, new, undated):
        await authenticate(token)
    await revocations.add(of_subject(not_before=NOW + 0.5))
    assert await reason_of(authenticate, old) == "revoked"
    assert await reason_of(authenticate, undated) == "revoked"
    assert authenticate.remembered(new) is not None


async def test_a_subject_is_revoked_whatever_issued_its_tokens(
    keys: KnownKeys, revocations: Revocations, clock: WallClock
) -> None:
    """One provider may be several issuers: they share the name that goes before the subject."""
    second = issuer_of(keys, issuer="https://sts.example.com/")
    authenticate = Authenticate(TokenVerifier([issuer_of(keys), second], clock), revocations, clock)
    tokens = mint(), mint(claims_of(iss="https://sts.example.com/"))
    await revocations.add(of_subject())
    assert [await reason_of(authenticate, token) for token in tokens] == ["revoked", "revoked"]


async def test_an_own_token_issued_right_after_the_revocation_is_good(clock: WallClock, revocations: Revocations) -> None:
    issuer = EmbeddedIssuer(ed_key(), clock, lambda: "token-7")
    order = TokenOrder(tenant="acme", subject="alice", roles=frozenset({"viewer"}), lifetime_seconds=3_600)
    authenticate = over(issuer.trusted(), revocations, clock)
    old, _record = issuer.issue(order)
    clock.advance(0.1)
    await revocations.add(of_subject("alice", not_before=clock.now().timestamp()))
    clock.advance(0.01)
    new, _record = issuer.issue(order)
    assert await reason_of(authenticate, old) == "revoked"
    assert (await authenticate(new)).subject == "alice"


async def test_no_token_is_believed_before_revocations_are_known(
    keys: KnownKeys, store: MemoryRevocations, clock: WallClock
) -> None:
    view = Revocations(store, clock, stale_after_seconds=STALE_SECONDS)
    authenticate = over(issuer_of(keys), view, clock)
    view.vouch()
    assert await reason_of(authenticate, mint()) == "stale"
    await view.reload()
    assert (await authenticate(mint())).tenant == "acme"


async def test_no_token_is_believed_when_the_store_was_silent_for_too_long(
    authenticate: Authenticate, revocations: Revocations, clock: WallClock
) -> None:
    token = mint()
    await authenticate(token)
    clock.advance(STALE_SECONDS)
    assert authenticate.remembered(token) is not None
    clock.advance(0.1)
    assert await reason_of(authenticate, token) == "stale"
    revocations.vouch()
    assert authenticate.remembered(token) is not None


async def test_only_so_many_tokens_are_remembered_and_the_least_used_goes(
    keys: KnownKeys, revocations: Revocations, clock: WallClock
) -> None:
    authenticate = over(issuer_of(keys), revocations, clock, max_remembered=2)
    first, second, third = (mint(claims_of(jti=f"token-{number}")) for number in range(3))
    await authenticate(first)
    await authenticate(second)
    assert authenticate.remembered(first) is not None
    await authenticate(third)
    assert authenticate.remembered(second) is None
    assert authenticate.remembered(first) is not None


async def test_further_roles_are_asked_for_once_and_hold_as_long_as_they_say(
    keys: KnownKeys, revocations: Revocations, clock: WallClock
) -> None:
    groups = RolesOfGroups("operator", valid_seconds=10)
    authenticate = over(issuer_of(keys, further_roles=groups), revocations, clock)
    token = mint(claims_of(groups=["g"]))
    assert (await authenticate(token)).roles == {"analyst", "operator"}
    await authenticate(token)
    assert groups.asked == 1
    clock.advance(10)
    assert authenticate.remembered(token) is None
    assert (await authenticate(token)).roles == {"analyst", "operator"}
    assert groups.asked == 2


async def test_a_token_signed_by_a_withdrawn_key_is_refused_although_it_was_believed(
    authenticate: Authenticate, keys: KnownKeys
) -> None:
    stolen, good = mint(), mint(header=header_of(kid="key-2"), key=rsa_key(number=2))
    keys.keys["key-2"] = rsa_key(number=2).public_key()
    await authenticate(stolen)
    await authenticate(good)
    del keys.keys[KID]
    keys.withdrawals += 1
    assert await reason_of(authenticate, stolen) == "unknown_key"
    assert (await authenticate(good)).tenant == "acme"
    assert authenticate.remembered(good) is not None


async def test_the_same_person_at_two_providers_is_two_subjects(
    keys: KnownKeys, revocations: Revocations, clock: WallClock
) -> None:
    other = issuer_of(keys, name="okta", issuer="https://okta.example.com/", claims=ClaimMapping(fixed_tenant="acme"))
    authenticate = Authenticate(TokenVerifier([issuer_of(keys), other], clock), revocations, clock)
    callers = [await authenticate(mint()), await authenticate(mint(claims_of(iss="https://okta.example.com/")))]
    assert [caller.subject for caller in callers] == ["entra:alice", "okta:alice"]


@pytest.mark.parametrize(
    "facts",
    [
        {"audiences": frozenset()},
        {"algorithms": frozenset()},
        {"algorithms": frozenset({"HS256"})},
        {"algorithms": frozenset({"none"})},
    ],
)
def test_an_issuer_that_would_believe_too_much_cannot_be_trusted(
    keys: KnownKeys, clock: WallClock, facts: dict[str, object]
) -> None:
    with pytest.raises(IssuerUnusable, match="has no"):
        TokenVerifier([issuer_of(keys, **facts)], clock)


def test_an_issuer_cannot_be_trusted_twice(keys: KnownKeys, clock: WallClock) -> None:
    with pytest.raises(IssuerUnusable, match="stands twice"):
        TokenVerifier([issuer_of(keys), issuer_of(keys, name="again")], clock)


async def test_a_header_without_a_key_name_asks_for_none(authenticate: Authenticate, keys: KnownKeys) -> None:
    assert await reason_of(authenticate, mint(header=header_of(kid=...))) == "unknown_key"
    assert keys.asked == [None]
