"""Signing in at a provider, with a provider of the test's own: only the browser that began it can finish it."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from itertools import count

import httpx
import pytest
from tests.unit.entrypoints.http.conftest import NOW
from tests.unit.entrypoints.http.guarded import caller, open_guarded

from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.access.sessions.ports import BegunLogin, FinishedLogin

pytestmark = pytest.mark.anyio

_states = count(1)


class TestProvider:
    """Logs everybody in as Ada, for half an hour, whose code is `good`."""

    __test__ = False
    name, title, issuer, signs_in = "entra", "Entra", "https://issuer.example", True
    registers_programs = False

    async def begin_login(self, redirect_uri: str) -> BegunLogin:
        state = f"state-{next(_states)}"
        return BegunLogin(
            url=f"https://issuer.example/authorize?redirect_uri={redirect_uri}", state=state, kept=f"verifier of {state}"
        )

    async def finish_login(self, redirect_uri: str, kept: str, parameters: Mapping[str, str]) -> FinishedLogin:
        assert kept == f"verifier of {parameters['state']}"
        assert redirect_uri == "http://localhost:8000/login/entra/callback"
        if parameters.get("code") != "good":
            raise TokenRefused("The provider does not know this code.")
        return FinishedLogin(caller=caller(subject="entra:ada"), expires_at=NOW + timedelta(minutes=30))


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    async with open_guarded(providers=(TestProvider(),)) as gate:
        yield gate.client


async def begin(browser: httpx.AsyncClient) -> str:
    """The state the provider was sent."""
    reply = await browser.get("/login/entra")
    assert reply.status_code == 303
    assert reply.headers["location"].startswith("https://issuer.example/authorize?")
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/login" in cookie
    return f"state-{next(_states) - 1}"


def code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_the_page_offers_the_provider_and_its_answer_signs_in(browser: httpx.AsyncClient) -> None:
    offered = (await browser.get("/login/options")).json()["providers"]
    assert offered == [{"name": "entra", "title": "Entra", "href": "/login/entra"}]
    state = await begin(browser)

    reply = await browser.get(f"/login/entra/callback?code=good&state={state}")

    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    session = next(one for one in reply.headers.get_list("set-cookie") if "session" in one)
    assert "SameSite=strict" in session
    assert "Max-Age=1800" in session
    assert (await browser.get("/api/me")).json()["subject"] == "entra:ada"


async def test_an_answer_this_browser_did_not_ask_for_is_refused(browser: httpx.AsyncClient) -> None:
    """Login CSRF: an attacker's own answer, planted in somebody else's browser."""
    state = await begin(browser)
    browser.cookies.clear()
    assert code(await browser.get(f"/login/entra/callback?code=good&state={state}")) == (401, "LOGIN_LINK_REFUSED")


@pytest.mark.parametrize("query", ["code=good&state=other", "code=good", "code=good&state=", "state="])
async def test_an_answer_with_another_state_is_refused(browser: httpx.AsyncClient, query: str) -> None:
    await begin(browser)
    assert code(await browser.get(f"/login/entra/callback?{query}")) == (401, "LOGIN_LINK_REFUSED")


async def test_an_answer_is_taken_once(browser: httpx.AsyncClient) -> None:
    state = await begin(browser)
    ticket = dict(browser.cookies)
    assert code(await browser.get(f"/login/entra/callback?code=bad&state={state}")) == (401, "TOKEN_REFUSED")
    browser.cookies.update(ticket)
    assert code(await browser.get(f"/login/entra/callback?code=good&state={state}")) == (401, "LOGIN_LINK_REFUSED")


async def test_a_browser_whose_login_failed_is_led_back_to_the_sign_in_card(browser: httpx.AsyncClient) -> None:
    state = await begin(browser)
    reply = await browser.get(f"/login/entra/callback?code=bad&state={state}", headers={"Accept": "text/html"})
    assert (reply.status_code, reply.headers["location"]) == (303, "/login?failed")
    assert "session" not in reply.headers.get("set-cookie", "")


@pytest.mark.parametrize("path", ["/login/other", "/login/other/callback", "/login/ENTRA"])
async def test_a_provider_nobody_configured_is_not_there(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


async def test_metadata_names_the_gateway_where_people_of_the_provider_log_in(browser: httpx.AsyncClient) -> None:
    document = (await browser.get("/.well-known/oauth-protected-resource/mcp")).json()
    assert document["authorization_servers"] == [document["resource"].removesuffix("/mcp")]


async def test_a_provider_without_a_client_is_not_offered() -> None:
    silent = TestProvider()
    silent.signs_in = False
    async with open_guarded(providers=(silent,)) as gate:
        assert (await gate.client.get("/login/options")).json()["providers"] == []
        assert (await gate.client.get("/login/entra")).status_code == 404
