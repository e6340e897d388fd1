"""How the gateway makes itself known to a server: header lines, fixed or with a token that is fetched.

A fetched token is kept until shortly before it ends and fetched once however many calls wait for it: one for all with client
credentials (RFC 6749, 4.4), one for each token of a caller with token exchange (RFC 8693). The caller's own token goes to the
token endpoint alone. No error and no log line names any of them.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, TypeAlias

from mcp_gateway.adapters.links.discretion import Discretion, secret_in_header
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.token_endpoint import Granted, TokenEndpoint
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.flights import Flights
from mcp_gateway.federation.errors import UpstreamRefused
from mcp_gateway.federation.model import Client
from mcp_gateway.registry.model import Credential

Key: TypeAlias = tuple[str, str, str]

_MAX_KEPT: Final = 4_096
# A token is no longer used this long before its end, or from nine tenths of a short life on.
_EARLY_SECONDS: Final = 30.0
_FIELD_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}")
_FIELD_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
# Headers that say where a request goes and where it ends; a credential is none of them.
_NOT_THESE: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "content-type"})


class Presented(NamedTuple):
    """Header lines, each with its end. `hidden` keeps them out of answers; None: there is nothing to hide."""

    lines: bytes
    hidden: Discretion | None


class Presenter(Protocol):
    """`fixed`: what everybody presents; None: ask for it."""

    fixed: Presented | None

    async def presented(self, client: Client) -> Presented:
        """Raises `UpstreamRefused` and `UpstreamUnreachable`."""
        ...

    def forget(self, client: Client, refused: Presented) -> bool:
        """Whether asking for another makes sense."""
        ...

    async def close(self) -> None: ...


def presenter(
    credential: Credential,
    faults: Faults,
    *,
    clock: Clock,
    endpoint: Callable[[Credential], TokenEndpoint],
    secrets: tuple[str, ...] = (),
) -> Presenter:
    """`secrets` go to the server besides, in its address. Raises `UpstreamRefused` for a credential that fits into no header."""
    if credential.kind in ("client_credentials", "token_exchange"):
        return FetchedToken(credential, faults, clock=clock, endpoint=endpoint(credential), secrets=secrets)
    return Fixed(_fixed(credential, faults, secrets))


def _fixed(credential: Credential, faults: Faults, secrets: tuple[str, ...]) -> Presented:
    if credential.kind == "none":
        return Presented(b"", Discretion(secrets) or None)
    name = "authorization" if credential.kind == "bearer" else credential.header.lower()
    value = f"Bearer {credential.secret}" if credential.kind == "bearer" else credential.secret
    if not _FIELD_NAME.fullmatch(name) or name in _NOT_THESE or not _FIELD_VALUE.fullmatch(value):
        raise UpstreamRefused(f"The credential of {faults.server} does not fit into a header.", server=faults.server)
    return Presented(f"{name}: {value}\r\n".encode("ascii"), Discretion([secret_in_header(value), *secrets]) or None)


class Fixed:
    def __init__(self, presented: Presented) -> None:
        self.fixed: Presented | None = presented
        self._presented = presented

    async def presented(self, client: Client) -> Presented:
        return self._presented

    def forget(self, client: Client, refused: Presented) -> bool:
        return False

    async def close(self) -> None: ...


class FetchedToken:
    """OAuth 2.0 client credentials, and the exchange of the caller's token."""

    fixed: Presented | None = None

    def __init__(
        self, credential: Credential, faults: Faults, *, clock: Clock, endpoint: TokenEndpoint, secrets: tuple[str, ...]
    ) -> None:
        self._credential, self._faults, self._clock, self._endpoint = credential, faults, clock, endpoint
        self._secrets = secrets
        # With until when.
        self._kept: dict[Key, tuple[float, Presented]] = {}
        self._fetching = Flights[Key, Presented](outlast=True)

    async def presented(self, client: Client) -> Presented:
        key = self._key(client)
        kept = self._kept.get(key)
        if kept is not None and self._clock.monotonic() < kept[0]:
            return kept[1]
        return await self._fetching.join(key, lambda: self._fetch(key, client))

    def forget(self, client: Client, refused: Presented) -> bool:
        key = self._key(client)
        kept = self._kept.get(key)
        if kept is not None and kept[1] is refused:
            del self._kept[key]
        return True

    async def close(self) -> None:
        await self._fetching.close()
        await self._endpoint.close()

    def _key(self, client: Client) -> Key:
        if self._credential.kind == "client_credentials":
            return ("", "", "")
        if client.token is None:
            message = f"{self._faults.server} is called in the caller's name, and this caller came without a token."
            raise UpstreamRefused(message, hint="Log in with a token instead of a session.", server=self._faults.server)
        caller = client.caller
        return (caller.tenant, caller.subject, hashlib.sha256(client.token.encode()).hexdigest())

    async def _fetch(self, key: Key, client: Client) -> Presented:
        subject = client.token if self._credential.kind == "token_exchange" else None
        granted = await self._endpoint.grant(subject)
        while len(self._kept) >= _MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        lines = f"authorization: Bearer {granted.token}\r\n".encode("ascii")
        presented = Presented(lines, Discretion([granted.token, *self._secrets]) or None)
        self._kept[key] = (self._clock.monotonic() + _kept_seconds(granted), presented)
        return presented


def _kept_seconds(granted: Granted) -> float:
    return max(granted.seconds - _EARLY_SECONDS, granted.seconds * 0.9 if granted.seconds < 2 * _EARLY_SECONDS else 0.0)
