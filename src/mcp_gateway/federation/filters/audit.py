"""Every request is written down, refused ones too, before anybody hears what came of it."""

from collections.abc import Awaitable

from mcp_gateway.access.governor import Ended, Governor
from mcp_gateway.core.clock import Clock
from mcp_gateway.federation.endings import Ending, observed
from mcp_gateway.federation.model import Reply
from mcp_gateway.federation.pipeline import Onward, Passage


class Audit:
    """Outermost: whatever a filter refuses is told of here. Raises `AuditUnavailable` in place of what cannot be written."""

    def __init__(self, governor: Governor, clock: Clock) -> None:
        self._governor, self._monotonic = governor, clock.monotonic

    def __call__(self, passage: Passage, onward: Onward) -> Awaitable[Reply]:
        begun = self._monotonic()
        return observed(passage, onward, lambda ending: self._write(passage, begun, ending))

    async def _write(self, passage: Passage, begun: float, ending: Ending) -> None:
        caller, act, decision = passage.request.client.caller, passage.act, passage.decision
        if decision is None:
            return
        if not decision.allowed:
            await self._governor.write_refused(caller, act, decision, error_code=ending.code)
            return
        ended = Ended(
            outcome="cancelled" if ending.given_up else "failed" if ending.failed else "answered",
            error_code=ending.code,
            seconds=self._monotonic() - begun,
        )
        await self._governor.write_ended(caller, act, decision, ended)
