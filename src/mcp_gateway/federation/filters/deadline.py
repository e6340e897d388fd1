"""No request takes longer than its server may, whatever goes wrong on the way."""

from collections.abc import AsyncIterator
from dataclasses import replace

from mcp_gateway.core.clock import Clock
from mcp_gateway.federation.errors import UpstreamTimedOut
from mcp_gateway.federation.model import Reply
from mcp_gateway.federation.pipeline import Onward, Passage
from mcp_gateway.kit.resilience.time_limit import TimeLimit
from mcp_gateway.registry.model import Server


class Deadline:
    """The server's `timeout_seconds`, from here to the last piece of the reply. Raises `UpstreamTimedOut`."""

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic

    async def __call__(self, passage: Passage, onward: Onward) -> Reply:
        server = passage.route.server
        until = self._monotonic() + server.limits.timeout_seconds
        try:
            with TimeLimit(server.limits.timeout_seconds):
                reply = await onward(passage)
        except TimeoutError as error:
            raise _overdue(server) from error
        if reply.events is not None:
            return replace(reply, events=self._until(reply, reply.events, until, server))
        if reply.chunks is not None:
            return replace(reply, chunks=self._until(reply, reply.chunks, until, server))
        return reply

    async def _until(self, reply: Reply, pieces: AsyncIterator[bytes], until: float, server: Server) -> AsyncIterator[bytes]:
        while True:
            try:
                with TimeLimit(max(0.0, until - self._monotonic())):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                await reply.close()
                raise _overdue(server) from error
            yield piece


def _overdue(server: Server) -> UpstreamTimedOut:
    seconds = server.limits.timeout_seconds
    return UpstreamTimedOut(
        f"The server {server.name} did not answer within {seconds:g} s.", server=server.name, timeout_seconds=seconds
    )
