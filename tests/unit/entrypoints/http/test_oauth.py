"""The gateway as an authorization server: what works, from the first request of a program to its last token."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.entrypoints.http.guarded import Guarded, open_guarded
from tests.unit.entrypoints.http.programs import CALLBACK, ISSUER, registered, with_document

from mcp_gateway.core.identity import Caller

pytestmark = pytest.mark.anyio

WELL_KNOWN = "/.well-known/oauth-authorization-server"


@pytest.fixture
async def gate() -> AsyncIterator[Guarded]:
    async with open_guarded() as opened:
        yield opened


async def by_link(gate: Guarded) -> dict[str, str]:
    """Cookie and CSRF headers of a sign-in that ends with no token."""
    ticket = await gate.access.tickets.invite(await gate.access.authenticate(gate.token()))
    reply = await gate.client.get(f"/login?code={ticket}")
    cookie = reply.headers["set-cookie"].split(";")[0]
    gate.client.cookies.clear()
    me = await gate.client.get("/api/me", headers={"Cookie": cookie})
    return {"Cookie": cookie, "X-CSRF-Token": me.json()["csrf"]}


async def test_clients_are_told_that_the_gateway_logs_people_in(gate: Guarded) -> None:
    resource = (await gate.client.get("/.well-known/oauth-protected-resource/mcp")).json()
    server = (await gate.client.get(WELL_KNOWN)).json()

    assert resource["authorization_servers"] == [ISSUER] == [server["issuer"]]
    assert server["client_id_metadata_document_supported"] is True
    assert server["authorization_response_iss_parameter_supported"] is True
    assert server["code_challenge_methods_supported"] == ["S256"]
    assert server["token_endpoint_auth_methods_supported"] == ["none"]
    for endpoint in ("authorization", "token", "registration", "revocation"):
        assert server[f"{endpoint}_endpoint"].startswith(f"{ISSUER}/oauth/")


async def test_a_program_gets_tokens_that_speak_for_the_person(gate: Guarded) -> None:
    program = await registered(gate)
    tokens = await program.tokens(await gate.signed_in("analyst"))

    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 3600, "gateway.ask gateway.read")
    me = (await gate.client.get("/api/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})).json()
    assert (me["subject"], me["tenant"], me["roles"]) == ("ada", "acme", ["analyst"])
    assert (me["may"]["ask"], me["may"]["call_tool"]) == (True, False)


async def test_the_answer_brings_back_the_state_and_says_who_answers(gate: Guarded) -> None:
    shown = await (await registered(gate)).shown(await gate.signed_in())
    answer = await shown.decide(agree=True)
    location = urlsplit(answer.json()["location"])
    said = parse_qs(location.query)

    assert f"{location.scheme}://{location.netloc}{location.path}" == CALLBACK
    assert (said["state"], said["iss"], "code" in said) == (["s-1"], [ISSUER], True)


async def test_a_no_is_told_to_the_program(gate: Guarded) -> None:
    shown = await (await registered(gate)).shown(await gate.signed_in())
    said = parse_qs(urlsplit((await shown.decide(agree=False)).json()["location"]).query)
    assert said == {"error": ["access_denied"], "state": ["s-1"], "iss": [ISSUER]}


async def test_the_page_names_the_program_who_vouches_for_it_and_what_it_may_do(gate: Guarded) -> None:
    signed_in = await gate.signed_in("analyst")
    vouched = (await with_document(gate).shown(signed_in)).page.text
    claimed = (await (await registered(gate, name="Claude")).shown(signed_in)).page.text

    assert "“Claude”" in vouched
    assert "<dd>program.example</dd>" in vouched
    assert "nobody: it calls itself" in claimed
    assert "this computer" in claimed
    assert "Ask questions and run read-only SQL as you" in claimed
    assert "Manage servers" not in claimed


async def test_who_is_not_signed_in_signs_in_first_and_comes_back(gate: Guarded) -> None:
    program = await registered(gate)
    hop = await program.ask()
    assert "url=/oauth/consent?here=1" in hop.text
    page = await gate.client.get("/oauth/consent?here=1")
    assert 'id="sign-in"' in page.text
    assert "Inspector" not in page.text
    ticket = await gate.access.tickets.invite(await gate.access.authenticate(gate.token()))
    arrived = await gate.client.get(f"/login?code={ticket}")
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/oauth/consent")
    assert "“Inspector”" in (await gate.client.get("/oauth/consent")).text


async def test_a_browser_coming_from_elsewhere_hops_once_so_that_its_cookie_comes_along(gate: Guarded) -> None:
    await (await registered(gate)).ask()
    assert 'http-equiv="refresh"' in (await gate.client.get("/oauth/consent")).text


async def test_a_refresh_gives_new_tokens_and_a_new_refresh_token(gate: Guarded) -> None:
    program = await registered(gate)
    first = await program.tokens(await by_link(gate))
    gate.clock.advance(3_700)
    assert (await gate.client.get("/api/me", headers={"Authorization": f"Bearer {first['access_token']}"})).status_code == 401
    second = (await program.refresh(first["refresh_token"])).json()

    assert second["refresh_token"] != first["refresh_token"]
    headers = {"Authorization": f"Bearer {second['access_token']}"}
    assert (await gate.client.get("/api/me", headers=headers)).json()["subject"] == "ada"


async def test_a_refresh_may_ask_for_less(gate: Guarded) -> None:
    program = await registered(gate)
    first = await program.tokens(await gate.signed_in())
    second = (await program.refresh(first["refresh_token"], scope="gateway.read")).json()
    assert second["scope"] == "gateway.read"
    third = (await program.refresh(second["refresh_token"])).json()
    assert third["scope"] == "gateway.ask gateway.read"


async def test_a_login_in_a_program_ends_with_the_hours_of_a_login(gate: Guarded) -> None:
    program = await registered(gate)
    tokens = await program.tokens(await by_link(gate))
    gate.clock.advance(12 * 3_600 - 120)
    last = (await program.refresh(tokens["refresh_token"])).json()
    assert last["expires_in"] <= 120
    gate.clock.advance(120)
    assert (await program.refresh(last["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_https_program_is_asked_about_once_in_a_login_and_a_local_one_every_time(gate: Guarded) -> None:
    signed_in = await gate.signed_in()
    web, local = with_document(gate), await registered(gate)
    await web.tokens(signed_in)
    await local.tokens(signed_in)

    again = (await web.shown(signed_in)).page
    assert again.status_code == 303
    assert "code=" in again.headers["location"]
    assert again.headers["location"].startswith("https://program.example/callback?")
    assert (await local.shown(signed_in)).page.status_code == 200
    more = (await web.shown(signed_in, scope="gateway.read gateway.ask gateway.call")).page
    assert more.status_code == 200
    somebody_else = (await web.shown(await gate.signed_in(subject="bob"))).page
    assert somebody_else.status_code == 200


async def test_giving_a_token_back_ends_it(gate: Guarded) -> None:
    program = await registered(gate)
    tokens = await program.tokens(await gate.signed_in())
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await gate.client.get("/api/me", headers=headers)).status_code == 200

    assert (await program.revoke(tokens["refresh_token"])).status_code == 200

    assert (await gate.client.get("/api/me", headers=headers)).status_code == 401
    assert (await program.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await program.revoke("unknown")).status_code == 200


async def test_an_access_token_can_be_given_back_alone(gate: Guarded) -> None:
    program = await registered(gate)
    tokens = await program.tokens(await gate.signed_in())
    await program.revoke(tokens["access_token"])
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await gate.client.get("/api/me", headers=headers)).status_code == 401
    assert (await program.refresh(tokens["refresh_token"])).status_code == 200


async def test_a_token_that_no_program_was_given_is_not_given_back(gate: Guarded) -> None:
    program, headers = await registered(gate), gate.bearer()
    await program.revoke(headers["Authorization"].removeprefix("Bearer "))
    assert (await gate.client.get("/api/me", headers=headers)).status_code == 200


async def test_consent_and_every_token_stand_in_the_trail(gate: Guarded) -> None:
    program = await registered(gate)
    signed_in = await gate.signed_in()
    await (await program.shown(signed_in)).decide(agree=False)
    tokens = await program.tokens(signed_in)
    await program.refresh(tokens["refresh_token"])
    rows = await gate.access.audit.read("acme", after=0, limit=100)
    lines = [tuple(json.loads(row.body)[name] for name in ("action", "decision", "subject")) for row in rows]
    told = [line for line in lines if line[0] != "sign_in"]
    assert told == [
        ("consent", "refused", "ada"),
        ("consent", "allowed", "ada"),
        ("issue_to_program", "allowed", "ada"),
        ("refresh_to_program", "allowed", "ada"),
    ]


async def test_attributes_for_row_filters_come_along(gate: Guarded) -> None:
    caller = await gate.access.authenticate(gate.token())
    text, _ = await gate.access.tokens.issue_to_program(
        caller_with(caller, region="EU"), scopes=frozenset({"gateway.ask"}), lifetime_seconds=600, program="p"
    )
    read = await gate.access.authenticate(text)
    assert (read.subject, dict(read.attributes)) == ("entra:ada", {"region": "EU"})


def caller_with(caller: Caller, **attributes: str) -> Caller:
    return replace(caller, subject=f"entra:{caller.subject}", attributes=attributes)
