"""Programs that are not what they say, and documents that stand where nobody should look."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.entrypoints.http.guarded import Guarded, open_guarded
from tests.unit.entrypoints.http.programs import CALLBACK, DOCUMENT, WEB_CALLBACK, Program, registered, with_document

from mcp_gateway.adapters.oidc.client_documents import HttpClientDocuments

pytestmark = pytest.mark.anyio


@pytest.fixture
async def gate() -> AsyncIterator[Guarded]:
    async with open_guarded() as opened:
        yield opened


@pytest.mark.parametrize("address", [
    "127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fd00:ec2::254", "10.0.0.1", "192.168.0.1", "172.16.0.1",
    "0.0.0.0", "2002:7f00:1::", "2002:a9fe:a9fe::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "fe80::1", "fec0::1",
    "2001::1", "::7f00:1", "100.64.0.1", "224.0.0.1",
])  # fmt: skip
async def test_a_document_is_not_fetched_from_inside(address: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return [address]

    async with open_guarded(documents=HttpClientDocuments(resolve=resolve)) as gate:
        reply = await Program(gate=gate, client_id=DOCUMENT).ask(redirect_uri=WEB_CALLBACK)
    assert reply.status_code == 400
    assert "cannot be read" in reply.text
    assert address not in reply.text


@pytest.mark.parametrize(
    "client_id",
    [
        "http://program.example/client.json",
        "https://program.example",
        "https://program.example/",
        "https://user:pass@program.example/client.json",
        "https://program.example/client.json#x",
        "https://program.example/a/../client.json",
        "https://program.example/%2e%2e/client.json",
        "https://program.example/" + "a" * 600,
        "file:///etc/passwd",
        "gopher://127.0.0.1/x",
        "unknown",
        "",
    ],
)
async def test_an_address_that_is_no_document_is_not_even_fetched(gate: Guarded, client_id: str) -> None:
    assert (await Program(gate=gate, client_id=client_id).ask()).status_code == 400
    assert gate.documents.fetched == []


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "https://program.example/other.json"},
        {"client_id": DOCUMENT + "/"},
        {"client_id": None},
        {"redirect_uris": []},
        {"redirect_uris": "https://program.example/callback"},
        {"redirect_uris": ["https://other.example/callback"]},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "client_secret_post"},
    ],
)
async def test_a_document_that_does_not_fit_is_refused(gate: Guarded, changed: dict[str, object]) -> None:
    assert (await with_document(gate, **changed).ask()).status_code == 400


async def test_a_document_is_kept_for_a_while_and_a_fault_for_a_shorter_one(gate: Guarded) -> None:
    program = with_document(gate)
    for _ in range(3):
        assert (await program.ask()).status_code == 200
    assert len(gate.documents.fetched) == 1
    gate.clock.advance(61)
    gate.documents.known.clear()
    for _ in range(3):
        assert (await program.ask()).status_code == 400
    assert len(gate.documents.fetched) == 2
    with_document(gate)
    gate.clock.advance(31)
    assert (await program.ask()).status_code == 200


async def test_a_flood_of_registrations_is_slowed_down_and_fills_nothing(gate: Guarded) -> None:
    replies = [
        await gate.client.post("/oauth/register", json={"redirect_uris": [f"https://a{number}.example/cb"]})
        for number in range(40)
    ]
    assert [reply.status_code for reply in replies] == [201] * 30 + [429] * 10
    assert int(replies[-1].headers["retry-after"]) <= 60
    gate.clock.advance(61)
    assert (
        await Program(gate=gate, client_id=replies[0].json()["client_id"]).ask(redirect_uri="https://a0.example/cb")
    ).status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'"x"', b"{}", b'{"redirect_uris": null}', b"[" * 9_000])
async def test_a_registration_that_is_none_is_refused(gate: Guarded, body: bytes) -> None:
    reply = await gate.client.post("/oauth/register", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400


async def test_a_registration_with_a_doubled_name_is_refused(gate: Guarded) -> None:
    body = b'{"redirect_uris": ["https://a.example/cb"], "Redirect_URIs": ["https://evil.example/cb"]}'
    reply = await gate.client.post("/oauth/register", content=body, headers={"Content-Type": "application/json"})
    assert reply.is_client_error
    assert "client_id" not in reply.text


async def test_a_registration_ends_after_a_year_and_is_of_one_installation(gate: Guarded) -> None:
    program = await registered(gate)
    async with open_guarded() as other:
        assert (await Program(gate=other, client_id=program.client_id).ask()).status_code == 400
    gate.clock.advance(366 * 86_400)
    assert (await program.ask()).status_code == 400


async def test_no_secret_is_ever_given_to_a_program(gate: Guarded) -> None:
    reply = await gate.client.post(
        "/oauth/register", json={"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "client_secret_post"}
    )
    assert reply.json()["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in reply.json()


async def test_people_without_a_right_to_anything_asked_for_give_nothing(gate: Guarded) -> None:
    shown = await (await registered(gate)).shown(await gate.signed_in("nobody-knows-this-role"))
    assert "disabled" in shown.page.text
    assert (await shown.decide(agree=True)).status_code == 409
