"""Codes, PKCE and refresh tokens as people try to misuse them."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.entrypoints.http.guarded import Guarded, open_guarded
from tests.unit.entrypoints.http.programs import VERIFIER, challenge_of, registered

from mcp_gateway.access.tokens.embedded import TokenOrder

pytestmark = pytest.mark.anyio


@pytest.fixture
async def gate() -> AsyncIterator[Guarded]:
    async with open_guarded() as opened:
        yield opened


async def works(gate: Guarded, access_token: str) -> bool:
    reply = await gate.client.get("/api/me", headers={"Authorization": f"Bearer {access_token}"})
    return reply.status_code == 200


async def test_a_code_replayed_takes_back_what_it_gave(gate: Guarded) -> None:
    program = await registered(gate)
    code = await program.code(await gate.signed_in())
    first = (await program.exchange(code)).json()
    assert await works(gate, first["access_token"])

    assert (await program.exchange(code)).json()["error"] == "invalid_grant"

    assert not await works(gate, first["access_token"])
    assert (await program.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"
    lines = [json.loads(line) for line in await gate.lines("acme")]
    assert [line["reason"] for line in lines if line["action"] == "revoke_program"] == ["code_replayed"]


async def test_a_code_is_good_for_a_minute(gate: Guarded) -> None:
    program = await registered(gate)
    code = await program.code(await gate.signed_in())
    gate.clock.advance(61)
    assert (await program.exchange(code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": None},
        {"code_challenge": ""},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": VERIFIER},
        {"code_challenge": "short"},
        {"code_challenge": challenge_of() + "="},
        {"code_challenge": None, "code_challenge_method": None},
    ],
)
async def test_without_pkce_s256_nothing_begins(gate: Guarded, changed: dict[str, str | None]) -> None:
    reply = await (await registered(gate)).ask(**changed)
    assert parse_qs(urlsplit(reply.headers["location"]).query)["error"] == ["invalid_request"]


@pytest.mark.parametrize("verifier", [None, "", "w" * 64, challenge_of(), VERIFIER[:42], VERIFIER + "!", VERIFIER + "é"])
async def test_a_code_needs_its_own_verifier(gate: Guarded, verifier: str | None) -> None:
    program = await registered(gate)
    code = await program.code(await gate.signed_in())
    assert (await program.exchange(code, code_verifier=verifier)).json()["error"] == "invalid_grant"
    assert (await program.exchange(code)).json()["error"] == "invalid_grant"


async def test_a_code_of_one_program_is_nothing_for_another(gate: Guarded) -> None:
    program, other = await registered(gate), await registered(gate, name="Other")
    code = await program.code(await gate.signed_in())
    assert (await other.exchange(code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("redirect_uri", [None, "http://127.0.0.1:33419/callback", "http://127.0.0.1:33418/callback/"])
async def test_a_code_is_exchanged_for_the_very_address_it_was_sent_to(gate: Guarded, redirect_uri: str | None) -> None:
    program = await registered(gate)
    code = await program.code(await gate.signed_in())
    assert (await program.exchange(code, redirect_uri=redirect_uri)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("code", ["", "x", "x" * 5_000, "\x00", "💥"])
async def test_a_made_up_code_gives_nothing(gate: Guarded, code: str) -> None:
    assert (await (await registered(gate)).exchange(code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("doubled", ["code", "client_id", "grant_type", "code_verifier"])
async def test_a_field_that_stands_twice_is_refused(gate: Guarded, doubled: str) -> None:
    body = f"grant_type=authorization_code&client_id=a&code=b&code_verifier=c&{doubled}=z"
    reply = await gate.client.post("/oauth/token", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "grant_type", [None, "password", "client_credentials", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"]
)
async def test_there_are_two_grants_and_no_other(gate: Guarded, grant_type: str | None) -> None:
    program = await registered(gate)
    reply = await program.exchange("x", grant_type=grant_type)
    assert reply.json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("response_type", [None, "token", "code token", "id_token"])
async def test_no_token_travels_in_an_address(gate: Guarded, response_type: str | None) -> None:
    reply = await (await registered(gate)).ask(response_type=response_type)
    assert "error=unsupported_response_type" in reply.headers["location"]


async def test_a_refresh_token_used_twice_ends_the_login(gate: Guarded) -> None:
    program = await registered(gate)
    first = await program.tokens(await gate.signed_in())
    second = (await program.refresh(first["refresh_token"])).json()

    assert (await program.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"

    assert (await program.refresh(second["refresh_token"])).json()["error"] == "invalid_grant"
    assert not await works(gate, first["access_token"])
    assert not await works(gate, second["access_token"])
    lines = [json.loads(line) for line in await gate.lines("acme")]
    assert "refresh_replayed" in [line["reason"] for line in lines]


async def test_another_program_can_neither_use_nor_end_a_refresh_token(gate: Guarded) -> None:
    program, other = await registered(gate), await registered(gate, name="Other")
    tokens = await program.tokens(await gate.signed_in())
    assert (await other.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await other.revoke(tokens["refresh_token"])).status_code == 200
    assert (await program.refresh(tokens["refresh_token"])).status_code == 200


async def test_an_access_token_is_no_refresh_token_and_a_refresh_token_calls_nothing(gate: Guarded) -> None:
    program = await registered(gate)
    tokens = await program.tokens(await gate.signed_in())
    assert (await program.refresh(tokens["access_token"])).json()["error"] == "invalid_grant"
    assert not await works(gate, tokens["refresh_token"])


async def test_a_refresh_gives_no_scope_that_was_not_agreed_to(gate: Guarded) -> None:
    program = await registered(gate)
    tokens = await program.tokens(await gate.signed_in("admin"), scope="gateway.read")
    reply = await program.refresh(tokens["refresh_token"], scope="gateway.read gateway.admin")
    assert reply.json()["error"] == "invalid_scope"
    assert (await program.refresh(tokens["refresh_token"])).json()["scope"] == "gateway.read"


@pytest.mark.parametrize("how", ["tokens", "sessions"])
async def test_whoever_is_signed_out_is_acted_for_no_longer(gate: Guarded, how: str) -> None:
    program = await registered(gate)
    tokens = await program.tokens(await gate.signed_in())
    caller = await gate.access.authenticate(gate.token("admin", subject="root"))
    if how == "tokens":
        await gate.access.tokens.revoke_subject(caller, "ada")
        assert not await works(gate, tokens["access_token"])
    else:
        await gate.access.sessions.revoke_subject("acme", "ada")
    assert (await program.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_code_waits_for_nobody_who_was_signed_out(gate: Guarded) -> None:
    program = await registered(gate)
    code = await program.code(await gate.signed_in())
    caller = await gate.access.authenticate(gate.token("admin", subject="root"))
    await gate.access.tokens.revoke_subject(caller, "ada")
    assert (await program.exchange(code)).json()["error"] == "invalid_grant"


async def test_of_two_that_come_with_one_code_at_once_none_keeps_anything(gate: Guarded) -> None:
    program = await registered(gate)
    code = await program.code(await gate.signed_in())
    replies = await asyncio.gather(*(program.exchange(code) for _ in range(5)))
    given = [reply.json() for reply in replies if reply.status_code == 200]
    assert len(given) <= 1
    assert [one for one in given if await works(gate, one["access_token"])] == []
    assert [one for one in given if (await program.refresh(one["refresh_token"])).status_code == 200] == []


async def test_a_login_that_ends_with_its_token_gives_a_program_nothing_that_outlasts_it(gate: Guarded) -> None:
    order = TokenOrder(tenant="acme", subject="ada", roles=frozenset({"analyst"}), lifetime_seconds=600.0)
    reply = await gate.client.post("/login", json={"token": gate.issuer.issue(order)[0]})
    cookie = reply.headers["set-cookie"].split(";")[0]
    gate.client.cookies.clear()
    me = await gate.client.get("/api/me", headers={"Cookie": cookie})
    program = await registered(gate)

    tokens = await program.tokens({"Cookie": cookie, "X-CSRF-Token": me.json()["csrf"]})
    gate.clock.advance(601)
    later = await program.refresh(tokens["refresh_token"])

    assert tokens["expires_in"] <= 600
    assert (later.status_code, later.json()["error"]) == (400, "invalid_grant")
