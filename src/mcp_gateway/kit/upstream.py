"""Calls to one HTTP service behind the gateway: on kept connections, bounded in time and size, failing with errors of ours.

What a client sent is never passed on: the service hears the tenant, the time that is left, and what the caller of this module
gives it. What the service answers with an error stays here; the client is told what kind it was. No retries, no circuit: put
`kit.breaker` around it. Redirects are not followed, and no proxy is taken from the environment.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, Protocol, Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from mcp_gateway.core.errors import GatewayError, InvalidInput, Json, NotFound, TimedOut, TooLarge, Unavailable, Unprocessable
from mcp_gateway.kit.resilience.deadline import DEADLINE_HEADER, Deadlines

TENANT_HEADER: Final = "X-Tenant-ID"
# Left for the way back, so that our answer still reaches a caller whose time is short.
MARGIN_SECONDS: Final = 0.005

_SECONDS = re.compile(r"[0-9]{1,5}")

Query = Mapping[str, str | int]


class UpstreamUnreachable(Unavailable):
    """The service behind this route cannot be reached."""

    code = "UPSTREAM_UNREACHABLE"


class UpstreamFailed(Unavailable):
    """The service behind this route answered with an error, or with something that cannot be read."""

    code = "UPSTREAM_FAILED"


class UpstreamTimedOut(TimedOut):
    """The service behind this route did not answer in time."""

    code = "UPSTREAM_TIMED_OUT"


class UpstreamBusy(Unavailable):
    """The service behind this route asks for fewer calls."""

    code = "UPSTREAM_BUSY"
    hint = "Come back later; `retry_after_seconds` says when, if the service did."


class UpstreamConflict(GatewayError):
    """The service behind this route has something else in this place."""

    code = "UPSTREAM_CONFLICT"
    category = "conflict"
    hint = "Read what is there now, and decide again."


class UpstreamRefused(Unprocessable):
    """The service behind this route does not accept this request."""

    code = "UPSTREAM_REFUSED"


class Upstream(Protocol):
    """What a route needs of the service behind it. `segments` are parts of a path below its address, not yet quoted.

    Raises `NotFound`, `UpstreamConflict`, `UpstreamRefused`, `UpstreamBusy`, `UpstreamFailed`, `UpstreamTimedOut`,
    `UpstreamUnreachable`, `TooLarge`.
    """

    async def send(self, method: str, *segments: str, tenant: str, query: Query | None = None, body: Json = None) -> Json:
        """The answer's JSON; None when it is empty."""
        ...


class HttpUpstream:
    """Use `open`. One per service and event loop."""

    def __init__(self, session: aiohttp.ClientSession, url: str, *, max_bytes: int) -> None:
        self._session, self._url, self._max_bytes = session, url.rstrip("/"), max_bytes
        self._deadlines = Deadlines()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        timeout_seconds: float = 5.0,
        idle_seconds: float = 30.0,
        connections: int = 100,
        max_bytes: int = 4_000_000,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Self]:
        """`timeout_seconds`: for one call, waiting for a connection included. `idle_seconds`: silence allowed within a stream.

        `headers` go with each call, for example what this gateway identifies itself with. Raises `InvalidInput`.
        """
        if URL(url).scheme not in {"http", "https"} or not URL(url).host:
            raise InvalidInput("The address of a service begins with http:// or https:// and has a host.")
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections),
            timeout=aiohttp.ClientTimeout(total=timeout_seconds, sock_read=idle_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json", **(headers or {})},
        ) as session:
            yield cls(session, url, max_bytes=max_bytes)

    async def send(self, method: str, *segments: str, tenant: str, query: Query | None = None, body: Json = None) -> Json:
        """As `Upstream.send`."""
        try:
            async with self._session.request(
                method, self._address(segments), headers=self._headers(tenant), params=query, json=body, allow_redirects=False
            ) as reply:
                _check(reply)
                data = await _read(reply, self._max_bytes)
        except TimeoutError as error:
            raise UpstreamTimedOut from error
        except aiohttp.ClientConnectorError as error:
            raise UpstreamUnreachable from error
        except aiohttp.ClientError as error:
            raise UpstreamFailed from error
        return _parsed(data)

    @asynccontextmanager
    async def stream(
        self, method: str, *segments: str, tenant: str, query: Query | None = None, body: Json = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The chunks of a `text/event-stream`, for as long as the service goes on; raises as `send`, also between chunks."""
        forever = aiohttp.ClientTimeout(
            total=None, sock_connect=self._session.timeout.total, sock_read=self._session.timeout.sock_read
        )
        headers = {**self._headers(tenant), "Accept": "text/event-stream"}
        address = self._address(segments)
        try:
            async with self._session.request(
                method, address, headers=headers, params=query, json=body, allow_redirects=False, timeout=forever
            ) as reply:
                _check(reply)
                if reply.content_type != "text/event-stream":
                    raise UpstreamFailed
                yield reply.content.iter_any()
        except TimeoutError as error:
            raise UpstreamTimedOut from error
        except aiohttp.ClientConnectorError as error:
            raise UpstreamUnreachable from error
        except aiohttp.ClientError as error:
            raise UpstreamFailed from error

    async def ping(self) -> float:
        """For health: seconds until a connection to the service stands. Raises `UpstreamUnreachable`."""
        address = URL(self._url)
        time = asyncio.get_running_loop().time
        begun = time()
        try:
            async with asyncio.timeout(1.0):
                _, writer = await asyncio.open_connection(address.host, address.port)
        except (OSError, TimeoutError) as error:
            raise UpstreamUnreachable from error
        writer.close()
        return time() - begun

    def _address(self, segments: tuple[str, ...]) -> URL:
        if any(segment in {"", ".", ".."} for segment in segments):
            raise NotFound
        return URL("/".join((self._url, *(quote(segment, safe="") for segment in segments))), encoded=True)

    def _headers(self, tenant: str) -> dict[str, str]:
        left = self._deadlines.header_value(margin_seconds=MARGIN_SECONDS)
        # A tenant's name may hold what a header may not.
        headers = {TENANT_HEADER: quote(tenant, safe=" !#$&'()*+,/:;=?@[]~")}
        return headers if left is None else {**headers, DEADLINE_HEADER: left}


def _check(reply: aiohttp.ClientResponse) -> None:
    match reply.status:
        case 200 | 201 | 202 | 203 | 204:
            return
        case 404 | 410:
            raise NotFound
        case 409 | 412:
            raise UpstreamConflict
        case 413:
            raise TooLarge
        case 429:
            after = reply.headers.get("Retry-After", "")
            raise UpstreamBusy(
                retry_after_seconds=float(after) if after.isascii() and after.isdigit() and len(after) < 6 else None
            )
        case 400 | 405 | 406 | 415 | 422:
            raise UpstreamRefused
        case status:  # also 401 and 403: it is this gateway that is not let in, not its client
            raise UpstreamFailed(status=status)


async def _read(reply: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    chunks, size = [], 0
    async for chunk in reply.content.iter_any():
        size += len(chunk)
        if size > max_bytes:
            raise UpstreamFailed("The service behind this route answered with more than is taken.", max_bytes=max_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


def _parsed(data: bytes) -> Json:
    if not data:
        return None
    try:
        value: Json = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UpstreamFailed from error
    return value
