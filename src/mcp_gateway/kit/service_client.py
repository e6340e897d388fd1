"""Calls to one HTTP service behind the gateway: on kept connections, bounded in time and size, failing with errors of ours.

What a client sent is never passed on: the service hears the tenant, the time that is left, and what the caller of this module
gives it. What the service answers with an error stays here; whoever asks is told what kind it was. No retries, no circuit: put
`kit.breaker` around it. Redirects are not followed, and no proxy is taken from the environment.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Final, Self, TypeAlias, TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ValidationError
from yarl import URL

from mcp_gateway.core.errors import GatewayError, InvalidInput, Json, NotFound, TimedOut, TooLarge, Unavailable, Unprocessable
from mcp_gateway.kit.connector import BoundedConnector
from mcp_gateway.kit.figures import NO_FIGURES, Figures
from mcp_gateway.kit.resilience.deadline import DEADLINE_HEADER, Deadlines
from mcp_gateway.kit.resilience.upstream_metrics import UpstreamCall, UpstreamMetrics

TENANT_HEADER: Final = "X-Tenant-ID"
# Left for the way back, so that our answer still reaches a caller whose time is short.
MARGIN_SECONDS: Final = 0.005

EVENT_STREAM: Final = "text/event-stream"

_GOOD = frozenset({200, 201, 202, 203, 204})
_SECONDS = re.compile(r"[0-9]{1,5}")

QueryValues: TypeAlias = Mapping[str, str | int]
M = TypeVar("M", bound=BaseModel)


class ServiceUnreachable(Unavailable):
    """The service behind this route cannot be reached."""

    code = "SERVICE_UNREACHABLE"


class ServiceFailed(Unavailable):
    """The service behind this route answered with an error, or with something that cannot be read."""

    code = "SERVICE_FAILED"


class ServiceTimedOut(TimedOut):
    """The service behind this route did not answer in time."""

    code = "SERVICE_TIMED_OUT"


class ServiceBusy(Unavailable):
    """The service behind this route asks for fewer calls."""

    code = "SERVICE_BUSY"
    hint = "Come back later; `retry_after_seconds` says when, if the service did."


class ServiceConflict(GatewayError):
    """The service behind this route has something else in this place."""

    code = "SERVICE_CONFLICT"
    category = "conflict"
    hint = "Read what is there now, and decide again."


class ServiceRefused(Unprocessable):
    """The service behind this route does not accept this request."""

    code = "SERVICE_REFUSED"


class ServiceClient:
    """Use `open`. One per service and event loop. `segments` are parts of a path below its address, not yet quoted.

    Calls raise `NotFound`, `ServiceConflict`, `ServiceRefused`, `ServiceBusy`, `ServiceFailed`, `ServiceTimedOut`,
    `ServiceUnreachable`, `TooLarge`.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, *, metrics: UpstreamMetrics, max_bytes: int) -> None:
        self._session, self._url, self._metrics, self._max_bytes = session, url.rstrip("/"), metrics, max_bytes
        self._deadlines = Deadlines()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        name: str,
        timeout_seconds: float = 5.0,
        idle_seconds: float = 30.0,
        connections: int = 100,
        max_bytes: int = 4_000_000,
        headers: Mapping[str, str] | None = None,
        figures: Figures = NO_FIGURES,
    ) -> AsyncIterator[Self]:
        """`timeout_seconds`: for one call, waiting for a connection included. `idle_seconds`: silence allowed within a stream.

        `name` labels the figures. `headers` go with each call, for example what this gateway identifies itself with.
        Raises `InvalidInput`.
        """
        if URL(url).scheme not in {"http", "https"} or not URL(url).host:
            raise InvalidInput("The address of a service begins with http:// or https:// and has a host.")
        async with aiohttp.ClientSession(
            connector=BoundedConnector(limit=connections),
            timeout=aiohttp.ClientTimeout(total=timeout_seconds, sock_read=idle_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json", **(headers or {})},
            trace_configs=[_telling_of_places()],
        ) as session:
            yield cls(session, url, metrics=UpstreamMetrics(name, figures=figures), max_bytes=max_bytes)

    async def send(self, method: str, *segments: str, tenant: str, query: QueryValues | None = None, body: Json = None) -> Json:
        """The answer's JSON; None when it is empty."""
        async with self._reply(method, segments, tenant=tenant, query=query, body=body) as reply:
            data = await _read(reply, self._max_bytes)
        return _parsed(data)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        *segments: str,
        tenant: str,
        query: QueryValues | None = None,
        body: Json = None,
        idempotency_key: str | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The chunks of a `text/event-stream`, for as long as the service goes on; raises as `send`, also between chunks.

        `idempotency_key` is handed on: a stream cannot be kept here for a repetition.
        """
        usual = self._session.timeout
        forever = aiohttp.ClientTimeout(total=None, sock_connect=usual.total, sock_read=usual.sock_read)
        async with self._reply(
            method, segments, tenant=tenant, query=query, body=body, key=idempotency_key, within=forever
        ) as reply:
            if reply.content_type != EVENT_STREAM:
                raise ServiceFailed
            yield reply.content.iter_any()

    @asynccontextmanager
    async def _reply(
        self,
        method: str,
        segments: tuple[str, ...],
        *,
        tenant: str,
        query: QueryValues | None,
        body: Json,
        key: str | None = None,
        within: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A good one; what goes wrong with it, also later, becomes an error of ours."""
        address, headers = self._address(segments), self._headers(tenant, streams=within is not None)
        if key is not None:
            headers["Idempotency-Key"] = key
        try:
            with self._metrics.call() as call:
                async with self._session.request(
                    method,
                    address,
                    headers=headers,
                    params=query,
                    json=body,
                    allow_redirects=False,
                    timeout=within or self._session.timeout,
                    trace_request_ctx=call,
                ) as reply:
                    call.status = reply.status
                    if reply.status in _GOOD:
                        yield reply
        except TimeoutError as error:
            raise ServiceTimedOut from error
        except aiohttp.ClientConnectorError as error:
            raise ServiceUnreachable from error
        except aiohttp.ClientError as error:
            raise ServiceFailed from error
        _check(reply)

    async def ping(self) -> float:
        """For health: seconds until a connection to the service stands. Raises `ServiceUnreachable`."""
        address = URL(self._url)
        time = asyncio.get_running_loop().time
        begun = time()
        try:
            async with asyncio.timeout(1.0):
                _, writer = await asyncio.open_connection(address.host, address.port)
        except (OSError, TimeoutError) as error:
            raise ServiceUnreachable from error
        writer.close()
        return time() - begun

    def _address(self, segments: tuple[str, ...]) -> URL:
        if any(segment in {"", ".", ".."} for segment in segments):
            raise NotFound
        return URL("/".join((self._url, *(quote(segment, safe="") for segment in segments))), encoded=True)

    def _headers(self, tenant: str, *, streams: bool) -> dict[str, str]:
        left = self._deadlines.header_value(margin_seconds=MARGIN_SECONDS)
        # A tenant's name may hold what a header may not.
        headers = {TENANT_HEADER: quote(tenant, safe=" !#$&'()*+,/:;=?@[]~")}
        if streams:
            headers["Accept"] = EVENT_STREAM
        return headers if left is None else {**headers, DEADLINE_HEADER: left}


def _telling_of_places() -> aiohttp.TraceConfig:
    """Tells the measured call when it has its connection."""

    async def placed(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        call = context.trace_request_ctx
        if isinstance(call, UpstreamCall) and not call.has_place:
            call.placed()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(placed)
    trace.on_connection_reuseconn.append(placed)
    return trace


def _check(reply: aiohttp.ClientResponse) -> None:
    match reply.status:
        case status if status in _GOOD:
            return
        case 404 | 410:
            raise NotFound
        case 409 | 412:
            raise ServiceConflict
        case 413:
            raise TooLarge
        case 429:
            after = reply.headers.get("Retry-After", "")
            raise ServiceBusy(retry_after_seconds=float(after) if _SECONDS.fullmatch(after) else None)
        case 400 | 405 | 406 | 415 | 422:
            raise ServiceRefused
        case status:  # also 401 and 403: it is this gateway that is not let in, not its client
            raise ServiceFailed(status=status)


async def _read(reply: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    chunks, size = [], 0
    async for chunk in reply.content.iter_any():
        size += len(chunk)
        if size > max_bytes:
            raise ServiceFailed("The service behind this route answered with more than is taken.", max_bytes=max_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


def _parsed(data: bytes) -> Json:
    if not data:
        return None
    try:
        value: Json = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ServiceFailed from error
    return value


def read_as(model: type[M], reply: Json) -> M:
    """What the service answered, as what it should be. Raises `ServiceFailed`: it is no fault of the client."""
    try:
        return model.model_validate(reply)
    except ValidationError as error:
        raise ServiceFailed from error
