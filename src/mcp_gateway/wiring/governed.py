"""Use cases that pass the governor first: decided, carried out, written down."""

from dataclasses import dataclass

from mcp_gateway.access.act import Act
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.policy.model import Action
from mcp_gateway.ask.model import Answer, Question
from mcp_gateway.ask.ports import ProgressListener
from mcp_gateway.core.identity import Caller
from mcp_gateway.gateway import AskQuestion


@dataclass(frozen=True, kw_only=True, slots=True)
class GovernedQuestion:
    """Implements `AskQuestion` and `RunSql` over another."""

    use_case: AskQuestion
    governor: Governor
    action: Action

    async def __call__(self, caller: Caller, question: Question, on_step: ProgressListener | None = None) -> Answer:
        act = Act(
            action=self.action,
            arguments={"text": question.text, "mode": question.mode, "session_id": question.session_id},
            correlation_id=question.correlation_id,
            face=question.face,
        )
        return await self.governor.carry_out(caller, act, lambda: self.use_case(caller, question, on_step))
