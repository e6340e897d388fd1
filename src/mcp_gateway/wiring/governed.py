"""Use cases that pass the governor first: decided, carried out, written down."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from mcp_gateway.access.act import Act
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.policy.model import Target
from mcp_gateway.access.policy.own_tools import OWN_SERVER
from mcp_gateway.ask.model import Answer, Question
from mcp_gateway.ask.ports import Gathered, ProgressListener
from mcp_gateway.core.identity import Caller
from mcp_gateway.gateway import AskQuestion

ASK: Final = Target(server=OWN_SERVER, tool="ask")
EXECUTE_QUERY: Final = Target(server=OWN_SERVER, tool="execute_query")
LOOK: Final = Target(server=OWN_SERVER, tool="list_tables")

Look: TypeAlias = Callable[[Caller], Awaitable[Gathered]]


@dataclass(frozen=True, kw_only=True, slots=True)
class GovernedQuestion:
    """Implements `AskQuestion` and `RunSql` over another. `action` is "ask" or "run_query"."""

    use_case: AskQuestion
    governor: Governor
    action: Literal["ask", "run_query"]

    async def __call__(self, caller: Caller, question: Question, on_step: ProgressListener | None = None) -> Answer:
        act = Act(
            action=self.action,
            target=ASK if self.action == "ask" else EXECUTE_QUERY,
            arguments={"text": question.text, "mode": question.mode, "session_id": question.session_id},
            correlation_id=question.correlation_id,
            face=question.face,
        )
        return await self.governor.carry_out(caller, act, lambda: self.use_case(caller, question, on_step))


def governed_look(look: Look, governor: Governor) -> Look:
    """What there is to ask about, for whom it may be shown to."""

    async def governed(caller: Caller) -> Gathered:
        return await governor.carry_out(caller, Act(action="read_schema", target=LOOK), lambda: look(caller))

    return governed
