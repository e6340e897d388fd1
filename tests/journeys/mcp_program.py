"""The SDK's own OAuth client as a program of somebody's, and that somebody's browser."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from html import unescape
from typing import Self
from urllib.parse import parse_qs, urlsplit

import httpx
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

CALLBACK = "http://127.0.0.1:8123/callback"
PATIENCE_SECONDS = 60.0


@dataclass
class Kept:
    """What the program keeps between its starts."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None
    given: list[OAuthToken] = field(default_factory=list)

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens
        self.given.append(tokens)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Person:
    """A browser that does what the page's script does. `sign_in` is asked when the gateway wants to know who it is."""

    def __init__(self, url: str, sign_in: Callable[["Person"], Awaitable[None]]) -> None:
        self.browser = httpx.AsyncClient(base_url=url, timeout=30)
        self._sign_in = sign_in
        self.pages: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.browser.aclose()

    async def agree(self, authorization_url: str) -> str:
        """Where the browser is sent in the end."""
        page = await self._follow(await self.browser.get(authorization_url))
        if 'id="sign-in"' in page.text:
            await self._sign_in(self)
            page = await self._follow(await self.browser.get("/oauth/consent"))
        if page.status_code == 303:
            return page.headers["location"]
        said = {name: unescape(value) for name, value in re.findall(r'data-(request|csrf)="([^"]+)"', page.text)}
        body = {"request": said["request"], "agree": True}
        answer = await self.browser.post("/oauth/consent", json=body, headers={"X-CSRF-Token": said["csrf"]})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["location"])

    async def _follow(self, page: httpx.Response) -> httpx.Response:
        for _ in range(3):
            self.pages.append(page.text)
            refresh = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
            if refresh is None:
                return page
            page = await self.browser.get(unescape(refresh[1]))
        raise AssertionError("the page goes round in circles")


class Program:
    """Connects as Claude or an editor does: with nothing but the address."""

    def __init__(self, server_url: str, person: Person, kept: Kept, *, document: str | None = None) -> None:
        self._person, self._location, self._server_url = person, "", server_url
        self.provider = OAuthClientProvider(
            server_url,
            OAuthClientMetadata(client_name="Journey", redirect_uris=[AnyUrl(CALLBACK)]),
            kept,
            redirect_handler=self._redirect,
            callback_handler=self._callback,
            client_metadata_url=document,
        )
        self.asked: list[str] = []

    async def call(self, question: str) -> dict[str, object]:
        """One connection, one question."""
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(create_mcp_http_client(auth=self.provider))
            client = await stack.enter_async_context(Client(streamable_http_client(self._server_url, http_client=http)))
            async with asyncio.timeout(PATIENCE_SECONDS):
                # A busy machine may keep the list of a server away for a while.
                while "ask" not in {tool.name for tool in (await client.list_tools()).tools}:  # noqa: ASYNC110  (no event tells)
                    await asyncio.sleep(0.05)
            result = await client.call_tool("ask", {"question": question})
            assert result.is_error is False, result
            return dict(result.structured_content or {})

    async def _redirect(self, url: str) -> None:
        self.asked.append(url)
        self._location = await self._person.agree(url)

    async def _callback(self) -> AuthorizationCodeResult:
        assert self._location.startswith(f"{CALLBACK}?"), self._location
        said = {name: values[0] for name, values in parse_qs(urlsplit(self._location).query).items()}
        return AuthorizationCodeResult(code=said["code"], state=said.get("state"), iss=said.get("iss"))
