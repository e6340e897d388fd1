"""Every request is written down, refused ones too, before anybody hears what came of it."""

import asyncio

from mcp_gateway.access.errors import InsufficientScope, NotAllowed
from mcp_gateway.access.governor import Ended, Governor
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, Internal
from mcp_gateway.federation.endings import Ending, finishing
from mcp_gateway.federation.model import Reply
from mcp_gateway.federation.pipeline import Onward, Passage


class Audit:
    """Outermost: whatever a filter refuses is told of here. Raises `AuditUnavailable` in place of what cannot be written."""

    def __init__(self, governor: Governor, clock: Clock) -> None:
        self._governor, self._monotonic = governor, clock.monotonic

    async def __call__(self, passage: Passage, onward: Onward) -> Reply:
        begun = self._monotonic()
        try:
            reply = await onward(passage)
        except asyncio.CancelledError:
            await self._write(passage, begun, Ending(failed=False, given_up=True))
            raise
        except (NotAllowed, InsufficientScope) as refusal:
            if passage.decision is not None:
                await self._governor.write_refused(passage.request.client.caller, passage.act, passage.decision, refusal)
            raise
        except GatewayError as error:
            await self._write(passage, begun, Ending(failed=True, code=error.code))
            raise
        except Exception:
            await self._write(passage, begun, Ending(failed=True, code=Internal.code))
            raise
        return await finishing(reply, lambda ending: self._write(passage, begun, ending))

    async def _write(self, passage: Passage, begun: float, ending: Ending) -> None:
        if passage.decision is None:
            return
        ended = Ended(
            outcome="cancelled" if ending.given_up else "failed" if ending.failed else "answered",
            error_code=ending.code,
            seconds=self._monotonic() - begun,
        )
        await self._governor.write_ended(passage.request.client.caller, passage.act, passage.decision, ended)
