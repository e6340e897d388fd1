"""Who sends a request: what the door believes, and everything it refuses."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.unit.entrypoints.http.conftest import answered
from tests.unit.entrypoints.http.guarded import IDLE, LASTS, Guarded, caller, open_guarded

from mcp_gateway.ask.model import Answer, Question, Step
from mcp_gateway.ask.ports import ProgressListener

pytestmark = pytest.mark.anyio

ASK = {"query": "how many?"}


@pytest.fixture
async def gate() -> AsyncIterator[Guarded]:
    async with open_guarded() as opened:
        yield opened


def code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_a_bearer_token_is_enough_and_needs_no_csrf(gate: Guarded) -> None:
    reply = await gate.client.post("/api/chat", json=ASK, headers=gate.bearer())
    assert reply.status_code == 200


async def test_without_credentials_the_client_is_told_where_to_log_in(gate: Guarded) -> None:
    reply = await gate.client.get("/api/me")

    assert code(reply) == (401, "UNAUTHENTICATED")
    # RFC 6750, 3.1: without credentials, no error code.
    metadata = 'resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource"'
    expected = f'Bearer {metadata}, scope="gateway.read gateway.ask gateway.call"'
    assert reply.headers["www-authenticate"] == expected
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/health", "/api/me", "/no/such/address"])
async def test_a_wrong_token_is_never_taken_for_no_token(gate: Guarded, path: str) -> None:
    """CVE-2026-12773: a refused credential must not become an anonymous caller, not even where everybody may go."""
    reply = await gate.client.get(path, headers={"Authorization": "Bearer not-a-token"})

    assert code(reply) == (401, "TOKEN_REFUSED")
    assert 'error="invalid_token"' in reply.headers["www-authenticate"]
    assert 'error_description="' in reply.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Basic YWRhOnBhc3N3b3Jk", (401, "TOKEN_REFUSED")),
        ("Bearer", (401, "TOKEN_REFUSED")),
        ("Bearer ", (401, "TOKEN_REFUSED")),
        ("Bearer a b", (401, "TOKEN_REFUSED")),
        ("Bearer a, Bearer b", (401, "TOKEN_REFUSED")),
        ("", (401, "TOKEN_REFUSED")),
        ("Bearer " + "a" * 40_000, (401, "TOKEN_REFUSED")),
    ],
)
async def test_an_authorization_header_that_is_not_one_bearer_token_is_refused(
    gate: Guarded, value: str, expected: tuple[int, str]
) -> None:
    assert code(await gate.client.get("/api/me", headers={"Authorization": value})) == expected


async def test_two_authorization_headers_are_refused_even_when_both_are_good(gate: Guarded) -> None:
    token = gate.token()
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]

    reply = await gate.client.get("/api/me", headers=headers)

    assert code(reply) == (400, "CREDENTIALS_UNCLEAR")
    assert 'error="invalid_request"' in reply.headers["www-authenticate"]


async def test_a_token_and_a_cookie_of_different_callers_are_refused(gate: Guarded) -> None:
    cookie = await gate.signed_in(subject="ada")

    both = await gate.client.get("/api/me", headers={**gate.bearer(subject="eve"), "Cookie": cookie["Cookie"]})
    same = await gate.client.get("/api/me", headers={**gate.bearer(subject="ada"), "Cookie": cookie["Cookie"]})

    assert code(both) == (400, "CREDENTIALS_UNCLEAR")
    assert same.json()["subject"] == "ada"


async def test_two_session_cookies_are_refused(gate: Guarded) -> None:
    cookie = (await gate.signed_in())["Cookie"]
    name = cookie.split("=")[0]

    assert code(await gate.client.get("/api/me", headers={"Cookie": f"{cookie}; {name}=other"})) == (400, "CREDENTIALS_UNCLEAR")


@pytest.mark.parametrize("values", [["other"], ["ACME"], ["acme", "acme"], ["acme", "other"], ["acme, other"], [""]])
async def test_a_tenant_header_that_is_not_exactly_the_callers_tenant_is_refused(gate: Guarded, values: list[str]) -> None:
    named = [("X-Tenant-ID", value) for value in values]

    by_token = await gate.client.get("/api/me", headers=[*gate.bearer().items(), *named])
    by_cookie = await gate.client.get("/api/me", headers=[*(await gate.signed_in()).items(), *named])

    assert code(by_token) == code(by_cookie) == (403, "TENANT_MISMATCH")


async def test_the_callers_own_tenant_may_be_named(gate: Guarded) -> None:
    reply = await gate.client.get("/api/me", headers={**gate.bearer(), "X-Tenant-ID": "acme"})
    assert reply.json()["tenant"] == "acme"


async def test_a_tenant_in_body_or_path_chooses_nothing(gate: Guarded) -> None:
    headers = gate.bearer("admin")

    named = await gate.client.post("/api/access/explain", json={"caller": {"subject": "x", "tenant": "other"}}, headers=headers)
    asked = await gate.client.get("/api/audit?tenant=other", headers=headers)

    assert named.status_code == asked.status_code == 422


async def test_what_is_missing_and_what_is_forbidden_look_alike_to_strangers(gate: Guarded) -> None:
    replies = [await gate.client.get(path) for path in ("/api/me", "/api/nothing", "/openapi.json", "/docs", "/metrics")]
    assert {reply.status_code for reply in replies} == {401}
    assert (await gate.client.get("/api/nothing", headers=gate.bearer())).status_code == 404


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8000/health?",
        "localhost:8000/../login",
        "localhost:8000#",
        "localhost@evil.example",
        "localhost evil",
        "a,b",
        "",
    ],
)
async def test_a_malformed_host_opens_no_route(gate: Guarded, host: str) -> None:
    """CVE-2026-48710 "BadHost": the path that decides is the one that was routed, never one rebuilt with the Host header."""
    reply = await gate.client.get("/api/me", headers={"Host": host})
    assert code(reply) == (403, "FORBIDDEN")


async def test_forwarding_headers_do_not_say_where_the_gateway_is(gate: Guarded) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    reply = await gate.client.get("/api/me", headers=forged)
    assert "evil" not in reply.headers["www-authenticate"]


async def test_too_little_scope_is_said_with_the_scope_that_would_do(gate: Guarded) -> None:
    reply = await gate.client.get("/api/audit", headers=gate.bearer("admin", scope="gateway.read"))

    assert code(reply) == (403, "INSUFFICIENT_SCOPE")
    assert 'error="insufficient_scope"' in reply.headers["www-authenticate"]
    assert 'scope="gateway.admin"' in reply.headers["www-authenticate"]


async def test_too_little_role_is_a_plain_403(gate: Guarded) -> None:
    reply = await gate.client.get("/api/audit", headers=gate.bearer("analyst"))

    assert code(reply) == (403, "NOT_ALLOWED")
    assert "www-authenticate" not in reply.headers


async def test_a_change_by_cookie_needs_the_pages_token(gate: Guarded) -> None:
    session = await gate.signed_in()
    other = await gate.signed_in(subject="eve")

    without = await gate.client.post("/api/chat", json=ASK, headers={"Cookie": session["Cookie"]})
    stolen = await gate.client.post(
        "/api/chat", json=ASK, headers={"Cookie": session["Cookie"], "X-CSRF-Token": other["X-CSRF-Token"]}
    )
    good = await gate.client.post("/api/chat", json=ASK, headers=session)

    assert code(without) == code(stolen) == (403, "CSRF_REFUSED")
    assert good.status_code == 200


async def test_a_foreign_page_is_refused_whatever_it_brings(gate: Guarded) -> None:
    session = await gate.signed_in()
    reply = await gate.client.post("/api/chat", json=ASK, headers={**session, "Origin": "https://evil.example"})
    assert code(reply) == (403, "FORBIDDEN")


async def test_a_friendly_page_may_send_what_logging_in_needs(gate: Guarded) -> None:
    asked = {
        "Origin": "http://friend.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization, x-tenant-id, x-csrf-token",
    }
    reply = await gate.client.options("/api/access/rules", headers=asked)
    assert reply.status_code == 200


async def test_a_session_ends_by_its_time_and_by_idleness(gate: Guarded) -> None:
    session = await gate.signed_in()
    gate.clock.advance(IDLE.total_seconds() - 1)
    assert (await gate.client.get("/api/me", headers=session)).status_code == 200
    gate.clock.advance(IDLE.total_seconds() + 1)
    assert code(await gate.client.get("/api/me", headers=session)) == (401, "SESSION_ENDED")

    ticket = await gate.access.tickets.invite(caller())
    reply = await gate.client.get(f"/login?code={ticket}")
    gate.client.cookies.clear()
    busy = {"Cookie": reply.headers["set-cookie"].split(";")[0]}
    for _ in range(int(LASTS / IDLE) * 2 - 1):
        gate.clock.advance(IDLE.total_seconds() / 2)
        assert (await gate.client.get("/api/me", headers=busy)).status_code == 200
    gate.clock.advance(IDLE.total_seconds() / 2)
    assert code(await gate.client.get("/api/me", headers=busy)) == (401, "SESSION_ENDED")


async def test_a_session_ends_at_once_with_the_token_it_was_begun_with(gate: Guarded) -> None:
    admin = gate.bearer("admin", subject="root")
    issued = await gate.client.post("/api/access/tokens", json={"subject": "ada", "roles": ["analyst"]}, headers=admin)
    reply = await gate.client.post("/login", json={"token": issued.json()["token"]})
    cookie = {"Cookie": reply.headers["set-cookie"].split(";")[0]}
    gate.client.cookies.clear()
    assert (await gate.client.get("/api/me", headers=cookie)).status_code == 200

    await gate.client.delete(f"/api/access/tokens/{issued.json()['id']}", headers=admin)

    assert code(await gate.client.get("/api/me", headers=cookie)) == (401, "SESSION_ENDED")


async def test_whoever_is_signed_out_by_an_administrator_is_out_everywhere(gate: Guarded) -> None:
    session, token = await gate.signed_in(), gate.bearer()
    other = await gate.signed_in(tenant="other")

    ended = await gate.client.post("/api/access/sign-out", json={"subject": "ada"}, headers=gate.bearer("admin", subject="root"))

    assert ended.json()["sessions_ended"] == 1
    assert code(await gate.client.get("/api/me", headers=session)) == (401, "SESSION_ENDED")
    assert code(await gate.client.get("/api/me", headers=token)) == (401, "TOKEN_REFUSED")
    assert (await gate.client.get("/api/me", headers=other)).status_code == 200


@pytest.mark.parametrize("way", ["token", "cookie"])
async def test_a_stream_ends_when_what_opened_it_is_revoked(way: str) -> None:
    steps = asyncio.Queue[None]()
    told = asyncio.Event()

    async def reply(question: Question, on_step: ProgressListener | None) -> Answer:
        assert on_step is not None
        for number in range(3):
            await on_step(Step(name=f"step-{number}", status="ok", started_ms=0.0, duration_ms=1.0))
            told.set()
            await steps.get()
        return answered(question)

    async with open_guarded(reply=reply) as gate:
        credentials = gate.bearer() if way == "token" else await gate.signed_in()
        asked = asyncio.create_task(gate.client.post("/api/chat/stream", json=ASK, headers=credentials))
        await told.wait()
        gate.clock.advance(2)
        await gate.client.post("/api/access/sign-out", json={"subject": "ada"}, headers=gate.bearer("admin", subject="root"))
        for _ in range(3):
            steps.put_nowait(None)
        stream = (await asked).text

    assert "step-0" in stream
    assert "step-1" not in stream
    assert "answer" not in stream


async def test_a_token_in_the_address_is_no_credential(gate: Guarded) -> None:
    assert code(await gate.client.get(f"/api/me?access_token={gate.token()}")) == (401, "UNAUTHENTICATED")


async def test_refused_credentials_and_acts_stand_in_the_trail(gate: Guarded) -> None:
    await gate.client.get("/api/me", headers={"Authorization": "Bearer nothing"})
    await gate.client.get("/api/audit", headers=gate.bearer("analyst"))

    strangers, tenants = await gate.lines("-"), await gate.lines("acme")

    assert any("TOKEN_REFUSED" in line for line in strangers)
    assert any("NOT_ALLOWED" in line for line in tenants)
