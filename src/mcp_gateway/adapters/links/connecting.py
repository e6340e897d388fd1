"""Opens connections to a host, trying its checked addresses with a short head start for each (RFC 8305, without its sorting).

The connection goes to the very address that was checked; the name still stands in SNI and is what the certificate must say.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final

from mcp_gateway.adapters.links.addresses import Addresses, Place
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_connection import Connection, Owner
from mcp_gateway.core.errors import GatewayError

HEAD_START_SECONDS: Final = 0.25
MAX_ADDRESSES: Final = 8
_ALPN: Final = ["http/1.1"]


def system_trust() -> ssl.SSLContext:
    """What this machine trusts, for TLS 1.2 and newer."""
    trust = ssl.create_default_context()
    trust.minimum_version = ssl.TLSVersion.TLSv1_2
    trust.set_alpn_protocols(_ALPN)
    return trust


class Dialler:
    def __init__(
        self, place: Place, *, addresses: Addresses, faults: Faults, trust: Callable[[], ssl.SSLContext], secret: bool
    ) -> None:
        self._place, self._addresses, self._faults, self._secret = place, addresses, faults, secret
        self._trust = trust

    async def open(self, owner: Owner, *, seconds: float) -> Connection:
        """Raises `UpstreamUnreachable` and `AddressRefused`; waits no longer than `seconds`, resolving included."""
        try:
            async with asyncio.timeout(seconds):
                found = await self._addresses.of(self._place, self._faults, secret=self._secret)
                return await self._first(found[:MAX_ADDRESSES], owner)
        except TimeoutError as error:
            raise self._faults.unreachable(f"{self._place.host} did not accept a connection within {seconds:g} s") from error

    async def _first(self, addresses: tuple[str, ...], owner: Owner) -> Connection:
        """The first connection that stands; the other attempts are given up."""
        if len(addresses) == 1:
            try:
                return await self._dial(addresses[0], owner)
            except (OSError, ssl.CertificateError) as error:
                raise self._fault(error) from error
        attempts: list[asyncio.Task[Connection]] = []
        try:
            for address in addresses:
                attempts.append(asyncio.create_task(self._dial(address, owner)))
                if winner := await _settled(attempts, head_start=HEAD_START_SECONDS):
                    return winner
            if winner := await _settled(attempts, head_start=None):
                return winner
        finally:
            for attempt in attempts:
                attempt.add_done_callback(_close_unless_chosen)
                attempt.cancel()
        cause = attempts[0].exception() or OSError("no attempt succeeded")
        raise self._fault(cause) from cause

    async def _dial(self, address: str, owner: Owner) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(loop, owner, self._faults),
            address,
            self._place.port,
            flags=socket.AI_NUMERICHOST,
            proto=socket.IPPROTO_TCP,
            ssl=self._trust() if self._place.secure else None,
            server_hostname=self._place.host if self._place.secure else None,
        )
        return connection

    def _fault(self, error: BaseException) -> GatewayError:
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._faults.unreachable(f"the certificate of {self._place.host} is not accepted, {error.verify_message}")
        if isinstance(error, ssl.SSLError):
            return self._faults.unreachable(f"TLS with {self._place.host} failed, {error.reason}")
        what = getattr(error, "strerror", None) or type(error).__name__
        return self._faults.unreachable(f"{self._place.host} accepts no connection ({what})")


async def _settled(attempts: list[asyncio.Task[Connection]], *, head_start: float | None) -> Connection | None:
    """The connection of the first attempt that succeeds. None: all failed, or the head start is over."""
    running = {attempt for attempt in attempts if not attempt.done()}
    loop = asyncio.get_running_loop()
    until = None if head_start is None else loop.time() + head_start
    while running:
        wait = None if until is None else max(0.0, until - loop.time())
        done, running = await asyncio.wait(running, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        for attempt in done:
            if attempt.exception() is None:
                connection = attempt.result()
                connection.chosen = True
                return connection
        if not done:
            return None
    return None


def _close_unless_chosen(attempt: asyncio.Task[Connection]) -> None:
    if not attempt.cancelled() and attempt.exception() is None and not attempt.result().chosen:
        attempt.result().close()
