"""Signing in and out: each way in works once as it should, and no other way."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.unit.entrypoints.http.guarded import Guarded, caller, open_guarded

pytestmark = pytest.mark.anyio


@pytest.fixture
async def gate() -> AsyncIterator[Guarded]:
    async with open_guarded() as opened:
        yield opened


def code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_a_link_signs_in_and_shows_neither_code_nor_token(gate: Guarded) -> None:
    ticket = await gate.access.tickets.invite(caller())

    reply = await gate.client.get(f"/login?code={ticket}")

    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    cookie = reply.headers["set-cookie"]
    assert cookie.startswith("mcp-gateway-session-8000=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/;" in f"{cookie};"
    assert "Domain" not in cookie
    assert ticket not in cookie
    me = (await gate.client.get("/api/me")).json()
    assert (me["subject"], me["tenant"], me["roles"], me["login"]) == ("ada", "acme", ["analyst"], "session")


async def test_a_link_works_once(gate: Guarded) -> None:
    ticket = await gate.access.tickets.invite(caller())
    await gate.client.get(f"/login?code={ticket}")

    assert code(await gate.client.get(f"/login?code={ticket}")) == (401, "LOGIN_LINK_REFUSED")


async def test_a_link_is_good_for_ten_minutes(gate: Guarded) -> None:
    early, late = [await gate.access.tickets.invite(caller()) for _ in range(2)]
    gate.clock.advance(599)
    assert (await gate.client.get(f"/login?code={early}")).status_code == 303
    gate.clock.advance(2)
    assert code(await gate.client.get(f"/login?code={late}")) == (401, "LOGIN_LINK_REFUSED")


async def test_guessing_is_slowed_down_and_the_wait_is_said(gate: Guarded) -> None:
    for number in range(10):
        assert code(await gate.client.get(f"/login?code=guess-{number}")) == (401, "LOGIN_LINK_REFUSED")

    refused = await gate.client.get("/login?code=guess-10")

    assert code(refused) == (429, "TOO_MANY_ATTEMPTS")
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert code(await gate.client.post("/login", json={"token": gate.token()})) == (429, "TOO_MANY_ATTEMPTS")
    gate.clock.advance(61)
    assert (await gate.client.post("/login", json={"token": gate.token()})).status_code == 200


@pytest.mark.parametrize("way", ["cross-site", "same-site"])
async def test_another_site_cannot_sign_a_browser_in(gate: Guarded, way: str) -> None:
    ticket = await gate.access.tickets.invite(caller(subject="mallory"))

    reply = await gate.client.get(f"/login?code={ticket}", headers={"Sec-Fetch-Site": way})

    assert code(reply) == (403, "CROSS_SITE_LOGIN")
    assert (await gate.client.get(f"/login?code={ticket}", headers={"Sec-Fetch-Site": "none"})).status_code == 303


async def test_a_browser_with_a_refused_link_gets_the_page_that_says_so(gate: Guarded) -> None:
    reply = await gate.client.get("/login?code=wrong", headers={"Accept": "text/html"})
    assert reply.status_code == 401
    assert "<html" in reply.text
    assert "set-cookie" not in reply.headers


async def test_a_session_id_brought_along_is_never_the_one_that_is_used(gate: Guarded) -> None:
    """Session fixation."""
    planted = {"Cookie": "mcp-gateway-session-8000=planted-by-somebody-else"}

    reply = await gate.client.post("/login", json={"token": gate.token()}, headers=planted)

    assert "planted" not in reply.headers["set-cookie"]
    gate.client.cookies.clear()
    assert code(await gate.client.get("/api/me", headers=planted)) == (401, "SESSION_ENDED")


async def test_a_session_lasts_no_longer_than_the_token_it_was_begun_with(gate: Guarded) -> None:
    session = await gate.signed_in()
    for _ in range(3):
        gate.clock.advance(1_199)
        assert (await gate.client.get("/api/me", headers=session)).status_code == 200
    gate.clock.advance(4)
    assert code(await gate.client.get("/api/me", headers=session)) == (401, "SESSION_ENDED")


async def test_signing_in_out_and_failing_to_stand_in_the_trail(gate: Guarded) -> None:
    session = await gate.signed_in()
    await gate.client.post("/logout", headers=session)
    await gate.client.post("/login", json={"token": "nothing"})
    await gate.client.get("/login?code=nothing")

    own, strangers = await gate.lines("acme"), await gate.lines("-")

    assert ["sign_in" in line or "sign_out" in line for line in own] == [True, True]
    assert [name for line in strangers for name in ("TOKEN_REFUSED", "LOGIN_LINK_REFUSED") if name in line] == [
        "TOKEN_REFUSED",
        "LOGIN_LINK_REFUSED",
    ]


async def test_signing_in_again_ends_the_session_before(gate: Guarded) -> None:
    before = await gate.signed_in()

    await gate.client.post("/login", json={"token": gate.token()}, headers=before)

    gate.client.cookies.clear()
    assert code(await gate.client.get("/api/me", headers=before)) == (401, "SESSION_ENDED")


async def test_signing_out_ends_the_session_and_takes_the_cookie_away(gate: Guarded) -> None:
    session = await gate.signed_in()

    assert code(await gate.client.post("/logout", headers={"Cookie": session["Cookie"]})) == (403, "CSRF_REFUSED")
    reply = await gate.client.post("/logout", headers=session)

    assert reply.status_code == 200
    assert "Max-Age=0" in reply.headers["set-cookie"]
    assert code(await gate.client.get("/api/me", headers=session)) == (401, "SESSION_ENDED")


async def test_an_expired_cookie_still_gets_the_page_to_sign_in_at(gate: Guarded) -> None:
    stale = {"Cookie": "mcp-gateway-session-8000=long-gone", "Accept": "text/html"}

    for path in ("/", "/js/app.js", "/login", "/login/options"):
        assert (await gate.client.get(path, headers=stale)).status_code == 200
    assert code(await gate.client.get("/api/schema", headers=stale)) == (401, "SESSION_ENDED")


async def test_behind_https_the_cookie_is_bound_to_the_host() -> None:
    async with open_guarded(public_url="https://gateway.example") as gate:
        reply = await gate.client.post("/login", json={"token": gate.token()})
        assert reply.headers["set-cookie"].startswith("__Host-mcp-gateway-session=")
        assert "Secure" in reply.headers["set-cookie"]
        refused = await gate.client.get("/api/me")
    expected = 'resource_metadata="https://gateway.example/.well-known/oauth-protected-resource"'
    assert expected in refused.headers["www-authenticate"]


async def test_a_cookie_of_one_gateway_means_nothing_to_another(gate: Guarded) -> None:
    session = await gate.signed_in()
    async with open_guarded() as other:
        assert code(await other.client.get("/api/me", headers=session)) == (401, "SESSION_ENDED")


async def test_what_is_kept_of_a_session_holds_neither_its_id_nor_a_token(gate: Guarded) -> None:
    token = gate.token()
    reply = await gate.client.post("/login", json={"token": token})
    session_id = reply.headers["set-cookie"].split("=", 1)[1].split(";")[0]

    kept = repr(vars(gate.access.sessions.store))

    assert "ada" in kept
    assert session_id not in kept
    assert token not in kept


async def test_a_link_for_others_gives_no_more_than_the_giver_has(gate: Guarded) -> None:
    admin = gate.bearer("admin")
    made = await gate.client.post("/api/login/link", json={"subject": "bob", "roles": ["viewer"]}, headers=admin)
    assert made.json()["link"].startswith("http://localhost:8000/login?code=")
    line = next(line for line in await gate.lines("acme") if "make_sign_in_link" in line)
    assert "ada" in line
    assert "bob" in line

    analyst = await gate.client.post("/api/login/link", json={"subject": "bob", "roles": ["viewer"]}, headers=gate.bearer())
    narrowed = await gate.client.post(
        "/api/login/link", json={"subject": "b", "roles": ["admin"]}, headers=gate.bearer("admin", scope="gateway.admin")
    )
    assert code(analyst) == code(narrowed) == (403, "NOT_ALLOWED")


@pytest.mark.parametrize("secret", ["/login?code=", "bearer", "cookie"])
async def test_no_secret_reaches_the_log(gate: Guarded, secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    token, session = gate.token(), await gate.signed_in()
    ticket = await gate.access.tickets.invite(caller())
    await gate.client.get(f"/login?code={ticket}")
    await gate.client.get("/api/me", headers={"Authorization": f"Bearer {token}x"})
    await gate.client.get("/api/me", headers=session)

    written = capsys.readouterr()
    kept = {"/login?code=": ticket, "bearer": token, "cookie": session["Cookie"].split("=")[1]}[secret]
    assert kept not in written.out + written.err


async def test_a_strangers_body_of_nothing_but_faults_gets_a_short_answer(gate: Guarded) -> None:
    reply = await gate.client.post("/login", json={f"name-{number}": 1 for number in range(500)})
    assert reply.status_code == 422
    assert len(reply.content) < 6_000


async def test_a_long_name_in_a_strangers_body_is_told_in_part(gate: Guarded) -> None:
    reply = await gate.client.post("/login", json={"x" * 5_000: 1})
    assert reply.status_code == 422
    assert len(reply.content) < 2_500
