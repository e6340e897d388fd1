"""Nobody does what the policy does not let them do."""

from mcp_gateway.access.governor import Governor, refusal_of
from mcp_gateway.federation.model import Reply
from mcp_gateway.federation.pipeline import Onward, Passage


class Authorise:
    """Raises `NotAllowed`, `InsufficientScope`, and `AuditUnavailable` for what could not be written down afterwards."""

    def __init__(self, governor: Governor) -> None:
        self._governor = governor

    async def __call__(self, passage: Passage, onward: Onward) -> Reply:
        caller, act = passage.request.client.caller, passage.act
        passage.decision = decision = self._governor.decide(caller, act.action, act.target)
        if not decision.allowed:
            raise refusal_of(decision, act)
        self._governor.require(caller, act)
        return await onward(passage)
