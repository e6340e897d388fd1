"""Asking another replica of this gateway: for what only that one holds, such as a call that waits for an answer.

Small questions and answers as bytes, each bounded in size and time; not a way to move streams.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeAlias

from mcp_gateway.core.errors import GatewayError, Internal, Json, TimedOut, TooLarge, Unavailable

MAX_PAYLOAD_BYTES: Final = 4 * 1024 * 1024
LONGEST_SECONDS: Final = 3_600.0

# Answers a question of another replica; `GatewayError` reaches whoever asked as `PeerRefused`.
Handler: TypeAlias = Callable[[bytes], Awaitable[bytes]]


class PeerUnknown(Unavailable):
    """The replica of the gateway that holds this is gone."""

    code = "REPLICA_GONE"
    hint = "Make the call anew."
    retryable = False


class PeersAway(Unavailable):
    """The replicas of the gateway cannot reach each other."""

    code = "REPLICAS_APART"
    hint = "REDIS_URL must lead every replica to the same store, and the store must answer."


class PeerSilent(TimedOut):
    """The replica of the gateway that holds this did not answer in time."""

    code = "REPLICA_SILENT"
    hint = "Look whether it was done before asking again."
    retryable = False


class PeerPayloadTooLarge(TooLarge):
    """This is more than one replica of the gateway hands to another."""

    code = "REPLICA_PAYLOAD_TOO_LARGE"
    hint = "Ask for less, or let the balancer send a client to one replica."


class PeerRefused(GatewayError):
    """The replica of the gateway that holds this refused. `error` is what it said, as `GatewayError.to_dict` has it."""

    code = "REPLICA_REFUSED"
    hint = "The error of the other replica is in the data."

    def __init__(self, error: dict[str, Json]) -> None:
        super().__init__(str(error.get("message", "")), error=error)
        self.error = error


class PeerFailed(Internal):
    """The replica of the gateway that holds this failed."""

    code = "REPLICA_FAILED"


class Peers(Protocol):
    """The other replicas, and this one, by a short name that no two processes share."""

    @property
    def replica(self) -> str:
        """The name of this one: letters and digits."""
        ...

    async def ask(self, replica: str, kind: str, payload: bytes, *, timeout_seconds: float) -> bytes:
        """What the handler of this kind at that replica answers; it is asked once, at most.

        Raises `PeerUnknown` (certainly not asked), `PeersAway`, `PeerSilent`, `PeerPayloadTooLarge`, `PeerRefused`, `PeerFailed`.
        """
        ...

    def answer(self, kind: str, handler: Handler) -> None:
        """From now on this answers such questions here. One handler each: a later one takes the place of the first."""
        ...
