"""A server that keeps failing is left alone for a while, and so is everybody who would only wait for it."""

from collections.abc import Callable

from mcp_gateway.federation.errors import UpstreamLost, UpstreamMisbehaved, UpstreamTimedOut, UpstreamUnreachable
from mcp_gateway.federation.model import Reply
from mcp_gateway.federation.pipeline import Onward, Passage
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.breaker.policy import BreakerPolicy, Verdict
from mcp_gateway.kit.breaker.windows import TimeBased
from mcp_gateway.kit.errors import CircuitOpen

_ABSENT = (UpstreamUnreachable, UpstreamLost, UpstreamTimedOut, UpstreamMisbehaved)


def judge_upstream_error(error: Exception) -> Verdict:
    """Whether an error says that the server is not there. What it answers, refusals included, says that it is."""
    return "failure" if isinstance(error, _ABSENT) else "ignored"


UPSTREAM_POLICY = BreakerPolicy(
    window=TimeBased(seconds=30),
    minimum_calls=10,
    failure_rate=0.5,
    open_seconds=2.0,
    max_open_seconds=30.0,
    probes=2,
    probe_seconds=60.0,
    judge_error=judge_upstream_error,
)


class Breaker:
    """`circuit_of` gives the circuit of a server by its name. Raises `UpstreamUnreachable` for a call that is not made."""

    def __init__(self, circuit_of: Callable[[str], CircuitBreaker]) -> None:
        self._circuit_of = circuit_of

    async def __call__(self, passage: Passage, onward: Onward) -> Reply:
        name = passage.route.server.name
        circuit = self._circuit_of(name)
        try:
            reply = await circuit.call(onward, passage)
        except CircuitOpen as error:
            raise UpstreamUnreachable(
                f"The server {name} is not called for now: too many of its last calls failed.",
                retry_after_seconds=error.retry_after_seconds,
                server=name,
            ) from error
        return reply
