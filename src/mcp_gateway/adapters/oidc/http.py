"""One request to a provider: short, small, never redirected, and connected to exactly the address that was checked.

A new connection each time. Requests are rare, and a kept one could be taken for another host at the same address.
"""

import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import anyio
import httpx2

from mcp_gateway.adapters.egress import NO_ADDRESS
from mcp_gateway.adapters.oidc.egress import Egress
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.core.errors import Json

MAX_BODY_BYTES = 256 * 1024
REQUEST_SECONDS = 3.0
_NO_CONNECTIONS_KEPT = httpx2.Limits(max_connections=4, max_keepalive_connections=0)

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """`headers` have lower-case names. `status` is below 300 unless the caller of `send` asked to see faults."""

    status: int
    document: Mapping[str, Json]
    headers: Mapping[str, str]


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses the machine's resolver gives, in its order. Raises OSError."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Outbound:
    """Requests to one provider. `proxy` is a proxy's URL: it then resolves the names, so only plain addresses are judged here."""

    def __init__(
        self,
        egress: Egress,
        *,
        ca_file: str = "",
        proxy: str = "",
        resolve: Resolve = system_resolve,
        seconds: float = REQUEST_SECONDS,
        max_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self.egress = egress
        self._ca_file, self._proxy, self._resolve = ca_file, proxy, resolve
        self._seconds, self._max_bytes = seconds, max_bytes
        self._trust: ssl.SSLContext | None = None

    async def get(self, url: str, *, bearer: str = "") -> Reply:
        """Raises `ProviderUnusable` for whatever is not a JSON object with status 200."""
        return await self._send("GET", url, bearer=bearer)

    async def post_form(self, url: str, form: Mapping[str, str], *, basic: tuple[str, str] | None = None) -> Reply:
        return await self._send("POST", url, data=form, basic=basic)

    async def post_json(self, url: str, body: Mapping[str, Json], *, bearer: str) -> Reply:
        return await self._send("POST", url, json=body, bearer=bearer)

    async def addresses(self, url: str) -> tuple[str, ...]:
        """What the host resolves to now and may be connected to. Raises `ProviderUnusable`."""
        parts = self.egress.check_url(url)
        host = parts.hostname or ""
        try:
            found = await self._resolve(host, parts.port or (443 if parts.scheme == "https" else 80))
        except (OSError, UnicodeError) as error:
            raise ProviderUnusable("name", f"The name {host} cannot be resolved.", host=host) from error
        refusals = {address: self.egress.refusal(host, address) for address in found}
        allowed = tuple(address for address, refusal in refusals.items() if refusal is None)
        if not allowed:
            why = next((text for text in refusals.values() if text), "there is none")
            raise ProviderUnusable("egress", f"{host} resolves to an address that must not be reached: {why}.", host=host)
        return allowed

    async def _send(
        self,
        method: str,
        url: str,
        *,
        bearer: str = "",
        basic: tuple[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        json: Mapping[str, Json] | None = None,
    ) -> Reply:
        parts = self.egress.check_url(url)
        headers = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "mcp-gateway"}
        if bearer:
            headers["authorization"] = f"Bearer {bearer}"
        build = partial(httpx2.Request, method, headers=headers, data=data, json=json)
        try:
            httpx2.URL(url)
            with anyio.fail_after(self._seconds):
                return await self._exchange(build, url, parts.hostname or "", basic)
        except httpx2.InvalidURL as error:
            raise ProviderUnusable("address", "The address cannot be used.") from error
        except TimeoutError as error:
            raise ProviderUnusable("timeout", f"{parts.hostname} did not answer within {self._seconds:g} s.", url=url) from error

    async def _exchange(
        self, build: Callable[[str], httpx2.Request], url: str, host: str, basic: tuple[str, str] | None
    ) -> Reply:
        if self._proxy and (refusal := self.egress.refusal(host, host)) not in (None, NO_ADDRESS):
            raise ProviderUnusable("egress", f"{host} must not be reached: {refusal}.", host=host)
        targets = (url,) if self._proxy else await self._pinned(url)
        for position, target in enumerate(targets, start=1):
            request = build(target)
            if target != url:
                request.headers["host"] = httpx2.URL(url).netloc.decode("ascii")
                request.extensions = {**request.extensions, "sni_hostname": host}
            if basic is not None:
                request = next(httpx2.BasicAuth(*basic).auth_flow(request))
            try:
                async with self._transport() as transport:
                    return await _read(await transport.handle_async_request(request), host, self._max_bytes)
            except httpx2.ConnectError as error:
                if position == len(targets):
                    raise _connect_fault(host, error) from error
            except httpx2.TransportError as error:
                raise ProviderUnusable("connect", f"The connection to {host} broke: {type(error).__name__}.") from error
        raise ProviderUnusable("connect", f"{host} cannot be reached.")

    async def _pinned(self, url: str) -> tuple[str, ...]:
        """The same address with each checked IP in place of the name; the name still goes into SNI, certificate and Host."""
        whole = httpx2.URL(url)
        return tuple(str(whole.copy_with(host=address)) for address in await self.addresses(url))

    @asynccontextmanager
    async def _transport(self) -> AsyncIterator[httpx2.AsyncHTTPTransport]:
        if self._trust is None:
            self._trust = _trusting(self._ca_file)
        try:
            opened = httpx2.AsyncHTTPTransport(
                verify=self._trust, trust_env=False, limits=_NO_CONNECTIONS_KEPT, proxy=self._proxy or None
            )
        except ValueError as error:
            raise ProviderUnusable("address", "The proxy's address cannot be used.") from error
        async with opened as transport:
            yield transport


def _trusting(ca_file: str) -> ssl.SSLContext:
    trust = httpx2.create_ssl_context(trust_env=False)
    try:
        if ca_file:
            trust.load_verify_locations(ca_file)
    except OSError as error:
        raise ProviderUnusable("tls", "The ca_file cannot be read as certificates in PEM.", ca_file=ca_file) from error
    return trust


async def _read(response: httpx2.Response, host: str, max_bytes: int) -> Reply:
    try:
        status, headers = response.status_code, {name.lower(): value for name, value in response.headers.items()}
        if 300 <= status < 400:
            raise ProviderUnusable("redirect", f"{host} answers with a redirect, which is not followed.", status=status)
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > max_bytes:
                raise ProviderUnusable("too_large", f"{host} answers with more than {max_bytes // 1024} KiB.")
    finally:
        await response.aclose()
    if status >= 300:
        raise ProviderUnusable("status", f"{host} answers with status {status}.", status=status, **_oauth_error(bytes(body)))
    return Reply(status=status, document=read_object(bytes(body), host), headers=headers)


def read_object(body: bytes, host: str) -> Mapping[str, Json]:
    """The JSON object. Raises `ProviderUnusable` for anything else, and for a name that stands in it twice."""
    try:
        document = json.loads(body, object_pairs_hook=_no_twice)
    except (ValueError, RecursionError) as error:
        raise ProviderUnusable("content", f"{host} answers with something that is not plain JSON.") from error
    if not isinstance(document, dict):
        raise ProviderUnusable("content", f"{host} answers with JSON that is no object.")
    return document


def _no_twice(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _oauth_error(body: bytes) -> dict[str, Json]:
    """`error` and `error_description` of an OAuth fault, cut; providers put no secrets there."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    said = ((name, document.get(name)) for name in ("error", "error_description"))
    return {name: value[:300] for name, value in said if isinstance(value, str)}


def _connect_fault(host: str, error: httpx2.ConnectError) -> ProviderUnusable:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            said = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else cause.reason
            return ProviderUnusable("tls", f"The certificate of {host} is not accepted: {said}.", host=host)
        cause = cause.__cause__ or cause.__context__
    return ProviderUnusable("connect", f"{host} cannot be reached.", host=host)
