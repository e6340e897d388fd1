"""A use case with every call counted and timed: each face is measured alike, because it is done here."""

from mcp_gateway.ask.model import Answer, Question, Step
from mcp_gateway.ask.ports import ProgressListener
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.query_figures import QueryFigures, QueryRecord
from mcp_gateway.gateway import AskQuestion


class Measured:
    """Records one `QueryRecord` for each call, whatever its end; a call cancelled by its client counts as none."""

    def __init__(self, ask: AskQuestion, figures: QueryFigures, clock: Clock) -> None:
        self._ask = ask
        self._figures = figures
        self._clock = clock

    async def __call__(self, caller: Caller, question: Question, on_step: ProgressListener | None = None) -> Answer:
        begun = self._clock.monotonic()
        try:
            answer = await self._ask(caller, question, on_step)
        except GatewayError as error:
            seconds = self._clock.monotonic() - begun
            self._figures.record(QueryRecord(seconds=seconds, outcome="failed", code=error.code, mode=question.mode))
            raise
        self._figures.record(_record(answer, self._clock.monotonic() - begun))
        return answer


def _record(answer: Answer, seconds: float) -> QueryRecord:
    gathering = next((step for step in answer.steps if step.name == "gather"), None)
    return QueryRecord(
        seconds=seconds,
        outcome="answered" if answer.confident else "unsure",
        source=answer.source,
        mode=answer.mode,
        recovery_attempts=len(answer.attempts),
        recovered=answer.recovered,
        fetched=_count(gathering, "fetched"),
        reused=_count(gathering, "reused"),
    )


def _count(step: Step | None, name: str) -> int:
    value = step.output.get(name) if step else None
    return value if isinstance(value, int) else 0
