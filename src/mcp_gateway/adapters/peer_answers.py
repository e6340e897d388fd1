"""The answering half of `Peers`: handlers by kind, and how their outcome travels."""

from dataclasses import dataclass

import structlog

from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.protocol.frames import parse_object, render
from mcp_gateway.federation.peers import MAX_PAYLOAD_BYTES, Handler, PeerFailed, PeerPayloadTooLarge, PeerRefused

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """`error` None: `payload` is the answer. An empty error: the handler failed."""

    payload: bytes = b""
    error: dict[str, Json] | None = None

    def unwrap(self) -> bytes:
        """Raises `PeerRefused` and `PeerFailed`."""
        if self.error is None:
            return self.payload
        if not self.error:
            raise PeerFailed
        raise PeerRefused(self.error)

    def to_bytes(self) -> bytes:
        return b"+" + self.payload if self.error is None else b"-" + render(self.error)

    @classmethod
    def from_bytes(cls, packed: bytes) -> "Outcome":
        """Raises `ValueError`."""
        if packed[:1] == b"+":
            return cls(payload=packed[1:])
        if packed[:1] == b"-":
            return cls(error=parse_object(packed[1:]))
        raise ValueError("not an outcome")


class Answering:
    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}

    async def outcome(self, kind: str, payload: bytes) -> Outcome:
        """Never raises, but for being cancelled."""
        handler = self.handlers.get(kind)
        if handler is None:
            _log.warning("peer_question_unknown", kind=kind)
            return Outcome(error={})
        try:
            answer = await handler(payload)
        except GatewayError as error:
            return Outcome(error=error.to_dict())
        except Exception:  # noqa: BLE001  (the wall of a question)
            _log.exception("peer_question_failed", kind=kind)
            return Outcome(error={})
        if len(answer) > MAX_PAYLOAD_BYTES:
            return Outcome(error=PeerPayloadTooLarge(limit=MAX_PAYLOAD_BYTES).to_dict())
        return Outcome(payload=answer)
