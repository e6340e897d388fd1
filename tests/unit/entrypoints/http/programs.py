"""A program that wants to act for somebody, and the browser of that somebody, step by step."""

import base64
import hashlib
import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from tests.unit.entrypoints.http.guarded import Guarded

VERIFIER = "v" * 64
CALLBACK = "http://127.0.0.1:33418/callback"
ISSUER = "http://localhost:8000"
DOCUMENT = "https://program.example/oauth/client.json"
WEB_CALLBACK = "https://program.example/callback"


def challenge_of(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """Over one gateway. `client_id` is what the gateway gave it, or the address of its document."""

    gate: Guarded
    client_id: str
    redirect_uri: str = CALLBACK

    def query(self, **changed: str | None) -> dict[str, str]:
        """A good request; None leaves a field out."""
        fields: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_challenge": challenge_of(),
            "code_challenge_method": "S256",
            "scope": "gateway.read gateway.ask",
            "resource": f"{ISSUER}/mcp",
            "state": "s-1",
        }
        fields |= changed
        return {name: value for name, value in fields.items() if value is not None}

    async def ask(self, **changed: str | None) -> httpx.Response:
        """The browser comes with the request."""
        return await self.gate.client.get("/oauth/authorize", params=self.query(**changed))

    async def shown(self, signed_in: dict[str, str], **changed: str | None) -> "Shown":
        """What somebody who is signed in sees."""
        reply = await self.ask(**changed)
        assert reply.status_code == 200, reply.text
        sealed = reply.headers["set-cookie"].split(";")[0]
        cookies = f"{signed_in['Cookie']}; {sealed}"
        page = await self.gate.client.get("/oauth/consent", headers={"Cookie": cookies})
        return Shown(gate=self.gate, page=page, cookies=cookies, csrf=signed_in["X-CSRF-Token"])

    async def code(self, signed_in: dict[str, str], **changed: str | None) -> str:
        """The code after somebody agreed."""
        answer = await (await self.shown(signed_in, **changed)).decide(agree=True)
        assert answer.status_code == 200, answer.text
        return str(parse_qs(urlsplit(answer.json()["location"]).query)["code"][0])

    async def exchange(self, code: str, **changed: str | None) -> httpx.Response:
        fields: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
            "resource": f"{ISSUER}/mcp",
        }
        return await self._post("/oauth/token", fields | changed)

    async def refresh(self, token: str, **changed: str | None) -> httpx.Response:
        fields: dict[str, str | None] = {"grant_type": "refresh_token", "client_id": self.client_id, "refresh_token": token}
        return await self._post("/oauth/token", fields | changed)

    async def revoke(self, token: str, **changed: str | None) -> httpx.Response:
        return await self._post("/oauth/revoke", {"client_id": self.client_id, "token": token, **changed})

    async def tokens(self, signed_in: dict[str, str], **changed: str | None) -> dict[str, Any]:
        """Everything at once."""
        reply = await self.exchange(await self.code(signed_in, **changed))
        assert reply.status_code == 200, reply.text
        self.gate.client.cookies.clear()
        body: dict[str, Any] = reply.json()
        return body

    async def _post(self, path: str, fields: dict[str, str | None]) -> httpx.Response:
        self.gate.client.cookies.clear()
        return await self.gate.client.post(path, data={name: value for name, value in fields.items() if value is not None})


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """The page that asks."""

    gate: Guarded
    page: httpx.Response
    cookies: str
    csrf: str

    @property
    def request_id(self) -> str:
        found = re.search(r'data-request="([^"]+)"', self.page.text)
        assert found, self.page.text
        return unescape(found[1])

    async def decide(self, *, agree: bool, request_id: str | None = None, csrf: str | None = None) -> httpx.Response:
        self.gate.client.cookies.clear()
        headers = {"Cookie": self.cookies, "X-CSRF-Token": self.csrf if csrf is None else csrf}
        body = {"request": request_id or self.request_id, "agree": agree}
        return await self.gate.client.post("/oauth/consent", json=body, headers={k: v for k, v in headers.items() if v})


async def registered(gate: Guarded, *redirect_uris: str, name: str = "Inspector") -> Program:
    uris = list(redirect_uris or ("http://127.0.0.1/callback",))
    reply = await gate.client.post("/oauth/register", json={"client_name": name, "redirect_uris": uris})
    assert reply.status_code == 201, reply.text
    return Program(gate=gate, client_id=reply.json()["client_id"], redirect_uri=redirect_uris[0] if redirect_uris else CALLBACK)


def with_document(gate: Guarded, **changed: object) -> Program:
    """A program whose document stands at its id."""
    document = {"client_id": DOCUMENT, "client_name": "Claude", "redirect_uris": [WEB_CALLBACK, "http://127.0.0.1/callback"]}
    gate.documents.known[DOCUMENT] = document | changed  # type: ignore[assignment]  # what a test makes of it
    return Program(gate=gate, client_id=DOCUMENT, redirect_uri=WEB_CALLBACK)
