"""Tokens of a real, certified OpenID provider, from its login form to the caller they name."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from tests.oidc_provider.process import AUDIENCE, TENANT_A, TENANT_B, OpenIdProviderProcess

from mcp_gateway.access.configuration.providers import ENTRA_CLAIMS, ClaimPaths, ProviderConfig
from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.access.tokens.authenticate import Authenticate
from mcp_gateway.access.tokens.revocations import Revocations
from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.adapters.memory_tokens import MemoryRevocations
from mcp_gateway.adapters.oidc.openid import OpenIdProvider, ProviderProbe
from mcp_gateway.core.clock import FixedClock, SystemClock

pytestmark = pytest.mark.anyio

ROLES = {"Gateway.Admin": "admin", "Gateway.Analyst": "analyst", "Gateway.Operator": "operator"}


def words(*those: str) -> frozenset[str]:
    return frozenset(those)


def configuration(process: OpenIdProviderProcess) -> ProviderConfig:
    """What a user would write: one directory for Entra, one tenant claim otherwise; tenant b is not served."""
    if process.entra:
        return ProviderConfig(
            name="entra",
            kind="entra",
            issuer=process.issuer(),
            audience=(AUDIENCE,),
            claims=ENTRA_CLAIMS,
            tenant="acme",
            roles=ROLES,
            groups={"group-analysts": "analyst"},
        )
    return ProviderConfig(
        name="corp",
        kind="oidc",
        issuer=process.issuer(),
        audience=(AUDIENCE,),
        claims=ClaimPaths(tenant="tid"),
        tenants={TENANT_A: "acme"},
        roles=ROLES,
    )


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(SystemClock().now())


@pytest.fixture
def own_provider() -> Iterator[OpenIdProviderProcess]:
    """One that a test may rotate and stop."""
    with OpenIdProviderProcess() as process:
        yield process


@asynccontextmanager
async def trusting(config: ProviderConfig, clock: FixedClock) -> AsyncIterator[tuple[Authenticate, OpenIdProvider]]:
    provider = OpenIdProvider(config, clock)
    revocations = Revocations(MemoryRevocations(), clock)
    try:
        yield Authenticate(TokenVerifier(provider.trusted_issuers(), clock), revocations, clock), provider
    finally:
        await provider.aclose()


async def reason(authenticate: Authenticate, token: str) -> str:
    with pytest.raises(TokenRefused) as refusal:
        await authenticate(token)
    return str(refusal.value.data["reason"])


async def test_a_person_who_logged_in_is_known_with_tenant_roles_and_scopes(
    openid_provider: OpenIdProviderProcess, clock: FixedClock
) -> None:
    token = openid_provider.user_token("carol", scope="gateway.ask gateway.read")
    async with trusting(configuration(openid_provider), clock) as (authenticate, _):
        caller = await authenticate(token)
    assert (caller.tenant, caller.subject, caller.roles) == ("acme", "corp:carol", words("analyst"))
    assert (caller.scopes, caller.name, caller.issuer) == (words("gateway.ask", "gateway.read"), "carol", openid_provider.url)


async def test_a_token_in_entras_shape_names_the_person_by_object_id(
    entra_provider: OpenIdProviderProcess, clock: FixedClock
) -> None:
    async with trusting(configuration(entra_provider), clock) as (authenticate, _):
        caller = await authenticate(entra_provider.user_token("alice"))
    assert (caller.tenant, caller.subject, caller.roles, caller.scopes) == (
        "acme",
        "entra:oid-alice",
        words("admin"),
        words("gateway.ask"),
    )


async def test_a_program_has_its_roles_and_is_not_narrowed_by_scopes(
    entra_provider: OpenIdProviderProcess, clock: FixedClock
) -> None:
    async with trusting(configuration(entra_provider), clock) as (authenticate, _):
        caller = await authenticate(entra_provider.program_token())
    assert (caller.subject, caller.roles, caller.scopes) == ("entra:oid-daemon", words("operator"), None)


async def test_roles_may_come_from_groups(entra_provider: OpenIdProviderProcess, clock: FixedClock) -> None:
    async with trusting(configuration(entra_provider), clock) as (authenticate, _):
        caller = await authenticate(entra_provider.user_token("greta"))
    assert (caller.roles, dict(caller.attributes)) == (words("analyst"), {})


async def test_groups_that_did_not_fit_are_said_and_give_nothing(
    entra_provider: OpenIdProviderProcess, clock: FixedClock
) -> None:
    async with trusting(configuration(entra_provider), clock) as (authenticate, provider):
        caller = await authenticate(entra_provider.user_token("otto"))
        finding = await ProviderProbe(provider).check()
    assert (caller.roles, dict(caller.attributes)) == (frozenset(), {"groups_overage": "unresolved"})
    assert finding.facts["tokens_without_their_groups"] == 1


async def test_another_directory_is_not_let_in(entra_provider: OpenIdProviderProcess, clock: FixedClock) -> None:
    async with trusting(configuration(entra_provider), clock) as (authenticate, _):
        assert await reason(authenticate, entra_provider.user_token("bob")) == "unknown_issuer"


async def test_several_directories_are_let_in_each_as_its_tenant(
    entra_provider: OpenIdProviderProcess, clock: FixedClock
) -> None:
    config = replace(
        configuration(entra_provider),
        issuer=entra_provider.issuer("organizations"),
        tenant=None,
        tenants={TENANT_A: "acme", TENANT_B: "globex"},
    )
    async with trusting(config, clock) as (authenticate, _):
        callers = [await authenticate(entra_provider.user_token(user)) for user in ("alice", "bob")]
    assert [(caller.tenant, caller.subject) for caller in callers] == [("acme", "entra:oid-alice"), ("globex", "entra:oid-bob")]


async def test_a_tenant_that_is_not_served_is_refused(openid_provider: OpenIdProviderProcess, clock: FixedClock) -> None:
    async with trusting(configuration(openid_provider), clock) as (authenticate, _):
        assert await reason(authenticate, openid_provider.user_token("bob")) == "tenant"


async def test_a_token_for_somebody_else_is_refused(openid_provider: OpenIdProviderProcess, clock: FixedClock) -> None:
    config = replace(configuration(openid_provider), audience=("api://another",))
    async with trusting(config, clock) as (authenticate, _):
        assert await reason(authenticate, openid_provider.user_token("carol")) == "audience"


async def test_new_keys_of_the_provider_are_taken_up_without_a_restart(
    own_provider: OpenIdProviderProcess, clock: FixedClock
) -> None:
    async with trusting(configuration(own_provider), clock) as (authenticate, _):
        before, not_seen_before = own_provider.program_token(), own_provider.program_token()
        await authenticate(before)
        own_provider.rotate_keys()
        clock.advance(31)
        after = own_provider.program_token()
        assert (await authenticate(after)).subject == "corp:daemon"
        assert await reason(authenticate, not_seen_before) == "unknown_key"


async def test_known_keys_go_on_while_the_provider_is_away(own_provider: OpenIdProviderProcess, clock: FixedClock) -> None:
    async with trusting(configuration(own_provider), clock) as (authenticate, provider):
        known, other = own_provider.program_token(), own_provider.program_token()
        await authenticate(known)
        own_provider.rotate_keys()
        signed_anew = own_provider.program_token()
        own_provider.stop()
        clock.advance(31)
        assert (await authenticate(other)).roles == words("operator")
        assert await reason(authenticate, signed_anew) == "issuer_unreachable"
        finding = await ProviderProbe(provider).check()
        assert (finding.healthy, finding.status, finding.facts["keys"]) == (False, "away, keys still valid", 1)


async def test_a_provider_that_is_not_there_lets_nobody_in(own_provider: OpenIdProviderProcess, clock: FixedClock) -> None:
    token = own_provider.program_token()
    own_provider.stop()
    async with trusting(configuration(own_provider), clock) as (authenticate, provider):
        assert await reason(authenticate, token) == "issuer_unreachable"
        assert (await ProviderProbe(provider).check()).status == "unreachable"
        own_provider.start()
        clock.advance(6)
        assert await reason(authenticate, token) == "unknown_key"
        assert (await authenticate(own_provider.program_token())).subject == "corp:daemon"


async def test_health_says_where_the_keys_are_from_and_how_old_they_are(
    openid_provider: OpenIdProviderProcess, clock: FixedClock
) -> None:
    async with trusting(configuration(openid_provider), clock) as (_, provider):
        probe = ProviderProbe(provider)
        await probe.check()
        clock.advance(10)
        finding = await probe.check()
    assert (probe.name, finding.healthy, finding.status) == ("provider_corp", True, "answering")
    assert (finding.facts["keys"], finding.facts["keys_age_seconds"], finding.facts["key_requests"]) == (1, 10, 1)
