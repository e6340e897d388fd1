"""The `requestState` of a waiting call: which call it is and where it waits, sealed so that only its own client can come back."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from mcp_gateway.core.protocol.frames import render
from mcp_gateway.federation.errors import StaleRequestState
from mcp_gateway.federation.model import Request

_MAC_BYTES: Final = 32
_CALL_BYTES: Final = 16
_MAX_CHARS: Final = 512
_PURPOSE: Final = b"mcp-gateway waiting call\0"


@dataclass(frozen=True, slots=True)
class WaitingPlace:
    """`replica` is the gateway process that holds the call."""

    replica: str
    call: bytes


class StateSeal:
    """`key` is the same on all replicas; `replica` is this one's name."""

    def __init__(self, key: bytes, replica: str = "") -> None:
        self._key = sha256(_PURPOSE + key).digest()
        self.replica = replica

    def seal(self, call: bytes, request: Request, server: str) -> str:
        note = call + self.replica.encode()
        return urlsafe_b64encode(self._mac(note, request, server) + note).decode()

    def open(self, state: str, request: Request, server: str) -> WaitingPlace:
        """Raises `StaleRequestState` for one that was changed, or belongs to another caller, server or name."""
        try:
            sealed = urlsafe_b64decode(state.encode("ascii")) if len(state) <= _MAX_CHARS else b""
        except ValueError:
            sealed = b""
        mac, note = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        # What a lenient decoder overlooks was changed all the same.
        as_given = urlsafe_b64encode(sealed).decode() == state
        if not as_given or len(note) < _CALL_BYTES or not hmac.compare_digest(mac, self._mac(note, request, server)):
            raise StaleRequestState(server=server)
        return WaitingPlace(note[_CALL_BYTES:].decode("utf-8", "replace"), note[:_CALL_BYTES])

    def _mac(self, note: bytes, request: Request, server: str) -> bytes:
        caller = request.client.caller
        bound = [caller.tenant, caller.issuer, caller.subject, server, request.method, request.name]
        return hmac.digest(self._key, note + b"\0" + render([*bound]), "sha256")
