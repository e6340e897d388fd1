"""The whole gateway with a real provider: signing in at the page, calling with its tokens, and what clients are told."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.journeys.conftest import open_served
from tests.oidc_provider.process import TENANT_A, OpenIdProviderProcess

from mcp_gateway.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(settings: Settings, openid_provider: OpenIdProviderProcess, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Calls a gateway that trusts the provider."""
    file = tmp_path / "access.yaml"
    file.write_text(f"""
providers:
  - name: corp
    issuer: {openid_provider.issuer()}
    audience: [api://gateway]
    client_id: gateway
    client_secret: gateway-secret
    claims: {{tenant: tid}}
    tenants: {{{TENANT_A}: acme}}
    roles: {{Gateway.Admin: admin, Gateway.Analyst: analyst}}
""")
    changed = {"access_file": file, "login": "required", "state_dir": tmp_path / "state"}
    async with open_served(settings.model_copy(update=changed)) as (_, opened, _listeners):
        yield opened


async def signed_in(client: httpx.AsyncClient, provider: OpenIdProviderProcess, user: str) -> httpx.Response:
    """What the gateway answers when the browser comes back from the provider."""
    begun = await client.get("/login/corp")
    assert begun.status_code == 303
    arrived = urlsplit(provider.log_in(begun.headers["location"], user))
    assert arrived.path == "/login/corp/callback"
    return await client.get(f"{arrived.path}?{arrived.query}")


async def test_a_person_signs_in_at_the_provider_and_the_page_knows_who_it_is(
    client: httpx.AsyncClient, openid_provider: OpenIdProviderProcess
) -> None:
    assert (await client.get("/api/me")).status_code == 401
    finished = await signed_in(client, openid_provider, "alice")
    assert (finished.status_code, finished.headers["location"]) == (303, "/")
    me = (await client.get("/api/me")).json()
    assert (me["tenant"], me["subject"], me["roles"]) == ("acme", "corp:alice", ["admin"])


async def test_an_answer_for_another_browser_is_not_taken(
    client: httpx.AsyncClient, openid_provider: OpenIdProviderProcess
) -> None:
    begun = await client.get("/login/corp")
    arrived = urlsplit(openid_provider.log_in(begun.headers["location"], "alice"))
    client.cookies.clear()
    refused = await client.get(f"{arrived.path}?{arrived.query}")
    assert (refused.status_code, (await client.get("/api/me")).status_code) == (401, 401)


async def test_a_person_of_a_tenant_that_is_not_served_does_not_get_in(
    client: httpx.AsyncClient, openid_provider: OpenIdProviderProcess
) -> None:
    refused = await signed_in(client, openid_provider, "bob")
    assert (refused.status_code, (await client.get("/api/me")).status_code) == (401, 401)


async def test_the_page_offers_the_provider(client: httpx.AsyncClient) -> None:
    offered = (await client.get("/login/options")).json()["providers"]
    assert offered == [{"name": "corp", "title": "corp", "href": "/login/corp"}]


async def test_a_token_of_the_provider_asks_a_question(client: httpx.AsyncClient, openid_provider: OpenIdProviderProcess) -> None:
    token = openid_provider.user_token("carol")
    asked = await client.post(
        "/api/chat", json={"query": "how many customers are there"}, headers={"authorization": f"Bearer {token}"}
    )
    assert asked.status_code == 200, asked.text


async def test_clients_without_a_token_are_told_where_to_get_one(client: httpx.AsyncClient) -> None:
    refused = await client.post("/mcp", json={})
    assert (refused.status_code, "resource_metadata=" in refused.headers["www-authenticate"]) == (401, True)
    told = (await client.get("/.well-known/oauth-protected-resource/mcp")).json()
    assert told["authorization_servers"] == [str(client.base_url)]
    assert told["resource"] == f"{client.base_url}/mcp"


async def test_health_speaks_of_the_provider(client: httpx.AsyncClient, openid_provider: OpenIdProviderProcess) -> None:
    token = openid_provider.user_token("alice", scope="gateway.admin gateway.read")
    health = (await client.get("/api/health", headers={"authorization": f"Bearer {token}"})).text
    assert "provider_corp" in health
