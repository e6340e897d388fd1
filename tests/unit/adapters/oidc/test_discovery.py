"""Finding a provider from its issuer URL."""

import pytest
from tests.unit.adapters.oidc.site import HOST, Answer, Site

from mcp_gateway.adapters.oidc.discovery import discover, metadata_urls, read_date
from mcp_gateway.adapters.oidc.egress import Egress
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.adapters.oidc.http import Outbound

pytestmark = pytest.mark.anyio


def outbound() -> Outbound:
    return Outbound(Egress(home=HOST))


@pytest.mark.parametrize("issuer", ["https://login.example.com/tenant", "https://login.example.com/tenant/"])
def test_the_document_may_stand_after_or_before_the_path(issuer: str) -> None:
    assert metadata_urls(issuer) == (
        "https://login.example.com/tenant/.well-known/openid-configuration",
        "https://login.example.com/.well-known/oauth-authorization-server/tenant",
        "https://login.example.com/.well-known/openid-configuration/tenant",
    )


async def test_openid_metadata_is_found(site: Site) -> None:
    issuer = site.serve_provider(
        path="/t",
        token_endpoint="https://t",
        code_challenge_methods_supported=["S256", 7],
        authorization_response_iss_parameter_supported=True,
    )
    found = await discover(outbound(), issuer)
    assert (found.issuer, found.jwks_uri, found.token_endpoint) == (issuer, f"{issuer}/jwks", "https://t")
    assert (found.challenge_methods, found.answers_with_issuer, found.algorithms) == (("S256",), True, ())


async def test_metadata_of_an_oauth_server_is_found_before_its_path(site: Site) -> None:
    issuer = f"{site.url}/t"
    site.answers["/.well-known/oauth-authorization-server/t"] = Answer(document={"issuer": issuer, "jwks_uri": "https://k"})
    assert (await discover(outbound(), issuer)).jwks_uri == "https://k"


@pytest.mark.parametrize("named", ["/", "/other", "?", "0"])
async def test_another_issuer_than_the_configured_one_is_refused(site: Site, named: str) -> None:
    issuer = site.serve_provider(path="/t")
    with pytest.raises(ProviderUnusable) as fault:
        await discover(outbound(), issuer, expected=f"{issuer}{named}")
    assert (fault.value.kind, fault.value.data["named"]) == ("issuer", issuer)


async def test_a_provider_that_fails_is_not_looked_for_elsewhere(site: Site) -> None:
    site.answers["/.well-known/openid-configuration"] = Answer(status=503, document={})
    with pytest.raises(ProviderUnusable):
        await discover(outbound(), site.url)
    assert site.paths() == ["/.well-known/openid-configuration"]


async def test_metadata_without_keys_is_refused(site: Site) -> None:
    site.serve_provider()
    site.answers["/.well-known/openid-configuration"] = Answer(document={"issuer": site.url, "jwks_uri": ["x"]})
    with pytest.raises(ProviderUnusable) as fault:
        await discover(outbound(), site.url)
    assert fault.value.kind == "metadata"


@pytest.mark.parametrize("text", ["", "now", "Sat, 99 Nov 2026", "Sat, 21 Nov 2026 10:00:00"])
def test_a_date_that_is_none_is_none(text: str) -> None:
    assert read_date(text) is None
