"""The errors of `federation/errors.py` in the words of one server's link; nothing of what was sent or received is in them."""

from dataclasses import dataclass

from mcp_gateway.federation.errors import (
    AddressRefused,
    UpstreamAnswerTooLarge,
    UpstreamLost,
    UpstreamMisbehaved,
    UpstreamRefused,
    UpstreamTimedOut,
    UpstreamUnreachable,
)


@dataclass(frozen=True, slots=True)
class Faults:
    """`server` is the name people know it by."""

    server: str

    def unreachable(self, why: str, *, retry_after_seconds: float | None = None) -> UpstreamUnreachable:
        message = f"{self.server} cannot be reached: {why}."
        return UpstreamUnreachable(message, retry_after_seconds=retry_after_seconds, server=self.server)

    def lost(self, why: str = "the connection broke before the answer was complete") -> UpstreamLost:
        return UpstreamLost(f"{self.server} was lost: {why}.", server=self.server)

    def timed_out(self, seconds: float) -> UpstreamTimedOut:
        return UpstreamTimedOut(f"{self.server} did not answer within {seconds:g} s.", server=self.server, seconds=seconds)

    def too_large(self, limit: int) -> UpstreamAnswerTooLarge:
        message = f"{self.server} answers with more than {limit:,} bytes."
        return UpstreamAnswerTooLarge(message, server=self.server, max_answer_bytes=limit)

    def misbehaved(self, what: str, *, status: int | None = None) -> UpstreamMisbehaved:
        if status is None:
            return UpstreamMisbehaved(f"{self.server} {what}.", server=self.server)
        return UpstreamMisbehaved(f"{self.server} {what}.", server=self.server, status=status)

    def refused(self, status: int) -> UpstreamRefused:
        message = f"{self.server} refuses the gateway's credential (status {status})."
        return UpstreamRefused(message, server=self.server, status=status)

    def address(self, why: str) -> AddressRefused:
        return AddressRefused(f"{self.server} must not be reached: {why}.", server=self.server)
