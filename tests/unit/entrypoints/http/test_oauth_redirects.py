"""Where answers go: to addresses a program named, and nowhere else."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.entrypoints.http.guarded import Guarded, open_guarded
from tests.unit.entrypoints.http.programs import CALLBACK, registered, with_document

pytestmark = pytest.mark.anyio


@pytest.fixture
async def gate() -> AsyncIterator[Guarded]:
    async with open_guarded() as opened:
        yield opened


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/",
        "https://program.example/callback/../evil",
        "https://program.example/callback.evil.example",
        "https://program.example/callback?next=https://evil.example",
        "https://program.example/callback#x",
        "https://program.example:444/callback",
        "https://program.example@evil.example/callback",
        "https://program.example.evil.example/callback",
        "https://PROGRAM.example/callback",
        "http://program.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1@evil.example/callback",
        "http://127.0.0.1:80@evil.example/callback",
        "http://127.0.0.1:1234/other",
        "http://localhost:1234/callback",
        "http://127.0.0.2:1234/callback",
        "http://127.0.0.1\\@evil.example/callback",
        "https://program.example/callback\r\nX: y",
        "javascript:alert(1)",
        "",
    ],
)
async def test_redirect_uri_tricks_lead_nowhere(gate: Guarded, redirect_uri: str) -> None:
    reply = await with_document(gate).ask(redirect_uri=redirect_uri)
    assert (reply.status_code, "location" in reply.headers) == (400, False)
    assert "href" not in reply.text.split("<body>")[1]


@pytest.mark.parametrize("port", ["", ":1", ":65535"])
async def test_on_loopback_the_port_may_be_any(gate: Guarded, port: str) -> None:
    reply = await with_document(gate).ask(redirect_uri=f"http://127.0.0.1{port}/callback")
    assert reply.status_code == 200


async def test_a_missing_redirect_uri_is_not_guessed(gate: Guarded) -> None:
    assert (await (await registered(gate)).ask(redirect_uri=None)).status_code == 400


async def test_a_refused_request_sends_no_browser_to_a_web_address_by_itself(gate: Guarded) -> None:
    """Anybody can register an address, so an automatic redirect would make the gateway an open redirector (RFC 9700, 4.11.2)."""
    web = await (await registered(gate, "https://evil.example/phish")).ask(scope="nonsense")
    assert (web.status_code, "location" in web.headers) == (400, False)
    local = await (await registered(gate)).ask(scope="nonsense")
    assert local.status_code == 302
    assert local.headers["location"].startswith(f"{CALLBACK}?error=invalid_scope&")


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://evil.example/cb",
        "http://192.168.1.1/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vscode://evil/cb",
        "https://user@evil.example/cb",
        "https://evil.example/cb#fragment",
        "https://evil.example/\u202ecb",
        "https:///cb",
        "//evil.example/cb",
        "http://localhost.evil.example/cb",
        "https://evil.example/" + "x" * 600,
    ],
)
async def test_only_https_and_loopback_addresses_can_be_registered(gate: Guarded, redirect_uri: str) -> None:
    reply = await gate.client.post("/oauth/register", json={"redirect_uris": [redirect_uri]})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_redirect_uri")
