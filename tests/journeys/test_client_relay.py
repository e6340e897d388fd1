"""An MCP client that registers, names a resource and short scopes gets tokens of a provider that would refuse all three."""

import base64
import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.journeys.conftest import open_served
from tests.oidc_provider.process import DESKTOP_CALLBACK, OpenIdProviderProcess

from mcp_gateway.access.configuration.providers import ENTRA_CLAIMS, ProviderConfig
from mcp_gateway.access.relay import ClientRefused
from mcp_gateway.adapters.oidc.openid import OpenIdProvider
from mcp_gateway.adapters.oidc.relay import OpenIdRelay
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.settings import Settings

pytestmark = pytest.mark.anyio

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": "desktop",
    "redirect_uri": DESKTOP_CALLBACK,
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
async def client(settings: Settings, entra_provider: OpenIdProviderProcess, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    file = tmp_path / "access.yaml"
    file.write_text(f"""
providers:
  - name: entra
    kind: entra
    issuer: {entra_provider.issuer()}
    audience: [api://gateway]
    mcp_client_id: desktop
    tenant: acme
    roles: {{Gateway.Analyst: analyst}}
""")
    changed = {"access_file": file, "login": "required", "state_dir": tmp_path / "state"}
    async with open_served(settings.model_copy(update=changed)) as (_, opened, _listeners):
        yield opened


async def authorized(client: httpx.AsyncClient, provider: OpenIdProviderProcess, **changed: str) -> dict[str, str]:
    """What the provider sends the client back with."""
    sent = await client.get("/login/entra/authorize", params={**ASKED, **changed})
    assert sent.status_code == 302, sent.text
    return dict(parse_qsl(urlsplit(provider.log_in(sent.headers["location"], "carol")).query))


async def test_a_client_gets_from_a_401_to_an_answer(client: httpx.AsyncClient, entra_provider: OpenIdProviderProcess) -> None:
    refused = await client.post("/mcp", json={})
    assert refused.status_code == 401
    [issuer] = (await client.get("/.well-known/oauth-protected-resource/mcp")).json()["authorization_servers"]
    path = urlsplit(issuer).path
    server = (await client.get(f"/.well-known/oauth-authorization-server{path}")).json()
    assert (server["issuer"], server["client_id_metadata_document_supported"]) == (issuer, True)

    wanted = {"redirect_uris": [DESKTOP_CALLBACK], "client_name": "A client", "token_endpoint_auth_method": "none"}
    registered = await client.post(server["registration_endpoint"], json=wanted)
    assert (registered.status_code, registered.json()["client_id"]) == (201, "desktop")

    answer = await authorized(client, entra_provider, resource=f"{client.base_url}/mcp", scope="gateway.ask gateway.read")
    assert answer["state"] == "s"
    form = {
        "grant_type": "authorization_code",
        "client_id": "desktop",
        "code": answer["code"],
        "redirect_uri": DESKTOP_CALLBACK,
        "code_verifier": VERIFIER,
        "resource": f"{client.base_url}/mcp",
    }
    got = await client.post(server["token_endpoint"], data=form)
    assert got.status_code == 200, got.text
    assert set(got.json()) <= {"access_token", "token_type", "expires_in", "refresh_token", "scope"}

    me = await client.get("/api/me", headers={"authorization": f"Bearer {got.json()['access_token']}"})
    assert (me.json()["subject"], me.json()["roles"]) == ("entra:oid-carol", ["analyst"])


async def test_a_wrong_verifier_is_the_providers_to_refuse(
    client: httpx.AsyncClient, entra_provider: OpenIdProviderProcess
) -> None:
    answer = await authorized(client, entra_provider)
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": DESKTOP_CALLBACK,
        "code_verifier": "w" * 43,
    }
    got = await client.post("/login/entra/token", data=form)
    assert (got.status_code, got.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"client_id": "https://127.0.0.1/client.json"}, 401, "invalid_client"),
        ({"client_id": "https://169.254.169.254/client.json"}, 401, "invalid_client"),
        ({"client_id": "https://localhost:8443/client.json"}, 401, "invalid_client"),
        ({"client_id": "http://client.example.com/client.json"}, 401, "invalid_client"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, 400, "invalid_request"),
        ({"code_challenge": "short"}, 400, "invalid_request"),
        ({"redirect_uri": "javascript:alert(1)"}, 400, "invalid_redirect_uri"),
        ({"redirect_uri": "http://client.example.com/cb"}, 400, "invalid_redirect_uri"),
    ],
)
async def test_a_client_that_asks_wrongly_is_refused_here(
    client: httpx.AsyncClient, changed: dict[str, str], status: int, error: str
) -> None:
    refused = await client.get("/login/entra/authorize", params={**ASKED, **changed})
    assert (refused.status_code, refused.json()["error"]) == (status, error)
    assert "location" not in refused.headers


