"""An MCP client that knows nothing but the address logs somebody in, calls, refreshes. It is the SDK's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.browser.signed_in import GuardedGateway
from tests.journeys.mcp_program import Kept, Person, Program
from tests.oidc_provider.process import TENANT_A, OpenIdProviderProcess

from mcp_gateway.access.oauth.clients import FetchedDocument
from mcp_gateway.access.tokens.embedded import TokenOrder
from mcp_gateway.asgi.application import open_application
from mcp_gateway.asgi.serving import open_listeners
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.settings import Settings

pytestmark = pytest.mark.anyio

QUESTION = "how many customers are there"
DOCUMENT = "https://program.example/client.json"


class Documents:
    """Stands for the public internet."""

    async def fetch(self, url: str) -> FetchedDocument:
        assert url == DOCUMENT
        redirects = ["http://127.0.0.1/callback"]
        return FetchedDocument(
            document={"client_id": url, "client_name": "Journey", "redirect_uris": [*redirects]}, fresh_seconds=None
        )


@asynccontextmanager
async def served(settings: Settings, tmp_path: Path, **changes: object) -> AsyncIterator[tuple[str, str, str]]:
    """The page's address, that of MCP, and a token of an analyst."""
    update = {"fastapi_port": 0, "login": "required", "state_dir": tmp_path / "state", **changes}
    settings = settings.model_copy(update=update)
    listeners = open_listeners(settings)
    async with open_application(settings, clock=SystemClock(), listeners=listeners) as application:
        access = application.gateway.access
        assert access is not None
        order = TokenOrder(tenant="local", subject="ada", roles=frozenset({"analyst"}), lifetime_seconds=3_600)
        token, _ = await access.tokens.issue(LOCAL_CALLER, order)
        serving = asyncio.create_task(application.serve(listeners))
        try:
            yield listeners.url, f"{listeners.mcp_url}/mcp", token
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            listeners.close()


async def with_token(person: Person, token: str) -> None:
    answer = await person.browser.post("/login", json={"token": token})
    assert answer.status_code == 200, answer.text


async def test_a_client_registers_logs_in_calls_and_refreshes(tmp_path: Path, cache_dir: Path) -> None:
    gateway = GuardedGateway(cache_dir, tmp_path / "state")
    with gateway.process.running():
        token = await asyncio.to_thread(gateway.token, "analyst")
        kept = Kept()
        async with Person(gateway.url, lambda person: with_token(person, token)) as person:
            program = Program(f"{gateway.url}mcp", person, kept)
            first = await program.call(QUESTION)
            assert "sql_query" in first
            assert [*parse_qs(urlsplit(program.asked[0]).query)["resource"]] == [f"{gateway.url}mcp"]
            assert any("“Journey”" in page for page in person.pages)

            assert kept.tokens is not None
            assert kept.tokens.scope == "gateway.ask gateway.read"
            assert "gateway.admin" not in program.asked[0]

            # Started again, with a token that has ended: it refreshes, and nobody is asked.
            again = Program(f"{gateway.url}mcp", person, kept)
            await again.provider._initialize()
            again.provider.context.token_expiry_time = 1.0
            await again.call(QUESTION)
            assert (again.asked, len(kept.given)) == ([], 2)
            assert kept.given[0].refresh_token != kept.given[1].refresh_token
            assert kept.given[0].access_token != token != kept.given[1].access_token


async def test_a_client_with_a_document_of_its_own_does_not_register(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_gateway.wiring.access.HttpClientDocuments", Documents)
    async with served(settings, tmp_path) as (url, mcp, token):
        kept = Kept()
        async with Person(url, lambda person: with_token(person, token)) as person:
            answer = await Program(mcp, person, kept, document=DOCUMENT).call(QUESTION)
        assert "sql_query" in answer
        assert kept.client is not None
        assert kept.client.client_id == DOCUMENT


async def test_with_mcp_on_its_own_port_people_log_in_at_the_other(settings: Settings, tmp_path: Path) -> None:
    async with served(settings, tmp_path, mcp_port=0) as (url, mcp, token):
        assert urlsplit(url).port != urlsplit(mcp).port
        async with Person(url, lambda person: with_token(person, token)) as person:
            program = Program(mcp, person, Kept())
            assert "sql_query" in await program.call(QUESTION)
        assert program.asked[0].startswith(f"{url}/oauth/authorize?")


async def test_with_a_provider_people_log_in_there_and_its_token_stays_here(
    settings: Settings, tmp_path: Path, openid_provider: OpenIdProviderProcess
) -> None:
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

    async def at_the_provider(person: Person) -> None:
        begun = await person.browser.get("/login/corp")
        arrived = urlsplit(await asyncio.to_thread(openid_provider.log_in, begun.headers["location"], "carol"))
        back = await person.browser.get(f"{arrived.path}?{arrived.query}")
        assert (back.status_code, back.headers["location"]) == (303, "/oauth/consent")

    kept = Kept()
    async with served(settings, tmp_path, access_file=file) as (url, mcp, _), Person(url, at_the_provider) as person:
        answer = await Program(mcp, person, kept).call(QUESTION)
        assert "sql_query" in answer
        assert kept.tokens is not None
        me = await person.browser.get("/api/me", headers={"Authorization": f"Bearer {kept.tokens.access_token}"})
    said = me.json()
    assert (said["subject"], said["tenant"], said["roles"]) == ("corp:carol", "acme", ["analyst"])
    assert str(said["issuer"]).startswith("mcp-gateway:")
