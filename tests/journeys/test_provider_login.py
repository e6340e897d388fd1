"""A person logs in at a real provider with a browser, and the gateway learns who it was."""

import secrets
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from tests.oidc_provider.process import AUDIENCE, TENANT_A, OpenIdProviderProcess

from mcp_gateway.access.configuration.providers import ClaimPaths, ProviderConfig
from mcp_gateway.access.errors import LoginFailed, TokenRefused
from mcp_gateway.adapters.oidc.login import OpenIdLogin
from mcp_gateway.adapters.oidc.openid import OpenIdProvider
from mcp_gateway.core.clock import SystemClock

pytestmark = pytest.mark.anyio

CALLBACK = "http://127.0.0.1:8123/login/corp/callback"


def login_at(process: OpenIdProviderProcess) -> OpenIdLogin:
    config = ProviderConfig(
        name="corp",
        kind="oidc",
        issuer=process.issuer(),
        audience=(AUDIENCE,),
        client_id="gateway",
        client_secret="gateway-secret",
        claims=ClaimPaths(tenant="tid"),
        tenants={TENANT_A: "acme"},
        roles={"Gateway.Admin": "admin"},
        login=True,
    )
    clock = SystemClock()
    return OpenIdLogin(OpenIdProvider(config, clock), clock, lambda: secrets.token_urlsafe(32))


def parameters_of(arrived: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(arrived).query))


async def test_a_person_logs_in_and_is_known(openid_provider: OpenIdProviderProcess) -> None:
    login = login_at(openid_provider)
    begun = await login.begin_login(CALLBACK)
    arrived = openid_provider.log_in(begun.url, "alice")
    assert arrived.startswith(f"{CALLBACK}?")
    assert parameters_of(arrived)["state"] == begun.state
    caller = (await login.finish_login(CALLBACK, begun.kept, parameters_of(arrived))).caller
    assert (caller.tenant, caller.subject, caller.roles, caller.scopes) == ("acme", "corp:alice", frozenset({"admin"}), None)
    assert (caller.name, caller.issuer) == ("alice", openid_provider.url)


async def test_what_is_kept_is_not_in_the_address(openid_provider: OpenIdProviderProcess) -> None:
    begun = await login_at(openid_provider).begin_login(CALLBACK)
    asked = parameters_of(begun.url)
    assert (asked["code_challenge_method"], asked["redirect_uri"]) == ("S256", CALLBACK)
    assert asked["nonce"] in begun.kept
    assert asked["code_challenge"] not in begun.kept
    assert begun.state not in begun.kept


async def test_a_person_of_a_tenant_that_is_not_served_is_refused(openid_provider: OpenIdProviderProcess) -> None:
    login = login_at(openid_provider)
    begun = await login.begin_login(CALLBACK)
    arrived = openid_provider.log_in(begun.url, "bob")
    with pytest.raises(TokenRefused) as refusal:
        await login.finish_login(CALLBACK, begun.kept, parameters_of(arrived))
    assert refusal.value.data["reason"] == "tenant"


async def test_a_code_is_good_once(openid_provider: OpenIdProviderProcess) -> None:
    login = login_at(openid_provider)
    begun = await login.begin_login(CALLBACK)
    parameters = parameters_of(openid_provider.log_in(begun.url, "alice"))
    await login.finish_login(CALLBACK, begun.kept, parameters)
    with pytest.raises(LoginFailed) as refusal:
        await login.finish_login(CALLBACK, begun.kept, parameters)
    assert (refusal.value.data["reason"], "invalid_grant" in refusal.value.message) == ("code", True)


async def test_a_code_of_another_login_is_of_no_use(openid_provider: OpenIdProviderProcess) -> None:
    login = login_at(openid_provider)
    theirs, ours = await login.begin_login(CALLBACK), await login.begin_login(CALLBACK)
    parameters = parameters_of(openid_provider.log_in(theirs.url, "alice"))
    with pytest.raises(LoginFailed):
        await login.finish_login(CALLBACK, ours.kept, parameters)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iss": "https://evil.example.com"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"code": None}, "code"),
        ({"code": "a\r\nb"}, "code"),
        ({"error": "access_denied", "error_description": "no \x1b[31m"}, "refused"),
    ],
)
async def test_an_answer_that_was_tampered_with_is_refused(
    openid_provider: OpenIdProviderProcess, change: dict[str, str | None], reason: str
) -> None:
    login = login_at(openid_provider)
    begun = await login.begin_login(CALLBACK)
    answered = {"code": "some", "iss": openid_provider.url, "state": begun.state, **change}
    with pytest.raises(LoginFailed) as refusal:
        await login.finish_login(CALLBACK, begun.kept, {name: value for name, value in answered.items() if value is not None})
    assert refusal.value.data["reason"] == reason
    assert refusal.value.message.isprintable()


@pytest.mark.parametrize("kept", ["", "[]", "{}", '{"nonce": 1, "verifier": "v"}', '{"nonce": "", "verifier": "v"}'])
async def test_a_login_that_was_not_begun_here_is_refused(openid_provider: OpenIdProviderProcess, kept: str) -> None:
    with pytest.raises(LoginFailed):
        await login_at(openid_provider).finish_login(CALLBACK, kept, {"code": "c", "iss": openid_provider.url})


async def test_the_provider_itself_refuses_an_address_that_is_not_registered(openid_provider: OpenIdProviderProcess) -> None:
    begun = await login_at(openid_provider).begin_login("http://127.0.0.1:8123/elsewhere")
    answer = httpx2.get(begun.url, follow_redirects=False)
    assert (answer.status_code, "redirect_uri" in answer.text) == (400, True)
