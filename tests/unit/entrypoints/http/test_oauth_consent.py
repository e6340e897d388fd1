"""What a program may be given, and whose decision that is."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.entrypoints.http.guarded import Guarded, open_guarded
from tests.unit.entrypoints.http.programs import CALLBACK, ISSUER, Program, registered

pytestmark = pytest.mark.anyio


@pytest.fixture
async def gate() -> AsyncIterator[Guarded]:
    async with open_guarded() as opened:
        yield opened


@pytest.mark.parametrize(
    "resource",
    [
        "https://other.example/mcp",
        "http://localhost:8000.evil.example/mcp",
        "http://localhost:8001/mcp",
        "http://localhost:8000/api/chat",
        "http://localhost:8000/mcp/../admin",
        "https://localhost:8000/mcp",
        "mcp",
        "",
    ],
)
async def test_a_resource_of_another_host_gives_no_token(gate: Guarded, resource: str) -> None:
    reply = await (await registered(gate)).ask(resource=resource)
    assert "error=invalid_target" in reply.headers["location"]


async def test_the_resource_of_the_code_is_that_of_the_token(gate: Guarded) -> None:
    program = await registered(gate)
    code = await program.code(await gate.signed_in())
    assert (await program.exchange(code, resource=f"{ISSUER}/servers/tables/mcp")).json()["error"] == "invalid_target"


async def test_scopes_beyond_the_callers_roles_are_not_given(gate: Guarded) -> None:
    program = await registered(gate)
    everything = "gateway.read gateway.ask gateway.call gateway.operate gateway.admin"
    tokens = await program.tokens(await gate.signed_in("viewer"), scope=everything)
    assert tokens["scope"] == "gateway.read"
    refused = await gate.client.get("/api/audit", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert refused.status_code == 403


async def test_an_administrators_program_does_only_what_was_agreed_to(gate: Guarded) -> None:
    program = await registered(gate)
    tokens = await program.tokens(await gate.signed_in("admin"), scope="gateway.read")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    refused = await gate.client.post(
        "/api/access/tokens", json={"subject": "x", "roles": ["admin"], "lifetime": "1h"}, headers=headers
    )
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    link = await gate.client.post("/api/login/link", json={"subject": "x", "roles": ["admin"]}, headers=headers)
    assert link.status_code == 403


@pytest.mark.parametrize("scope", ["admin", "gateway.root", "gateway.*", "x" * 2_000, "https://graph.microsoft.com/.default"])
async def test_scopes_that_are_not_the_gateways_are_refused(gate: Guarded, scope: str) -> None:
    assert "error=invalid_scope" in (await (await registered(gate)).ask(scope=scope)).headers["location"]


async def test_a_login_narrowed_by_scopes_gives_a_program_none_of_the_others(gate: Guarded) -> None:
    reply = await gate.client.post("/login", json={"token": gate.token("admin", scope="gateway.read")})
    cookie = reply.headers["set-cookie"].split(";")[0]
    gate.client.cookies.clear()
    csrf = (await gate.client.get("/api/me", headers={"Cookie": cookie})).json()["csrf"]
    tokens = await (await registered(gate)).tokens({"Cookie": cookie, "X-CSRF-Token": csrf})
    assert tokens["scope"] == "gateway.read"


async def test_nobody_agrees_without_the_pages_csrf_token(gate: Guarded) -> None:
    shown = await (await registered(gate)).shown(await gate.signed_in())
    for csrf in ("", "0" * 48):
        assert (await shown.decide(agree=True, csrf=csrf)).status_code == 403
    other = await gate.signed_in(subject="mallory")
    assert (await shown.decide(agree=True, csrf=other["X-CSRF-Token"])).status_code == 403


async def test_a_decision_is_about_what_was_shown(gate: Guarded) -> None:
    """Another site can make the browser begin a request of its own program while the page of an honest one is open."""
    signed_in = await gate.signed_in()
    honest = await (await registered(gate)).shown(signed_in)
    evil = await (await registered(gate, "https://evil.example/cb", name="Evil")).shown(signed_in)

    reply = await evil.decide(agree=True, request_id=honest.request_id)

    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "CONSENT_OVER")


async def test_a_token_cannot_agree_in_place_of_a_person(gate: Guarded) -> None:
    shown = await (await registered(gate)).shown(await gate.signed_in())
    sealed = shown.cookies.split("; ")[1]
    gate.client.cookies.clear()
    reply = await gate.client.post(
        "/oauth/consent", json={"request": shown.request_id, "agree": True}, headers={"Cookie": sealed} | gate.bearer()
    )
    assert reply.status_code == 401


async def test_a_program_signs_in_nowhere_and_so_never_agrees_for_the_person(gate: Guarded) -> None:
    """Else it could give itself the next login, and so act for them for ever."""
    tokens = await (await registered(gate)).tokens(await gate.signed_in())
    reply = await gate.client.post("/login", json={"token": tokens["access_token"]})
    assert (reply.status_code, "set-cookie" in reply.headers) == (403, False)


async def test_a_stranger_cannot_agree(gate: Guarded) -> None:
    shown = await (await registered(gate)).shown(await gate.signed_in())
    gate.client.cookies.clear()
    reply = await gate.client.post(
        "/oauth/consent",
        json={"request": shown.request_id, "agree": True},
        headers={"Cookie": shown.cookies.split("; ")[1]},
    )
    assert reply.status_code == 401


async def test_a_request_waits_ten_minutes(gate: Guarded) -> None:
    shown = await (await registered(gate)).shown(await gate.signed_in())
    gate.clock.advance(601)
    assert (await shown.decide(agree=True)).status_code == 409


async def test_a_changed_request_is_no_request(gate: Guarded) -> None:
    shown = await (await registered(gate)).shown(await gate.signed_in())
    session, sealed = shown.cookies.split("; ")
    middle = len(sealed) // 2
    changed = sealed[:middle] + ("A" if sealed[middle] != "A" else "B") + sealed[middle + 1 :]
    for value in (changed, "mcp-gateway-asked-8000=", "mcp-gateway-asked-8000=x", "mcp-gateway-asked-8000=" + "A" * 5_000):
        gate.client.cookies.clear()
        page = await gate.client.get("/oauth/consent?here=1", headers={"Cookie": f"{session}; {value}"})
        assert page.status_code == 409


async def test_what_is_sealed_as_a_registration_is_no_request(gate: Guarded) -> None:
    program = await registered(gate)
    session = (await gate.signed_in())["Cookie"]
    headers = {"Cookie": f"{session}; mcp-gateway-asked-8000={program.client_id}"}
    assert (await gate.client.get("/oauth/consent", headers=headers)).status_code == 409
    asked = await program.ask()
    sealed = asked.headers["set-cookie"].split(";")[0].split("=", 1)[1]
    assert (await Program(gate=gate, client_id=sealed).ask()).status_code == 400


async def test_the_page_cannot_be_framed_or_scripted(gate: Guarded) -> None:
    page = (await (await registered(gate, name="<script>alert(1)</script>")).shown(await gate.signed_in())).page
    policy = page.headers["content-security-policy"]
    assert (page.headers["x-frame-options"], page.headers["cache-control"]) == ("DENY", "no-store")
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'none'" in policy
    assert "'unsafe-inline'" not in policy
    assert "<script>alert" not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", ["A\u202eB", "line\nbreak", "x" * 500, "  padded   out  "])
async def test_a_programs_name_is_shown_without_tricks(gate: Guarded, name: str) -> None:
    reply = await gate.client.post("/oauth/register", json={"client_name": name, "redirect_uris": [CALLBACK]})
    shown = reply.json()["client_name"]
    assert shown.isprintable()
    assert len(shown) <= 80
    assert shown == " ".join(shown.split())


async def test_the_cookie_of_a_request_is_out_of_reach_of_scripts(gate: Guarded) -> None:
    cookie = (await (await registered(gate)).ask()).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    async with open_guarded(public_url="https://gateway.example") as public:
        program = Program(gate=public, client_id=(await registered(public)).client_id)
        cookie = (await program.ask(resource=None)).headers["set-cookie"]
    assert cookie.startswith("__Host-mcp-gateway-asked=")
    assert "Secure" in cookie
