"""Roles of groups: from the token, and from Graph when there were too many for it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from tests.unit.adapters.oidc.site import Answer, Site

from mcp_gateway.access.configuration.providers import ENTRA_CLAIMS, ProviderConfig
from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.access.tokens.ports import FurtherRoles
from mcp_gateway.adapters.oidc.openid import OpenIdProvider
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json

pytestmark = pytest.mark.anyio

A = "aaaaaaaa-0000-4000-8000-000000000001"
TOKEN_PATH = f"/{A}/oauth2/v2.0/token"
GROUPS_PATH = "/v1.0/users/oid-otto/getMemberObjects"
OTTO: dict[str, Json] = {"tid": A, "oid": "oid-otto", "_claim_names": {"groups": "src1"}}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
async def entra(site: Site, clock: FixedClock) -> AsyncIterator[OpenIdProvider]:
    site.answers[TOKEN_PATH] = Answer(document={"access_token": "graph-token", "expires_in": 3600})
    site.answers[GROUPS_PATH] = Answer(document={"value": ["g1", "g2"]})
    provider = OpenIdProvider(configuration(site, graph=site.url), clock)
    yield provider
    await provider.aclose()


def configuration(site: Site, *, graph: str = "") -> ProviderConfig:
    return ProviderConfig(
        name="entra",
        kind="entra",
        issuer=f"{site.url}/{A}/v2.0",
        audience=("api://gateway",),
        client_id="app",
        client_secret="s3cret",
        claims=ENTRA_CLAIMS,
        tenant="acme",
        groups={"g1": "analyst", "g9": "admin"},
        graph=graph,
    )


async def roles(provider: OpenIdProvider, claims: dict[str, Json]) -> FurtherRoles:
    assert provider.group_roles
    return await provider.group_roles.roles_of(claims)


async def test_groups_in_the_token_are_mapped_and_others_give_nothing(site: Site, entra: OpenIdProvider) -> None:
    assert await roles(entra, {"groups": ["g1", "unknown"]}) == FurtherRoles(roles=frozenset({"analyst"}))
    assert await roles(entra, {}) == FurtherRoles(roles=frozenset())
    assert site.requests == []


@pytest.mark.parametrize("claim", [7, [1], {"g1": True}, ["g1", None]])
async def test_a_claim_that_is_no_list_of_groups_is_refused(entra: OpenIdProvider, claim: Json) -> None:
    with pytest.raises(TokenRefused):
        await roles(entra, {"groups": claim})


async def test_groups_that_did_not_fit_are_asked_of_graph(site: Site, entra: OpenIdProvider) -> None:
    found = await roles(entra, OTTO)
    assert (found.roles, found.attributes["groups_overage"], found.valid_seconds) == (frozenset({"analyst"}), "resolved", 600.0)
    token, groups = site.requests
    assert dict(parse_qsl(token.body)) == {
        "grant_type": "client_credentials",
        "client_id": "app",
        "client_secret": "s3cret",
        "scope": f"{site.url}/.default",
    }
    assert (groups.headers["authorization"], json.loads(groups.body)) == ("Bearer graph-token", {"securityEnabledOnly": False})


async def test_graph_is_asked_once_in_ten_minutes_for_a_person(site: Site, entra: OpenIdProvider, clock: FixedClock) -> None:
    await asyncio.gather(*(roles(entra, OTTO) for _ in range(20)))
    clock.advance(599)
    await roles(entra, OTTO)
    assert site.paths() == [TOKEN_PATH, GROUPS_PATH]
    clock.advance(2)
    await roles(entra, OTTO)
    assert site.paths() == [TOKEN_PATH, GROUPS_PATH, GROUPS_PATH]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=403, document={"error": {"code": "Authorization_RequestDenied"}}),
        Answer(document={"value": "g1"}),
        Answer(status=302, headers={"location": "https://elsewhere.example.com"}),
        Answer(raw=b""),
    ],
)
async def test_when_graph_does_not_say_there_are_no_roles_and_it_is_tried_again_soon(
    site: Site, entra: OpenIdProvider, clock: FixedClock, answer: Answer
) -> None:
    well = site.answers[GROUPS_PATH]
    site.answers[GROUPS_PATH] = answer
    found = await roles(entra, OTTO)
    assert (found.roles, found.attributes["groups_overage"], found.valid_seconds) == (frozenset(), "unreachable", 60.0)
    site.answers[GROUPS_PATH] = well
    clock.advance(61)
    assert (await roles(entra, OTTO)).roles == {"analyst"}


async def test_wrong_credentials_for_graph_give_no_roles(site: Site, entra: OpenIdProvider) -> None:
    site.answers[TOKEN_PATH] = Answer(status=401, document={"error": "invalid_client"})
    assert (await roles(entra, OTTO)).roles == frozenset()
    assert GROUPS_PATH not in site.paths()


async def test_a_token_from_the_provider_that_is_none_is_not_sent_on(site: Site, entra: OpenIdProvider) -> None:
    site.answers[TOKEN_PATH] = Answer(document={"access_token": "a\r\nHost: x", "expires_in": 3600})
    assert (await roles(entra, OTTO)).roles == frozenset()
    assert GROUPS_PATH not in site.paths()


async def test_a_person_with_a_strange_id_does_not_reach_another_path(site: Site, entra: OpenIdProvider) -> None:
    await roles(entra, {**OTTO, "oid": "../../v1.0/users/admin"})
    assert site.paths()[1] == "/v1.0/users/..%2F..%2Fv1.0%2Fusers%2Fadmin/getMemberObjects"


async def test_without_credentials_nobody_is_asked(site: Site, clock: FixedClock) -> None:
    provider = OpenIdProvider(configuration(site), clock)
    found = await roles(provider, OTTO)
    assert (found.roles, found.attributes["groups_overage"], found.valid_seconds) == (frozenset(), "unresolved", None)
    assert (site.requests, provider.group_roles and provider.group_roles.unresolved) == ([], 1)