async def test_a_redirect_uri_that_is_not_registered_is_the_providers_to_refuse(client: httpx.AsyncClient) -> None:
    sent = await client.get("/login/entra/authorize", params={**ASKED, "redirect_uri": "https://evil.example.com/cb"})
    async with httpx.AsyncClient() as browser:
        refused = await browser.get(sent.headers["location"])
    assert (refused.status_code, "evil.example.com" in refused.headers.get("location", "")) == (400, False)


async def test_a_field_that_stands_twice_is_refused(client: httpx.AsyncClient) -> None:
    refused = await client.get(f"/login/entra/authorize?{httpx.QueryParams(ASKED)}&client_id=other")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("redirects", [None, [], "https://a.example", ["javascript:x"], [7], ["https://a.example"] * 21, ["//x"]])
async def test_a_registration_without_usable_addresses_is_refused(client: httpx.AsyncClient, redirects: object) -> None:
    refused = await client.post("/login/entra/register", json={"redirect_uris": redirects})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize(
    "form", [{}, {"grant_type": "password"}, {"grant_type": "authorization_code"}, {"grant_type": "refresh_token"}]
)
async def test_a_grant_that_is_not_passed_on_is_refused(client: httpx.AsyncClient, form: dict[str, str]) -> None:
    refused = await client.post("/login/entra/token", data=form)
    assert (refused.status_code, refused.json()["error"].split("_")[0]) in {(400, "unsupported"), (400, "invalid")}


async def test_other_providers_have_no_such_addresses(client: httpx.AsyncClient) -> None:
    for path in ("/.well-known/oauth-authorization-server/login/other", "/login/other/authorize"):
        assert (await client.get(path)).status_code == 404


# --- clients that bring a document of their own -------------------------------------------------------------------------


def relay_with(provider: OpenIdProviderProcess, documents: dict[str, object]) -> OpenIdRelay:
    config = ProviderConfig(
        name="entra",
        kind="entra",
        issuer=provider.issuer(),
        audience=("api://gateway",),
        claims=ENTRA_CLAIMS,
        tenant="acme",
        mcp_client_id="desktop",
    )
    relay = OpenIdRelay(OpenIdProvider(config, SystemClock()), "desktop", SystemClock(), resolve=nowhere)
    for client_id, redirects in documents.items():
        relay._documents[client_id] = (tuple(redirects), float("inf"))  # type: ignore[arg-type]  # lists of texts
    return relay


async def nowhere(_host: str, _port: int) -> Sequence[str]:
    raise OSError


async def test_a_client_with_a_document_may_come_back_where_it_says(entra_provider: OpenIdProviderProcess) -> None:
    client_id = "https://client.example.com/oauth.json"
    relay = relay_with(entra_provider, {client_id: ["http://127.0.0.1/callback"]})
    url = await relay.authorize({**ASKED, "client_id": client_id})
    assert dict(parse_qsl(urlsplit(url).query))["client_id"] == "desktop"
    with pytest.raises(ClientRefused):
        await relay.authorize({**ASKED, "client_id": client_id, "redirect_uri": "http://127.0.0.1:9/elsewhere"})


async def test_a_document_that_cannot_be_had_is_refused_without_saying_why(entra_provider: OpenIdProviderProcess) -> None:
    relay = relay_with(entra_provider, {})
    with pytest.raises(ClientRefused) as refusal:
        await relay.authorize({**ASKED, "client_id": "https://client.example.com/oauth.json"})
    assert refusal.value.message == "The client's document cannot be used."
