"""What trying an engine needs from outside. Each attempt is bounded and never raises: what came of it is a value."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """`outcome` as of probes (`ok`, `refused`, `timeout`, …); `status` 0 without an answer.

    `structured`: the answer is a JSON object. `reply`: it holds an answer in words or data. `leaks`: it shows a stack trace.
    `path` is where it was sent, "" when no usual path is there. `code`: what a refusal calls itself, "" when it does not.
    """

    outcome: str
    milliseconds: float
    status: int = 0
    structured: bool = False
    reply: bool = False
    leaks: bool = False
    path: str = ""
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundTrip:
    """`intact`: what was written was read back. `removed`: afterwards nothing was there any more."""

    intact: bool
    removed: bool
    milliseconds: float
    detail: str = ""


class EngineLine(Protocol):
    """Requests to the engine, and to it through the gateway."""

    async def health(self) -> Attempt:
        """The engine's health page."""
        ...

    async def gateway_health(self) -> Attempt | None:
        """The gateway's health page; None when no gateway is configured."""
        ...

    async def ask(self, message: str, tenant: str | None) -> Attempt:
        """One real request, straight to the engine."""
        ...

    async def ask_through_gateway(self, message: str, tenant: str | None) -> Attempt | None:
        """One real request the way clients take; None when no gateway is configured."""
        ...

    async def send_garbage(self, tenant: str | None) -> Attempt:
        """A request whose body is no JSON."""
        ...

    async def ask_for_nothing(self) -> Attempt:
        """A path that is not there."""
        ...


class CacheTrial(Protocol):
    """The store behind the cache."""

    async def round_trip(self) -> RoundTrip:
        """Write, read and remove a value of our own, which expires by itself should we die. Raises `GatewayError`."""
        ...
