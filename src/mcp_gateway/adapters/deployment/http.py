"""One bounded HTTP request to somebody who may be slow, hostile or not there; what came of it is a value, never an exception.

A new connection each time, so that what is measured is the way from here to there and not a pool of ours. No redirect is
followed, nothing is decompressed, no proxy is taken from the environment, and no more is read than `max_bytes`.
"""

import asyncio
import json
import socket
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import InvalidInput, Json
from mcp_gateway.kit.connector import BoundedConnector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Outcome: TypeAlias = Literal["ok", "dns", "refused", "unreachable", "timeout", "cut_off", "tls", "garbage", "too_large"]

PROBE_SECONDS = 3.0
CONNECT_SECONDS = 1.5
MAX_BYTES = 1_000_000
MAX_ADDRESS_LETTERS = 2_048


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """`status` 0 and `body` empty unless an answer came. `skew_seconds`: its clock minus ours, None without a Date header.

    `session`: what an MCP server wants to be named with the next message.
    """

    outcome: Outcome
    milliseconds: float
    status: int = 0
    body: bytes = b""
    content_type: str = ""
    skew_seconds: float | None = None
    detail: str = ""
    session: str = ""

    @property
    def document(self) -> dict[str, Json] | None:
        """The body as a JSON object; None when it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetcher:
    """`headers` go with each request: what this reader identifies itself with. Make one per address that may see them."""

    clock: Clock
    seconds: float = PROBE_SECONDS
    max_bytes: int = MAX_BYTES
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def get(self, url: str, *, seconds: float | None = None, max_bytes: int | None = None) -> Fetched:
        return await self.send("GET", url, seconds=seconds, max_bytes=max_bytes)

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: "Json | bytes" = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
        max_bytes: int | None = None,
    ) -> Fetched:
        """Takes at most `seconds`. `body`: JSON, or bytes as they are. Cancelling it closes the connection."""
        limit = seconds or self.seconds
        begun = self.clock.monotonic()
        try:
            async with asyncio.timeout(limit), self._session(limit) as session:
                data, document = (body, None) if isinstance(body, bytes) else (None, body)
                request = session.request(method, url, data=data, json=document, headers=headers, allow_redirects=False)
                async with request as answer:
                    return await self._read(answer, begun, max_bytes or self.max_bytes)
        except TimeoutError as error:
            connecting = isinstance(error, aiohttp.ConnectionTimeoutError)
            return self._failed("unreachable" if connecting else "timeout", begun, f"no answer within {limit:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            outcome, detail = _told_apart(error)
            return self._failed(outcome, begun, detail)

    async def _read(self, answer: aiohttp.ClientResponse, begun: float, most: int) -> Fetched:
        answered = self.clock.monotonic()
        skew = _skew(answer.headers.get("Date", ""), self.clock.timestamp() - (answered - begun) / 2)
        body = bytearray()
        while len(body) <= most and (piece := await answer.content.read(min(65_536, most + 1 - len(body)))):
            body += piece
        return Fetched(
            outcome="too_large" if len(body) > most else "ok",
            milliseconds=(self.clock.monotonic() - begun) * 1000,
            status=answer.status,
            body=bytes(body[:most]),
            content_type=answer.content_type,
            skew_seconds=skew,
            session=answer.headers.get("Mcp-Session-Id", "")[:200],
            detail=f"more than {most} bytes" if len(body) > most else "",
        )

    def _failed(self, outcome: Outcome, begun: float, detail: str) -> Fetched:
        return Fetched(outcome=outcome, milliseconds=(self.clock.monotonic() - begun) * 1000, detail=detail)

    @asynccontextmanager
    async def _session(self, seconds: float) -> "AsyncIterator[aiohttp.ClientSession]":
        async with aiohttp.ClientSession(
            connector=BoundedConnector(limit=1, force_close=True),
            timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=min(CONNECT_SECONDS, seconds)),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity", "User-Agent": "mcp-gateway-diagnostics", **self.headers},
            auto_decompress=False,
            trust_env=False,
        ) as session:
            yield session


def checked_base(url: str, name: str) -> str:
    """The address without a slash at its end. Raises `InvalidInput`, which never repeats it: it may hold a password."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (raises ValueError outside 0..65535)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and bool(URL(url).host)
    except ValueError:
        good = False
    if not good or len(url) > MAX_ADDRESS_LETTERS or parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidInput(
            f"{name} must be http:// or https:// with a host, and a port up to 65535 if any, "
            "without user, password, query and fragment: http://127.0.0.1:8000."
        )
    return url.rstrip("/")


def shown_base(url: str) -> str:
    """Host and port."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"[{parts.hostname}]:{port}" if ":" in (parts.hostname or "") else f"{parts.hostname}:{port}"


def _told_apart(error: Exception) -> tuple[Outcome, str]:
    if isinstance(error, aiohttp.ClientConnectorDNSError | socket.gaierror):
        return "dns", "the name cannot be resolved"
    if isinstance(error, aiohttp.ClientSSLError):
        return "tls", f"no trusted connection: {type(error).__name__}"
    if isinstance(error, aiohttp.ClientConnectorError):
        refused = isinstance(error.os_error, ConnectionRefusedError)
        return ("refused", "nobody listens there") if refused else ("unreachable", "no way to the host")
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError | ConnectionError):
        return "cut_off", "the connection was closed before the answer was whole"
    return "garbage", f"no HTTP: {type(error).__name__}"


def _skew(date: str, our_middle: float) -> float | None:
    """The header knows whole seconds and cuts the rest off; half a second is put back."""
    try:
        theirs: datetime = parsedate_to_datetime(date)
        return theirs.timestamp() + 0.5 - our_middle if theirs.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):
        return None
